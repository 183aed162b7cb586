"""What the hand's shape and the arm's way tell of the size of what it reaches for.

Known from people who reach (Jeannerod 1984): the hand opens further for a larger thing, early in the reach. Here the
gap between thumb and middle or ring finger says most; where all joints stand to the wrist, how far wrist and elbow
have gone, and how fast, add to it. Everything is measured at five moments, all before `now_s`.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from geometry import FloatArray, InputError
from perception.behavior.reach_to_grasp.reaching_arm import ReachingArm
from perception.pose.skeletons import HAND21

BEFORE_ONSET_S = 0.12
PARTS = (0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0)
"""Moments: one shortly before the onset, then these parts of the time from onset to now."""
WIDTH_S, BACK_S = 0.025, 0.06
"""Spread of the frames that stand for a moment; how far back a speed looks."""
FORESHORTENED = 0.6
"""How much a table's depth is shortened in a picture that looks down at it (measured on the recordings)."""

_FINGERS = ("thumb", "index", "middle", "ring", "pinky")
_TIPS = [HAND21.index(f"{finger}_tip") for finger in _FINGERS]
_JOINTS = list(range(len(HAND21)))
_GAPS = [
    *combinations(_TIPS, 2),
    *((tip, HAND21.index("wrist")) for tip in _TIPS),
    (HAND21.index("thumb_tip"), HAND21.index("index_mcp")),
    (HAND21.index("thumb_ip"), HAND21.index("middle_dip")),
]
_GRIPS = _GAPS[:4]
_REST_S = (1.2, 0.25)
_REST_FRAMES = 10

COUNT = 2 * len(_JOINTS) + len(_GAPS) + len(_GRIPS) + 3 + 3 + 6
"""Quantities, each at every moment."""
MOMENTS = 1 + len(PARTS)
GRIP_ROWS = tuple(2 * len(_JOINTS) + row for row in (1, 2))
"""Of these quantities, the gaps between the tips of thumb and middle, and of thumb and ring finger."""
_REST = 8


def size_features(arm: ReachingArm, onset_s: float, now_s: float) -> FloatArray:
    """(F,) features of a reach that began at `onset_s`, as seen at `now_s`; later frames are not looked at.

    F is COUNT * MOMENTS, a quantity's moments one after the other, then 8 of the hand at rest before the onset.

    Raises:
        InputError: if there are no two frames up to now, or now is before the onset.
    """
    seen = arm.until(now_s)
    if len(seen.time_s) < 2 or not now_s >= onset_s:
        raise InputError(
            "size_features",
            expected="two frames up to now, and now >= onset",
            got=f"{len(seen.time_s)} frames, onset {onset_s:.3f} s, now {now_s:.3f} s",
        )
    points = _despiked(np.concatenate([seen.hand, np.stack([seen.wrist, seen.elbow, seen.neck], axis=1)], axis=1))
    times = np.array([onset_s - BEFORE_ONSET_S, *(onset_s + part * (now_s - onset_s) for part in PARTS)])
    rest = _rest(points, seen.time_s, onset_s)
    quantities = _quantities(_at(points, seen.time_s, times), _at(points, seen.time_s, times - BACK_S), rest)
    tips, hand_root = rest[_TIPS], rest[HAND21.index("wrist")]
    of_rest = [*np.linalg.norm(tips - hand_root, axis=1), *np.linalg.norm(tips[1:4] - tips[0], axis=1)]
    return np.concatenate([quantities.T.ravel(), of_rest])


def _quantities(now: FloatArray, before: FloatArray, rest: FloatArray) -> FloatArray:
    """(MOMENTS, COUNT) of points (MOMENTS, 24, 2) at the moments and a little before, and of the points at rest."""
    wrist, elbow, neck = now[:, -3], now[:, -2], now[:, -1]
    relative = (now[:, _JOINTS] - wrist[:, None]).reshape(len(now), -1)
    velocity = (wrist - before[:, -3]) / BACK_S
    opening = (_gaps(now, _GAPS[1:4]) - _gaps(before, _GAPS[1:4])) / BACK_S
    return np.column_stack(
        [
            relative,
            _gaps(now, _GAPS),
            _gaps(now, _GRIPS, depth=FORESHORTENED),
            opening,
            velocity,
            np.linalg.norm(velocity, axis=1),
            wrist - rest[-3],
            elbow - rest[-2],
            wrist - neck,
        ]
    )


def _gaps(points: FloatArray, pairs: list[tuple[int, int]], depth: float = 1.0) -> FloatArray:
    """(MOMENTS, len(pairs)) distances; rows of the picture count 1 / depth."""
    first, second = (points[:, [pair[end] for pair in pairs]] for end in (0, 1))
    return np.linalg.norm((first - second) / np.array([1.0, depth]), axis=-1)


def _at(points: FloatArray, time_s: FloatArray, moments_s: FloatArray) -> FloatArray:
    """(M, P, 2) points at the moments: means over frames with normal weights."""
    exponent = -0.5 * ((time_s - moments_s[:, None]) / WIDTH_S) ** 2
    weights = np.exp(exponent - exponent.max(axis=1, keepdims=True))
    return np.einsum("mt,tpd->mpd", weights / weights.sum(axis=1, keepdims=True), points)


def _rest(points: FloatArray, time_s: FloatArray, onset_s: float) -> FloatArray:
    """(P, 2) medians over the rest before the onset; over the first frames where there was none."""
    rows = np.flatnonzero((time_s > onset_s - _REST_S[0]) & (time_s < onset_s - _REST_S[1]))
    return np.median(points[rows if len(rows) >= _REST_FRAMES // 2 else slice(_REST_FRAMES)], axis=0)


def _despiked(points: FloatArray) -> FloatArray:
    """Each frame but the first and the last as the median of itself and its neighbours."""
    out = points.copy()
    if len(points) > 2:
        out[1:-1] = np.median(np.stack([points[:-2], points[1:-1], points[2:]]), axis=0)
    return out
