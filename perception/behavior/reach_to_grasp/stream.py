"""Reaches of one person as frames arrive, one after the other."""

from __future__ import annotations

from collections import deque

import numpy as np

from geometry import FloatArray, InputError
from perception.behavior.reach_to_grasp.phases import PhaseDetector
from perception.behavior.reach_to_grasp.reach_to_grasp import ReachReading, ReachToGrasp
from perception.behavior.reach_to_grasp.reaching_arm import reaching_arm, shoulders_zoom, shows_arm
from perception.behavior.reach_to_grasp.size_model import OwnScale, SizeGuess
from perception.pose import Person, PersonTrack, Skeleton, convert
from perception.pose.skeletons import BODY18, HAND21

_MEMORY_S = 4.0
_SCALE_S = 0.5


class ReachStream:
    """Follows one arm: phases of the present reach, and the size as soon as one can be said.

    ```
    stream = ReachStream(ReachToGrasp.from_pretrained(), skeleton)
    for frame in source:
        reading = stream.update(frame.time_s, frame.persons[0])
    ```
    When the hand rests after a reach, that reach is told until the next one begins. Frames in which the arm is not
    seen change nothing.
    """

    def __init__(
        self,
        reader: ReachToGrasp,
        skeleton: Skeleton,
        *,
        side: str = "right",
        own: OwnScale | None = None,
        least_chance: float = 0.5,
    ) -> None:
        """Nothing seen yet; the arguments are those of `ReachToGrasp.predict`."""
        if side not in ("left", "right"):
            raise InputError("ReachStream", expected='side "left" or "right"', got=f"{side!r}")
        self._reader, self._skeleton, self._side = reader, skeleton, side
        self._own, self._least_chance = own, least_chance
        self._wrist = BODY18.index(f"{side}_wrist")
        self._rows: deque[tuple[float, Person]] = deque()
        self._zoom = float("nan")
        self._detector = PhaseDetector(reader.bounds)
        self._size: SizeGuess | None = None
        self._past: ReachReading | None = None

    def update(self, time_s: float, person: Person) -> ReachReading:
        """Take one frame with the person in pixels and give what is known by now.

        Raises:
            InputError: if time does not grow, or the person has no pixels.
        """
        if person.keypoints_px is None or (self._rows and not time_s > self._rows[-1][0]):
            raise InputError(
                "ReachStream",
                expected="a person in pixels, later than the last",
                got="no pixels" if person.keypoints_px is None else f"{time_s} s",
            )
        self._rows.append((time_s, person))
        while self._rows[0][0] < time_s - _MEMORY_S:
            self._rows.popleft()
        body, _ = convert(person.keypoints_px[None], person.scores[None], self._skeleton, BODY18)
        wrist = body[0, self._wrist]
        if self._ready(time_s) and np.isfinite(wrist).all():
            self._follow(time_s, wrist)
        if self._past is not None and self._detector.phase == "rest":
            return self._past
        return ReachReading(phases=self._detector.phases, phase=self._detector.phase, size=self._size)

    def _ready(self, time_s: float) -> bool:
        """Whether the person's size is known: after half a second of sight."""
        if np.isnan(self._zoom) and time_s >= self._rows[0][0] + _SCALE_S:
            self._zoom = shoulders_zoom(self._track(), self._side)
        return not np.isnan(self._zoom)

    def _follow(self, time_s: float, wrist: FloatArray) -> None:
        if self._detector.phase == "after":
            self._past = ReachReading(phases=self._detector.phases, phase="after", size=self._size)
            self._detector, self._size = PhaseDetector(self._reader.bounds), None
        before = self._detector.phase
        phase = self._detector.update(time_s, wrist * self._zoom)
        if phase == "rest":
            self._size = None
        elif before in ("rest", "reach"):
            self._guess()

    def _guess(self) -> None:
        track = self._track()
        if shows_arm(track, self._side):
            arm = reaching_arm(track, self._side, zoom=self._zoom)
            self._size = self._reader.guess_size(
                arm, self._detector.phases, own=self._own, least_chance=self._least_chance
            )

    def _track(self) -> PersonTrack:
        persons = [person for _, person in self._rows]
        hands = {}
        for side in ("left", "right"):
            seen = [person.left_hand if side == "left" else person.right_hand for person in persons]
            points = [None if hand is None else hand.keypoints_px for hand in seen]
            blank = np.full((len(HAND21), 2), np.nan)
            known = any(point is not None for point in points)
            hands[side] = np.stack([blank if point is None else point for point in points]) if known else None
        return PersonTrack(
            skeleton=self._skeleton,
            time_s=np.array([time for time, _ in self._rows]),
            keypoints=np.stack([np.asarray(person.keypoints_px, dtype=float) for person in persons]),
            scores=np.stack([person.scores for person in persons]),
            left_hand=hands["left"],
            right_hand=hands["right"],
        )
