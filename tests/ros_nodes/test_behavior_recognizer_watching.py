"""Watching a stream without end: what is said, when the clock jumps, when nobody is there; images one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from geometry import InputError, PinholeCamera
from graspmimic.watch_scenes import carrying_scene
from perception.behavior.reasoning import Reason
from perception.behavior.watching import Doing, TimelineSegment, Watcher
from perception.pose import Person, PoseFrame, Skeleton
from perception.pose.images.sources import ImageSource
from perception.pose.skeletons import COCO17
from ros_nodes.behavior_recognizer.live_watch import LiveWatch
from ros_nodes.behavior_recognizer.pushed_images import PoseReader
from ros_nodes.behavior_recognizer.segment_text import caption, doing_labels, segment_json

LATE_S = 1.7e9
"""As clocks of computers count."""


@pytest.fixture(scope="module")
def frames() -> list[PoseFrame]:
    return list(carrying_scene(seed=2).frames)


def later(frames: list[PoseFrame], by_s: float) -> list[PoseFrame]:
    return [replace(frame, time_s=frame.time_s + by_s) for frame in frames]


def test_a_stream_says_what_a_watcher_says_at_the_stream_s_own_times(frames: list[PoseFrame]) -> None:
    watcher, live = Watcher(rate_hz=30.0), LiveWatch(rate_hz=30.0)
    told: list[TimelineSegment] = []
    for frame, late in zip(frames, later(frames, LATE_S), strict=True):
        step, watched = watcher.update(frame), live.update(late)
        assert watched is not None and watched.restarted == "" and watched.frame.time_s == late.time_s
        assert {who: [str(each) for each in does] for who, does in watched.doing.items()} == {
            who: [str(each) for each in does] for who, does in step.doing.items()
        }
        told += watched.settled
    told += live.finish()
    expected = watcher.finish().segments
    assert len(expected) > 2
    key = [(s.person, s.layer, str(s), round(s.start_s + LATE_S, 4), round(s.end_s + LATE_S, 4)) for s in expected]
    found = [(s.person, s.layer, str(s), round(s.start_s, 4), round(s.end_s, 4)) for s in told]
    assert sorted(found) == sorted(key), "each segment once"
    reasons = [reason for segment in told for reason in segment.reasons if reason.since_s is not None]
    assert reasons and all(LATE_S - 1.0 < reason.since_s < LATE_S + 60.0 for reason in reasons)


def test_a_clock_that_goes_back_settles_what_is_open_and_begins_anew(frames: list[PoseFrame]) -> None:
    live = LiveWatch(rate_hz=30.0)
    for frame in later(frames[:90], 100.0):
        live.update(frame)
    first = live.update(frames[0])
    assert first is not None and "went back" in first.restarted and live.restarts == 1
    assert first.settled and all(segment.start_s >= 100.0 for segment in first.settled)
    assert live.update(frames[1]) is not None


def test_frames_that_come_again_are_left_out(frames: list[PoseFrame]) -> None:
    live = LiveWatch(rate_hz=30.0)
    assert live.update(frames[5]) is not None
    assert live.update(frames[5]) is None and live.update(frames[4]) is None
    assert live.repeated == 2 and live.restarts == 0
    assert live.update(frames[6]) is not None


def test_after_an_empty_room_watching_begins_anew(frames: list[PoseFrame]) -> None:
    live = LiveWatch(rate_hz=30.0)
    for frame in frames[:30]:
        live.update(frame)
    empty = frames[0].with_persons(())
    for second in range(1, 22):
        watched = live.update(replace(empty, time_s=frames[29].time_s + second))
    assert watched is not None and "nobody was in view" in watched.restarted


def test_another_skeleton_begins_anew_and_loses_no_segment(frames: list[PoseFrame]) -> None:
    live = LiveWatch(rate_hz=30.0)
    told = [segment for frame in frames[:90] if (watched := live.update(frame)) for segment in watched.settled]
    nobody = PoseFrame(time_s=frames[90].time_s, skeleton=COCO17)
    first = live.update(nobody)
    assert first is not None and "skeleton changed from" in first.restarted
    watcher = Watcher(rate_hz=30.0)
    for frame in frames[:90]:
        watcher.update(frame)
    assert len(told) + len(first.settled) == len(watcher.finish().segments) > 0


def test_a_frame_that_cannot_be_watched_does_not_end_the_stream(frames: list[PoseFrame]) -> None:
    live = LiveWatch(rate_hz=30.0)
    for frame in frames[:5]:
        live.update(frame)
    (who,) = frames[5].persons
    without_points = replace(who, id=5, keypoints_m=None, keypoints_px=None)
    try:
        live.update(frames[5].with_persons((without_points,)))
    except InputError:
        pass
    assert live.update(frames[6]) is not None


def test_segments_and_doings_go_out_as_text() -> None:
    reason = Reason(rule="r", truth=0.98765432, contribution=float(np.float32(1.5)), since_s=3.0, evidence=())
    segment = TimelineSegment(
        person=2, layer="right hand", label="lift", start_s=3.0, end_s=4.0, confidence=0.9, object="cube",
        reasons=(reason,) * 9,
    )  # fmt: skip
    told = json.loads(segment_json(segment))
    assert (told["person"], told["behavior"], told["object"], told["start_s"]) == (2, "lift", "cube", 3.0)
    assert len(told["reasons"]) == 5 and told["reasons"][0]["truth"] == 0.9877 and told["doubt"] == ""
    doing = (Doing(layer="right hand", label="lift", confidence=0.75, object="cube"),)
    assert doing_labels(2, doing) == [("2/right hand:lift cube", 0.75)] and doing_labels(4, ()) == [("4/-", 0.0)]
    assert caption(2, doing) == "person 2\nright hand: lift cube 0.75"


class MiddlePose:
    """A keypoint source that sees one person whose nose is the brightest pixel."""

    def __init__(self, source: ImageSource) -> None:
        self.source, self.closed = source, 0

    @property
    def skeleton(self) -> Skeleton:
        return COCO17

    @property
    def rate_hz(self) -> float | None:
        return self.source.rate_hz

    def __iter__(self) -> Iterator[PoseFrame]:
        for image in self.source:
            row, column = np.unravel_index(np.argmax(image.rgb[..., 0]), image.rgb.shape[:2])
            points, scores = np.full((17, 2), np.nan), np.zeros(17)
            points[0], scores[0] = (column, row), 0.9
            people = (Person(scores=scores, keypoints_px=points),)
            yield PoseFrame(time_s=image.time_s, skeleton=COCO17, persons=people, rgb=image.rgb)

    def close(self) -> None:
        self.closed += 1


def bright_at(column: int, row: int) -> np.ndarray:
    rgb = np.zeros((48, 64, 3), np.uint8)
    rgb[row, column] = 255
    return rgb


def test_any_keypoint_source_can_be_asked_image_by_image() -> None:
    opened: list[MiddlePose] = []

    def network(source: ImageSource) -> MiddlePose:
        opened.append(MiddlePose(source))
        return opened[-1]

    reader = PoseReader(network)
    for time_s, place in ((1.0, (10, 20)), (1.1, (30, 5))):
        frame = reader.read(bright_at(*place), time_s)
        assert frame.time_s == time_s and frame.rgb is None
        assert frame.persons[0].keypoints_px is not None
        assert tuple(frame.persons[0].keypoints_px[0]) == place and frame.persons[0].keypoints_m is None
    reader.restart()
    assert opened[0].closed == 1 and len(opened) == 2
    assert reader.read(bright_at(3, 4), 0.5).time_s == 0.5
    reader.close()
    assert opened[1].closed == 1


def test_depth_that_comes_with_the_image_makes_metres() -> None:
    reader = PoseReader(MiddlePose)
    camera = PinholeCamera(width=64, height=48, fx=60.0, fy=60.0, cx=32.0, cy=24.0)
    depth = np.full((48, 64), 2.0, np.float32)
    frame = reader.read(bright_at(32, 24), 0.0, depth_m=depth, camera=camera)
    points = frame.persons[0].keypoints_m
    assert points is not None
    np.testing.assert_allclose(points[0], (0.0, 0.0, 2.0), atol=0.1)
    with pytest.raises(InputError):
        reader.read(bright_at(32, 24), 0.1, depth_m=depth[:24], camera=camera)
    assert reader.read(bright_at(1, 1), 0.2).persons, "the next image is read all the same"
