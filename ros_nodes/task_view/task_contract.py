"""What the environment of a policy gives and takes: every number with its name, range and unit, and the rate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

import envs  # noqa: F401 - registers the ids
from envs.manipulation import ManipulationEnv
from envs.manipulation.action_modes import ActionMode
from envs.manipulation.arm import WORKSPACE_M
from envs.manipulation.entries import Entry
from geometry import InputError

VECTOR, ACHIEVED, DESIRED = "observation", "achieved_goal", "desired_goal"
"""The keys of the vectors that an environment gives."""
Corner = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class TaskContract:
    """Of one environment; positions are in its world, whose table top is z = 0."""

    env: str
    """Its id."""
    rate_hz: float
    """Steps a second."""
    vectors: Mapping[str, tuple[Entry, ...]]
    """What the numbers of each vector of an observation are, by key."""
    action_entries: tuple[Entry, ...]
    """What the numbers of an action are."""
    mode: ActionMode
    """How actions before the gripper's move the arm."""
    closed: bool
    """Whether the fingers stay closed."""
    objects: tuple[str, ...]
    """Names of the things whose poses it gives."""
    goals: tuple[str, ...]
    """Names of the things that have a place to be brought to, in the order of the goal's numbers."""
    start_m: Corner
    """Where the fingertips begin."""
    workspace_m: tuple[Corner, Corner]
    """Lower and upper corner of where the fingertips may be sent."""
    reached: Callable[[NDArray[Any], NDArray[Any]], Any] | None
    """Whether an achieved goal is the desired one; None where the task has no goal."""

    @classmethod
    def of_env(cls, env: str, options: Mapping[str, Any]) -> TaskContract:
        """Of the environment with these options; its world is not built.

        Raises:
            InputError: if there is none, it is none of an arm at a table, or it gives images or clouds.
        """
        made = _made(env, options)
        task = made.task
        contract = cls(
            env=env,
            rate_hz=1.0 / made.physics.control_period_s,
            vectors=_vectors(made),
            action_entries=made.action_entries,
            mode=made.mode,
            closed=task.closed,
            objects=tuple(name for name in _with_axes(made.state_entries, " position") if name != "hand"),
            goals=_with_axes(task.goal_entries, ""),
            start_m=task.start_m,
            workspace_m=(WORKSPACE_M[0], (*WORKSPACE_M[1][:2], task.ceiling_m)),
            reached=task.reached if task.goal_entries else None,
        )
        made.close()
        return contract

    @property
    def period_s(self) -> float:
        """Time of one step."""
        return 1.0 / self.rate_hz

    def check_policy(
        self, shapes: Mapping[str, tuple[int, ...]], low: tuple[float, ...], high: tuple[float, ...], where: str
    ) -> None:
        """See that a policy looks at what the environment gives and does what it takes.

        Args:
            shapes: of what the policy looks at, by key.
            low: (A,) its least actions.
            high: (A,) its greatest actions.
            where: the policy, for the message.
        Raises:
            InputError: lists all that does not fit.
        """
        ours = {key: (len(entries),) for key, entries in self.vectors.items()}
        wrong = [
            f"{key} {shape} where the environment gives {ours.get(key, 'nothing')}"
            for key, shape in shapes.items()
            if ours.get(key) != shape
        ]
        bounds = [(entry.low, entry.high) for entry in self.action_entries]
        if len(bounds) != len(low) or not np.allclose(bounds, np.transpose([low, high])):
            wrong.append(f"actions from {low} to {high} where the environment takes {bounds}")
        if wrong:
            raise InputError(where, expected=f"a policy for {self.env} as it is here", got="; ".join(wrong))


def _made(env: str, options: Mapping[str, Any]) -> ManipulationEnv:
    known = {key: value for key, value in options.items() if key != "render_mode"}
    try:
        made = gymnasium.make(env, **known).unwrapped
    except (gymnasium.error.Error, TypeError) as error:
        raise InputError("policy", expected="an environment of this version", got=f"{env}: {error}") from None
    if not isinstance(made, ManipulationEnv):
        raise InputError(
            "policy", expected="a policy for an arm at a table (graspmimic/Reach-v0 and the like)", got=f"one for {env}"
        )
    return made


def _vectors(made: ManipulationEnv) -> dict[str, tuple[Entry, ...]]:
    goal = made.task.goal_entries
    known = {VECTOR: made.state_entries, **({ACHIEVED: goal, DESIRED: goal} if goal else {})}
    space = made.observation_space
    given = list(space.spaces) if isinstance(space, gymnasium.spaces.Dict) else [VECTOR]
    if seen := [key for key in given if key not in known]:
        raise InputError(
            "policy",
            expected="a policy that acts on a state (observation='state')",
            got=f"one that looks at {', '.join(seen)}",
            remedy="images and clouds are not supplied; train one on the state",
        )
    return known


def _with_axes(entries: tuple[Entry, ...], ending: str) -> tuple[str, ...]:
    """Names N for which there is an entry "N<ending> x", in their order."""
    tail = f"{ending} x"
    return tuple(entry.name.removesuffix(tail) for entry in entries if entry.name.endswith(tail))
