"""The behaviour recogniser as a node: keypoints and images in, what people do out, whatever comes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header, String
from vision_msgs.msg import Classification, Detection2DArray, Detection3D, Detection3DArray
from visualization_msgs.msg import MarkerArray

from geometry import PinholeCamera
from graspmimic.watch_scenes import carrying_scene
from perception.behavior.watching import Watcher
from perception.pose import Person, PoseFrame, Skeleton, convert
from perception.pose.images.sources import ImageSource
from perception.pose.skeletons import BODY18, COCO17
from ros_nodes.behavior_recognizer.keypoint_messages import detections_2d, detections_3d
from ros_nodes.behavior_recognizer.keypoint_rows import rows_of_frame
from ros_nodes.behavior_recognizer.node import BehaviorRecognizerNode
from ros_nodes.messages.camera_infos import info_from_camera
from ros_nodes.messages.images import image_from_depth, image_from_rgb
from ros_nodes.messages.poses import pose_from_matrix
from ros_nodes.messages.stamps import stamp_of
from ros_nodes.qos import SENSOR
from tests.ros_nodes.depth_camera import Diagnostics

CAMERA = PinholeCamera(width=64, height=48, fx=60.0, fy=60.0, cx=32.0, cy=24.0)
OLD = 3600.0
AGO_S = 3000.0
"""The tests' frames are stamped as of a while ago, so that they may come faster than they were taken."""


@pytest.fixture(scope="module")
def frames() -> list[PoseFrame]:
    return [_as_body18(frame) for frame in carrying_scene(seed=1).frames]


def _as_body18(frame: PoseFrame) -> PoseFrame:
    people = []
    for person in frame.persons:
        points, scores = convert(person.keypoints_m, person.scores, frame.skeleton, BODY18)
        people.append(Person(id=3, scores=scores, keypoints_m=points))
    return replace(frame, skeleton=BODY18, persons=tuple(people), camera=None)


def started(ros: Any, network: Any = None, **parameters: Any) -> BehaviorRecognizerNode:
    given = [Parameter(name, value=value) for name, value in parameters.items()]
    node = ros.start(BehaviorRecognizerNode, network=network, parameter_overrides=given)
    assert ros.wait_until(lambda: node.active)
    return node


class People:
    """Publishes keypoints, and says what was told of them."""

    def __init__(self, ros: Any, kind: Any = Detection3DArray) -> None:
        self.ros, self.node = ros, ros.node("people")
        self._keypoints = self.node.create_publisher(kind, "keypoints", SENSOR)
        self._objects = self.node.create_publisher(Detection3DArray, "objects", SENSOR)
        self.doing = ros.collect(Classification, "/behavior_recognizer/doing", 100)
        self.segments = ros.collect(String, "/behavior_recognizer/segments", 100)
        self.says = Diagnostics(ros)
        needed = [self._keypoints, self._objects][: 2 if kind is Detection3DArray else 1]
        assert ros.wait_until(lambda: all(each.get_subscription_count() > 0 for each in needed))
        self._empty, self._sent = kind, 0

    def meet(self, begin_s: float) -> None:
        """Send empty moments before a time until one is heard: the first may be lost on a real network."""

        def is_heard() -> bool:
            self._sent += 1
            stamp = stamp_of(begin_s - 10.0 + 0.05 * self._sent)
            self._keypoints.publish(self._empty(header=Header(stamp=stamp, frame_id="world")))
            time.sleep(0.05)
            return self.says.says("input", "ok")

        assert self.ros.wait_until(is_heard)

    def send(self, frame: PoseFrame, time_s: float, frame_id: str = "world") -> None:
        """One moment; waits until it was dealt with, so that none is dropped."""
        header = Header(stamp=stamp_of(time_s), frame_id=frame_id)
        if frame.objects:
            things = Detection3DArray(header=header)
            for thing in frame.objects:
                told = Detection3D(id=thing.name)
                told.bbox.center = pose_from_matrix(thing.T_reference_object)
                things.detections.append(told)
            self._objects.publish(things)
        build = detections_3d if frame.persons and frame.persons[0].keypoints_m is not None else detections_2d
        before = len(self.doing)
        self._keypoints.publish(build(rows_of_frame(frame), header))
        if frame.persons:
            assert self.ros.wait_until(lambda: len(self.doing) > before)

    def send_raw(self, message: Any) -> None:
        self._keypoints.publish(message)


def now_s(people: Any) -> float:
    return float(people.node.get_clock().now().nanoseconds) / 1e9


