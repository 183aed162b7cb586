"""A trained policy on disk: weights with their normaliser in safetensors, what it is and whence in JSON beside it.

Neither file can run code: the kind of policy is looked up in a table, and its configuration is plain data.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from geometry import InputError
from perception.grasping.network import fill_module, load_weights, save_weights
from policies.imitation.behavior_cloning import BCConfig
from policies.imitation.chunk_perceptron import ChunkPerceptronConfig
from policies.imitation.chunk_transformer import ACTConfig
from policies.imitation.continual.task_policy import TaskPolicyConfig
from policies.imitation.data_layout import DataLayout
from policies.imitation.flow import FlowConfig
from policies.imitation.policy import Policy
from policies.imitation.policy_config import PolicyConfig
from policies.imitation.recurrent_cloning import RecurrentBCConfig

FORMAT = "graspmimic imitation policy 1"
POLICY_NAME = "policy.safetensors"
KINDS: dict[str, type[PolicyConfig]] = {
    config.kind: config
    for config in (BCConfig, RecurrentBCConfig, ChunkPerceptronConfig, ACTConfig, FlowConfig, TaskPolicyConfig)
}
"""The configuration of each kind of policy, by its name in files and on the command line."""
_PACKAGES = ("torch", "numpy", "gymnasium")


class PolicyFile(NamedTuple):
    """What a file holds."""

    policy: Policy
    """Ready to act."""
    config: PolicyConfig
    """How it was built."""
    layout: DataLayout
    """Of its observations and actions."""
    metadata: dict[str, Any]
    """What the one who saved it said of it: environment, data, training."""


def save_policy_file(
    path: Path, policy: Policy, config: PolicyConfig, layout: DataLayout, metadata: Mapping[str, Any]
) -> None:
    """Write a policy.

    Args:
        path: NAME.safetensors; NAME.json is written beside it.
        policy: built from `config` for `layout`.
        config: of the policy.
        layout: of the data.
        metadata: what JSON can hold.
    Raises:
        InputError: if it cannot be written.
    """
    record = {
        "format": FORMAT,
        "kind": config.kind,
        "config": asdict(config),
        "layout": asdict(layout),
        "metadata": dict(metadata),
        "saved_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
    }
    save_weights(path, policy.state_dict(), record)


def load_policy_file(path: Path) -> PolicyFile:
    """Read what `save_policy_file` wrote.

    Args:
        path: NAME.safetensors, or the folder of a training run.
    Raises:
        InputError: if a file is missing, damaged, of another kind or version, or does not fit the other.
    """
    if not path.exists():
        raise InputError(str(path), expected=f"{POLICY_NAME} of a training run, or its folder", got="nothing there")
    path = path / POLICY_NAME if path.is_dir() else path
    tensors, record = load_weights(path, FORMAT)
    try:
        config = config_of_record({"kind": record["kind"], **record["config"]})
        shapes = {str(key): tuple(map(int, shape)) for key, shape in record["layout"]["observations"].items()}
        low, high = (tuple(map(float, record["layout"][side])) for side in ("action_low", "action_high"))
        summed = tuple(map(bool, record["layout"]["summed"]))
        places = {str(key): tuple(map(bool, each)) for key, each in record["layout"]["places"].items()}
        layout = DataLayout(observations=shapes, action_low=low, action_high=high, summed=summed, places=places)
        policy = config.make(layout)
        metadata = dict(record["metadata"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError) as error:
        got = f"one without {error}" if isinstance(error, KeyError) else f"{type(error).__name__}: {error}"
        raise InputError(
            str(path.with_suffix(".json")),
            expected="the record of a policy of this version",
            got=got,
            remedy="train the policy again; what an earlier version did not note cannot be made up",
        ) from None
    fill_module(policy, tensors, str(path))
    policy.eval().reset()
    return PolicyFile(policy, config, layout, metadata)


def load_imitation_policy(path: Path) -> Policy:
    """The policy of a file, ready to act (see `load_policy_file`)."""
    return load_policy_file(path).policy


def make_config(kind: str, **given: Any) -> PolicyConfig:
    """The configuration of a kind of policy by its name, with what is given in place of its defaults.

    Raises:
        InputError: if there is no such kind, or it has no such setting.
    """
    if kind not in KINDS:
        raise InputError("policy", expected=f"one of {', '.join(KINDS)}", got=kind)
    known = {field.name for field in fields(KINDS[kind])}
    if unknown := sorted(given.keys() - known):
        raise InputError(f"policy {kind}", expected=f"settings among {', '.join(sorted(known))}",
                         got=", ".join(unknown))  # fmt: skip
    return KINDS[kind](**given)


def config_of_record(record: Mapping[str, Any]) -> PolicyConfig:
    """The configuration that a record tells: its "kind", and its settings as JSON or `asdict` gives them.

    Raises:
        InputError: see `make_config`.
    """
    return make_config(record["kind"], **{name: _tuples(value) for name, value in record.items() if name != "kind"})


def _tuples(value: Any) -> Any:
    """Lists, as JSON gives them back, as tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
