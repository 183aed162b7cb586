"""Imitation: policies learned from demonstrations.

Rooms are opened when one of their names is first asked for: whoever only acts with a policy needs no trainer.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policies.imitation.data_layout import DataLayout
    from policies.imitation.evaluation import (
        PolicyEvaluation,
        act_of,
        evaluate_acts,
        evaluate_in_processes,
        evaluate_policy,
    )
    from policies.imitation.policy import Batch, Observation, Policy
    from policies.imitation.policy_config import PolicyConfig
    from policies.imitation.policy_file import (
        PolicyFile,
        load_imitation_policy,
        load_policy_file,
        make_config,
        save_policy_file,
    )
    from policies.imitation.shipped import shipped_imitation
    from policies.imitation.stages import StageWatch
    from policies.imitation.training import Report, train_imitation, train_policy
    from policies.imitation.training_config import TrainingConfig
    from policies.imitation.training_log import TrainingLog
    from policies.imitation.training_run import TrainingRun
    from policies.imitation.windows import Windows

_ROOMS = {
    "Batch": "policy",
    "DataLayout": "data_layout",
    "Observation": "policy",
    "Policy": "policy",
    "PolicyConfig": "policy_config",
    "PolicyEvaluation": "evaluation",
    "PolicyFile": "policy_file",
    "Report": "training",
    "StageWatch": "stages",
    "TrainingConfig": "training_config",
    "TrainingLog": "training_log",
    "TrainingRun": "training_run",
    "Windows": "windows",
    "act_of": "evaluation",
    "evaluate_acts": "evaluation",
    "evaluate_in_processes": "evaluation",
    "evaluate_policy": "evaluation",
    "load_imitation_policy": "policy_file",
    "load_policy_file": "policy_file",
    "make_config": "policy_file",
    "save_policy_file": "policy_file",
    "shipped_imitation": "shipped",
    "train_imitation": "training",
    "train_policy": "training",
}

__all__ = [
    "Batch",
    "DataLayout",
    "Observation",
    "Policy",
    "PolicyConfig",
    "PolicyEvaluation",
    "PolicyFile",
    "Report",
    "StageWatch",
    "TrainingConfig",
    "TrainingLog",
    "TrainingRun",
    "Windows",
    "act_of",
    "evaluate_acts",
    "evaluate_in_processes",
    "evaluate_policy",
    "load_imitation_policy",
    "load_policy_file",
    "make_config",
    "save_policy_file",
    "shipped_imitation",
    "train_imitation",
    "train_policy",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