def test_keypoints_become_doings_and_segments_with_reasons(ros, frames):
    watcher, expected = Watcher(rate_hz=30.0), []
    for frame in frames:
        expected += watcher.update(frame).settled
    node = started(
        ros, input="keypoints_3d", skeleton="body18", reference="world", max_age_s=OLD, rate_hz=30.0
    )  # fmt: skip
    people = People(ros)
    begin = now_s(people) - AGO_S
    people.meet(begin)
    for frame in frames:
        people.send(frame, begin + frame.time_s)
    assert len(people.doing) == len(frames)
    assert all(name.class_id.startswith("3/") for name in people.doing[-1].results)
    wait = ros.wait_until(lambda: len(people.segments) >= len(expected))
    told = [json.loads(each.data) for each in people.segments]
    assert wait and len(expected) >= 1
    key = {(s.layer, s.label, s.object, round(s.start_s + begin, 3), round(s.end_s + begin, 3)) for s in expected}
    found = {(t["layer"], t["behavior"], t["object"], round(t["start_s"], 3), round(t["end_s"], 3)) for t in told}
    assert found == key
    assert all(t["person"] == 3 and t["reasons"] and t["reasons"][0]["rule"] for t in told)
    all_of_it = len(watcher.finish().segments)
    assert change(ros, Transition.TRANSITION_DEACTIVATE)
    assert ros.wait_until(lambda: len(people.segments) == all_of_it), "what was open is settled at the end"
    assert not node.active


def test_people_are_drawn_where_somebody_looks(ros, frames):
    started(ros, input="keypoints_3d", skeleton="body18", reference="world", max_age_s=OLD)
    markers = ros.collect(MarkerArray, "/behavior_recognizer/markers")
    people = People(ros)
    people.meet(now_s(people))
    people.send(frames[0], now_s(people), frame_id="hall")
    assert ros.wait_until(lambda: len(markers[-1].markers) > 1)
    assert [marker.ns for marker in markers[-1].markers] == ["people", "skeleton", "caption"]
    assert markers[-1].markers[1].header.frame_id == "hall" and len(markers[-1].markers[1].points) > 10


def test_pixels_will_do(ros):
    rng, node = np.random.default_rng(0), started(ros, input="keypoints_2d", max_age_s=OLD)
    people = People(ros, Detection2DArray)
    begin = now_s(people) - AGO_S
    people.meet(begin)
    standing = rng.uniform(0.0, 400.0, (17, 2))
    for number in range(5):
        person = Person(id=0, scores=np.ones(17), keypoints_px=standing + number)
        people.send(PoseFrame(time_s=0.0, skeleton=COCO17, persons=(person,)), begin + number / 30.0)
    assert len(people.doing) == 5 and node.active


def test_messages_that_make_no_sense_are_told_and_the_next_is_watched(ros, frames):
    started(ros, input="keypoints_3d", skeleton="body18", reference="world", max_age_s=OLD, silence_s=60.0)
    people = People(ros)
    says, begin, frames = people.says, now_s(people) - AGO_S, [replace(frame, objects=()) for frame in frames[:3]]
    people.meet(begin)
    people.send(frames[0], begin)
    bad = detections_3d(rows_of_frame(frames[0]), Header(stamp=stamp_of(begin + 0.1)))
    bad.detections[0].bbox.center.position.x = float("nan")
    people.send_raw(bad)
    assert ros.wait_until(lambda: says.says("input", "error", "finite numbers"))
    people.send(frames[1], begin + 0.2)
    assert ros.wait_until(lambda: says.says("input", "ok"))
    strange = detections_3d(rows_of_frame(frames[0]), Header(stamp=stamp_of(begin + 0.3)))
    strange.detections[0].results[0].hypothesis.class_id = "tail"
    people.send_raw(strange)
    assert ros.wait_until(lambda: says.says("input", "warn", "left out: tail"))
    people.send(frames[2], begin + 0.4)
    assert len(people.doing) >= 4


def test_a_clock_that_goes_back_begins_anew(ros, frames):
    started(ros, input="keypoints_3d", skeleton="body18", reference="world", max_age_s=OLD)
    people = People(ros)
    says, begin = people.says, now_s(people) - AGO_S
    people.meet(begin)
    for number in range(30):
        people.send(frames[number], begin + frames[number].time_s)
    people.send(frames[0], begin - 100.0)
    people.send(frames[1], begin - 99.9)
    assert len(people.doing) == 32
    assert ros.wait_until(lambda: says.of("watching")[2].get("restarts") == "1"), says.of("watching")
    assert "went back" in says.of("watching")[2]["last_restart"]


