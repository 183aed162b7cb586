"""The points that features are made of, the same for every skeleton."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry import FloatArray, InputError
from perception.pose import PersonTrack, Skeleton, convert
from perception.pose.skeletons import BODY18, HAND21, hand_of_wholebody


@dataclass(frozen=True, kw_only=True)
class BodyPoints:
    """Body and hands of one person at T moments; D is 2 (pixels, v down) or 3 (metres)."""

    time_s: FloatArray
    """(T,)."""
    body: FloatArray
    """(T, 18, D) joints of `BODY18`."""
    hands: FloatArray
    """(T, 2, 21, D) left and right, joints of `HAND21`."""


def body_points(track: PersonTrack, minimum_score: float = 0.0) -> BodyPoints:
    """A track's points in our order; what has a lower score than the minimum counts as not seen.

    Raises:
        InputError: if the points are neither 2D nor 3D.
    """
    width = track.keypoints.shape[2]
    if width not in (2, 3):
        raise InputError("body_points", expected="keypoints in 2 or 3 dimensions", got=f"{width}")
    keypoints = np.where((track.scores >= minimum_score)[..., None], track.keypoints, np.nan)
    body, _ = convert(keypoints, track.scores, track.skeleton, BODY18)
    hands = [
        _hand(track.skeleton, keypoints, track.scores, side, given)
        for side, given in (("left", track.left_hand), ("right", track.right_hand))
    ]
    points = BodyPoints(time_s=np.asarray(track.time_s, dtype=float), body=body, hands=np.stack(hands, axis=1))
    return _with_wrists_of_hands(points)


def _hand(
    skeleton: Skeleton, keypoints: FloatArray, scores: FloatArray, side: str, given: FloatArray | None
) -> FloatArray:
    if given is not None:
        return np.asarray(given, dtype=float)
    if skeleton.has(f"{side}_hand_middle_mcp", f"{side}_hand_thumb_tip"):
        return hand_of_wholebody(keypoints, scores, skeleton, side)[0]
    return np.full((len(keypoints), len(HAND21), keypoints.shape[2]), np.nan)


def _with_wrists_of_hands(points: BodyPoints) -> BodyPoints:
    """Where the body's wrist is not seen but the hand is, the hand's wrist stands for it."""
    rows = [BODY18.index("left_wrist"), BODY18.index("right_wrist")]
    wrists = points.body[:, rows]
    points.body[:, rows] = np.where(np.isfinite(wrists), wrists, points.hands[:, :, HAND21.index("wrist")])
    return points
