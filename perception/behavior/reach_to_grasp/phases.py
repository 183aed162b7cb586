"""Rest, reach, grasp, move, after: from the way of a wrist, as it comes or afterwards.

The reach's onset and end are defined as the recordings' authors did it: by the standard deviation of the wrist's height
in the picture over the last ten frames. It begins when this rises above one bound and ends with the last frame
before it falls below a lower one. On their recordings (60 frames a second) bounds of 2 and 1.5 pixels give 96 % of
the recorded times to the frame. Here the window is a time and the bounds are learned, in a picture in which
everybody's shoulders are equally far apart.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from geometry import FloatArray, InputError
from perception.behavior.reach_to_grasp.reaching_arm import SHOULDERS_PX, ReachingArm
from perception.pose import check_times

PHASES = ("rest", "reach", "grasp", "move", "after")


@dataclass(frozen=True, kw_only=True)
class PhaseSettings:
    """When one phase becomes the next; lengths are in pixels of a picture with shoulders `SHOULDERS_PX` apart."""

    onset_spread_px: float = 2.0
    """Standard deviation of the wrist's height above which a reach begins."""
    end_spread_px: float = 1.5
    """Standard deviation below which it has ended."""
    window_s: float = 0.158
    """Time over which the standard deviation is taken: ten frames at 60 a second, and half a frame."""
    least_way_px: float = 0.3 * SHOULDERS_PX
    """A shorter way is not a reach."""
    leaving_px: float = 0.15 * SHOULDERS_PX
    """How far the wrist goes from where it grasped until it counts as moving the thing."""

    def __post_init__(self) -> None:
        if not 0.0 < self.end_spread_px <= self.onset_spread_px or not self.window_s > 0.0:
            raise InputError(
                "PhaseSettings",
                expected="0 < end_spread_px <= onset_spread_px and window_s > 0",
                got=f"{self.end_spread_px}, {self.onset_spread_px} and {self.window_s}",
            )


@dataclass(frozen=True, kw_only=True)
class ReachPhases:
    """When the phases of one reach-to-grasp begin, seconds; NaN where one did not come about."""

    onset_s: float
    """The reach begins."""
    end_s: float
    """The hand has arrived: last moment of the reach."""
    departure_s: float
    """The hand leaves with the thing."""
    arrival_s: float
    """The hand rests again."""

    def labels(self, time_s: FloatArray) -> FloatArray:
        """(T,) the phase at each time, rows of `PHASES`."""
        begins = np.array([self.onset_s, np.nextafter(self.end_s, np.inf), self.departure_s, self.arrival_s])
        begins = np.where(np.isfinite(begins), begins, np.inf)
        return np.searchsorted(np.maximum.accumulate(begins), time_s, side="right").astype(float)


class PhaseDetector:
    """Follows one arm frame by frame."""

    def __init__(self, settings: PhaseSettings | None = None) -> None:
        """At rest."""
        self._settings = settings or PhaseSettings()
        self._recent: deque[tuple[float, FloatArray]] = deque()
        self._marks = dict.fromkeys(("onset", "end", "departure", "arrival"), np.nan)
        self._start = self._place = np.zeros(2)

    @property
    def phases(self) -> ReachPhases:
        """What is known by now; the end of a reach is known one frame after it."""
        return ReachPhases(**{f"{name}_s": time for name, time in self._marks.items()})

    @property
    def phase(self) -> str:
        """The present one of `PHASES`."""
        return PHASES[sum(np.isfinite(time) for time in self._marks.values())]

    def update(self, time_s: float, wrist: FloatArray) -> str:
        """Take the wrist (2,) of one frame and give the phase; a wrist that is not seen changes nothing."""
        if self._recent and not time_s > self._recent[-1][0]:
            raise InputError("PhaseDetector", expected=f"a time after {self._recent[-1][0]} s", got=f"{time_s} s")
        if np.isfinite(wrist).all():
            last_s = self._recent[-1][0] if self._recent else time_s
            self._recent.append((time_s, np.asarray(wrist, dtype=float)))
            while self._recent[0][0] <= time_s - self._settings.window_s:
                self._recent.popleft()
            self._step(time_s, last_s, self._recent[-1][1])
        return self.phase

    def _step(self, time_s: float, last_s: float, wrist: FloatArray) -> None:
        settings, marks = self._settings, self._marks
        spread = np.array([place for _, place in self._recent]).std(axis=0)
        if np.isnan(marks["onset"]):
            if spread[1] >= settings.onset_spread_px:
                marks["onset"], self._start = time_s, self._recent[0][1]
        elif np.isnan(marks["end"]):
            if spread[1] < settings.end_spread_px:
                arrived = float(np.linalg.norm(wrist - self._start)) >= settings.least_way_px
                marks["end" if arrived else "onset"] = last_s if arrived else np.nan
                self._place = wrist
        elif np.isnan(marks["departure"]):
            if np.linalg.norm(wrist - self._place) >= settings.leaving_px:
                marks["departure"] = time_s
        elif np.isnan(marks["arrival"]) and np.hypot(*spread) < settings.end_spread_px:
            marks["arrival"] = time_s


def find_phases(arm: ReachingArm, settings: PhaseSettings | None = None, *, causal: bool = False) -> ReachPhases:
    """The phases of a recording with one reach-to-grasp: the first that goes far enough.

    Args:
        arm: the reaching arm.
        settings: None for the recordings' own bounds.
        causal: take the wrist as it is seen; otherwise its median over five frames around, which removes outliers.
    """
    check_times(arm.time_s, "find_phases")
    wrist = arm.wrist if causal else _median_of_five(arm.wrist)
    detector = PhaseDetector(settings)
    for time_s, place in zip(arm.time_s, wrist, strict=True):
        detector.update(float(time_s), place)
    return detector.phases


def _median_of_five(points: FloatArray) -> FloatArray:
    padded = np.concatenate([points[:1], points[:1], points, points[-1:], points[-1:]])
    return np.median(np.stack([padded[shift : shift + len(points)] for shift in range(5)]), axis=0)