def test_old_frames_and_silence_are_told(ros, frames):
    started(ros, input="keypoints_3d", skeleton="body18", silence_s=0.3)
    people = People(ros)
    says = people.says
    assert ros.wait_until(lambda: says.says("input", "error", "nothing on /keypoints"))
    people.meet(now_s(people) + 9.0)
    people.send_raw(detections_3d(rows_of_frame(frames[0]), Header(stamp=stamp_of(1.0))))
    assert ros.wait_until(lambda: says.says("input", "error", "s old"))
    people.send(replace(frames[0], objects=()), now_s(people))
    assert ros.wait_until(lambda: says.says("input", "ok")) and len(people.doing) == 1


class BrightNose:
    """A keypoint source that sees one person whose nose is the brightest pixel."""

    def __init__(self, source: ImageSource) -> None:
        self.source = source

    @property
    def skeleton(self) -> Skeleton:
        return COCO17

    @property
    def rate_hz(self) -> float | None:
        return None

    def __iter__(self) -> Iterator[PoseFrame]:
        for image in self.source:
            row, column = np.unravel_index(np.argmax(image.rgb[..., 0]), image.rgb.shape[:2])
            points = np.array([column, row]) + np.linspace(-3.0, 3.0, 34).reshape(17, 2)
            yield PoseFrame(
                time_s=image.time_s, skeleton=COCO17, persons=(Person(scores=np.ones(17), keypoints_px=points),)
            )

    def close(self) -> None:
        """Nothing is held."""


def test_images_with_depth_become_people_in_metres(ros):
    started(ros, BrightNose, input="image", use_depth=True, silence_s=60.0)
    says, node = Diagnostics(ros), ros.node("color_camera")
    images, depths = node.create_publisher(Image, "image", SENSOR), node.create_publisher(Image, "depth", SENSOR)
    infos = node.create_publisher(CameraInfo, "camera_info", SENSOR)
    doing = ros.collect(Classification, "/behavior_recognizer/doing", 100)
    markers = ros.collect(MarkerArray, "/behavior_recognizer/markers")
    assert ros.wait_until(lambda: min(p.get_subscription_count() for p in (images, depths, infos)) > 0)
    rgb = np.zeros((48, 64, 3), np.uint8)
    rgb[24, 32] = 255

    def send(*, depth: bool, pixels: np.ndarray = rgb) -> None:
        header = Header(stamp=node.get_clock().now().to_msg(), frame_id="color_optical")
        if depth:
            infos.publish(info_from_camera(CAMERA, header))
            depths.publish(image_from_depth(np.full((48, 64), 2.0, np.float32), header))
        images.publish(image_from_rgb(pixels, header))

    def sent(**what: Any) -> bool:
        send(**what)
        time.sleep(0.1)
        return True

    no_info = "no camera information on /camera_info"
    assert ros.wait_until(lambda: sent(depth=False) and says.says("input", "error", no_info))
    assert ros.wait_until(lambda: sent(depth=True) and doing and markers)
    bones = markers[-1].markers[1]
    assert bones.header.frame_id == "color_optical"
    assert all(abs(point.z - 2.0) < 0.2 for point in bones.points)
    send(depth=True, pixels=np.zeros((24, 32, 3), np.uint8))
    assert ros.wait_until(lambda: says.says("input", "error", "ImageFrame"))
    before = len(doing)
    assert ros.wait_until(lambda: sent(depth=True) and len(doing) > before and says.says("input", "ok"))


@pytest.mark.parametrize(
    ("parameters", "transition", "line"),
    [
        ({"rules": "missing.yaml"}, "configure", "missing.yaml"),
        ({"models_folder": "nowhere"}, "activate", "landmark models in nowhere"),
        ({"pose_onnx": "missing.onnx"}, "activate", "missing.onnx"),
    ],
)
def test_what_is_missing_keeps_the_node_where_it_was(ros, parameters, transition, line, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = [Parameter(name, value=value) for name, value in parameters.items()]
    ros.start(BehaviorRecognizerNode, parameter_overrides=given)
    says = Diagnostics(ros)
    assert ros.wait_until(lambda: says.says("lifecycle", "error", line)), says.of("lifecycle")
    stays = State.PRIMARY_STATE_UNCONFIGURED if transition == "configure" else State.PRIMARY_STATE_INACTIVE
    answer = ros.call(GetState, "/behavior_recognizer/get_state")
    assert answer.current_state.id == stays


def change(ros: Any, transition: int) -> bool:
    request = ChangeState.Request(transition=Transition(id=transition))
    return bool(ros.call(ChangeState, "/behavior_recognizer/change_state", request, timeout_s=20.0).success)
