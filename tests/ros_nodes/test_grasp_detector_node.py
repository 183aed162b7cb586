"""The grasp detector as a node: frames in, grasps out, by topic and on request, newest frame first."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import PoseArray
from moveit_msgs.msg import MoveItErrorCodes
from moveit_msgs.srv import GraspPlanning
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D
from visualization_msgs.msg import Marker, MarkerArray

from geometry import PinholeCamera, look_at, transform
from perception.grasping import Grasps
from ros_nodes.grasp_detector.node import GraspDetectorNode
from ros_nodes.messages.clouds import points_from_cloud
from ros_nodes.messages.grasps import grasps_of
from ros_nodes.messages.images import image_from_mask
from ros_nodes.messages.stamps import nanoseconds_of
from ros_nodes.qos import SENSOR
from ros_nodes.robot_settings import RobotSettings
from tests.ros_nodes.depth_camera import DepthCamera, Diagnostics

CAMERA = PinholeCamera(width=64, height=48, fx=60.0, fy=60.0, cx=31.5, cy=23.5)
T_WORLD_CAMERA = look_at((0.0, 0.0, 0.5), (0.0, 0.0, 0.0), (0.0, 1.0, 0.0))
BLOCK = np.full((48, 64), 0.5, dtype=np.float32)
BLOCK[19:28, 27:36] = 0.46
DOWN = np.diag([1.0, -1.0, -1.0])
POSES = np.stack([transform(DOWN, place) for place in ((0.0, 0.0, 0.02), (0.2, 0.0, 0.02), (0.0, 0.1, 0.02))])


class FixedPlanner:
    """Always the same three grasps; keeps what it was shown."""

    def __init__(self) -> None:
        self.views: list[Any] = []
        self.fails = ""

    def __call__(self, view: Any) -> Grasps:
        self.views.append(view)
        if self.fails:
            raise RuntimeError(self.fails)
        return Grasps(POSES, np.array([0.05, 0.04, 0.03]), np.array([0.5, 0.9, 0.7]))


def started(ros: Any, planner: Any, **parameters: Any) -> GraspDetectorNode:
    given = [Parameter(name, value=value) for name, value in parameters.items()]
    node = ros.start(GraspDetectorNode, planner=planner, parameter_overrides=given)
    assert ros.wait_until(lambda: node.active)
    return node


def camera(ros: Any, node: GraspDetectorNode | None = None) -> DepthCamera:
    """A camera; where a node is given, one that it has had a frame of."""
    made = DepthCamera(ros, CAMERA, T_WORLD_CAMERA)
    assert ros.wait_until(made.is_heard)

    def met() -> bool:  # the first messages after two ends met may be lost on a real network
        made.send(BLOCK)
        time.sleep(0.05)
        return node is None or node._newest is not None

    assert ros.wait_until(met)
    return made


def ask(ros: Any, point: tuple[float, float, float] | None = None, frame: str = "world", **options: Any) -> Any:
    request = GraspPlanning.Request()
    if point is not None:
        request.target.id = "thing"
        request.target.header.frame_id = frame
        request.target.pose.position.x, request.target.pose.position.y, request.target.pose.position.z = point
    return ros.call(GraspPlanning, "/grasp_detector/plan_grasps", request, **options)


def test_frames_become_poses_markers_and_a_cloud(ros):
    planner = FixedPlanner()
    started(ros, planner, table="none", workspace=[-0.05, -0.05, 0.01, 0.05, 0.05, 0.2], top_k=2)
    poses = ros.collect(PoseArray, "/grasp_detector/grasps")
    markers = ros.collect(MarkerArray, "/grasp_detector/markers")
    clouds = ros.collect(PointCloud2, "/grasp_detector/scene_cloud")
    eye = camera(ros)
    eye.stream(BLOCK)
    assert ros.wait_until(lambda: poses and markers and clouds)
    first, found = poses[-1], [(p.position.x, p.position.y, p.position.z) for p in poses[-1].poses]
    assert first.header.frame_id == "world" and found == [(0.2, 0.0, 0.02), (0.0, 0.1, 0.02)], "best first, two at most"
    assert markers[-1].markers[0].action == Marker.DELETEALL and len(markers[-1].markers) == 3
    view = planner.views[-1]
    np.testing.assert_array_equal(view.depth_m, BLOCK)
    np.testing.assert_allclose(view.T_world_camera, T_WORLD_CAMERA, atol=1e-12)
    assert view.camera == CAMERA and view.table_z_m == -np.inf
    points = points_from_cloud(clouds[-1])
    assert clouds[-1].header.frame_id == "world" and len(points) == 81, "the block's 9 x 9 pixels alone"
    np.testing.assert_allclose(points[:, 2], 0.04, atol=1e-6)
    assert nanoseconds_of(clouds[-1].header.stamp) in {nanoseconds_of(each.header.stamp) for each in poses}


def test_a_request_is_answered_from_a_frame_newer_than_itself(ros):
    eye = camera(ros, started(ros, FixedPlanner(), mode="on_request"))
    before = nanoseconds_of(eye.send(BLOCK))
    poses = ros.collect(PoseArray, "/grasp_detector/grasps")
    asked = nanoseconds_of(eye.now())
    eye.stream(BLOCK)
    answer = ask(ros)
    assert answer.error_code.val == MoveItErrorCodes.SUCCESS
    stamps = {nanoseconds_of(grasp.grasp_pose.header.stamp) for grasp in answer.grasps}
    assert len(stamps) == 1 and stamps.pop() > asked > before
    grasps = grasps_of(answer.grasps, RobotSettings())
    assert grasps.frame == "world"
    np.testing.assert_allclose(grasps.scores, [0.9, 0.7, 0.5])
    np.testing.assert_allclose(grasps.widths_m, [0.04, 0.03, 0.05])
    np.testing.assert_allclose(grasps.poses, POSES[[1, 2, 0]], atol=1e-9)
    assert ros.wait_until(lambda: len(poses) == 1)


def test_on_request_nothing_is_searched_unasked(ros):
    planner = FixedPlanner()
    started(ros, planner, mode="on_request")
    eye, images = camera(ros), ros.collect(Image, "depth/image", SENSOR)
    eye.stream(BLOCK, rate_hz=100.0)
    assert ros.wait_until(lambda: len(images) > 20)
    assert planner.views == []
    assert ask(ros).error_code.val == MoveItErrorCodes.SUCCESS and len(planner.views) == 1


def test_an_old_frame_will_do_where_that_is_asked_for(ros):
    node = started(ros, FixedPlanner(), mode="on_request", request_fresh=False, max_age_s=60.0)
    eye = camera(ros, node)
    stamp = eye.send(BLOCK)
    assert ros.wait_until(lambda: node._newest.stamp_ns == nanoseconds_of(stamp))
    answer = ask(ros)
    assert answer.error_code.val == MoveItErrorCodes.SUCCESS
    assert nanoseconds_of(answer.grasps[0].grasp_pose.header.stamp) == nanoseconds_of(stamp)


def test_a_request_for_a_thing_gets_grasps_of_that_thing(ros):
    started(ros, FixedPlanner(), table="none")
    eye = camera(ros)
    eye.stream(BLOCK)
    answer = ask(ros, (0.0, 0.0, 0.04))
    assert [grasp.grasp_pose.pose.position.x for grasp in answer.grasps] == [0.0]
    assert answer.grasps[0].grasp_pose.pose.position.y == 0.0
    in_camera = ask(ros, (0.0, 0.0, 0.46), frame="camera_depth_optical_frame")
    assert [grasp.id for grasp in in_camera.grasps] == [answer.grasps[0].id], "the same place in another frame"
    nowhere = ask(ros, (0.0, 0.0, 1.0))
    assert nowhere.error_code.val == MoveItErrorCodes.PLANNING_FAILED and not nowhere.grasps
    unknown = ask(ros, (0.0, 0.0, 0.04), frame="moon")
    assert unknown.error_code.val == MoveItErrorCodes.FRAME_TRANSFORM_FAILURE
    assert "moon" in unknown.error_code.message
    by_name = GraspPlanning.Request()
    by_name.target.id = "cup"
    refused = ros.call(GraspPlanning, "/grasp_detector/plan_grasps", by_name)
    assert refused.error_code.val == MoveItErrorCodes.INVALID_OBJECT_NAME and "frame_id" in refused.error_code.message


def test_box_and_mask_narrow_the_search_until_they_are_cleared(ros):
    planner = FixedPlanner()
    planner.asked = []

    def detect_view(view: Any, *, target: Any, cone: Any, top_k: int) -> Grasps:
        planner.asked.append(target)
        return planner(view)

    planner.detect_view = detect_view
    started(ros, planner)
    eye, diagnostics = camera(ros), Diagnostics(ros)
    boxes = eye.node.create_publisher(Detection2D, "target/box", 1)
    masks = eye.node.create_publisher(Image, "target/mask", 1)
    assert ros.wait_until(lambda: boxes.get_subscription_count() and masks.get_subscription_count())
    eye.stream(BLOCK)
    assert ros.wait_until(lambda: planner.asked) and planner.asked[-1] is None
    box = Detection2D()
    box.header.stamp = eye.now()
    box.bbox.center.position.x, box.bbox.center.position.y, box.bbox.size_x, box.bbox.size_y = 31.0, 23.0, 8.0, 6.0
    boxes.publish(box)
    assert ros.wait_until(lambda: planner.asked[-1] is not None)
    assert planner.asked[-1].tolist() == [27.0, 20.0, 35.0, 26.0]
    assert ros.wait_until(lambda: diagnostics.of("detection")[0] == "ok")
    mask = BLOCK < 0.48
    masks.publish(image_from_mask(mask, Header(stamp=eye.now())))
    assert ros.wait_until(lambda: np.shape(planner.asked[-1]) == (48, 64))
    np.testing.assert_array_equal(planner.asked[-1], mask)
    masks.publish(image_from_mask(np.ones((10, 10), bool), Header(stamp=eye.now())))
    assert ros.wait_until(lambda: diagnostics.says("target", "warn", "target/mask"))
    boxes.publish(Detection2D())
    count = len(planner.asked)
    assert ros.wait_until(lambda: len(planner.asked) > count + 1) and planner.asked[-1] is None


def test_the_newest_frame_is_searched_and_older_ones_are_dropped(ros):
    entered, go_on, seen = threading.Event(), threading.Event(), []

    def slow(view: Any) -> Grasps:
        if float(view.depth_m[0, 0]) > 0.9:
            seen.append(float(view.depth_m[0, 0]))
            entered.set()
            go_on.wait(5.0)
        return Grasps()

    node = started(ros, slow, max_wait_ms=0.0)
    eye, diagnostics = camera(ros, node), Diagnostics(ros)
    assert ros.wait_until(lambda: not node._worker.busy)
    before = node._worker.dropped
    eye.send(BLOCK + np.float32(0.5))
    assert entered.wait(5.0)
    for number in range(1, 6):
        stamp = nanoseconds_of(eye.send(BLOCK + np.float32(number)))
        assert ros.wait_until(lambda stamp=stamp: node._newest.stamp_ns == stamp)
    go_on.set()
    assert ros.wait_until(lambda: len(seen) == 2)
    assert seen == [1.0, 5.5]
    assert ros.wait_until(lambda: diagnostics.of("detection")[2].get("dropped") == str(before + 4))


def test_parameters_change_what_the_next_frame_gives(ros):
    planner = FixedPlanner()
    node = started(ros, planner)
    poses = ros.collect(PoseArray, "/grasp_detector/grasps")
    camera(ros).stream(BLOCK)
    assert ros.wait_until(lambda: poses and len(poses[-1].poses) == 3)
    assert all(result.successful for result in node.set_parameters([Parameter("min_score", value=0.6)]))
    assert ros.wait_until(lambda: len(poses[-1].poses) == 2)
    node.set_parameters(
        [Parameter("table", value="find"), Parameter("workspace", value=[0.0, 0.0, 0.0, 1.0, 1.0, 1.0])]
    )
    assert ros.wait_until(lambda: planner.views[-1].table_z_m is None)
    assert planner.views[-1].workspace.tolist() == [[0.0] * 3, [1.0] * 3]
    for bad in (Parameter("top_k", value=0), Parameter("table", value="maybe"), Parameter("workspace", value=[1.0])):
        (result,) = node.set_parameters([bad])
        assert not result.successful and result.reason


def test_a_cloud_will_do_in_place_of_an_image(ros):
    planner = FixedPlanner()
    started(ros, planner, input="cloud", table="none")
    poses = ros.collect(PoseArray, "/grasp_detector/grasps")
    eye, diagnostics = camera(ros), Diagnostics(ros)
    points = CAMERA.unproject(BLOCK).reshape(-1, 3)

    def told() -> bool:
        eye.send_cloud(points)
        time.sleep(0.05)
        return bool(poses) and len(poses[-1].poses) == 3

    assert ros.wait_until(told)
    np.testing.assert_allclose(planner.views[-1].T_world_camera[:3, 3], (0.0, 0.0, 0.5), atol=1e-9)
    eye.send_cloud(np.full((500, 3), np.nan))
    assert ros.wait_until(lambda: diagnostics.says("camera", "error", "at least 100 points that are finite, got 0"))
    assert ros.wait_until(lambda: len(poses[-1].poses) == 0)
    eye.send_cloud(points)
    assert ros.wait_until(lambda: diagnostics.says("camera", "ok") and len(poses[-1].poses) == 3)


@pytest.mark.parametrize("mode", ["continuous", "on_request"])
def test_the_network_gives_the_benchmark_s_grasps_bit_for_bit(ros, mode, box_model):
    from envs.clutter import DIALECT_A, ClutterSimulation
    from envs.objects import ObjectSet
    from graspmimic.planners import NetworkPlanner
    from ros_nodes.messages.grasps import pose_array
    from ros_nodes.messages.poses import matrix_from_transform, transform_from_matrix

    simulation = ClutterSimulation(
        DIALECT_A, ObjectSet("boxes", (box_model((0.03, 0.03, 0.06)),)), "packed", np.random.default_rng(1)
    )
    seen = simulation.observe()
    simulation.close()
    from dataclasses import replace

    expected = NetworkPlanner()(
        replace(seen, T_world_camera=matrix_from_transform(transform_from_matrix(seen.T_world_camera)))
    )
    assert len(expected)
    box = [float(value) for value in seen.workspace.ravel()]
    started(ros, None, mode=mode, workspace=box, table_height_m=float(seen.table_z_m))
    poses = ros.collect(PoseArray, "/grasp_detector/grasps")
    eye = DepthCamera(ros, seen.camera, seen.T_world_camera)
    assert ros.wait_until(eye.is_heard)
    eye.stream(seen.depth_m, rate_hz=5.0)
    if mode == "on_request":
        answer = ask(ros, timeout_s=20.0)
        assert [grasp.grasp_quality for grasp in answer.grasps] == expected.scores.tolist()
    assert ros.wait_until(lambda: any(each.poses for each in poses), timeout_s=20.0)
    found = next(each for each in poses if each.poses)
    numbers = [(p.position.x, p.position.y, p.position.z, p.orientation.x, p.orientation.w) for p in found.poses]
    same = pose_array(expected, Header()).poses
    assert numbers == [(p.position.x, p.position.y, p.position.z, p.orientation.x, p.orientation.w) for p in same]
