"""The fault campaign's own measure: a motion made up by hand is found as it was made."""

from __future__ import annotations

import time

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from sensor_msgs.msg import JointState
from tf2_msgs.msg import TFMessage

from envs.arms import HOME_Q, PANDA
from ros_nodes.messages.stamps import stamp_of
from tests.ros_nodes.motion_record import MotionRecord

NAMES = [*(f"panda_joint{i}" for i in range(1, 8)), "panda_finger_joint1", "panda_finger_joint2"]
SPEED_RAD_S, MOVES_S, LASTS_S = 1.0, 1.0, 3.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def turned(t_s: float) -> float:
    """Joint 3 moves for a second, then rests."""
    return SPEED_RAD_S * min(t_s, MOVES_S)


def joints(t_s: float) -> JointState:
    q = np.array(HOME_Q)
    q[2] += turned(t_s)
    message = JointState(name=NAMES, position=[*q.tolist(), 0.015, 0.015])
    message.header.stamp = stamp_of(50.0 + 2.0 * t_s)  # simulated time goes twice as fast
    return message


def links(t_s: float) -> TFMessage:
    found = []
    for number in range(1, 8):
        each = TransformStamped(child_frame_id=f"panda_link{number}")
        each.header.stamp = stamp_of(50.0 + 2.0 * t_s)
        half = 0.5 * turned(t_s) if number == 3 else 0.2
        each.transform.rotation.z, each.transform.rotation.w = float(np.sin(half)), float(np.cos(half))
        found.append(each)
    return TFMessage(transforms=found)


@pytest.mark.parametrize("speaks", [True, False], ids=["joint_states", "tf"])
def test_a_motion_is_measured(ros, clock: list[float], speaks: bool) -> None:
    record, steps = MotionRecord(ros), round(LASTS_S / 0.01)
    for step in range(steps):
        clock[0] = 1000.0 + 0.01 * step
        if speaks:
            record._take(joints(0.01 * step))
        record._take_tf(links(0.01 * step))
        assert not speaks or record.moves() == (0.05 < 0.01 * step < 1.05) or abs(0.01 * step - 0.5) > 0.4
    motion = record.since(1000.0)
    assert motion.moved_rad == pytest.approx(1.0, abs=1e-6)
    assert motion.stopped_s == pytest.approx(MOVES_S, abs=0.05)
    assert motion.peak_share == pytest.approx(0.5 * SPEED_RAD_S / PANDA.limits.velocity[2], rel=1e-6)
    assert record.rests() == speaks and record.silent() != speaks
    if speaks:
        assert record.width_m == pytest.approx(0.03) and motion.outside_rad == 0.0
    assert record.since(1000.0 + 1.5).moved_rad < 1e-9
