"""Where the arm's links may be: a box about the base, and above the table.

Kinematics come in as a callable from postures to named points; `link_points` makes it of an `ArmModel`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from envs.arms import ArmModel
from geometry import FloatArray, InputError

LinkPoints = Callable[[FloatArray], dict[str, FloatArray]]
"""Postures (..., n) to points (..., 3) on the arm in its base frame, m, by name; "grasp" is the point between the
fingertips."""

TIP = "grasp"


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """A box in the arm's base frame, and a table in it."""

    lower_m: tuple[float, float, float]
    """Smallest coordinates of any point of the arm."""
    upper_m: tuple[float, float, float]
    """Largest coordinates of any point of the arm."""
    table_z_m: float
    """Height of the table top."""
    tip_clearance_m: float = 0.0
    """Least height of the grasp frame above the table."""
    link_clearance_m: float = 0.05
    """Least height of the other points above the table."""

    def __post_init__(self) -> None:
        if len(self.lower_m) != 3 or len(self.upper_m) != 3 or not np.all(np.less(self.lower_m, self.upper_m)):
            raise InputError("Workspace", expected="lower_m < upper_m, 3 numbers each", got=f"{self}")

    def outside(self, name: str, points: FloatArray) -> FloatArray:
        """(...) how far points (..., 3) lie outside, m; 0 inside."""
        floor = self.table_z_m + (self.tip_clearance_m if name == TIP else self.link_clearance_m)
        lower = np.array([*self.lower_m[:2], max(self.lower_m[2], floor)])
        return np.maximum(np.maximum(lower - points, points - np.asarray(self.upper_m)).max(axis=-1), 0.0)


def link_points(arm: ArmModel) -> LinkPoints:
    """The kinematics of an arm: its grasp frame, and the joints past the shoulder by their names."""
    last_fixed = 2

    def points(q: FloatArray) -> dict[str, FloatArray]:
        frames = arm.joint_frames(q)
        joints = {name: frames[..., index, :3, 3] for index, name in enumerate(arm.joint_names) if index >= last_fixed}
        return {**joints, TIP: (frames[..., -1, :, :] @ arm.T_last_grasp)[..., :3, 3]}

    return points
