"""Features as frames arrive, for one person; the same numbers as the causal features of a whole recording."""

from __future__ import annotations

from collections import deque

import numpy as np

from geometry import FloatArray, InputError
from perception.behavior.features.body_points import BodyPoints, body_points
from perception.behavior.features.motion import FeatureSettings, Lengths, Motion
from perception.behavior.features.object_features import START_ROWS, object_rows, tilts
from perception.behavior.features.person_features import feature_rows
from perception.behavior.features.slopes import slopes
from perception.pose import Hand, Person, PersonTrack, Skeleton
from perception.pose.skeletons import BODY18

_WRISTS = [BODY18.index("left_wrist"), BODY18.index("right_wrist")]


class FeatureStream:
    """Keeps what a person's next features need: the last moments, the person's size, where objects started.

    ```
    stream = FeatureStream(skeleton, metres=True)
    for frame in source:
        row = stream.update(frame.time_s, frame.persons[0])      # columns of PERSON_FEATURES
        cup = stream.object_row("cup", frame.objects[0].T_reference_object[:3, 3])
    ```
    """

    def __init__(self, skeleton: Skeleton, settings: FeatureSettings | None = None, *, metres: bool = False) -> None:
        """A stream of one person's keypoints, in metres or else pixels."""
        self._skeleton, self._settings, self._metres = skeleton, settings or FeatureSettings(), metres
        self._up = self._settings.up(3 if metres else 2)
        self._lengths = Lengths.start(self._settings.scale_rows)
        self._bodies, self._hands = _Recent(self._settings.span_s), _Recent(self._settings.span_s)
        self._velocities = _Recent(self._settings.span_s)
        self._objects: dict[str, _ObjectMemory] = {}
        self._now: tuple[float, Motion] | None = None

    def update(self, time_s: float, person: Person) -> FloatArray:
        """(F,) features of this moment, columns of `PERSON_FEATURES`.

        Raises:
            InputError: if time does not grow, or the person's points are not those of the stream.
        """
        points = self._read(time_s, person)
        velocity = self._bodies.slope(time_s, points.body[0])
        hands_velocity = self._hands.slope(time_s, points.hands[0])
        bend = self._velocities.slope(time_s, velocity[_WRISTS])
        torso, palm, ground = self._lengths.over(points, self._up)
        motion = Motion(
            body=points.body,
            hands=points.hands,
            body_velocity=velocity[None],
            hands_velocity=hands_velocity[None],
            wrist_acceleration=np.linalg.norm(bend, axis=-1)[None],
            torso=torso,
            palm=palm,
            ground=ground,
            up=self._up,
        )
        self._now = time_s, motion
        return feature_rows(motion)[0]

    def object_row(self, name: str, position: FloatArray, axis: FloatArray | None = None) -> FloatArray:
        """(len(OBJECT_FEATURES),) between the person as last updated and an object of that moment.

        Args:
            name: which object; each keeps its own start.
            position: (D,) its middle; NaN where it is not seen.
            axis: (3,) its own upward axis, where known.
        """
        if self._now is None or np.shape(position) != (len(self._up),):
            raise InputError(
                "FeatureStream.object_row",
                expected=f"a person updated before, and a position ({len(self._up)},)",
                got="no person yet" if self._now is None else f"{np.shape(position)}",
            )
        time_s, motion = self._now
        memory = self._objects.setdefault(name, _ObjectMemory(self._settings.span_s))
        position = np.asarray(position, dtype=float)
        velocity = memory.places.slope(time_s, position)
        start = memory.start_height(float(position @ self._up))
        tilt = memory.tilt(axis)
        return object_rows(motion, position[None], velocity[None], np.array([start]), np.array([tilt]))[0]

    def _read(self, time_s: float, person: Person) -> BodyPoints:
        keypoints = person.keypoints_m if self._metres else person.keypoints_px
        if keypoints is None:
            raise InputError(
                "FeatureStream", expected=f"a person with {'metres' if self._metres else 'pixels'}", got="none"
            )
        track = PersonTrack(
            skeleton=self._skeleton,
            time_s=np.array([time_s]),
            keypoints=np.asarray(keypoints, dtype=float)[None],
            scores=person.scores[None],
            left_hand=self._hand(person.left_hand),
            right_hand=self._hand(person.right_hand),
        )
        return body_points(track, self._settings.minimum_score)

    def _hand(self, hand: Hand | None) -> FloatArray | None:
        points = None if hand is None else hand.keypoints_m if self._metres else hand.keypoints_px
        return None if points is None else np.asarray(points, dtype=float)[None]


class _Recent:
    """The values of the last moments, as far back as a slope looks."""

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._rows: deque[tuple[float, FloatArray]] = deque()

    def slope(self, time_s: float, value: FloatArray) -> FloatArray:
        """Take the value of a moment and give its causal slope there."""
        if self._rows and not time_s > self._rows[-1][0]:
            raise InputError("FeatureStream", expected=f"a time after {self._rows[-1][0]} s", got=f"{time_s} s")
        self._rows.append((time_s, value))
        while self._rows[0][0] < time_s - 2.0 * self._span_s:
            self._rows.popleft()
        if not np.isfinite(value).any():
            return np.full(np.shape(value), np.nan)
        times = np.array([time for time, _ in self._rows])
        values = np.stack([row for _, row in self._rows])
        return slopes(times, values, self._span_s, causal=True, last_only=True)[0]


class _ObjectMemory:
    """Where an object was lately, and how it stood at first."""

    def __init__(self, span_s: float) -> None:
        self.places = _Recent(span_s)
        self._first_heights: list[float] = []
        self._first_axis: FloatArray | None = None

    def start_height(self, height: float) -> float:
        """Median of the first heights seen."""
        if np.isfinite(height) and len(self._first_heights) < START_ROWS:
            self._first_heights.append(height)
        return float(np.median(self._first_heights)) if self._first_heights else np.nan

    def tilt(self, axis: FloatArray | None) -> float:
        """Angle from the first axis seen."""
        if axis is None or not np.isfinite(axis).all():
            return np.nan
        if self._first_axis is None:
            self._first_axis = np.asarray(axis, dtype=float)
        return float(tilts(np.stack([self._first_axis, np.asarray(axis, dtype=float)]), 2)[1])
