"""A simulated demonstration as the frames that keypoint sources give."""

from __future__ import annotations

import numpy as np

from envs.demonstrator import DemonstrationRecording, RecordedPerson
from perception.pose import SKELETONS, Hand, Person, PoseFrame, SeenObject

_BODY = SKELETONS["body18"]


def shown_frames(recording: DemonstrationRecording) -> list[PoseFrame]:
    """Frames in the world's frame; persons 0 and, where there is one, 1 (who takes something); synthetic keypoints."""
    sizes = [np.array(thing.size_m) for thing in recording.things]
    frames = []
    for row, time_s in enumerate(recording.time_s):
        objects = tuple(
            SeenObject(name=thing.name, category=thing.category, T_reference_object=T, size_m=size)
            for thing, T, size in zip(recording.things, recording.T_world_things[row], sizes, strict=True)
        )
        persons = tuple(_person(each, number, row) for number, each in enumerate(recording.persons))
        frames.append(
            PoseFrame(time_s=float(time_s), skeleton=_BODY, persons=persons, objects=objects, reference="world")
        )
    return frames


def _person(person: RecordedPerson, number: int, row: int) -> Person:
    hand = Hand(scores=person.hand_scores[row], keypoints_m=person.hand_m[row])
    return Person(id=number, scores=person.body_scores[row], keypoints_m=person.body_m[row], right_hand=hand)
