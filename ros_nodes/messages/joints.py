"""Joint positions and trajectories <-> sensor_msgs/JointState and trajectory_msgs/JointTrajectory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from geometry import FloatArray, InputError
from ros_nodes.messages.stamps import duration_of, seconds_of


class JointReading(NamedTuple):
    """What was measured of some joints at one moment."""

    q: FloatArray
    """(n,) positions, rad (m for sliding joints)."""
    dq: FloatArray
    """(n,) speeds, rad/s; NaN where the message tells none."""
    effort: FloatArray
    """(n,) torques, N m (forces, N); NaN where the message tells none."""
    time_s: float
    """Stamp of the message, seconds."""


def carries_joints(msg: Any, names: Sequence[str]) -> bool:
    """Whether a JointState tells of all these joints; arm and gripper often come in messages of their own."""
    return set(names) <= set(msg.name)


def joints_of(msg: Any, names: Sequence[str]) -> JointReading:
    """The named joints of a JointState, in the order of `names`.

    Raises:
        InputError: where a joint is missing (see `carries_joints`), the arrays have other lengths than the names,
            or a position is not finite.
    """
    order = _order("JointState", list(msg.name), names, may_have_more=True)
    q = _column("JointState: position", msg.position, len(msg.name), order)
    if not np.all(np.isfinite(q)):
        raise InputError(
            "JointState: position", expected="finite numbers", got=f"{dict(zip(names, q.tolist(), strict=True))}"
        )
    return JointReading(
        q=q,
        dq=_column("JointState: velocity", msg.velocity, len(msg.name), order, may_be_empty=True),
        effort=_column("JointState: effort", msg.effort, len(msg.name), order, may_be_empty=True),
        time_s=seconds_of(msg.header.stamp),
    )


def trajectory_message(times_s: ArrayLike, q: ArrayLike, dq: ArrayLike | None, names: Sequence[str]) -> JointTrajectory:
    """Message of a sampled motion that starts when it arrives (its header's stamp is 0).

    Args:
        times_s: (T,) seconds from the start, increasing.
        q: (T, n) positions, rad.
        dq: (T, n) speeds, rad/s, or None: the controller makes them.
        names: n joints.
    """
    times = np.asarray(times_s, dtype=np.float64).tolist()
    places = _checked("trajectory_message: q", q, len(times), len(names)).tolist()
    speeds = None if dq is None else _checked("trajectory_message: dq", dq, len(times), len(names)).tolist()
    return JointTrajectory(
        joint_names=list(names),
        points=[
            JointTrajectoryPoint(
                positions=places[i], velocities=[] if speeds is None else speeds[i], time_from_start=duration_of(time_s)
            )
            for i, time_s in enumerate(times)
        ],
    )


def trajectory_arrays(msg: Any, names: Sequence[str]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A JointTrajectory as arrays, its joints in the order of `names`.

    Returns:
        times_s (T,), q (T, n) and dq (T, n), where dq is NaN in points without velocities.
    Raises:
        InputError: for other joints, no points, positions that are missing or not finite, or times that do not
            increase.
    """
    order = _order("JointTrajectory", list(msg.joint_names), names, may_have_more=False)
    if not len(msg.points):
        raise InputError("JointTrajectory: points", expected="one point or more", got="none")
    count = len(order)
    times_s = np.array([seconds_of(point.time_from_start) for point in msg.points])
    q = np.stack([_column("JointTrajectory: positions", point.positions, count, order) for point in msg.points])
    dq = np.stack(
        [
            _column("JointTrajectory: velocities", point.velocities, count, order, may_be_empty=True)
            for point in msg.points
        ]
    )
    if not np.all(np.isfinite(q)):
        raise InputError("JointTrajectory: positions", expected="finite numbers", got="NaN or infinity")
    if times_s[0] < 0.0 or np.any(np.diff(times_s) <= 0.0):
        raise InputError(
            "JointTrajectory: time_from_start", expected="times from 0 s that increase", got=f"{times_s.tolist()[:10]}"
        )
    return times_s, q, dq


def _order(what: str, given: list[str], names: Sequence[str], *, may_have_more: bool) -> list[int]:
    missing = [name for name in names if name not in given]
    if missing or (not may_have_more and len(given) != len(names)):
        raise InputError(
            f"{what}: joint names",
            expected=f"{list(names)}",
            got=f"{given}",
            remedy="use the parameter file of this robot",
        )
    return [given.index(name) for name in names]


def _column(what: str, values: Any, count: int, order: list[int], *, may_be_empty: bool = False) -> FloatArray:
    if may_be_empty and len(values) == 0:
        return np.full(len(order), np.nan)
    if len(values) != count:
        raise InputError(what, expected=f"{count} numbers, one a joint", got=f"{len(values)}")
    return np.asarray(values, dtype=np.float64)[order]


def _checked(where: str, values: ArrayLike, rows: int, columns: int) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (rows, columns) or not np.all(np.isfinite(array)):
        raise InputError(where, expected=f"({rows}, {columns}) finite numbers", got=f"{array.shape}")
    return array
