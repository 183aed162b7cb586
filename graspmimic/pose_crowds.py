"""Trackers at work on simulated crowds: how well they keep identities, and how long they take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from envs.humanoid import crowd
from geometry import FloatArray
from graspmimic.simulated_people import CrowdPeople
from perception.pose import SKELETONS, Person, PoseFrame
from perception.pose.tracking import IouTracker, Tracker, TrackingScore, score_tracker

TRACKERS: dict[str, Callable[[], Tracker | IouTracker]] = {
    "ours": Tracker,
    "iou": partial(IouTracker, least_overlap=0.1, max_age_s=0.5),
}
"""What is compared, under the names of the results. The baseline has the settings that suited it best, of 24 tried,
on crowds of 5 and 20 with seeds 100 to 102."""
IN_VIEW_JOINTS = 6
"""A person of whom the image shows at least so many of the 18 joints counts as in view, detected or not."""
_BODY = SKELETONS["body18"]


@dataclass(frozen=True)
class CrowdScores:
    """What a tracker made of crowds of one size."""

    people: int
    """In each crowd."""
    tracker: str
    """A name in `TRACKERS`."""
    scores: tuple[TrackingScore, ...]
    """One for each seed."""

    @property
    def switches(self) -> int:
        """Identity switches, all seeds together."""
        return sum(score.switches for score in self.scores)

    @property
    def idf1(self) -> float:
        """IDF1 of all seeds together."""
        hits = sum(score.identity_hits for score in self.scores)
        return 2.0 * hits / max(sum(score.truths + score.given for score in self.scores), 1)

    @property
    def mota(self) -> float:
        """MOTA of all seeds together."""
        wrong = sum(score.misses + score.false_alarms + score.switches for score in self.scores)
        return 1.0 - wrong / max(sum(score.truths for score in self.scores), 1)


def score_crowds(
    people: int, seeds: Sequence[int], duration_s: float, done: Callable[[], None] = lambda: None
) -> list[CrowdScores]:
    """Both trackers on the same crowds; `done` is called after each crowd."""
    scores: dict[str, list[TrackingScore]] = {name: [] for name in TRACKERS}
    for seed in seeds:
        scene = crowd(people, np.random.default_rng([seed, people]), duration_s=duration_s)
        frames = list(CrowdPeople(scene))
        in_view = [np.flatnonzero(visible.sum(axis=1) >= IN_VIEW_JOINTS) for visible in scene.visible]
        for name, tracker in TRACKERS.items():
            scores[name].append(score_tracker(tracker(), frames, scene.true_ids, in_view))
        done()
    return [CrowdScores(people, name, tuple(of_seeds)) for name, of_seeds in scores.items()]


def time_tracker(people: int, seed: int, duration_s: float = 10.0) -> FloatArray:
    """Milliseconds of CPU time that our tracker takes for each frame when everybody is detected in every one.

    Where people stand one behind the other they are given all the same, so that the count is what it says.
    """
    rng = np.random.default_rng([seed, people])
    scene = crowd(people, rng, duration_s=duration_s)
    tracker, costs_ms = Tracker(), []
    for time_s, pixels, near in zip(scene.time_s, scene.true_px, _before_camera(scene.true_px), strict=True):
        noisy = pixels + 3.0 * rng.standard_normal(pixels.shape)
        persons = tuple(
            Person(keypoints_px=noisy[row], scores=np.full(len(_BODY), 0.9)) for row in np.flatnonzero(near)
        )
        frame = PoseFrame(time_s=float(time_s), skeleton=_BODY, persons=persons)
        start = time.process_time()
        tracker.update(frame)
        costs_ms.append(1e3 * (time.process_time() - start))
    return np.array(costs_ms)


def _before_camera(pixels: FloatArray) -> NDArray[np.bool_]:
    """(T, N) who is wholly in front of the camera."""
    return np.asarray(np.isfinite(pixels).all(axis=(2, 3)))
