"""Keypoints, things and markers as messages, and streams joined by their stamps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, Detection3D, Detection3DArray, ObjectHypothesis, ObjectHypothesisWithPose
from visualization_msgs.msg import Marker

from geometry import InputError
from perception.behavior.watching import Doing
from perception.pose import Person, PoseFrame
from perception.pose.skeletons import COCO17
from ros_nodes.behavior_recognizer.behavior_output import people_markers
from ros_nodes.behavior_recognizer.keypoint_messages import detections_2d, detections_3d, rows_of_detections
from ros_nodes.behavior_recognizer.keypoint_rows import KeypointRow
from ros_nodes.behavior_recognizer.people_input import PeopleMessages
from ros_nodes.behavior_recognizer.people_reading import PeopleReading
from ros_nodes.behavior_recognizer.pushed_images import PoseReader
from ros_nodes.behavior_recognizer.settings import BehaviorRecognizerSettings
from ros_nodes.behavior_recognizer.stamp_join import StampJoin
from ros_nodes.messages.images import image_from_rgb
from ros_nodes.messages.stamps import stamp_of

HEADER = Header(frame_id="world")
ROWS_3D = [
    KeypointRow(3, "nose", (0.5, -1.25, 2.0), 0.75),
    KeypointRow(3, "left_hand/index_tip", (0.1, 0.2, 0.3), 0.5),
    KeypointRow(-1, "left_wrist", (1.0, 2.0, 3.0), 1.0),
]


def test_keypoints_are_detections_as_the_documentation_says() -> None:
    message = detections_3d(ROWS_3D, HEADER)
    first, last = message.detections[0], message.detections[2]
    assert message.header.frame_id == "world" and (first.id, last.id) == ("3", "")
    assert (first.results[0].hypothesis.class_id, first.results[0].hypothesis.score) == ("nose", 0.75)
    place = first.bbox.center.position
    assert (place.x, place.y, place.z) == (0.5, -1.25, 2.0)
    flat = detections_2d([KeypointRow(0, "nose", (12.5, 7.0), 0.5)], HEADER).detections[0]
    assert (flat.bbox.center.position.x, flat.bbox.center.position.y, flat.id) == (12.5, 7.0, "0")


def test_keypoints_come_back_as_they_were() -> None:
    assert rows_of_detections(detections_3d(ROWS_3D, HEADER)) == ROWS_3D
    flat = [KeypointRow(0, "nose", (12.5, 7.0), 0.5)]
    assert rows_of_detections(detections_2d(flat, HEADER)) == flat
    assert rows_of_detections(Detection2DArray()) == []


def test_detections_that_are_no_keypoints_are_refused() -> None:
    with pytest.raises(InputError, match="no result"):
        rows_of_detections(Detection3DArray(detections=[Detection3D(id="1")]))
    message = detections_3d(ROWS_3D, HEADER)
    message.detections[0].id = "Ada"
    with pytest.raises(InputError, match="'Ada'"):
        rows_of_detections(message)


def reading(objects: Any = None, **settings: Any) -> tuple[PeopleReading, PeopleMessages]:
    main = detections_3d(ROWS_3D[:1], HEADER)
    reader = PeopleReading(BehaviorRecognizerSettings(input="keypoints_3d", reference="world", **settings), None)
    return reader, PeopleMessages(main=main, objects=objects, arrived_s=0.0)


def things(frame_id: str, *names: str) -> Detection3DArray:
    message = Detection3DArray(header=Header(frame_id=frame_id))
    for number, name in enumerate(names):
        thing = Detection3D(id=name)
        thing.results = [ObjectHypothesisWithPose(hypothesis=ObjectHypothesis(class_id="cup", score=0.5))]
        thing.bbox.center.position.x, thing.bbox.center.orientation.w = float(number), 1.0
        message.detections.append(thing)
    return message


def test_things_in_the_people_s_frame_are_seen() -> None:
    reader, messages = reading(things("world", "cup_1", "cup_2"))
    frame = reader.read(messages)
    assert (frame.reference, frame.skeleton.name, frame.persons[0].id) == ("world", "coco17", 3)
    assert [(each.name, each.category, each.score) for each in frame.objects] == [
        ("cup_1", "cup", 0.5),
        ("cup_2", "cup", 0.5),
    ]
    pose = frame.objects[1].T_reference_object
    assert pose is not None and pose[:3, 3].tolist() == [1.0, 0.0, 0.0] and reader.remark == ""


def test_things_in_another_frame_are_left_out_and_told() -> None:
    reader, messages = reading(things("table", "cup_1"))
    assert reader.read(messages).objects == () and "'table'" in reader.remark
    unknown, messages = reading(skeleton="kinect20")
    assert unknown.read(messages).persons and "not in kinect20, left out: nose" in unknown.remark


def test_images_from_before_begin_a_film_of_their_own() -> None:
    opened: list[Any] = []

    class Nobody:
        skeleton, rate_hz = COCO17, None

        def __init__(self, source: Any) -> None:
            opened.append(self)
            self.source, self.times = source, []

        def __iter__(self) -> Any:
            for image in self.source:
                self.times.append(image.time_s)
                yield PoseFrame(time_s=image.time_s, skeleton=COCO17)

        def close(self) -> None:
            pass

    reader = PeopleReading(BehaviorRecognizerSettings(), PoseReader(Nobody))
    for time_s in (5.0, 5.1, 2.0, 2.1):
        image = image_from_rgb(np.zeros((8, 8, 3), np.uint8), Header(stamp=stamp_of(time_s)))
        assert reader.read(PeopleMessages(main=image, arrived_s=0.0)).time_s == time_s
    assert [each.times for each in opened] == [[5.0, 5.1], [2.0, 2.1]]
    reader.close()


def test_markers_show_bones_and_captions_in_the_message_s_frame() -> None:
    points = np.full((17, 3), np.nan)
    points[5:11] = np.arange(18.0).reshape(6, 3)
    frame = PoseFrame(
        time_s=0.0, skeleton=COCO17, persons=(Person(id=4, scores=np.ones(17), keypoints_m=points),), reference="world"
    )
    doing = {4: (Doing(layer="body", label="wave", confidence=0.9),)}
    clear, bones, caption = people_markers(frame, doing, HEADER, line_m=0.03, text_m=0.2).markers
    assert clear.action == Marker.DELETEALL and (bones.type, caption.type) == (
        Marker.LINE_LIST,
        Marker.TEXT_VIEW_FACING,
    )
    assert len(bones.points) == 2 * 5, "shoulders, two upper arms, two forearms"
    assert bones.scale.x == 0.03 and caption.scale.z == 0.2 and bones.header.frame_id == "world"
    assert caption.text == "person 4\nbody: wave 0.90" and caption.pose.position.z == pytest.approx(17.25)


def test_streams_are_joined_by_the_nearest_stamp() -> None:
    join = StampJoin[str, str](10)
    assert join.add_side(100, "d100") is None and join.add_side(105, "d105") is None
    pair = join.add_main(104, "i104")
    assert pair is not None and pair.side == "d105"
    assert join.add_main(200, "i200") is None, "its depth is still on its way"
    late = join.add_side(207, "d207")
    assert late is not None and (late.main, late.side) == ("i200", "d207")
    assert join.add_main(300, "i300") is None and join.add_main(400, "i400") is None and join.alone == 1
    assert join.add_side(300, "d300") is None, "its image is gone"
    assert join.add_side(400, "d400") is not None
    join.clear()
    assert join.nearest(400) is None
