"""Keypoints <-> vision_msgs detection arrays: one detection a keypoint.

`id` is the person's number (empty where it is not known), `results[0].hypothesis` the keypoint's name and score (see
`keypoint_rows`), the middle of `bbox` its place: pixels in a Detection2DArray, metres in a Detection3DArray.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vision_msgs.msg import (
    Detection2D,
    Detection2DArray,
    Detection3D,
    Detection3DArray,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
)

from geometry import InputError
from ros_nodes.behavior_recognizer.keypoint_rows import KeypointRow


def rows_of_detections(message: Any) -> list[KeypointRow]:
    """The keypoints of a Detection2DArray or a Detection3DArray, in its order.

    Raises:
        InputError: for a detection without a result, or with an id that is no whole number.
    """
    return [_row(number, detection) for number, detection in enumerate(message.detections)]


def detections_2d(rows: Iterable[KeypointRow], header: Any) -> Detection2DArray:
    """Message of keypoints in pixels."""
    message = Detection2DArray(header=header)
    for row in rows:
        detection = Detection2D(header=header, id=_id(row), results=[_result(row)])
        detection.bbox.center.position.x, detection.bbox.center.position.y = row.point
        message.detections.append(detection)
    return message


def detections_3d(rows: Iterable[KeypointRow], header: Any) -> Detection3DArray:
    """Message of keypoints in metres."""
    message = Detection3DArray(header=header)
    for row in rows:
        detection = Detection3D(header=header, id=_id(row), results=[_result(row)])
        place = detection.bbox.center.position
        place.x, place.y, place.z = row.point
        message.detections.append(detection)
    return message


def _row(number: int, detection: Any) -> KeypointRow:
    if not detection.results:
        raise InputError(
            f"keypoint {number} of the message", expected="results[0] with its name and score", got="no result"
        )
    told = detection.results[0].hypothesis
    place = detection.bbox.center.position
    point = (place.x, place.y, place.z) if hasattr(place, "z") else (place.x, place.y)
    return KeypointRow(_person(detection.id), str(told.class_id), point, float(told.score))


def _person(text: str) -> int:
    try:
        return int(text) if text else -1
    except ValueError:
        raise InputError("keypoint: id", expected="the number of its person, or nothing", got=repr(text)) from None


def _id(row: KeypointRow) -> str:
    return "" if row.person < 0 else str(row.person)


def _result(row: KeypointRow) -> ObjectHypothesisWithPose:
    return ObjectHypothesisWithPose(hypothesis=ObjectHypothesis(class_id=row.name, score=row.score))
