"""Who is who over time: joints predicted, compared and assigned, in the image or in metres.

Source: two passes over confident and doubtful detections: Zhang et al., "ByteTrack", ECCV 2022; likeness of poses in
the place of boxes: Xiu et al., "Pose Flow", BMVC 2018. What is new: the likeness knows how sure each joint's
prediction is, and hidden persons walk on. Overlap of boxes comes second, for motion too wild to predict: mixed into
one cost with the keypoints' likeness it switched more identities in simulated crowds than without.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from geometry import FloatArray, InputError
from perception.pose.pose_frame import PoseFrame
from perception.pose.skeletons import Skeleton
from perception.pose.tracking.assignment import Rows, assign
from perception.pose.tracking.detections import Detections, Space, check_joints, detections_of, space_of
from perception.pose.tracking.doubles import without_doubles
from perception.pose.tracking.keypoint_filters import KeypointFilters, MotionModel
from perception.pose.tracking.reidentification import Reidentification, lost_and_found
from perception.pose.tracking.similarity import box_overlap, keypoint_similarity

_UNKNOWN, _REPLACED = -1, -2
"""In the place of a number: seen too seldom to have one; goes on in another row."""


@dataclass(frozen=True, kw_only=True)
class TrackerSettings:
    """When two poses are one person, and when a person begins and ends."""

    space: Space | None = None
    """Track in pixels or in metres; None: pixels where the first person seen has them, else metres."""
    high_score: float = 0.4
    """Detections with this mean score are assigned first."""
    birth_score: float = 0.5
    """Detections with this mean score may begin a person."""
    low_score: float = 0.1
    """Detections with this mean score may only carry on a person."""
    joint_score: float = 0.05
    """Joints below count as unseen."""
    least_overlap: float = 0.3
    """Boxes that overlap this much carry on a person of the frame before whose joints moved beyond all prediction."""
    spread: float = 0.6
    """Factor on the skeleton's spread of annotators in the likeness: what a pose differs beyond prediction's doubt."""
    least: float = 0.05
    """Less alike than this is not the same person."""
    drift_speed: float = 0.15
    """How fast the place of an unseen person grows doubtful, body sizes per second."""
    confirm_hits: int = 3
    """Frames in which a person must be seen before they get a number, unless nobody else is known."""
    max_age_s: float = 3.0
    """How long an unseen person is expected back."""
    duplicate: float = 0.75
    """Two detections this alike are one person reported twice; 1: nobody is."""
    lost: Reidentification = field(default_factory=Reidentification)
    """When somebody new is somebody lost."""
    motion: MotionModel = field(default_factory=MotionModel)
    """How joints move."""

    def __post_init__(self) -> None:
        if self.space not in ("px", "m", None):
            raise InputError("TrackerSettings", expected='space "px", "m" or None', got=repr(self.space))
        for name in ("high_score", "low_score", "birth_score", "joint_score", "least_overlap", "least", "duplicate"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError("TrackerSettings", expected=f"{name} from 0 to 1", got=f"{getattr(self, name)}")
        if not (self.spread > 0.0 and self.drift_speed >= 0.0 and self.confirm_hits >= 1 and self.max_age_s >= 0.0):
            raise InputError(
                "TrackerSettings",
                expected="spread above 0, drift_speed and max_age_s not below 0, confirm_hits of at least 1",
                got=f"{self.spread}, {self.drift_speed}, {self.max_age_s}, {self.confirm_hits}",
            )


class Tracker:
    """Gives every person a number that stays with them. Feed it the frames of one source in order."""

    def __init__(self, settings: TrackerSettings | None = None) -> None:
        """Begin with nobody known."""
        self.settings = settings or TrackerSettings()
        self._skeleton: Skeleton | None = None
        self._space = self.settings.space
        self._time_s = -np.inf
        self._known: KeypointFilters | None = None
        self._ids = np.empty(0, dtype=np.int64)
        self._next_id = 0

    def track(self, frames: Iterable[PoseFrame]) -> Iterator[PoseFrame]:
        """The frames of a source with numbered persons, one by one."""
        for frame in frames:
            yield self.update(frame)

    def update(self, frame: PoseFrame) -> PoseFrame:
        """The same frame with the persons who are known by now, in the order in which they came.

        Left out are persons not yet confirmed, doubles and detections too doubtful to be assigned.

        Raises:
            InputError: if time does not grow or the skeleton changes.
        """
        step_s = self._step(frame)
        known = self._known
        if known is None:
            return frame.with_persons(())
        seen = detections_of(frame, self._space or "px", self.settings.joint_score)
        seen = without_doubles(seen, frame.skeleton.oks_sigmas, self.settings.duplicate)
        known.predict(step_s)
        rows, picks = self._pairs(seen, step_s)
        known.correct(rows, seen, picks, step_s)
        owners = np.full(len(seen), -1, dtype=np.intp)
        owners[picks] = rows
        new = np.setdiff1d(np.flatnonzero(seen.scores >= self.settings.birth_score), picks)
        owners[new] = len(known) + np.arange(len(new))
        known.begin(seen, new)
        self._ids = np.append(self._ids, np.full(len(new), _UNKNOWN))
        self._number()
        numbers = np.append(self._ids, -1)[owners]
        self._forget()
        persons = zip(frame.persons, numbers, strict=True)
        return frame.with_persons(tuple(replace(person, id=int(number)) for person, number in persons if number >= 0))

    def _step(self, frame: PoseFrame) -> float:
        """Seconds since the frame before, after a look at whether the frame fits."""
        if not frame.time_s > self._time_s:
            raise InputError(
                "Tracker",
                expected=f"a frame after {self._time_s} s",
                got=f"{frame.time_s} s",
                remedy="give the frames of one source in order, and begin a new Tracker for another",
            )
        step_s = frame.time_s - self._time_s if np.isfinite(self._time_s) else 0.0
        self._time_s = frame.time_s
        self._skeleton = self._skeleton or frame.skeleton
        check_joints(frame, len(self._skeleton), "Tracker")
        self._space = self._space or space_of(frame)
        if self._known is None and self._space:
            axes = 2 if self._space == "px" else 3
            self._known = KeypointFilters.empty(self.settings.motion, len(self._skeleton), axes)
        return step_s

    def _likeness(self, known: KeypointFilters, seen: Detections) -> FloatArray:
        """(P, N) how alike each expected and each seen person are, 0 to 1."""
        assert self._skeleton is not None
        drift = (self.settings.drift_speed * known.unseen_s * known.sizes) ** 2
        sigmas = self.settings.spread * self._skeleton.oks_sigmas
        doubt = known.doubt + drift[:, None]
        return keypoint_similarity(known.points, seen.points, seen.weights, known.sizes, sigmas, doubt)

    def _pairs(self, seen: Detections, step_s: float) -> tuple[Rows, Rows]:
        """Rows of known persons and of the detections that they are: the surest first."""
        known, settings = self._known, self.settings
        assert known is not None
        joints = self._likeness(known, seen)
        boxes = box_overlap(known.points, seen.points, known.sizes)
        high = seen.scores >= settings.high_score
        low = ~high & (seen.scores >= settings.low_score)
        confirmed = self._ids >= 0
        recent = known.unseen_s <= 1.5 * step_s
        free = np.ones(len(known), dtype=bool)
        pairs = []
        for who, which, likeness, least in (
            (confirmed, high, joints, settings.least),
            (confirmed & recent, low, joints, settings.least),
            (confirmed & recent, high, boxes, settings.least_overlap),
            (~confirmed, high, joints, settings.least),
            (~confirmed, high, boxes, settings.least_overlap),
        ):
            rows, picks = assign(likeness, np.flatnonzero(who & free), np.flatnonzero(which), least)
            free[rows], high[picks], low[picks] = False, False, False
            pairs.append((rows, picks))
        return np.concatenate([rows for rows, _ in pairs]), np.concatenate([picks for _, picks in pairs])

    def _number(self) -> None:
        """Number those who were seen often enough, as somebody lost where they may be; the first ones at once."""
        assert self._known is not None
        alone = not (self._ids >= 0).any()
        often = self._known.hits >= self.settings.confirm_hits
        ready = np.flatnonzero((self._ids == _UNKNOWN) & (alone | often) & (self._known.unseen_s == 0.0))
        lost = np.flatnonzero((self._ids >= 0) & (self._known.unseen_s > 0.0))
        if len(ready) and len(lost):
            assert self._skeleton is not None
            bones = np.array(self._skeleton.bone_rows, dtype=np.intp).reshape(-1, 2)
            alike = lost_and_found(self._known, lost, ready, bones, self.settings.lost)
            gone, back = assign(alike, np.arange(len(lost)), np.arange(len(ready)), self.settings.lost.least)
            self._ids[ready[back]], self._ids[lost[gone]] = self._ids[lost[gone]], _REPLACED
            ready = np.delete(ready, back)
        self._ids[ready] = self._next_id + np.arange(len(ready))
        self._next_id += len(ready)

    def _forget(self) -> None:
        """Drop who has been away too long or goes on as somebody else, and the unconfirmed who were missed."""
        assert self._known is not None
        age = np.where(self._ids >= 0, self.settings.max_age_s, 0.0)
        kept = (self._known.unseen_s <= age) & (self._ids != _REPLACED)
        self._known.keep(kept)
        self._ids = self._ids[kept]
