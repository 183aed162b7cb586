"""What an arm did, by joint_states, or by TF where they were silent: when, how far, how fast, within what limits."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any, NamedTuple

import numpy as np
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import JointState
from tf2_msgs.msg import TFMessage

from envs.arms import PANDA
from geometry import FloatArray
from tests.ros_nodes.session import RosSession

REST_RAD_S = 0.03
_NAMES = tuple(f"panda_joint{i}" for i in range(1, 8))
_FINGERS = ("panda_finger_joint1", "panda_finger_joint2")
_LINKS = tuple(f"panda_link{i}" for i in range(1, 8))
_KEPT = 40_000
_SILENT_S = 1.0
_STEP_S = 0.04
_MOVES_RAD = 0.015


class Motion(NamedTuple):
    """An arm's motion since some moment."""

    moved_rad: float
    """How far the joint that moved most has travelled."""
    stopped_s: float
    """When the arm was last faster than `REST_RAD_S`; 0 where it never was."""
    peak_share: float
    """Greatest speed of a joint as a share of its limit, by the messages' stamps."""
    outside_rad: float
    """How far a joint was outside its limits; 0 inside."""


class MotionRecord:
    """Records joint_states.

    Args:
        ros: the session; its probe listens.
    """

    def __init__(self, ros: RosSession) -> None:
        self._rows: deque[tuple[float, float, FloatArray]] = deque(maxlen=_KEPT)
        self._turns: deque[tuple[float, float, FloatArray]] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()
        for kind, topic, take in ((JointState, "/joint_states", self._take), (TFMessage, "/tf", self._take_tf)):
            group = MutuallyExclusiveCallbackGroup()
            ros.probe.create_subscription(kind, topic, take, qos_profile_sensor_data, callback_group=group)

    @property
    def width_m(self) -> float:
        """How far apart the fingers stand; NaN before anything came."""
        return float(self._rows[-1][2][7:].sum()) if self._rows else float("nan")

    def rests(self, for_s: float = 0.3) -> bool:
        """Whether joint states come and tell of an arm that has rested lately, wall s."""
        now_s = time.monotonic()
        _, _, q = self._since(now_s - for_s)
        return len(q) > 5 and float(np.ptp(q[:, :7], axis=0).max()) < REST_RAD_S * for_s

    def silent(self) -> bool:
        """Whether no joint states have come for a while."""
        return not self._rows or time.monotonic() - self._rows[-1][0] > _SILENT_S

    def moves(self) -> bool:
        """Whether the arm has moved at a speed worth a name lately."""
        _, _, q = self._since(time.monotonic() - 0.2)
        return len(q) > 2 and float(np.ptp(q[:, :7], axis=0).max()) > _MOVES_RAD

    def since(self, began_s: float) -> Motion:
        """The arm's motion since a moment of the monotonic clock; by /tf where joint_states were silent meanwhile."""
        wall, stamp, q = self._since(began_s)
        if len(q) > 3 and np.diff(wall).max() < _SILENT_S:
            wall, stamp, q = _thinned(wall, stamp, q[:, :7])
            steps = np.abs(np.diff(q, axis=0))
            outside = np.maximum(np.asarray(PANDA.limits.lower_rad) - q, q - np.asarray(PANDA.limits.upper_rad)).max()
        else:
            with self._lock:
                rows = [row for row in self._turns if row[0] >= began_s]
            if len(rows) < 4:
                return Motion(float("nan"), float("nan"), float("nan"), float("nan"))
            wall, stamp, turns = _thinned(*(np.array([row[i] for row in rows]) for i in range(3)))
            steps = 2.0 * np.arccos(np.clip(np.abs((turns[1:] * turns[:-1]).sum(axis=2)), 0.0, 1.0))
            outside = float("nan")
        return _motion(wall - began_s, stamp, steps, float(outside))

    def _since(self, began_s: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        with self._lock:
            rows = [row for row in self._rows if row[0] >= began_s]
        if not rows:
            return np.empty(0), np.empty(0), np.empty((0, 9))
        return np.array([r[0] for r in rows]), np.array([r[1] for r in rows]), np.stack([r[2] for r in rows])

    def _take_tf(self, message: Any) -> None:
        found = {each.child_frame_id: each.transform.rotation for each in message.transforms}
        if not all(name in found for name in _LINKS):
            return
        stamp_s = message.transforms[0].header.stamp.sec + 1e-9 * message.transforms[0].header.stamp.nanosec
        turns = np.array([[r.x, r.y, r.z, r.w] for r in (found[name] for name in _LINKS)])
        with self._lock:
            self._turns.append((time.monotonic(), stamp_s, turns))

    def _take(self, message: Any) -> None:
        positions = dict(zip(message.name, message.position, strict=True))
        stamp_s = message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec
        q = np.array([positions[name] for name in (*_NAMES, *_FINGERS)])
        with self._lock:
            self._rows.append((time.monotonic(), stamp_s, q))


def _motion(wall: FloatArray, stamp: FloatArray, steps: FloatArray, outside_rad: float) -> Motion:
    """Of times (T,), stamps (T,) and what each joint turned in between (T-1, 7)."""
    by_stamp, by_wall = np.diff(stamp), np.diff(wall)
    honest = (by_stamp > 0.25 * _STEP_S) & (by_stamp < 1.0)
    moves = (steps.max(axis=1) / np.maximum(by_wall, 1e-3)) > REST_RAD_S
    shares = (steps[honest] / by_stamp[honest, None]) / np.asarray(PANDA.limits.velocity)
    return Motion(
        float(steps.sum(axis=0).max()),
        float(wall[1:][moves][-1]) if moves.any() else 0.0,
        float(shares.max()) if len(shares) else 0.0,
        max(outside_rad, 0.0),
    )


def _thinned(wall: FloatArray, stamp: FloatArray, q: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rows at least `_STEP_S` of the wall clock apart: messages come in bursts."""
    kept, last_s = [], -np.inf
    for row, at_s in enumerate(wall):
        if at_s - last_s >= _STEP_S:
            kept.append(row)
            last_s = at_s
    return wall[kept], stamp[kept], q[kept]
