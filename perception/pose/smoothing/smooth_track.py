"""A recorded person smoothed: offline with all that is known, or as the online filter would have done it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray
from perception.pose.person_track import PersonTrack
from perception.pose.smoothing.one_euro import BODY_SIZE_M, OneEuro, OneEuroSettings
from perception.pose.smoothing.rts import RtsSettings, rts_smooth


def smooth_track(track: PersonTrack, settings: RtsSettings | OneEuroSettings | None = None) -> PersonTrack:
    """The same person with smooth body and hands.

    Args:
        track: pixels or metres.
        settings: `RtsSettings` looks both ways in time (the default), `OneEuroSettings` only back.

    Returns:
        A track of the same moments. Short gaps are filled: a filled joint has half the score that was used last (one
        before it, offline the lower of those around it). What stays NaN has score 0.
    """
    settings = settings or RtsSettings()
    size = body_size(track.keypoints)
    keypoints, scores = _smooth(track.time_s, track.keypoints, track.scores, settings, size)
    return replace(
        track,
        keypoints=keypoints,
        scores=scores,
        left_hand=_smooth_hand(track.time_s, track.left_hand, settings, size),
        right_hand=_smooth_hand(track.time_s, track.right_hand, settings, size),
    )


def _smooth_hand(
    time_s: FloatArray, hand: FloatArray | None, settings: RtsSettings | OneEuroSettings, size: float
) -> FloatArray | None:
    if hand is None:
        return None
    return _smooth(time_s, hand, np.isfinite(hand).all(-1).astype(float), settings, size)[0]


def body_size(keypoints: FloatArray) -> float:
    """Size of a person in the keypoints' unit: 1.7 for metres, for pixels the median diagonal of their box.

    Args:
        keypoints: (T, K, D) or (K, D).
    """
    points = np.asarray(keypoints, dtype=float)
    if points.shape[-1] == 3:
        return BODY_SIZE_M
    boxes = points.reshape(-1, *points.shape[-2:])
    boxes = boxes[np.isfinite(boxes).all(-1).any(-1)]
    if not len(boxes):
        return 1.0
    diagonal = np.sqrt(((np.nanmax(boxes, axis=1) - np.nanmin(boxes, axis=1)) ** 2).sum(-1))
    return max(float(np.median(diagonal)), 1.0)


def _smooth(
    time_s: FloatArray,
    points: FloatArray,
    scores: FloatArray,
    settings: RtsSettings | OneEuroSettings,
    size: float,
) -> tuple[FloatArray, FloatArray]:
    if isinstance(settings, RtsSettings):
        smooth = rts_smooth(time_s, points, scores, settings, body_size=size)
    else:
        online = OneEuro(settings, body_size=size)
        rows = [online.update(*row) for row in zip(time_s, points, scores, strict=True)]
        smooth = np.array(rows).reshape(points.shape)
    used = np.isfinite(points).all(-1) & (scores >= settings.min_score)
    filled = _last(scores, used)
    if isinstance(settings, RtsSettings):
        filled = np.minimum(filled, _last(scores[::-1], used[::-1])[::-1])
    kept = np.where(used, scores, 0.5 * filled)
    return smooth, np.where(np.isfinite(smooth).all(-1), kept, 0.0)


def _last(scores: FloatArray, used: NDArray[np.bool_]) -> FloatArray:
    """(T, K) the score of the last row used up to here, 0 before any."""
    rows = np.maximum.accumulate(np.where(used, np.arange(len(used))[:, None], 0), axis=0)
    return np.asarray(np.where(used, scores, 0.0)[rows, np.arange(scores.shape[1])])
