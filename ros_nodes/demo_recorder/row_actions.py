"""The actions between the moments of a demonstration, as a policy in the environment would have given them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.manipulation import HAND_STEP_M, MAX_OPENING_M
from geometry import FloatArray, InputError
from ros_nodes.demo_recorder.recorded_row import RecordedRow

ActionsFrom = Literal["topic", "command", "motion"]
ACTIONS_FROM: tuple[ActionsFrom, ...] = ("topic", "command", "motion")
_HAND = tuple(f"hand displacement {axis}" for axis in "xyz")
_SPAN_M = 0.002
"""A gripper that moves less in a step stands still."""


class RowActions(NamedTuple):
    """Actions, and how much of them had to be cut off."""

    actions: NDArray[np.float32]
    """(T, A) within [-1, 1]."""
    clipped: float
    """Share of steps in which the hand went farther than an action can say."""


def check_actions_from(kind: ActionsFrom, names: Sequence[str]) -> None:
    """See that actions of these names can be had in this way.

    Raises:
        InputError: if only a topic could tell them.
    """
    if kind != "topic" and (tuple(names[:3]) != _HAND or len(names) > 4 or "yaw" in names[-1]):
        raise InputError(
            "actions_from", expected=f"'topic' for actions {', '.join(names)}", got=repr(kind),
            remedy="motions and joint commands tell displacements of the hand and the gripper alone",
        )  # fmt: skip


def actions_of_motion(rows: Sequence[RecordedRow], *, gripper: bool, targets: Sequence[FloatArray | None] = (),
                      hand_at: Callable[[FloatArray], FloatArray] | None = None) -> RowActions:  # fmt: skip
    """What the hand did from each moment to the next, or was told to do, as shares of a step's largest displacement.

    A gripper has been told to close while it closes and after, to open while it opens and after: where it stands
    alone does not say that it presses.

    Args:
        rows: T + 1 moments.
        gripper: whether the last number of an action is the gripper.
        targets: for each step the last joint target (n,) that was sent in it, or None; empty takes what was done.
        hand_at: the grasp point (3,) at joint positions; needed for targets.
    """
    ways = []
    for step in range(len(rows) - 1):
        now, end = rows[step], rows[step + 1].hand_m
        if targets:
            target = targets[step]
            end = now.hand_m if target is None or hand_at is None else hand_at(target)
        ways.append((end - now.hand_m) / HAND_STEP_M)
    wanted = np.array(ways).reshape(-1, 3)
    moves = np.clip(wanted, -1.0, 1.0)
    clipped = float((np.abs(wanted) > 1.0).any(axis=1).mean()) if len(wanted) else 0.0
    columns = [moves, *([gripper_told([row.opening_m for row in rows])[:, None]] if gripper else [])]
    return RowActions(np.concatenate(columns, axis=1).astype(np.float32), clipped)


def gripper_told(openings_m: Sequence[float]) -> FloatArray:
    """(T,) -1 or 1: what the gripper was told in each step between T + 1 openings."""
    told = 1.0 if openings_m[0] > 0.5 * MAX_OPENING_M else -1.0
    first = next((np.sign(b - a) for a, b in zip(openings_m, openings_m[1:], strict=False) if abs(b - a) > _SPAN_M), 0)
    told = -first if first and abs(openings_m[0] - 0.5 * MAX_OPENING_M) < 0.4 * MAX_OPENING_M else told
    steps = []
    for now, then in zip(openings_m, openings_m[1:], strict=False):
        if abs(then - now) > _SPAN_M:
            told = float(np.sign(then - now))
        steps.append(told)
    return np.array(steps)
