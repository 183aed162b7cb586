"""A detector's wrist now and then jumps to somewhere else for a frame or two, mostly when a film begins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import median_filter

from perception.behavior.reach_to_grasp import SHOULDERS_PX, reaching_arm
from perception.pose import PersonTrack

JUMP = 0.15
"""A wrist further than this from its median over the frames around, in widths of the shoulders, has jumped."""
_AROUND_S = 0.15
_LEAST_SEEN = 3


def steady_wrist(track: PersonTrack, side: str) -> PersonTrack:
    """The same track, where a wrist that jumps away for less than 0.15 s is unseen.

    A hand that moves evenly is where its median is, however fast it moves.

    Args:
        track: one person in pixels, with the hand of that side.
        side: "left" or "right".
    """
    name = f"{side}_wrist"
    if not track.skeleton.has(name) or track.keypoints.shape[2] != 2 or len(track.time_s) < _LEAST_SEEN:
        return track
    row = track.skeleton.index(name)
    seen = np.isfinite(track.keypoints[:, row]).all(axis=1)
    if seen.sum() < _LEAST_SEEN:
        return track
    arm = reaching_arm(track, side)
    count = 2 * int(np.ceil(_AROUND_S / np.median(np.diff(arm.time_s)))) + 1
    calm = median_filter(arm.wrist, size=(count, 1), mode="reflect")
    jumps = np.linalg.norm(arm.wrist - calm, axis=1) > JUMP * SHOULDERS_PX
    if (seen & ~jumps).sum() < _LEAST_SEEN:
        return track
    points = np.array(track.keypoints, dtype=float)
    points[jumps, row] = np.nan
    return replace(track, keypoints=points)
