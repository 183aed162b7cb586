"""A reaching hand in pixels: steps as far as the film shows, and nothing that it does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geometry import FloatArray, InputError
from perception.behavior.reach_to_grasp import ReachToGrasp
from perception.behavior.sets import read_reach_to_grasp
from perception.pose import PersonTrack, PoseFrame
from perception.pose.recordings import recording_of_arrays
from perception.pose.skeletons import BODY18
from policies.programs import Grasp, Lift, Place, Reach, Release, check
from policies.programs.reaching_frames import in_pixels_alone, program_of_frames
from policies.programs.reaching_program import SHOULDERS_M, program_from_reaching
from policies.programs.reaching_study import ReachingTrial, study_reaching, summary, track_of
from policies.programs.recording_program import ShownTask

RATE_HZ = 60.0
SHOULDERS_PX = 106.0
SETS_OUT_S, ARRIVES_S, LEAVES_S, RESTS_S, ENDS_S = 1.0, 1.6, 1.9, 2.5, 4.0
WHOLE = ["Reach", "Grasp", "Lift", "Carry", "Place", "Release"]


def minimum_jerk(time_s: FloatArray, begin: float, end: float) -> FloatArray:
    p = np.clip((time_s - begin) / (end - begin), 0.0, 1.0)
    way: FloatArray = p**3 * (10.0 - 15.0 * p + 6.0 * p * p)
    return way


def reach(*, goes_back_s: float | None = None) -> PersonTrack:
    """A right hand that reaches 100 px down, moves what it took 80 px to the right in the picture, and rests."""
    time_s = np.arange(0.0, ENDS_S, 1.0 / RATE_HZ)
    there = minimum_jerk(time_s, SETS_OUT_S, ARRIVES_S)
    aside = minimum_jerk(time_s, LEAVES_S, RESTS_S)
    back = np.zeros_like(time_s) if goes_back_s is None else minimum_jerk(time_s, goes_back_s, goes_back_s + 0.6)
    wrist = np.column_stack([200.0 + 50.0 * there + 80.0 * aside, 200.0 + (100.0 * there) * (1.0 - back)])
    body = np.full((len(time_s), len(BODY18), 2), np.nan)
    half = 0.5 * SHOULDERS_PX
    for name, place in (("neck", (300.0, 100.0)), ("right_shoulder", (300.0 - half, 110.0)),
                        ("left_shoulder", (300.0 + half, 110.0)), ("right_elbow", (210.0, 160.0))):  # fmt: skip
        body[:, BODY18.index(name)] = place
    body[:, BODY18.index("right_wrist")] = wrist
    fingers = np.column_stack([np.linspace(-20.0, 20.0, 21), np.linspace(5.0, 45.0, 21)])
    opening = 1.0 + 0.5 * there
    return PersonTrack(
        skeleton=BODY18,
        time_s=time_s,
        keypoints=body,
        scores=np.isfinite(body[..., 0]).astype(float),
        right_hand=wrist[:, None] + opening[:, None, None] * fingers,
    )


def until(track: PersonTrack, time_s: float) -> PersonTrack:
    count = int((track.time_s < time_s).sum())
    assert track.right_hand is not None
    return PersonTrack(
        skeleton=track.skeleton, time_s=track.time_s[:count], keypoints=track.keypoints[:count],
        scores=track.scores[:count], right_hand=track.right_hand[:count],
    )  # fmt: skip


def kinds(shown: ShownTask) -> list[str]:
    return [] if shown.program is None else [type(step).__name__ for step in shown.program.steps]


def test_a_whole_film_is_a_whole_program() -> None:
    shown = program_from_reaching(reach())
    assert kinds(shown) == WHOLE and shown.program is not None
    first, grasp, _, _, place, release = shown.program.steps
    assert isinstance(first, Reach) and isinstance(grasp, Grasp) and isinstance(place, Place)
    assert first.start_s == pytest.approx(SETS_OUT_S + 0.1, abs=0.1)
    assert first.end_s == pytest.approx(ARRIVES_S, abs=0.15)
    assert grasp.end_s == pytest.approx(LEAVES_S + 0.2, abs=0.15)
    assert release.start_s == pytest.approx(RESTS_S, abs=0.15)
    assert grasp.width_m in (0.025, 0.055, 0.075)
    assert shown.program.objects[0].size_m == (grasp.width_m,) * 3
    assert check(shown.program) == []


def test_it_is_moved_as_far_as_the_picture_shows() -> None:
    program = program_from_reaching(reach()).program
    assert program is not None and program.objects[0].stood_m is not None
    place = next(step for step in program.steps if isinstance(step, Place))
    way_m = place.offset_m[1] - program.objects[0].stood_m[1]
    assert way_m == pytest.approx(-80.0 / SHOULDERS_PX * SHOULDERS_M, abs=0.01)


@pytest.mark.parametrize(
    ("end_s", "steps", "words"),
    [
        (0.9, [], "does not reach"),
        (1.35, [], "ends before the reach"),
        (LEAVES_S, ["Reach"], "not seen to move on"),
        (2.3, ["Reach", "Grasp", "Lift", "Carry"], "still in motion"),
    ],
)
def test_a_film_that_ends_early_tells_less(end_s: float, steps: list[str], words: str) -> None:
    shown = program_from_reaching(until(reach(), end_s))
    assert kinds(shown) == steps
    told = [shown.reason] if shown.program is None else shown.program.notes
    assert any(words in line for line in told)


def test_letting_go_is_assumed_unless_the_hand_leaves() -> None:
    rests, leaves = (program_from_reaching(track).program for track in (reach(), reach(goes_back_s=3.0)))
    assert rests is not None and leaves is not None
    assert any("not seen to let go" in note for note in rests.notes)
    assert not any("not seen to let go" in note for note in leaves.notes)
    release = leaves.steps[-1]
    assert isinstance(release, Release) and release.end_s == pytest.approx(3.2, abs=0.15)


def test_a_detector_that_begins_somewhere_else_changes_nothing() -> None:
    track = reach()
    track.keypoints[:2, BODY18.index("right_wrist")] += (120.0, -90.0)
    before, after = program_from_reaching(reach()).program, program_from_reaching(track).program
    assert before is not None and after is not None
    assert after.steps[0] == before.steps[0]


def test_a_left_hand_is_the_mirror_of_a_right_one() -> None:
    track = reach()
    mirrored = replace(
        track,
        keypoints=np.stack([
            track.keypoints[:, BODY18.index(_other(joint))] * (-1.0, 1.0) for joint in BODY18.joints
        ], axis=1),
        scores=track.scores[:, [BODY18.index(_other(joint)) for joint in BODY18.joints]],
        right_hand=None,
        left_hand=None if track.right_hand is None else track.right_hand * (-1.0, 1.0),
    )  # fmt: skip
    right, left = program_from_reaching(track).program, program_from_reaching(mirrored, side="left").program
    assert right is not None and left is not None and left.signature() == right.signature()
    place, other = (next(s for s in each.steps if isinstance(s, Place)) for each in (right, left))
    assert other.offset_m[1] == pytest.approx(-place.offset_m[1])


def _other(joint: str) -> str:
    if joint.startswith("right_"):
        return joint.replace("right_", "left_")
    return joint.replace("left_", "right_")


def test_metres_and_hands_that_are_missing_are_named() -> None:
    track = reach()
    with pytest.raises(InputError, match="pixels"):
        program_from_reaching(replace(track, keypoints=np.zeros((len(track.time_s), 18, 3)), right_hand=None))
    with pytest.raises(InputError, match="left hand"):
        program_from_reaching(track, side="left")


def frames_of(track: PersonTrack) -> list[PoseFrame]:
    return list(recording_of_arrays(BODY18, track.time_s, track.keypoints, right_hand=track.right_hand))


def test_frames_in_pixels_are_told_from_others() -> None:
    frames = frames_of(reach())
    assert in_pixels_alone(frames)
    assert kinds(program_of_frames(frames)) == WHOLE
    metres = recording_of_arrays(BODY18, [0.0, 1.0], np.zeros((2, 18, 3)))
    assert not in_pixels_alone(list(metres)) and not in_pixels_alone([replace(frames[0], persons=())])


def test_frames_without_hands_give_a_reason() -> None:
    bare = list(recording_of_arrays(BODY18, reach().time_s, reach().keypoints))
    shown = program_of_frames(bare)
    assert shown.program is None and "no hand" in shown.reason


def trial(person: str, width_m: float, *, right: bool = True) -> ReachingTrial:
    return ReachingTrial(
        name=f"{person}_M_01", person=person, edge_m=0.055, shown=ShownTask(program=None), steps_right=right,
        times_right=right, width_m=width_m, width_own_m=0.055, silent_before=True, silent_midway=True,
    )  # fmt: skip


def test_rates_are_over_recordings_and_intervals_over_people() -> None:
    results = summary([trial("A", 0.055), trial("A", 0.055), trial("B", 0.025), trial("B", 0.055)])
    assert results["width_right"] == 0.75 and results["width_too_narrow"] == 0.25
    # Two people, rates 1 and 0.5: mean 0.75, standard error 0.25, t of one degree of freedom 12.7062.
    assert results["width_right_low"] == max(0.0, 0.75 - 12.7062 * 0.25) == 0.0
    assert results["understood"] == 0.0 and results["steps_right"] == 1.0 and results["width_own_right"] == 1.0
    three = summary([trial("A", 0.055), trial("B", 0.055), trial("C", 0.055), trial("C", 0.025)])
    rates = np.array([1.0, 1.0, 0.5])
    assert three["width_right_low"] == pytest.approx(rates.mean() - 4.302653 * rates.std(ddof=1) / np.sqrt(3.0))


def test_real_hands_are_understood_step_by_step(shared_data: Path) -> None:
    """The shipped model learned from these people: their sizes are not looked at here."""
    recordings = read_reach_to_grasp(shared_data / "behaviour" / "roboskel_reach_to_grasp")
    reader = ReachToGrasp.from_pretrained()
    for row in range(0, len(recordings.sizes), 45):
        shown = program_from_reaching(track_of(recordings, row), reader=reader)
        assert kinds(shown) == WHOLE and shown.program is not None
        first = shown.program.steps[0]
        assert first.start_s == pytest.approx(recordings.onset_s[row], abs=0.1)
        assert first.end_s == pytest.approx(recordings.end_s[row], abs=0.25)
        assert isinstance(shown.program.steps[2], Lift)


@pytest.mark.slow
def test_people_who_are_left_out_get_the_right_width_far_above_chance(shared_data: Path) -> None:
    results = summary(study_reaching(read_reach_to_grasp(shared_data / "behaviour" / "roboskel_reach_to_grasp")))
    assert results["recordings"] == 537 and results["steps_right"] > 0.98
    assert results["width_right_low"] > 1.0 / 3.0 and results["width_right"] > 0.65
    assert results["width_own_right"] > results["width_right"]
