"""ClutterPick: a policy that corrects the detector's choice, its training and its evaluation.

What needs PyTorch, and what needs Stable-Baselines3, is imported when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policies.reinforcement.clutter_pick.evaluation import evaluate_clutter_pick
    from policies.reinforcement.clutter_pick.network_proposer import NetworkProposer
    from policies.reinforcement.clutter_pick.policy import ClutterPickPolicy
    from policies.reinforcement.clutter_pick.policy_file import load_policy, save_policy
    from policies.reinforcement.clutter_pick.training import ClutterPickTraining, train_clutter_pick
    from policies.reinforcement.clutter_pick.training_tables import hard_tables, part_of

__all__ = [
    "ClutterPickPolicy",
    "ClutterPickTraining",
    "NetworkProposer",
    "evaluate_clutter_pick",
    "hard_tables",
    "load_policy",
    "part_of",
    "save_policy",
    "train_clutter_pick",
]

_ROOMS = {
    "ClutterPickPolicy": "policy",
    "ClutterPickTraining": "training",
    "NetworkProposer": "network_proposer",
    "evaluate_clutter_pick": "evaluation",
    "hard_tables": "training_tables",
    "load_policy": "policy_file",
    "part_of": "training_tables",
    "save_policy": "policy_file",
    "train_clutter_pick": "training",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
