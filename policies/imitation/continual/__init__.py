"""Learning one task after the other without forgetting: springs on weights, replay, and how forgetting is told."""

from policies.imitation.continual.ewc import Springs, fisher_diagonal
from policies.imitation.continual.forgetting import SuccessHistory, seed_interval
from policies.imitation.continual.replay import ReplaySettings
from policies.imitation.continual.shared_space import SharedSpace

__all__ = ["ReplaySettings", "SharedSpace", "Springs", "SuccessHistory", "fisher_diagonal", "seed_interval"]
