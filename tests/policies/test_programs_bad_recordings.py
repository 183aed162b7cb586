"""Recordings that lack something: a reason, a doubt or one clear line, never a traceback."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geometry import InputError
from perception.pose import Hand, Person, PoseFrame
from policies.programs import Grasp, TaskProgram, program_from_recording
from policies.programs.match_study import TUNING_SEED, shown_example

FRAMES = shown_example("place_on", TUNING_SEED + 3, 0.01).frames
WHOLE = program_from_recording(FRAMES).program


def of_persons(frame: PoseFrame, **changes: object) -> PoseFrame:
    return frame.with_persons(tuple(replace(person, **changes) for person in frame.persons))  # type: ignore[arg-type]


def program(frames: list[PoseFrame]) -> TaskProgram:
    shown = program_from_recording(frames)
    assert shown.program is not None, shown.reason
    return shown.program


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([frame.with_persons(()) for frame in FRAMES], "no hand is in view"),
        ([replace(frame, objects=()) for frame in FRAMES], "no thing with a pose is in view"),
        (
            [replace(f, objects=tuple(replace(o, T_reference_object=None) for o in f.objects)) for f in FRAMES],
            "no thing with a pose is in view",
        ),
        (list(FRAMES[:1]), "one frame shows nothing that is done"),
        (list(FRAMES[:30]), "nothing was moved"),
    ],
)
def test_there_is_a_reason_where_there_is_no_program(frames: list[PoseFrame], reason: str) -> None:
    shown = program_from_recording(frames)
    assert shown.program is None and shown.reason == reason


def test_a_thing_that_moves_by_itself_is_told() -> None:
    away = [
        frame.with_persons(
            tuple(
                Person(id=person.id, scores=person.scores, keypoints_m=person.keypoints_m + (5.0, 0.0, 0.0))
                for person in frame.persons
                if person.keypoints_m is not None
            )
        )
        for frame in FRAMES
    ]
    shown = program_from_recording(away)
    assert shown.program is None and shown.reason == "cube moved with no hand near"
    assert [event.kind for event in shown.events if event.thing == "cube"] == ["rest", "carried", "rest"]


def test_what_is_wrong_with_the_recording_itself_is_an_error() -> None:
    with pytest.raises(InputError, match="at least one frame"):
        program_from_recording([])
    with pytest.raises(InputError, match="world"):
        program_from_recording([replace(frame, reference="camera") for frame in FRAMES])
    with pytest.raises(InputError, match="times that grow"):
        program_from_recording([FRAMES[1], FRAMES[0]])


@pytest.mark.parametrize("share", [0.5, 0.3])
def test_a_thing_seen_now_and_then(share: float) -> None:
    rng = np.random.default_rng(0)
    seen = [replace(f, objects=tuple(o for o in f.objects if rng.random() < share)) for f in FRAMES]
    found = program(seen)
    assert WHOLE is not None and found.signature() == WHOLE.signature()


def test_a_thing_hidden_while_the_hand_has_it() -> None:
    """For half a second, while it is carried."""
    hidden = [
        replace(f, objects=tuple(o for o in f.objects if o.name != "cube" or not 2.6 < f.time_s < 3.1)) for f in FRAMES
    ]
    assert WHOLE is not None and program(hidden).signature() == WHOLE.signature()


def test_a_person_without_fingers_grasps_from_above() -> None:
    found = program([of_persons(frame, right_hand=None, left_hand=None) for frame in FRAMES])
    grasp = found.steps[1]
    assert isinstance(grasp, Grasp) and grasp.approach == (0.0, 0.0, -1.0)
    assert "the fingers were not seen" in found.notes[0]


def test_two_hands_of_which_one_rests() -> None:
    still = FRAMES[0].persons[0].right_hand
    assert still is not None and still.keypoints_m is not None
    left = Hand(scores=np.ones(21), keypoints_m=still.keypoints_m + (0.0, -0.3, 0.0))
    found = program([of_persons(frame, left_hand=left) for frame in FRAMES])
    assert WHOLE is not None and found.signature() == WHOLE.signature()


def test_things_without_size_are_taken_for_five_centimetres() -> None:
    nameless = [replace(f, objects=tuple(replace(o, size_m=None) for o in f.objects)) for f in FRAMES]
    shown = program_from_recording(nameless)
    assert shown.program is not None and any("size is not known" in note for note in shown.program.notes)


def test_persons_without_numbers_are_tracked() -> None:
    found = program([of_persons(frame, id=-1) for frame in FRAMES])
    assert WHOLE is not None and found.signature() == WHOLE.signature()


def test_a_recording_that_ends_with_the_thing_in_the_hand() -> None:
    found = program([frame for frame in FRAMES if frame.time_s < 3.0])
    assert [words[0] for words in found.signature()] == ["Reach", "Grasp", "Lift"]
    assert any("still in the hand" in note for note in found.notes)


def test_a_recording_that_begins_with_the_thing_in_the_hand() -> None:
    found = program([frame for frame in FRAMES if frame.time_s > 2.5])
    assert [words[0] for words in found.signature()] == ["Carry", "Place", "Release"]
    assert any("in the hand already" in note for note in found.notes)
