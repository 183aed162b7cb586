"""Learning one task after the other without forgetting: springs on weights, replay, and how forgetting is told."""

from policies.imitation.continual.ewc import Springs, fisher_diagonal
from policies.imitation.continual.forgetting import SuccessHistory, seed_interval
from policies.imitation.continual.job import ContinualJob
from policies.imitation.continual.learner import METHODS, ContinualConfig, ContinualLearner
from policies.imitation.continual.replay import ReplaySettings
from policies.imitation.continual.sequence import Looks, Rates, TaskData, TaskPolicy, learn_sequence, load_task_policy
from policies.imitation.continual.shared_space import SharedSpace

__all__ = [
    "METHODS",
    "ContinualConfig",
    "ContinualJob",
    "ContinualLearner",
    "Looks",
    "Rates",
    "ReplaySettings",
    "SharedSpace",
    "Springs",
    "SuccessHistory",
    "TaskData",
    "TaskPolicy",
    "fisher_diagonal",
    "learn_sequence",
    "load_task_policy",
    "seed_interval",
]
