"""Watching for long: whoever left is forgotten, and numbers that a recording brings are kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geometry import InputError
from graspmimic.watch_scenes import carrying_scene
from perception.behavior.decoding import emissions_from_chances
from perception.behavior.watching import Timeline, Watcher, watch_recording
from perception.behavior.watching.layer_truths import chances_of, emission_now
from perception.behavior.watching.numbering import Numbering
from perception.pose import PoseFrame

RATE_HZ = 30.0


def numbered(frame: PoseFrame, number: int, *, time_s: float, shift_m: float = 0.0) -> PoseFrame:
    """The frame with its person under another number, at another time and place."""
    (person,) = frame.persons
    assert person.keypoints_m is not None
    moved = replace(person, id=number, keypoints_m=person.keypoints_m + (shift_m, 0.0, 0.0))
    return replace(frame, time_s=time_s, persons=(moved,), objects=())


def passers_by(count: int, number: int | None = None) -> list[PoseFrame]:
    """People in view for half a second each, four seconds apart; nobody in view is told twice between them."""
    walk = carrying_scene(100).frames[:15]
    frames = []
    for who in range(count):
        begin_s = 4.5 * who
        frames += [
            numbered(frame, who if number is None else number, time_s=begin_s + row / RATE_HZ, shift_m=50.0 * who)
            for row, frame in enumerate(walk)
        ]
        frames += [walk[0].with_persons(()), walk[0].with_persons(())]
        frames[-2:] = [
            replace(frame, time_s=begin_s + later_s) for frame, later_s in zip(frames[-2:], (1.5, 4.0), strict=True)
        ]
    return frames


def stages_done(frames: list[PoseFrame]) -> tuple[list[int], Timeline]:
    """How many pieces of decoding each frame took."""
    done: list[str] = []
    watcher, counts = Watcher(rate_hz=RATE_HZ, done=done.append), []
    for frame in frames:
        done.clear()
        watcher.update(frame)
        counts.append(done.count("decode"))
    return counts, watcher.finish()


@pytest.mark.parametrize("number", [None, -1])
def test_whoever_left_costs_nothing_any_more(number: int | None) -> None:
    counts, timeline = stages_done(passers_by(6, number))
    assert counts[0] > 0 and max(counts) == counts[0]
    assert timeline.persons == tuple(range(6))


def test_segments_of_whoever_left_are_told_when_they_are_given_up() -> None:
    """As if the source had ended then, though it goes on for long."""
    seen = [frame for frame in carrying_scene(100).frames if frame.time_s < 2.0]
    empty = [replace(seen[0].with_persons(()), time_s=time_s, objects=()) for time_s in (3.0, 4.0, 5.5, 100.0)]
    short, long = Watcher(rate_hz=RATE_HZ), Watcher(rate_hz=RATE_HZ)
    for frame in (*seen, *empty[:2]):
        short.update(frame)
    settled = [segment for frame in (*seen, *empty) for segment in long.update(frame).settled]
    wanted = short.finish().segments
    assert wanted and long.finish().segments == wanted
    assert sorted(settled, key=str) == sorted(wanted, key=str)


def test_numbers_of_a_recording_are_kept_live_as_they_are_in_a_whole() -> None:
    frames = [numbered(frame, 7, time_s=frame.time_s) for frame in carrying_scene(100).frames[:60]]
    watcher = Watcher()
    assert {number for frame in frames for number in watcher.update(frame).doing} == {7}
    assert watcher.finish().persons == watch_recording(frames).persons == (7,)


def test_from_the_first_person_without_a_number_on_all_are_numbered_anew() -> None:
    scene = carrying_scene(100).frames[:9]
    numbers, found = Numbering(), []
    for row, frame in enumerate(scene):
        frame = numbered(frame, 4 if row < 3 else -1 if row < 6 else 4, time_s=frame.time_s)
        found += [person.id for person in numbers.update(frame).persons]
    assert found == [4, 4, 4, 5, 5, 5, 5, 5, 5]


def test_frames_with_numbers_are_checked_too() -> None:
    numbers = Numbering()
    frame = numbered(carrying_scene(100).frames[0], 0, time_s=1.0)
    numbers.update(frame)
    with pytest.raises(InputError, match="a frame after 1.0 s"):
        numbers.update(frame)


@pytest.mark.parametrize("truths", [(0.2, 0.7, 0.0), (1.0, 0.0, 0.9999), (0.0,), (1.0, 1.0), (0.99999, 1e-9)])
def test_a_moments_emission_is_that_of_a_recording(truths: tuple[float, ...]) -> None:
    wanted = emissions_from_chances(chances_of(np.array([truths]), np.array([True])), weight=0.4)[0]
    np.testing.assert_allclose(emission_now(truths, len(truths), 0.4), wanted, rtol=1e-12, atol=1e-12)
    assert np.isnan(emission_now(None, len(truths), 0.4)).tolist() == [True] * len(wanted)
