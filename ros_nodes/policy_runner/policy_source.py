"""Which policy runs: one that is shipped, by its task's name, or one from a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import InputError

Observation = Mapping[str, NDArray[Any]]
_KINDS = ("rl", "imitation")


@dataclass(frozen=True, kw_only=True)
class RunnablePolicy:
    """A policy and what it says of the environment that it was trained in."""

    name: str
    """As it was asked for."""
    act: Callable[[Observation], NDArray[np.float32]]
    """From an observation by key to an action (A,)."""
    reset: Callable[[], None]
    """Forgets what was seen."""
    env: str
    """Id of its environment."""
    env_options: Mapping[str, Any]
    """What `gymnasium.make` takes beside the id."""
    observation_shapes: Mapping[str, tuple[int, ...]]
    """Of what it looks at, by key."""
    action_low: tuple[float, ...]
    """(A,) least actions."""
    action_high: tuple[float, ...]
    """(A,) greatest actions."""

    def warm_up(self) -> None:
        """Act once on nothing: the first action of a process takes several steps' time."""
        self.act({key: np.zeros(shape, dtype=np.float32) for key, shape in self.observation_shapes.items()})
        self.reset()


def open_policy(name: str) -> RunnablePolicy:
    """Read a policy, on the CPU and with one thread: actions come one at a time.

    Args:
        name: "rl:TASK" or "imitation:TASK" for one that is shipped, else its file (NAME.safetensors) or the folder of
            its training run.

    Raises:
        InputError: if there is none, or its file is missing or damaged.
    """
    import torch

    torch.set_num_threads(1)
    kind, _, task = name.partition(":")
    if kind in _KINDS and task:
        file = _shipped(kind, task)
    else:
        file = Path(name).expanduser()
        kind = _kind_of(file)
    return _of_reinforcement(name, file) if kind == "rl" else _of_imitation(name, file)


def _shipped(kind: str, task: str) -> Path:
    if kind == "rl":
        from policies.reinforcement import shipped_policy

        return shipped_policy(task)
    from policies.imitation import shipped_imitation

    return shipped_imitation(task)


def _kind_of(file: Path) -> str:
    """Whether a file holds a policy of reinforcement learning or of imitation, by the JSON beside it."""
    from policies.imitation.policy_file import FORMAT, POLICY_NAME
    from policies.reinforcement.policy_file import FORMAT as REINFORCEMENT

    path = (file / POLICY_NAME if file.is_dir() else file).with_suffix(".json")
    try:
        said = json.loads(path.read_text(encoding="utf-8"))["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "policy",
            expected="'rl:TASK', 'imitation:TASK', or the file of a policy with its JSON beside it",
            got=f"{str(file)!r} ({type(error).__name__}: {error})",
        ) from None
    kinds = {REINFORCEMENT: "rl", FORMAT: "imitation"}
    if said not in kinds:
        raise InputError(str(path), expected=f"one of {', '.join(map(repr, kinds))}", got=repr(said))
    return kinds[said]


def _of_reinforcement(name: str, file: Path) -> RunnablePolicy:
    from policies.reinforcement import load_policy

    policy = load_policy(file)
    low, high = (np.broadcast_to(side, policy.action.shape) for side in (policy.action.low, policy.action.high))
    return RunnablePolicy(
        name=name,
        act=policy.act,
        reset=_nothing,
        **_trained_in(policy.metadata, file),
        observation_shapes={key: tuple(entry.shape) for key, entry in policy.observation.items()},
        action_low=tuple(map(float, low)),
        action_high=tuple(map(float, high)),
    )


def _of_imitation(name: str, file: Path) -> RunnablePolicy:
    from policies.imitation import load_policy_file

    loaded = load_policy_file(file)
    shapes = {key: tuple(loaded.layout.observations[key]) for key in loaded.policy.keys}
    return RunnablePolicy(
        name=name,
        act=loaded.policy.select_action,
        reset=loaded.policy.reset,
        **_trained_in(loaded.metadata, file),
        observation_shapes=shapes,
        action_low=loaded.layout.action_low,
        action_high=loaded.layout.action_high,
    )


def _trained_in(metadata: Mapping[str, Any], file: Path) -> dict[str, Any]:
    env = metadata.get("env")
    if not env:
        remedy = "train it on demonstrations whose dataset.json names their environment"
        raise InputError(str(file), expected="a policy that names its environment", got="one without", remedy=remedy)
    return {"env": str(env), "env_options": dict(metadata.get("env_options") or {})}


def _nothing() -> None:
    """A policy without a memory has nothing to forget."""
