"""Every fault that the simulated robot can be asked for, as it shows on the wire."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from control_msgs.action import FollowJointTrajectory, GripperCommand
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image, JointState
from tf2_msgs.msg import TFMessage
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from ros_nodes.messages.images import depth_from_image
from ros_nodes.messages.stamps import duration_of, seconds_of
from ros_nodes.sim_robot.node import SimRobotNode

ARM, GRIPPER = "/panda_arm_controller/follow_joint_trajectory", "/panda_gripper/gripper_action"
DEPTH = "/camera/camera/depth/image_rect_raw"
SUCCEEDED, ABORTED = 4, 6


class Sim:
    """The node, and what a test asks of it."""

    def __init__(self, ros: Any, **settings: Any) -> None:
        given: dict[str, Any] = {"scene": "task", "real_time_factor": 4.0, "depth_noise": "none", "depth_rate_hz": 4.0}
        given.update(settings)
        overrides = [Parameter(name, value=value) for name, value in given.items()]
        self.ros, self.node = ros, ros.start(SimRobotNode, parameter_overrides=overrides)

    def set(self, **values: Any) -> Any:
        made = [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
        response = self.ros.call(SetParameters, "/sim_robot/set_parameters", SetParameters.Request(parameters=made))
        return response.results[0]

    def pass_time(self, seconds: float) -> None:
        end_s = self.node._the_robot().uptime_s + seconds
        assert self.ros.wait_until(lambda: self.node._the_robot().uptime_s > end_s, 20.0)

    def send(self, angle: float, seconds: float) -> Any:
        return self.ros.send_goal(FollowJointTrajectory, ARM, self.goal(angle, seconds))

    def goal(self, angle: float, seconds: float) -> Any:
        q = self.node._the_robot().trajectory.tracking.actual.q.tolist()
        made = FollowJointTrajectory.Goal()
        made.trajectory = JointTrajectory(
            joint_names=[f"panda_joint{i}" for i in range(1, 8)],
            points=[JointTrajectoryPoint(positions=[q[0] + angle, *q[1:]], time_from_start=duration_of(seconds))],
        )
        return made


@pytest.fixture
def sim(ros: Any) -> Sim:
    return Sim(ros)


def still(sim: Sim, messages: list[Any]) -> bool:
    """Whether nothing more comes for two simulated seconds, once what was under way has arrived."""
    for _ in range(5):
        count = len(messages)
        sim.pass_time(2.0)
        if len(messages) == count:
            return True
    return False


def test_a_lost_camera_sends_nothing_and_comes_back(sim: Sim) -> None:
    images = sim.ros.collect(Image, DEPTH)
    assert sim.ros.wait_until(lambda: images, 20.0)
    assert sim.set(camera_lost=True).successful
    assert still(sim, images)
    sim.set(camera_lost=False)
    count = len(images)
    assert sim.ros.wait_until(lambda: len(images) > count, 10.0)


def test_dropped_frames_are_missing_by_their_share(ros: Any) -> None:
    # at real_time_factor 0 every frame is drawn, so that what is missing was dropped
    sim = Sim(ros, real_time_factor=0.0, depth_rate_hz=10.0, drop_frame_rate=0.5)
    images = ros.collect(Image, DEPTH)
    assert ros.wait_until(lambda: len(images) >= 12, 30.0)
    stamps = [seconds_of(image.header.stamp) for image in images]
    share = (len(stamps) - 1) / ((stamps[-1] - stamps[0]) * 10.0)
    assert 0.25 < share < 0.8
    assert sim.node._camera.counts.lost > 0


def test_delayed_frames_keep_their_stamps(sim: Sim) -> None:
    sim.set(frame_delay_s=1.5)
    sim.pass_time(0.5)
    images = sim.ros.collect(Image, DEPTH)
    behind: list[float] = []
    sim.ros.probe.create_subscription(
        Image, DEPTH, lambda m: behind.append(1e-9 * sim.node._the_robot().time_ns - seconds_of(m.header.stamp)), 10
    )
    assert sim.ros.wait_until(lambda: len(behind) > 3 and images, 20.0)
    assert min(behind) >= 1.49


def test_depth_of_nothing_but_zeros_or_nan(sim: Sim) -> None:
    images = sim.ros.collect(Image, DEPTH)
    assert sim.ros.wait_until(lambda: images and depth_from_image(images[-1]).any(), 20.0)
    sim.set(depth_zero=True)
    assert sim.ros.wait_until(lambda: not np.frombuffer(images[-1].data, "<u2").any(), 10.0)
    sim.set(depth_zero=False, depth_nan=True)
    sim.set(depth_nan=True, depth_encoding="32FC1")
    assert sim.ros.wait_until(lambda: images[-1].encoding == "32FC1", 10.0)
    assert np.isnan(np.frombuffer(images[-1].data, "<f4")).all()


def test_a_wrong_frame_id_is_on_images_and_infos(sim: Sim) -> None:
    sim.set(wrong_frame_id="nowhere")
    images = sim.ros.collect(Image, DEPTH)
    infos = sim.ros.collect(CameraInfo, "/camera/camera/depth/camera_info")
    assert sim.ros.wait_until(lambda: images and infos, 20.0)
    assert images[-1].header.frame_id == infos[-1].header.frame_id == "nowhere"


def test_tf_falls_silent_and_is_stamped_in_the_future(sim: Sim) -> None:
    transforms = sim.ros.collect(TFMessage, "/tf")
    assert sim.ros.wait_until(lambda: len(transforms) > 5)
    sim.set(tf_silent=True)
    assert still(sim, transforms)
    sim.set(tf_silent=False)
    sim.set(tf_offset_s=30.0)
    count = len(transforms)
    assert sim.ros.wait_until(lambda: len(transforms) > count + 20)
    ahead = seconds_of(transforms[-1].transforms[0].header.stamp) - 1e-9 * sim.node._the_robot().time_ns
    assert 28.0 < ahead <= 30.0


def test_joint_states_fall_silent(sim: Sim) -> None:
    joints = sim.ros.collect(JointState, "/joint_states")
    assert sim.ros.wait_until(lambda: joints)
    sim.set(joint_states_silent=True)
    assert still(sim, joints)


def test_a_controller_that_rejects(sim: Sim) -> None:
    sim.set(controller_rejects=True)
    told = sim.ros.collect(DiagnosticArray, "/diagnostics")
    assert not sim.send(0.1, 1.0).accepted
    assert sim.ros.wait_until(lambda: any("fault: the controller rejects" in s.message for a in told for s in a.status))
    sim.set(controller_rejects=False)
    assert sim.send(0.1, 1.0).result()[0] == SUCCEEDED


def test_a_controller_that_aborts_half_way(sim: Sim) -> None:
    sim.set(controller_aborts=True)
    at = sim.node._the_robot().trajectory.tracking.actual.q[0]
    status, result = sim.send(0.4, 2.0).result()
    assert (status, result.error_code) == (ABORTED, FollowJointTrajectory.Result.PATH_TOLERANCE_VIOLATED)
    assert "fault" in result.error_string
    reached = sim.node._the_robot().trajectory.tracking.actual.q[0] - at
    assert reached == pytest.approx(0.2, abs=0.03)


def test_a_controller_that_stalls_and_goes_on(sim: Sim) -> None:
    run = sim.send(0.4, 4.0)
    sim.pass_time(0.5)
    sim.set(controller_stalled=True)
    sim.pass_time(0.5)
    held = sim.node._the_robot().scene.arm.q
    sim.pass_time(5.0)
    assert not run.done
    np.testing.assert_allclose(sim.node._the_robot().scene.arm.q, held, atol=3e-3)
    sim.set(controller_stalled=False)
    assert run.result()[0] == SUCCEEDED


def test_a_stuck_gripper_runs_into_its_timeout(sim: Sim) -> None:
    sim.set(gripper_stuck=True)
    sim.set(gripper_timeout_s=1.0)
    made = GripperCommand.Goal()
    status, result = sim.ros.send_goal(GripperCommand, GRIPPER, made).result()
    assert status == ABORTED
    assert not result.reached_goal and not result.stalled
    assert result.position == pytest.approx(0.04, abs=1e-3)


@pytest.mark.parametrize("seconds", [30.0, -0.5])
def test_the_clock_jumps_once(sim: Sim, seconds: float) -> None:
    ticks = sim.ros.collect(Clock, "/clock", 1000)
    sim.pass_time(1.0)
    run = sim.send(0.2, 3.0)
    sim.set(clock_jump_s=seconds)
    sim.pass_time(1.0)
    assert run.result()[0] == SUCCEEDED
    now_s = 1e-9 * sim.node._the_robot().time_ns
    assert sim.ros.wait_until(lambda: seconds_of(ticks[-1].clock) >= now_s, 20.0)  # 1000 a second may queue up
    steps = np.diff([seconds_of(tick.clock) for tick in ticks])
    jumps = steps[(steps < 0.0) | (steps > 10.0)]  # where messages are lost, steps are somewhat long, too
    assert len(jumps) == 1
    assert jumps[0] == pytest.approx(seconds, abs=0.4)


def test_faults_are_told_in_diagnostics_and_out_of_range_ones_refused(sim: Sim) -> None:
    told = sim.ros.collect(DiagnosticArray, "/diagnostics")
    refused = sim.set(drop_frame_rate=1.5)
    assert not refused.successful and "drop_frame_rate" in refused.reason
    assert sim.set(camera_lost=True).successful

    def said() -> dict[str, str]:
        return {status.name: status.message for array in told for status in array.status}

    assert sim.ros.wait_until(lambda: said().get("sim_robot: faults") == "camera_lost=True", 10.0)
    assert said()["sim_robot: camera"] == "lost"
    assert "sim_robot: physics" in said()
