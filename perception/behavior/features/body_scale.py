"""How large a person is in the picture or in the room: the length that makes features comparable between people.

The unit is the torso, from the middle of the shoulders to the middle of the hips. Where it is not seen, another
part stands for it by the mean proportions of adults (Drillis and Contini 1966, as in Winter, "Biomechanics and
Motor Control of Human Movement", figure 4.1).
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque

import numpy as np

from geometry import FloatArray, InputError
from perception.pose.skeletons import BODY18, HAND21

PALM_OF_TORSO = 0.19
"""Wrist to middle knuckle, in torsos: half of the hand's 0.108 of the stature, over the torso's 0.288."""

_PARTS = (
    (("neck", "pelvis"), 1.0),
    (("left_shoulder", "right_shoulder"), 0.259 / 0.288),
    (("left_elbow", "left_wrist"), 0.146 / 0.288),
    (("right_elbow", "right_wrist"), 0.146 / 0.288),
    (("left_hip", "left_knee"), 0.245 / 0.288),
    (("right_hip", "right_knee"), 0.245 / 0.288),
)
_FROM = np.array([BODY18.index(first) for (first, _), _ in _PARTS])
_TO = np.array([BODY18.index(second) for (_, second), _ in _PARTS])
_TORSOS = np.array([torsos for _, torsos in _PARTS])
_WRIST, _KNUCKLE = HAND21.index("wrist"), HAND21.index("middle_mcp")


class RunningQuantile:
    """Quantile of the last values that were finite, as they come; NaN before the first."""

    def __init__(self, level: float, rows: int) -> None:
        if not 0.0 <= level <= 1.0 or rows < 1:
            raise InputError("RunningQuantile", expected="0 <= level <= 1 and rows >= 1", got=f"{level} and {rows}")
        self._level, self._rows = level, rows
        self._recent: deque[float] = deque()
        self._ordered: list[float] = []

    def update(self, value: float) -> float:
        """Take one value (NaN: none) and give the quantile of those in memory."""
        if math.isfinite(value):
            self._recent.append(float(value))
            insort(self._ordered, float(value))
        if len(self._recent) > self._rows:
            del self._ordered[bisect_left(self._ordered, self._recent.popleft())]
        if not self._recent:
            return np.nan
        ordered = self._ordered
        place = self._level * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (place - low) * (ordered[high] - ordered[low])

    def over(self, values: FloatArray) -> FloatArray:
        """(T,) the quantile after each of the values."""
        return np.array([self.update(value) for value in values])


def palm_lengths(hands: FloatArray) -> FloatArray:
    """(T,) wrist to middle knuckle: the longer of the two hands, as views only shorten; NaN where no hand is seen.

    Args:
        hands: (T, 2, 21, D) left and right.
    """
    lengths = np.linalg.norm(hands[:, :, _KNUCKLE] - hands[:, :, _WRIST], axis=-1)
    return np.fmax(lengths[:, 0], lengths[:, 1])


def torso_lengths(body: FloatArray, palms: FloatArray) -> FloatArray:
    """(T,) length of the torso by the first part that is seen in each row.

    Args:
        body: (T, 18, D) joints of `BODY18`.
        palms: (T,) lengths of the palm, for rows in which no part of the body is seen.
    """
    lengths = np.linalg.norm(body[:, _TO] - body[:, _FROM], axis=-1) / _TORSOS  # (T, parts)
    lengths = np.column_stack([lengths, palms / PALM_OF_TORSO])
    lengths[~(lengths > 0.0)] = np.nan
    return lengths[np.arange(len(lengths)), np.isfinite(lengths).argmax(axis=1)]
