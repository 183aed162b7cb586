"""Reinforcement learning: lean learners on Stable-Baselines3, what they see, demonstrations, and trained policies.

Rooms are opened when one of their names is first asked for: whoever only acts with a policy needs no trainer.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policies.reinforcement.checkpoint import Progress
    from policies.reinforcement.evaluation import TEST_SEED, Act, Evaluation, evaluate
    from policies.reinforcement.filming import film_episodes
    from policies.reinforcement.policy_file import TrainedPolicy, load_policy, save_policy
    from policies.reinforcement.settings import TUNED, Algorithm, TrainSettings, settings_for
    from policies.reinforcement.shipped import env_of_policy, expert_act, shipped_policy
    from policies.reinforcement.task_env import make_task_env
    from policies.reinforcement.training import Report, train

__all__ = [
    "TEST_SEED",
    "TUNED",
    "Act",
    "Algorithm",
    "Evaluation",
    "Progress",
    "Report",
    "TrainSettings",
    "TrainedPolicy",
    "env_of_policy",
    "evaluate",
    "expert_act",
    "film_episodes",
    "load_policy",
    "make_task_env",
    "save_policy",
    "settings_for",
    "shipped_policy",
    "train",
]

_ROOMS = {
    "TEST_SEED": "evaluation",
    "TUNED": "settings",
    "Act": "evaluation",
    "Algorithm": "settings",
    "Evaluation": "evaluation",
    "Progress": "checkpoint",
    "Report": "training",
    "TrainSettings": "settings",
    "TrainedPolicy": "policy_file",
    "env_of_policy": "shipped",
    "evaluate": "evaluation",
    "expert_act": "shipped",
    "film_episodes": "filming",
    "load_policy": "policy_file",
    "make_task_env": "task_env",
    "save_policy": "policy_file",
    "settings_for": "settings",
    "shipped_policy": "shipped",
    "train": "training",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
