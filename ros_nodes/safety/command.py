"""A trajectory message as arrays in the arm's joint order, or what is malformed about it. Needs no ROS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from geometry import FloatArray
from ros_nodes.safety.findings import Cause, Finding

MAX_POINTS = 20_000
"""More points than any planner makes; checking them would hold up the guard."""


@dataclass(frozen=True)
class Command:
    """A trajectory of m points of n joints, in the arm's order; rows of NaN where a point does not give a rate.

    Attributes:
        times_s: (m,) from the start of the motion.
        q: (m, n) positions, rad.
        dq: (m, n) speeds, rad/s.
        ddq: (m, n) accelerations, rad/s^2.
        start_delay_s: how far in the future it begins, by its stamp; 0 for at once.
    """

    times_s: FloatArray
    q: FloatArray
    dq: FloatArray
    ddq: FloatArray
    start_delay_s: float = 0.0

    @property
    def duration_s(self) -> float:
        """From now to the end."""
        return self.start_delay_s + float(self.times_s[-1])


def read_command(message: Any, names: Sequence[str], now_s: float) -> Command | Finding:
    """Read a trajectory_msgs/JointTrajectory.

    Args:
        message: the message, or anything with its fields.
        names: the arm's joints; the message must name all of them and no others, in any order.
        now_s: the present in the time of the message's stamp, seconds.
    Returns:
        The command, or the finding that says what is wrong with the message.
    """
    given = list(message.joint_names)
    if sorted(given) != sorted(names):
        missing, unknown = [n for n in names if n not in given], [n for n in given if n not in names]
        parts = [f"missing {', '.join(missing)}"] * bool(missing) + [f"unknown {', '.join(unknown)}"] * bool(unknown)
        return Finding(Cause.WRONG_JOINTS, "; ".join(parts) or "a joint is named twice")
    if not 0 < len(message.points) <= MAX_POINTS:
        return Finding(Cause.MALFORMED, f"{len(message.points)} points; 1 to {MAX_POINTS} are taken")
    if any(len(point.effort) for point in message.points):
        return Finding(Cause.MALFORMED, "efforts are given, which this guard does not check")
    order = [given.index(name) for name in names]
    q, dq, ddq = (_column(message.points, field, order) for field in ("positions", "velocities", "accelerations"))
    for column in (q, dq, ddq):
        if isinstance(column, Finding):
            return column
    assert not (isinstance(q, Finding) or isinstance(dq, Finding) or isinstance(ddq, Finding))
    times = np.array([point.time_from_start.sec + 1e-9 * point.time_from_start.nanosec for point in message.points])
    stamp_s = message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec
    return Command(times, q, dq, ddq, start_delay_s=stamp_s - now_s if stamp_s else 0.0)


def _column(points: Sequence[Any], field: str, order: list[int]) -> FloatArray | Finding:
    """(m, n) one field of all points; NaN rows where a rate is left out."""
    rows = np.full((len(points), len(order)), np.nan)
    for index, point in enumerate(points):
        values = np.asarray(getattr(point, field), dtype=np.float64)
        if len(values) == 0 and field != "positions":
            continue
        if len(values) != len(order):
            return Finding(Cause.MALFORMED, f"point {index} has {len(values)} {field} for {len(order)} joints")
        if not np.all(np.isfinite(values)):
            return Finding(Cause.NOT_FINITE, f"{field} of point {index}: {values.tolist()}")
        rows[index] = values[order]
    return rows
