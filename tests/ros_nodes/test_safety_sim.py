"""The guard before the simulated robot: fast motions pass, and a stop in the middle of one is gentle."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from control_msgs.action import FollowJointTrajectory
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from envs.arms import HOME_Q, PANDA, joint_motion
from ros_nodes.messages.joints import joints_of, trajectory_message
from ros_nodes.safety.node import SafetyNode
from ros_nodes.sim_robot.node import SimRobotNode

if TYPE_CHECKING:
    from tests.ros_nodes.session import RosSession

NAMES = PANDA.joint_names
TARGET = HOME_Q + np.array([1.2, 0.3, 0.0, 0.3, 0.0, 0.2, 0.0])
SUCCEEDED, ABORTED = 4, 6


@pytest.mark.slow
def test_the_fastest_motion_passes_and_is_braked(ros: RosSession) -> None:
    ros.start(SimRobotNode)
    ros.start(SafetyNode, parameter_overrides=[Parameter("use_sim_time", value=True)])
    states = ros.collect(JointState, "/joint_states")
    assert ros.wait_until(lambda: len(states) > 20, 60.0)

    def drive(target: Any) -> Any:
        motion = joint_motion(joints_of(states[-1], NAMES).q, target)
        times_s = np.linspace(0.0, motion.duration_s, int(motion.duration_s / 0.02) + 2)
        goal = FollowJointTrajectory.Goal(trajectory=trajectory_message(times_s, *motion.sample(times_s), NAMES))
        return ros.send_goal(FollowJointTrajectory, "/safety/follow_joint_trajectory", goal)

    there = drive(TARGET)
    status, result = there.result(30.0)
    assert status == SUCCEEDED, result.error_string
    back = drive(HOME_Q)
    assert ros.wait_until(lambda: joints_of(states[-1], NAMES).dq[0] < -1.5, 5.0)
    before = len(states)
    assert ros.call(Trigger, "/safety/stop").success
    status, result = back.result(10.0)
    assert status == ABORTED and "safety: stopped: stop requested" in result.error_string
    assert ros.wait_until(lambda: np.abs(joints_of(states[-1], NAMES).dq).max() < 1e-3, 3.0)
    seen = [joints_of(message, NAMES) for message in states[before:]]
    stamps, speeds = np.array([one.time_s for one in seen]), np.array([one.dq[0] for one in seen])
    steps = np.diff(speeds) / np.diff(stamps)
    assert np.abs(steps).max() < 1.5 * PANDA.limits.acceleration[0]  # no jerk to a halt
    assert np.all(speeds < 0.05)  # and no way back
    time.sleep(0.1)
    assert ros.wait_until(lambda: ros.call(Trigger, "/safety/reset").success, 3.0)
    assert drive(HOME_Q).result(30.0)[0] == SUCCEEDED
