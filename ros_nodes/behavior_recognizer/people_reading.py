"""From messages to a frame of people and things."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from geometry import InputError
from perception.pose import PoseFrame, SeenObject
from ros_nodes.behavior_recognizer.keypoint_messages import rows_of_detections
from ros_nodes.behavior_recognizer.keypoint_rows import persons_of_rows
from ros_nodes.behavior_recognizer.people_input import PeopleMessages
from ros_nodes.behavior_recognizer.pushed_images import PoseReader
from ros_nodes.behavior_recognizer.settings import BehaviorRecognizerSettings
from ros_nodes.messages.camera_infos import camera_from_info
from ros_nodes.messages.images import depth_from_image, rgb_from_image
from ros_nodes.messages.poses import matrix_from_pose
from ros_nodes.messages.stamps import seconds_of


class PeopleReading:
    """Reads messages, one moment after the other.

    Args:
        settings: what comes in.
        reader: finds people in images; None where keypoints come.
    """

    def __init__(self, settings: BehaviorRecognizerSettings, reader: PoseReader | None) -> None:
        self._settings, self._reader = settings, reader
        self._last_ns: int | None = None
        self.remark = ""
        """What was left out of the last frame and why; empty where nothing was."""

    def read(self, messages: PeopleMessages) -> PoseFrame:
        """The people of one moment.

        Raises:
            InputError: for messages that make no sense.
        """
        self.remark = ""
        time_s = seconds_of(messages.header.stamp)
        if self._reader is None:
            return self._of_keypoints(messages, time_s)
        if self._last_ns is not None and messages.stamp_ns < self._last_ns:
            self._reader.restart()
        self._last_ns = messages.stamp_ns
        depth_m = camera = None
        if messages.depth is not None and messages.info is not None:
            depth_m, camera = depth_from_image(messages.depth), camera_from_info(messages.info)
        frame = self._reader.read(rgb_from_image(messages.main), time_s, depth_m=depth_m, camera=camera)
        return replace(frame, objects=self._things(messages))

    def close(self) -> None:
        """Free the networks."""
        if self._reader is not None:
            self._reader.close()

    def _of_keypoints(self, messages: PeopleMessages, time_s: float) -> PoseFrame:
        layout = self._settings.layout
        read = persons_of_rows(rows_of_detections(messages.main), layout)
        if read.unknown:
            self.remark = f"not in {layout.name}, left out: {', '.join(read.unknown[:5])}"
        metres = self._settings.input == "keypoints_3d"
        return PoseFrame(
            time_s=time_s,
            skeleton=layout,
            persons=read.persons,
            objects=self._things(messages),
            reference=self._settings.reference if metres else "camera",
        )

    def _things(self, messages: PeopleMessages) -> tuple[SeenObject, ...]:
        """Things in the people's own frame."""
        objects = messages.objects
        if objects is None:
            return ()
        if objects.header.frame_id != messages.header.frame_id:
            self.remark = f"objects in {objects.header.frame_id!r}, people in {messages.header.frame_id!r}: left out"
            return ()
        by_name: dict[str, SeenObject] = {}
        for number, detection in enumerate(objects.detections):
            thing = _thing(number, detection)
            by_name.setdefault(thing.name, thing)
        return tuple(by_name.values())


def _thing(number: int, detection: Any) -> SeenObject:
    kind = detection.results[0].hypothesis if detection.results else None
    name = str(detection.id) or (str(kind.class_id) if kind else "") or f"thing_{number}"
    try:
        pose = matrix_from_pose(detection.bbox.center)
    except InputError as error:
        raise InputError(f"object {name!r}", expected="a pose", got=str(error)) from None
    score = float(kind.score) if kind else 1.0
    return SeenObject(
        name=name, category=str(kind.class_id) if kind else "", T_reference_object=pose, score=min(max(score, 0.0), 1.0)
    )
