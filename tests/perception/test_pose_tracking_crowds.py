"""The tracker among simulated people who cross and hide each other, seen with a detector's errors."""

from __future__ import annotations

import time

import numpy as np
import pytest

from envs.humanoid import crowd
from perception.pose import SKELETONS, Person, PoseFrame
from perception.pose.smoothing import PoseSmoother
from perception.pose.tracking import IouTracker, Tracker, TrackerSettings, TrackingScore, score_tracker

BODY18 = SKELETONS["body18"]

Scene = tuple[list[PoseFrame], list[np.ndarray], list[np.ndarray]]


def scene(count: int, seed: int, duration_s: float) -> Scene:
    """Detections, whose they are, and who is in view: at least a quarter of the joints."""
    people = crowd(count, np.random.default_rng(seed), duration_s=duration_s)
    frames = [
        PoseFrame(
            time_s=time_s,
            skeleton=BODY18,
            persons=tuple(Person(scores=s, keypoints_px=p) for p, s in zip(points, scores, strict=True)),
        )
        for time_s, points, scores in zip(people.time_s, people.keypoints_px, people.scores, strict=True)
    ]
    return frames, list(people.true_ids), [np.flatnonzero(seen.mean(axis=-1) >= 0.25) for seen in people.visible]


def both(scenes: list[Scene]) -> tuple[list[TrackingScore], list[TrackingScore]]:
    return [score_tracker(Tracker(), *s) for s in scenes], [score_tracker(IouTracker(), *s) for s in scenes]


def test_half_the_identity_switches_of_boxes_among_five() -> None:
    ours, boxes = both([scene(5, 0, 10.0)])
    assert boxes[0].switches >= 4, "the scene is hard enough to tell"
    assert ours[0].switches <= 0.5 * boxes[0].switches
    assert ours[0].mota > boxes[0].mota


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 5, 20])
def test_half_the_identity_switches_of_boxes(count: int) -> None:
    ours, boxes = both([scene(count, seed, 20.0) for seed in range(5)])
    assert sum(score.switches for score in ours) <= 0.5 * sum(score.switches for score in boxes)
    assert np.mean([score.idf1 for score in ours]) > np.mean([score.idf1 for score in boxes])


def test_metres_keep_people_apart_who_cross_in_the_image() -> None:
    people = crowd(8, np.random.default_rng(0), duration_s=8.0)
    rng = np.random.default_rng(1)
    frames, truth = [], []
    for time_s, points in zip(people.time_s, people.keypoints_m, strict=True):
        seen = rng.permutation(8)[: rng.integers(6, 9)]
        noisy = points[seen] + rng.normal(0.0, 0.03, (len(seen), 18, 3))
        noisy[rng.random((len(seen), 18)) < 0.2] = np.nan
        scores = np.where(np.isfinite(noisy[..., 0]), 0.9, 0.0)
        persons = tuple(Person(scores=s, keypoints_m=p) for p, s in zip(noisy, scores, strict=True))
        frames.append(PoseFrame(time_s=time_s, skeleton=BODY18, persons=persons, reference="world"))
        truth.append(seen)
    score = score_tracker(Tracker(TrackerSettings(space="m")), frames, truth)
    assert score.switches == 0
    assert score.idf1 > 0.99


def test_tracked_people_can_be_smoothed() -> None:
    frames, _, _ = scene(5, 1, 4.0)
    smoother = PoseSmoother()
    for frame in Tracker().track(frames):
        shown = smoother.update(frame)
        assert [person.id for person in shown.persons] == [person.id for person in frame.persons]


@pytest.mark.slow
def test_a_crowd_is_tracked_faster_than_it_is_filmed() -> None:
    """A bound that a busy machine keeps as well; the benchmark states the time itself."""
    frames, _, _ = scene(33, 0, 4.0)
    tracker = Tracker()
    begin = time.process_time()
    for frame in frames:
        tracker.update(frame)
    assert (time.process_time() - begin) / len(frames) < 1.0 / 30.0
