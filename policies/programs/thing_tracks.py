"""Where the things of a recording are over time: gaps filled, errors of single frames smoothed away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter

from geometry import FloatArray, transform
from perception.pose import PoseFrame
from policies.programs.steps import Vec3

SMOOTH_S = 0.06
"""Standard deviation of the smoothing: a hand's moves last many times longer."""
LEAST_SEEN = 3
"""Frames in which a thing must be seen."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ThingTrack:
    """One thing over the T frames of a recording."""

    name: str
    """What the recording calls it."""
    category: str
    """What it is."""
    size_m: Vec3 | None
    """Edges of its bounding box, where known."""
    T_world_thing: FloatArray
    """(T, 4, 4) smoothed poses; where it was not seen, between those before and after."""
    measured_m: FloatArray
    """(T, 3) its middle as it was measured, gaps filled, not smoothed."""
    seen: NDArray[np.bool_]
    """(T,) whether it was seen."""

    @property
    def middles_m(self) -> FloatArray:
        """(T, 3) its middle, smoothed."""
        return self.T_world_thing[:, :3, 3]


def thing_tracks(frames: Sequence[PoseFrame]) -> tuple[list[ThingTrack], list[str]]:
    """Every thing that has poses, and one line for each that is left out or was seen badly.

    Args:
        frames: with poses of things in the world.
    """
    found: dict[str, list[FloatArray | None]] = {}
    about: dict[str, tuple[str, Vec3 | None]] = {}
    for row, frame in enumerate(frames):
        for thing in frame.objects:
            pose = thing.T_reference_object
            known = pose is not None and bool(np.isfinite(pose).all())
            found.setdefault(thing.name, [None] * len(frames))[row] = pose if known else None
            size = None if thing.size_m is None else _size(thing.size_m)
            before = about.get(thing.name, ("", None))
            about[thing.name] = (thing.category or before[0] or thing.name, size or before[1])
    times = np.array([frame.time_s for frame in frames])
    tracks, doubts = [], []
    for name, poses in found.items():
        seen = np.array([pose is not None for pose in poses])
        if seen.sum() < min(LEAST_SEEN, len(frames)):
            doubts.append(f"{name}: hardly ever seen, left out")
            continue
        if seen.mean() < 0.5:
            doubts.append(f"{name}: seen in {seen.mean():.0%} of the frames; its way between them is filled in")
        category, size_m = about[name]
        if size_m is None:
            doubts.append(f"{name}: its size is not known")
        tracks.append(_track(name, category, size_m, times, poses, seen))
    return tracks, doubts


def _track(
    name: str,
    category: str,
    size_m: Vec3 | None,
    times: FloatArray,
    poses: Sequence[FloatArray | None],
    seen: NDArray[np.bool_],
) -> ThingTrack:
    known = np.array([pose for pose in poses if pose is not None], dtype=float)  # (S, 4, 4)
    rows = known[:, :3].reshape(len(known), 12)
    filled = np.column_stack([np.interp(times, times[seen], column) for column in rows.T]).reshape(-1, 3, 4)
    sigma = SMOOTH_S / frame_s(times)
    calm = median_filter(filled, size=(3, 1, 1), mode="nearest")
    smooth = gaussian_filter1d(calm, sigma, axis=0, mode="nearest")
    return ThingTrack(
        name=name,
        category=category,
        size_m=size_m,
        T_world_thing=_rigid(smooth),
        measured_m=filled[:, :, 3],
        seen=seen,
    )


def mean_pose(T: FloatArray) -> FloatArray:
    """(4, 4) the middle of poses (N, 4, 4): the mean of their places, and the rotation nearest to their mean."""
    return _rigid(T[:, :3].mean(axis=0))


def _rigid(rows: FloatArray) -> FloatArray:
    """(..., 4, 4) the poses nearest to matrices (..., 3, 4)."""
    u, _, vt = np.linalg.svd(rows[..., :3])
    turned = u * np.linalg.det(u @ vt)[..., None, None] ** np.array([0.0, 0.0, 1.0])
    return transform(turned @ vt, rows[..., 3])


def frame_s(times: FloatArray) -> float:
    """Time from frame to frame."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 1.0 / 30.0


def _size(size: FloatArray) -> Vec3 | None:
    edges = np.asarray(size, dtype=float).reshape(-1)
    if edges.shape != (3,) or not np.isfinite(edges).all() or (edges <= 0.0).any():
        return None
    return float(edges[0]), float(edges[1]), float(edges[2])
