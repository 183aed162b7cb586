"""What a trajectory must be before the controller takes it: complete, in order, finite, within the arm's limits.

The same rules as joint_trajectory_controller's, in its default settings; besides, numbers must be finite and
positions and speeds within the limits, as the Panda's own interface demands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from envs.panda import JointLimits
from geometry import FloatArray
from ros_nodes.sim_robot.spline import Spline

_SLACK = 1e-3


class ErrorCode(IntEnum):
    """`error_code` of control_msgs/action/FollowJointTrajectory."""

    SUCCESSFUL = 0
    INVALID_GOAL = -1
    INVALID_JOINTS = -2
    OLD_HEADER_TIMESTAMP = -3
    PATH_TOLERANCE_VIOLATED = -4
    GOAL_TOLERANCE_VIOLATED = -5


class Point(NamedTuple):
    """One point of a trajectory as it came; empty where a field was left out."""

    time_s: float
    positions: Sequence[float]
    velocities: Sequence[float] = ()
    accelerations: Sequence[float] = ()
    effort: Sequence[float] = ()


@dataclass(frozen=True, kw_only=True)
class TrajectoryRequest:
    """A trajectory as it came."""

    joint_names: Sequence[str]
    """Of the numbers in the points; any order."""
    points: Sequence[Point]
    """The points."""
    start_s: float | None = None
    """When it begins; None is at once."""

    def starting(self, start_s: float) -> TrajectoryRequest:
        """The same with another beginning."""
        return replace(self, start_s=start_s)


class Refusal(NamedTuple):
    """Why a trajectory is not taken."""

    code: ErrorCode
    reason: str


def check_trajectory(
    request: TrajectoryRequest,
    names: Sequence[str],
    limits: JointLimits,
    now_s: float,
    *,
    moving_end: bool = False,
) -> Spline | Refusal:
    """The trajectory in the controller's order of joints and in its time, or why it is refused.

    Args:
        request: as it came.
        names: (J,) of the controller's joints.
        limits: of the arm.
        now_s: the controller's time.
        moving_end: whether the last point may have a velocity.
    """
    refusal = _wrong_joints(request, names) or _wrong_times(request, now_s)
    if refusal is not None:
        return refusal
    order = [list(request.joint_names).index(name) for name in names]
    rows = []
    for field in ("positions", "velocities", "accelerations"):
        row = _field(request, field, order, required=field == "positions")
        if isinstance(row, Refusal):
            return row
        rows.append(row)
    start_s = now_s if request.start_s is None else request.start_s
    times_s = start_s + np.array([p.time_s for p in request.points], dtype=np.float64)
    spline = Spline(times_s, *rows)
    return _beyond(spline, names, limits, moving_end) or spline


def _wrong_joints(request: TrajectoryRequest, names: Sequence[str]) -> Refusal | None:
    given = list(request.joint_names)
    if sorted(given) == sorted(names):
        return None
    missing, unknown = [n for n in names if n not in given], [n for n in given if n not in names]
    problem = f"missing {missing}, unknown {unknown}" if missing or unknown else f"named twice in {given}"
    return Refusal(ErrorCode.INVALID_JOINTS, f"expected each of {list(names)} once; {problem}")


def _wrong_times(request: TrajectoryRequest, now_s: float) -> Refusal | None:
    times = np.array([p.time_s for p in request.points], dtype=np.float64)
    if not len(times):
        return Refusal(ErrorCode.INVALID_GOAL, "the trajectory has no points")
    if not np.all(np.isfinite(times)) or times[0] < 0.0 or np.any(np.diff(times) <= 0.0):
        return Refusal(ErrorCode.INVALID_GOAL, f"time_from_start must increase strictly from 0, got {times.tolist()}")
    if request.start_s is not None and request.start_s + times[-1] < now_s:
        late = now_s - request.start_s - times[-1]
        return Refusal(ErrorCode.OLD_HEADER_TIMESTAMP, f"the trajectory ended {late:.3f} s ago by its header.stamp")
    return None


def _field(request: TrajectoryRequest, field: str, order: list[int], *, required: bool) -> FloatArray | Refusal:
    """(n, J) the numbers of a field, NaN where a point leaves it out."""
    rows = np.full((len(request.points), len(order)), np.nan)
    for i, point in enumerate(request.points):
        values = np.asarray(getattr(point, field), dtype=np.float64)
        if len(point.effort):
            return Refusal(ErrorCode.INVALID_GOAL, f"point {i}: effort is not supported, leave it empty")
        if not len(values) and not required:
            continue
        if len(values) != len(order):
            return Refusal(ErrorCode.INVALID_GOAL, f"point {i}: expected {len(order)} {field}, got {len(values)}")
        if not np.all(np.isfinite(values)):
            return Refusal(ErrorCode.INVALID_GOAL, f"point {i}: {field} must be finite, got {values.tolist()}")
        rows[i] = values[order]
    return rows


def _beyond(spline: Spline, names: Sequence[str], limits: JointLimits, moving_end: bool) -> Refusal | None:
    outside = limits.margin(spline.q) < -_SLACK
    if outside.any():
        i, j = np.argwhere(outside)[0]
        lower, upper = limits.lower_rad[j], limits.upper_rad[j]
        return Refusal(
            ErrorCode.INVALID_GOAL,
            f"point {i}: {names[j]} at {spline.q[i, j]:.4f} rad is outside its limits {lower} to {upper} rad",
        )
    speeds = np.nan_to_num(np.abs(spline.dq))
    fast = speeds > np.asarray(limits.velocity) * (1.0 + _SLACK)
    if fast.any():
        i, j = np.argwhere(fast)[0]
        return Refusal(
            ErrorCode.INVALID_GOAL,
            f"point {i}: {names[j]} at {speeds[i, j]:.4f} rad/s is above its limit {limits.velocity[j]} rad/s",
        )
    if not moving_end and speeds[-1].max() > 1e-3:
        j = int(np.argmax(speeds[-1]))
        return Refusal(
            ErrorCode.INVALID_GOAL, f"the last point's velocity of {names[j]} must be 0, got {spline.dq[-1, j]}"
        )
    return None
