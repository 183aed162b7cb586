"""Trained policies as demonstrators, from their files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from geometry import InputError
from policies.demonstrations.demonstrator import PolicyDemonstrator
from policies.demonstrations.observation_keys import named


def load_demonstrator(file: Path) -> PolicyDemonstrator:
    """A policy that plays.

    Args:
        file: NAME.safetensors of reinforcement learning or of imitation (see `file_of_policy`).

    Raises:
        InputError: if it is none.
    """
    import torch

    torch.set_num_threads(1)  # one action at a time: more threads cost more than they bring
    if _of_reinforcement(file):
        from policies.reinforcement import load_policy as load_trained

        return PolicyDemonstrator(load_trained(file).act)
    from policies.imitation.policy_file import load_imitation_policy

    policy = load_imitation_policy(file)

    def act(seen: Any) -> NDArray[Any]:
        return policy.select_action(named(seen))

    return PolicyDemonstrator(act, policy.reset)


def file_of_policy(path: Path) -> Path:
    """The file of weights at a path: itself, or policy.safetensors where it is the folder of a training run."""
    return path / "policy.safetensors" if path.is_dir() else path


def options_of_policy(file: Path, env_id: str) -> dict[str, Any]:
    """Options of the environment that a policy was trained in.

    Args:
        file: see `load_demonstrator`.
        env_id: of the environment in which it is to play.

    Raises:
        InputError: if it was trained in another, or the file is no policy's.
    """
    about = _record(file).get("metadata")
    made_for = about.get("env") if isinstance(about, dict) else None
    if not isinstance(about, dict) or made_for != env_id:
        raise InputError("--policy", expected=f"a policy for {env_id}", got=f"one for {made_for or '?'}")
    return dict(about.get("env_options", {}))


def _of_reinforcement(file: Path) -> bool:
    from policies.reinforcement.policy_file import FORMAT

    return bool(_record(file).get("format") == FORMAT)


def _record(file: Path) -> dict[str, Any]:
    """The JSON beside the weights."""
    path = file.with_suffix(".json")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        got, remedy = f"{type(error).__name__}: {error}", "name the .safetensors file of a policy with its JSON beside"
        raise InputError(str(path), expected="the record of a policy", got=got, remedy=remedy) from None
    if not isinstance(record, dict):
        raise InputError(str(path), expected="the record of a policy", got=type(record).__name__)
    return record
