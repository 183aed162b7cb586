"""The arm that reaches, as arrays without gaps: what phases and sizes are read from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry import FloatArray, InputError
from perception.pose import PersonTrack, convert
from perception.pose.skeletons import BODY18, HAND21, hand_of_wholebody

SHOULDERS_PX = 53.0
"""Distance of the shoulders to which every person is brought: about that of those the shipped model learned from."""
_FOREARM_OF_SHOULDERS = 32.0 / 53.0
_SCALE_S = 0.5


@dataclass(frozen=True, kw_only=True)
class ReachingArm:
    """One arm and its hand at T moments, in pixels of a picture in which the shoulders are `SHOULDERS_PX` apart."""

    time_s: FloatArray
    """(T,) growing."""
    neck: FloatArray
    """(T, 2) x right, y down."""
    elbow: FloatArray
    """(T, 2)."""
    wrist: FloatArray
    """(T, 2)."""
    hand: FloatArray
    """(T, 21, 2) joints of `HAND21`."""

    def until(self, time_s: float) -> ReachingArm:
        """The moments up to a time, that one included."""
        count = int(np.searchsorted(self.time_s, time_s + 1e-9, side="right"))
        return ReachingArm(
            time_s=self.time_s[:count],
            neck=self.neck[:count],
            elbow=self.elbow[:count],
            wrist=self.wrist[:count],
            hand=self.hand[:count],
        )


def reaching_arm(track: PersonTrack, side: str = "right", *, zoom: float | None = None) -> ReachingArm:
    """One arm of a person's track. A gap is filled with what was seen last (before the first sight: with that).

    Args:
        track: pixels, with the hand in it or beside it.
        side: "left" or "right". A left arm is mirrored, so that it looks like a right one.
        zoom: what pixels are multiplied by; None brings the shoulders' median distance in the first half second
            in which they are seen to `SHOULDERS_PX` (where they never are, the forearm stands for it by its mean
            proportion).

    Raises:
        InputError: if the track is not in pixels, is empty, or never shows what is needed.
    """
    if side not in ("left", "right") or track.keypoints.shape[2] != 2 or not len(track.time_s):
        raise InputError(
            "reaching_arm",
            expected='side "left" or "right" of a track of at least one frame in pixels (T, K, 2)',
            got=f"{side!r} of {track.keypoints.shape}",
        )
    hand = _hand(track, side)
    if hand is None:
        raise InputError("reaching_arm", expected=f"a track with 21 points of the {side} hand", got="none")
    neck, elbow, wrist, hand = (
        _filled(points, what)
        for points, what in zip((*_arm(track, side), hand), ("neck", "elbow", "wrist", "hand"), strict=True)
    )
    if zoom is None:
        zoom = shoulders_zoom(track, side)
    if not 0.0 < zoom < np.inf:
        raise InputError("reaching_arm", expected="shoulders apart from each other, or a zoom > 0", got=f"zoom {zoom}")
    factor = np.array([zoom if side == "right" else -zoom, zoom])
    return ReachingArm(
        time_s=np.asarray(track.time_s, dtype=float),
        neck=neck * factor,
        elbow=elbow * factor,
        wrist=wrist * factor,
        hand=hand * factor,
    )


def shoulders_zoom(track: PersonTrack, side: str) -> float:
    """What brings the person's shoulders to `SHOULDERS_PX` by their first half second in view; NaN if never seen."""
    body, _ = convert(track.keypoints, track.scores, track.skeleton, BODY18)
    across = body[:, BODY18.index("left_shoulder")] - body[:, BODY18.index("right_shoulder")]
    lengths = np.linalg.norm(across, axis=1)
    if not np.isfinite(lengths).any():
        forearm = body[:, BODY18.index(f"{side}_wrist")] - body[:, BODY18.index(f"{side}_elbow")]
        lengths = np.linalg.norm(forearm, axis=1) / _FOREARM_OF_SHOULDERS
    seen = np.flatnonzero(np.isfinite(lengths))
    if not len(seen):
        return float("nan")
    length = float(np.median(lengths[seen[track.time_s[seen] <= track.time_s[seen[0]] + _SCALE_S]]))
    return SHOULDERS_PX / length if length > 0.0 else float("nan")


def shows_arm(track: PersonTrack, side: str) -> bool:
    """Whether every point that `reaching_arm` needs is seen in some frame."""
    hand = _hand(track, side)
    parts = () if hand is None else (*_arm(track, side), hand)
    return bool(parts) and all(np.isfinite(part).all(axis=-1).any(axis=0).all() for part in parts)


def _arm(track: PersonTrack, side: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(T, 2) each: neck, elbow and wrist."""
    body, _ = convert(track.keypoints, track.scores, track.skeleton, BODY18)
    neck, elbow, wrist = (body[:, BODY18.index(joint)] for joint in ("neck", f"{side}_elbow", f"{side}_wrist"))
    return neck, elbow, wrist


def _hand(track: PersonTrack, side: str) -> FloatArray | None:
    """(T, 21, 2), or None where the track has no such hand."""
    beside = track.right_hand if side == "right" else track.left_hand
    if beside is not None:
        return np.asarray(beside, dtype=float)
    if not track.skeleton.has(*(f"{side}_hand_{joint}" for joint in HAND21.joints)):
        return None
    return hand_of_wholebody(track.keypoints, track.scores, track.skeleton, side)[0]


def _filled(points: FloatArray, what: str) -> FloatArray:
    """Points (T, ..., 2) with gaps filled by the last sight; the head of the track by the first."""
    flat = points.reshape(len(points), -1, 2)
    seen = np.isfinite(flat).all(axis=2)
    if not seen.any(axis=0).all():
        raise InputError("reaching_arm", expected=f"{what} seen in some frame", got="never seen")
    rows = np.maximum.accumulate(np.where(seen, np.arange(len(flat))[:, None], -1), axis=0)
    rows = np.where(rows >= 0, rows, seen.argmax(axis=0))
    return flat[rows, np.arange(flat.shape[1])].reshape(points.shape)
