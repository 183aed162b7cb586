"""Learning one task after the other without forgetting: springs on weights, replay, and how forgetting is told.

Rooms are opened when one of their names is first asked for: policy files need the room of task policies alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policies.imitation.continual.ewc import Springs, fisher_diagonal
    from policies.imitation.continual.forgetting import SuccessHistory, seed_interval
    from policies.imitation.continual.job import ContinualJob
    from policies.imitation.continual.learner import METHODS, ContinualConfig, ContinualLearner
    from policies.imitation.continual.replay import ReplaySettings
    from policies.imitation.continual.sequence import Looks, Rates, TaskData, learn_sequence
    from policies.imitation.continual.shared_space import SharedSpace
    from policies.imitation.continual.task_policy import TaskPolicy, TaskPolicyConfig

_ROOMS = {
    "METHODS": "learner",
    "ContinualConfig": "learner",
    "ContinualJob": "job",
    "ContinualLearner": "learner",
    "Looks": "sequence",
    "Rates": "sequence",
    "ReplaySettings": "replay",
    "SharedSpace": "shared_space",
    "Springs": "ewc",
    "SuccessHistory": "forgetting",
    "TaskData": "sequence",
    "TaskPolicy": "task_policy",
    "TaskPolicyConfig": "task_policy",
    "fisher_diagonal": "ewc",
    "learn_sequence": "sequence",
    "seed_interval": "forgetting",
}

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
    "TaskPolicyConfig",
    "fisher_diagonal",
    "learn_sequence",
    "seed_interval",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
