"""How far the arm may be from where it should be, with the meaning of control_msgs/JointTolerance.

A value above 0 is a bound; 0 asks for the controller's own; below 0 lifts the bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from geometry import FloatArray, InputError

_QUANTITIES = (("position", "rad"), ("velocity", "rad/s"), ("acceleration", "rad/s^2"))


class JointTolerance(NamedTuple):
    """One entry of a goal's tolerances."""

    name: str
    position: float = 0.0
    velocity: float = 0.0
    acceleration: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Tolerances:
    """Bounds on the error of each joint; infinity is no bound."""

    path: FloatArray
    """(J, 2) rad and rad/s, while the trajectory runs."""
    goal: FloatArray
    """(J, 2) rad and rad/s, at its end."""
    goal_time_s: float
    """How long after its end the goal may take to be reached."""

    @classmethod
    def uniform(
        cls, joints: int, *, path_rad: float, goal_rad: float, stopped_rad_s: float, goal_time_s: float
    ) -> Tolerances:
        """The controller's own: the same for each joint; 0 is no bound."""
        path = np.tile([_bound(path_rad), np.inf], (joints, 1))
        goal = np.tile([_bound(goal_rad), _bound(stopped_rad_s)], (joints, 1))
        return cls(path=path, goal=goal, goal_time_s=_bound(goal_time_s))

    def with_goal(
        self,
        names: Sequence[str],
        path: Sequence[JointTolerance],
        goal: Sequence[JointTolerance],
        goal_time_s: float,
    ) -> Tolerances:
        """These bounds, changed by what a goal asks for.

        Args:
            names: (J,) of the joints, in the controller's order.
            path: entries of the goal's path tolerance.
            goal: entries of its goal tolerance.
            goal_time_s: its goal time tolerance.
        Raises:
            InputError: for a joint that the controller does not have, or a number that is not finite.
        """
        if not np.isfinite(goal_time_s):
            raise InputError("goal_time_tolerance", expected="a finite number", got=f"{goal_time_s}")
        return Tolerances(
            path=_changed(self.path, names, path, "path_tolerance"),
            goal=_changed(self.goal, names, goal, "goal_tolerance"),
            goal_time_s=_chosen(goal_time_s, self.goal_time_s),
        )


def worst_violation(names: Sequence[str], error: FloatArray, bounds: FloatArray) -> str:
    """One line about the joint that is farthest beyond its bound; empty where all are within.

    Args:
        names: (J,).
        error: (J, 2) rad and rad/s, desired minus actual.
        bounds: (J, 2).
    """
    excess = np.abs(error) / bounds
    joint, quantity = divmod(int(np.argmax(excess)), excess.shape[1])
    if not excess[joint, quantity] > 1.0:
        return ""
    name, unit = _QUANTITIES[quantity]
    return (
        f"{names[joint]}: {name} error {error[joint, quantity]:+.4f} {unit}, "
        f"tolerance {bounds[joint, quantity]:.4f} {unit}"
    )


def _changed(bounds: FloatArray, names: Sequence[str], entries: Sequence[JointTolerance], where: str) -> FloatArray:
    changed = bounds.copy()
    for entry in entries:
        if entry.name not in names:
            raise InputError(where, expected=f"joints of {list(names)}", got=repr(entry.name))
        if not np.all(np.isfinite(entry[1:])):
            raise InputError(f"{where} of {entry.name}", expected="finite numbers", got=f"{entry[1:]}")
        row = changed[list(names).index(entry.name)]
        row[0], row[1] = _chosen(entry.position, row[0]), _chosen(entry.velocity, row[1])
    return changed


def _chosen(value: float, default: float) -> float:
    return float(default) if value == 0.0 else (np.inf if value < 0.0 else float(value))


def _bound(value: float) -> float:
    return float(value) if value > 0.0 else np.inf
