"""The simulated robot on the wire: topics, TF, actions, services, and its end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tf2_ros
from builtin_interfaces.msg import Time as TimeMessage
from control_msgs.action import FollowJointTrajectory, GripperCommand
from control_msgs.msg import JointTolerance
from rclpy.parameter import Parameter
from rclpy.time import Time
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint
from vision_msgs.msg import Detection3DArray

from envs.cameras import RaycastCamera
from envs.cell import RobotCell
from envs.clutter import DIALECT_A
from envs.objects import load_objects
from geometry import InputError
from ros_nodes.messages.camera_infos import camera_from_info
from ros_nodes.messages.images import depth_from_image, rgb_from_image
from ros_nodes.messages.poses import matrix_from_pose, matrix_from_transform
from ros_nodes.messages.stamps import duration_of, nanoseconds_of, seconds_of
from ros_nodes.qos import LATCHED
from ros_nodes.sim_robot.node import SimRobotNode

ARM, GRIPPER = "/panda_arm_controller/follow_joint_trajectory", "/panda_gripper/gripper_action"
NAMES = [f"panda_joint{i}" for i in range(1, 8)]
SUCCEEDED, CANCELED, ABORTED = 4, 5, 6
TASK = {"scene": "task", "real_time_factor": 4.0}


@pytest.fixture
def start(ros: Any) -> Callable[..., SimRobotNode]:
    def start(**settings: Any) -> SimRobotNode:
        given = {"real_time_factor": 4.0, **settings}
        overrides = [Parameter(name, value=value) for name, value in given.items()]
        node: SimRobotNode = ros.start(SimRobotNode, parameter_overrides=overrides)
        return node

    return start


def posture(node: SimRobotNode) -> np.ndarray[Any, Any]:
    joints: np.ndarray[Any, Any] = node._the_robot().trajectory.tracking.actual.q
    return joints


def goal(*points: tuple[float, Any], names: list[str] = NAMES) -> Any:
    made = FollowJointTrajectory.Goal()
    made.trajectory = trajectory(*points, names=names)
    return made


def trajectory(*points: tuple[float, Any], names: list[str] = NAMES) -> JointTrajectory:
    return JointTrajectory(
        joint_names=names,
        points=[
            JointTrajectoryPoint(positions=[float(x) for x in q], time_from_start=duration_of(t)) for t, q in points
        ],
    )


def turned(q: Any, angle: float) -> Any:
    other = np.array(q)
    other[0] -= angle
    return other


def test_what_it_tells_of_itself(ros: Any, start: Any) -> None:
    start(**TASK)
    joints, clock = ros.collect(JointState, "/joint_states", 100), ros.collect(Clock, "/clock", 100)
    described = ros.collect(String, "/robot_description", LATCHED)
    assert ros.wait_until(lambda: len(joints) > 40 and len(clock) > 40 and described)
    assert joints[0].name == [*NAMES, "panda_finger_joint1", "panda_finger_joint2"]
    assert len(joints[0].position) == len(joints[0].velocity) == len(joints[0].effort) == 9
    assert joints[0].position[7] == pytest.approx(0.04, abs=1e-3)
    stamps = np.array([seconds_of(message.header.stamp) for message in joints])
    assert np.diff(stamps).min() > 0.0 and np.median(np.diff(stamps)) == pytest.approx(0.01, abs=1e-6)
    ticks = np.array([seconds_of(message.clock) for message in clock])
    assert np.diff(ticks).min() == pytest.approx(0.005, abs=1e-6)
    assert 'name="panda_hand_tcp"' in described[0].data and "<robot" in described[0].data


def test_frames_are_where_the_simulation_has_them(ros: Any, start: Any) -> None:
    node = start(objects="procedural")
    listening = ros.node("listening")
    buffer = tf2_ros.Buffer()
    tf2_ros.TransformListener(buffer, listening)
    robot = node._the_robot()
    for frame in ("panda_hand_tcp", "camera_depth_optical_frame", "camera_color_optical_frame", "panda_leftfinger"):
        assert ros.wait_until(lambda frame=frame: buffer.can_transform("world", frame, Time())), frame
    found = {
        frame: matrix_from_transform(buffer.lookup_transform("world", frame, Time()).transform)
        for frame in ("panda_hand_tcp", "camera_depth_optical_frame", "camera_color_optical_frame", "panda_link0")
    }
    wanted = node._physics.between_steps(lambda: robot.scene.arm.T_world_grasp).result(5.0)
    np.testing.assert_allclose(found["panda_hand_tcp"], wanted, atol=1e-4)
    np.testing.assert_allclose(found["panda_link0"], robot.scene.arm.T_world_base, atol=1e-9)
    for kind in ("depth", "color"):
        np.testing.assert_allclose(found[f"camera_{kind}_optical_frame"], robot.scene.T_world_camera, atol=1e-9)


def test_the_depth_image_is_the_cells_own_in_millimetres(ros: Any, start: Any) -> None:
    start(seed=1, round=0, depth_noise="none", depth_rate_hz=5.0)
    images = ros.collect(Image, "/camera/camera/depth/image_rect_raw")
    aligned = ros.collect(Image, "/camera/camera/aligned_depth_to_color/image_raw")
    infos = ros.collect(CameraInfo, "/camera/camera/depth/camera_info")
    assert ros.wait_until(lambda: images and infos and aligned, 20.0)
    cell = RobotCell(DIALECT_A, load_objects("procedural"), "pile", np.random.default_rng([1, 0]))
    T_world_camera = cell.simulation.draw_view()
    exact = RaycastCamera(cell.world, DIALECT_A.camera).render(T_world_camera, normals=False).depth_m
    cell.close()
    image = images[0]
    assert (image.encoding, image.header.frame_id) == ("16UC1", "camera_depth_optical_frame")
    assert aligned[0].header.frame_id == "camera_color_optical_frame"
    assert aligned[0].data == image.data
    assert camera_from_info(infos[0]) == DIALECT_A.camera
    assert nanoseconds_of(infos[0].header.stamp) == nanoseconds_of(image.header.stamp)
    millimetres = np.frombuffer(image.data, dtype="<u2").reshape(480, 640)
    # the objects rest and the arm holds, but the world has gone on for some steps: edges may have moved
    same = np.abs(millimetres - 1e3 * exact) <= 0.51
    assert same.mean() > 0.995
    np.testing.assert_array_equal(depth_from_image(image) > 0.0, millimetres > 0)


def test_colour_is_drawn_for_whoever_wants_it(ros: Any, start: Any) -> None:
    start(**TASK)
    images = ros.collect(Image, "/camera/camera/color/image_raw")
    assert ros.wait_until(lambda: images, 20.0)
    rgb = rgb_from_image(images[0])
    assert rgb.shape == (480, 640, 3)
    reds = (rgb[..., 0] > 120) & (rgb[..., 1] < 80) & (rgb[..., 2] < 80)
    assert 30 < reds.sum() < 30_000  # the cube


def test_a_trajectory_is_followed_with_feedback(ros: Any, start: Any) -> None:
    node = start(**TASK)
    q = posture(node)
    run = ros.send_goal(FollowJointTrajectory, ARM, goal((1.0, turned(q, 0.3)), (2.0, turned(q, 0.5))))
    assert run.accepted
    status, result = run.result()
    assert (status, result.error_code) == (SUCCEEDED, 0)
    np.testing.assert_allclose(posture(node), turned(q, 0.5), atol=8e-3)
    assert run.feedback
    told = run.feedback[-1]
    assert list(told.joint_names) == NAMES
    error = np.array(told.desired.positions) - np.array(told.actual.positions)
    np.testing.assert_allclose(told.error.positions, error, atol=1e-12)
    assert told.desired.positions[0] < q[0]


def test_bad_goals_are_rejected(ros: Any, start: Any) -> None:
    node = start(**TASK)
    q = posture(node)
    strange = goal((1.0, q))
    strange.goal_tolerance = [JointTolerance(name="elbow", position=0.1)]
    old = goal((1.0, q))
    old.trajectory.header.stamp = TimeMessage(nanosec=1)
    ros.wait_until(lambda: node._the_robot().uptime_s > 0.5)
    for bad in (goal((1.0, q[:6]), names=NAMES[:6]), goal((1.0, turned(q, 4.0))), goal(), strange):
        assert not ros.send_goal(FollowJointTrajectory, ARM, bad).accepted
    ros.wait_until(lambda: node._the_robot().time_ns > 2.1e9)
    assert not ros.send_goal(FollowJointTrajectory, ARM, old).accepted


def test_a_cancelled_goal_stops_the_arm(ros: Any, start: Any) -> None:
    node = start(**TASK)
    q = posture(node)
    run = ros.send_goal(FollowJointTrajectory, ARM, goal((20.0, turned(q, 1.0))))
    assert ros.wait_until(lambda: posture(node)[0] < q[0] - 0.02)
    run.cancel()
    status, _ = run.result()
    assert status == CANCELED
    stopped, at_s = posture(node), node._the_robot().uptime_s
    assert stopped[0] > q[0] - 0.9
    assert ros.wait_until(lambda: node._the_robot().uptime_s > at_s + 0.5)
    np.testing.assert_allclose(posture(node), stopped, atol=8e-3)


def test_a_newer_goal_takes_over(ros: Any, start: Any) -> None:
    node = start(**TASK)
    q = posture(node)
    first = ros.send_goal(FollowJointTrajectory, ARM, goal((20.0, turned(q, 1.0))))
    assert ros.wait_until(lambda: posture(node)[0] < q[0] - 0.02)
    second = ros.send_goal(FollowJointTrajectory, ARM, goal((1.0, turned(q, -0.2))))
    status, result = first.result()
    assert (status, result.error_code) == (ABORTED, FollowJointTrajectory.Result.INVALID_GOAL)
    assert "preempted" in result.error_string
    assert second.result()[0] == SUCCEEDED
    np.testing.assert_allclose(posture(node), turned(q, -0.2), atol=8e-3)


def test_points_are_streamed_by_topic(ros: Any, start: Any) -> None:
    node = start(**TASK)
    q = posture(node)
    publisher = ros.probe.create_publisher(JointTrajectory, "/panda_arm_controller/joint_trajectory", 1)
    assert ros.wait_until(lambda: publisher.get_subscription_count() == 1)
    for i in range(1, 6):
        publisher.publish(trajectory((0.2, turned(q, 0.02 * i))))
        at_s = node._the_robot().uptime_s
        ros.wait_until(lambda at_s=at_s: node._the_robot().uptime_s > at_s + 0.1)
    assert ros.wait_until(lambda: abs(posture(node)[0] - q[0] + 0.1) < 8e-3)


def test_the_gripper_closes_and_opens(ros: Any, start: Any) -> None:
    node = start(**TASK)
    for position in (0.01, 0.04):
        made = GripperCommand.Goal()
        made.command.position = position
        status, result = ros.send_goal(GripperCommand, GRIPPER, made).result()
        assert status == SUCCEEDED and result.reached_goal and not result.stalled
        assert result.position == pytest.approx(position, abs=1.1e-3)
        assert node._the_robot().scene.arm.gripper.width_m == pytest.approx(2.0 * position, abs=2e-3)
    made.command.position = float("nan")
    assert not ros.send_goal(GripperCommand, GRIPPER, made).accepted


def test_a_cancelled_gripper_stops(ros: Any, start: Any) -> None:
    start(**TASK)
    made = GripperCommand.Goal()
    run = ros.send_goal(GripperCommand, GRIPPER, made)
    fingers = ros.collect(JointState, "/joint_states")
    assert ros.wait_until(lambda: fingers and fingers[-1].position[7] < 0.035)
    run.cancel()
    status, result = run.result()
    assert status == CANCELED and not result.reached_goal
    assert 0.001 < result.position < 0.036


def test_scenes_follow_each_other(ros: Any, start: Any) -> None:
    start(seed=1, round=3)
    things, clock = ros.collect(Detection3DArray, "/sim_robot/objects"), ros.collect(Clock, "/clock")
    assert ros.wait_until(lambda: things)
    score = json.loads(ros.call(Trigger, "/sim_robot/score").message)
    assert (score["seed"], score["round"], score["cleared"], score["left"]) == (1, 3, 0, score["presented"])
    assert len(things[0].detections) == score["presented"] > 1
    cell = RobotCell(DIALECT_A, load_objects("procedural"), "pile", np.random.default_rng([1, 3]))
    theirs = [(item.model.name, item.body.pose()[:3, 3]) for item in cell.scene.objects.values()]
    cell.close()
    for found, (name, place) in zip(things[0].detections, theirs, strict=True):
        assert found.id.split("#")[0] == name
        np.testing.assert_allclose(matrix_from_pose(found.results[0].pose.pose)[:3, 3], place, atol=2e-3)
    answer = ros.call(Trigger, "/sim_robot/next_scene", timeout_s=30.0)
    assert answer.success and json.loads(answer.message)["round"] == 4
    answer = ros.call(Trigger, "/sim_robot/reset", timeout_s=30.0)
    assert answer.success and json.loads(answer.message)["round"] == 3
    count = len(clock)
    assert ros.wait_until(lambda: len(clock) > count + 5)
    assert np.all(np.diff([nanoseconds_of(tick.clock) for tick in clock]) > 0)


def test_it_ends_in_the_middle_of_a_motion(ros: Any, start: Any) -> None:
    node = start(**TASK)
    run = ros.send_goal(FollowJointTrajectory, ARM, goal((20.0, turned(posture(node), 1.0))))
    assert run.accepted
    node.wind_down()
    status, result = run.result()
    assert status == ABORTED and "shutting down" in result.error_string
    ros.stop(node)
    node.destroy_node()


def test_it_is_destroyed_in_the_middle_of_a_motion_and_started_again(ros: Any, start: Any) -> None:
    for _ in range(2):
        node = start(**TASK)
        assert ros.send_goal(FollowJointTrajectory, ARM, goal((20.0, turned(posture(node), 1.0)))).accepted
        assert ros.send_goal(GripperCommand, GRIPPER, GripperCommand.Goal()).accepted
        ros.stop(node)
    assert not ros.errors


def test_what_cannot_be_is_said_in_one_line(ros: Any, start: Any) -> None:
    with pytest.raises(InputError, match="parameter task"):
        start(scene="task", task="graspmimic/Nothing-v0")
    with pytest.raises(InputError, match="2 names"):
        start(finger_joint_names=["one"])
    with pytest.raises(InputError, match="world_frame"):
        start(world_frame="panda_link0")
