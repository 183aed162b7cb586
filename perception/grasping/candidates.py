"""Grasp candidates: antipodal pairs of a seen point and the other side of what it stands on.

From a seen point the closing direction goes along the surface normal (or near it), through the
occupancy to the far side, seen or completed. The hand comes from several directions around that line,
with its fingertips at several depths beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray
from perception.cloud import LocalSurface, fit_surface, voxel_downsample
from perception.grasping.occupancy import Occupancy

_SOLID = 0.4
_MARCH_STEP_M = 0.004
_INSIDE_M = 0.004
_ENDLESS_M = 1e3
_LEAST_LEVEL_PART = 0.3
_SURFACE_VOXEL_M = 0.004


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How many candidates are drawn, and from where."""

    contacts: int = 450
    """Seen points that are tried as a contact."""
    jitter_rad: float = 0.25
    """Spread of the closing direction about the normal in its second try."""
    approach_angles_rad: tuple[float, ...] = (-1.0, -0.65, -0.3, 0.0, 0.3, 0.65, 1.0)
    """Turns of the approach about the closing line, from the steepest way down."""
    depths_m: tuple[float, ...] = (0.006, 0.016, 0.026, 0.036)
    """How far beyond the closing line the fingertips reach."""
    max_tilt_rad: float = 1.35
    """Largest angle between the approach and straight down."""


def sample_candidates(
    points: FloatArray,
    viewpoint: FloatArray,
    occupancy: Occupancy,
    max_width_m: float,
    rng: np.random.Generator,
    sampling: Sampling,
) -> FloatArray:
    """Draw candidates; their number varies with how many closing lines fit between the fingers.

    Args:
        points: (N, 3) seen object points in the table frame, N > 0.
        viewpoint: (3,) the camera's place in the table frame.
        occupancy: for the far side of what the points belong to.
        max_width_m: widest opening.
        rng: source of the samples.
        sampling: how many, and from where.
    Returns:
        (C, 4, 4) `T_table_grasp`, in random order.
    """
    cloud = voxel_downsample(points, _SURFACE_VOXEL_M)
    chosen = rng.permutation(len(cloud))[: sampling.contacts]
    surface = cloud[chosen]
    fitted = fit_surface(cloud, viewpoint, at=surface, neighbours=24, radius_m=0.012)
    seeds, closings = _closing_directions(fitted, viewpoint, surface, rng, sampling)
    inside = surface[seeds] - _INSIDE_M * fitted.normals[seeds]
    low, high = _extent(occupancy, inside, closings, max_width_m)
    fits = (high - low < max_width_m) & (high - low > 2.0 * _MARCH_STEP_M)
    closings = closings[fits]
    centres = inside[fits] + (0.5 * (low + high))[fits, None] * closings
    approaches, lines = _approaches(closings, sampling)
    tips = centres[lines][:, None] + np.asarray(sampling.depths_m)[None, :, None] * approaches[:, None]
    lines = np.repeat(lines, len(sampling.depths_m))
    approaches = np.repeat(approaches, len(sampling.depths_m), axis=0)
    poses = _poses(tips.reshape(-1, 3), approaches, closings[lines])
    return poses[rng.permutation(len(poses))]


def _closing_directions(
    fitted: LocalSurface, viewpoint: FloatArray, surface: FloatArray, rng: np.random.Generator, sampling: Sampling
) -> tuple[NDArray[np.int64], FloatArray]:
    """Surface indices (L,) and unit closing directions (L, 3), five for each point.

    Inward normals, normals with jitter, their level parts, level lines across the view (the camera
    sees both ends of those), and random level lines.
    """
    inward = -fitted.normals
    count = len(inward)
    jittered = inward + sampling.jitter_rad * rng.normal(size=(count, 3))
    level = inward * (1.0, 1.0, 0.0)
    sight = surface - viewpoint
    across = np.stack([-sight[:, 1], sight[:, 0], np.zeros(count)], axis=1)
    yaw = rng.uniform(0.0, np.pi, count)
    anyhow = np.stack([np.cos(yaw), np.sin(yaw), np.zeros(count)], axis=1)
    directions = np.concatenate([inward, jittered, level, across, anyhow])
    length = np.linalg.norm(directions, axis=1)
    defined = length > np.repeat([1e-6, 1e-6, _LEAST_LEVEL_PART, 1e-6, 1e-6], count)
    return np.tile(np.arange(count), 5)[defined], directions[defined] / length[defined, None]


def _extent(
    occupancy: Occupancy, inside: FloatArray, directions: FloatArray, reach_m: float
) -> tuple[FloatArray, FloatArray]:
    """(L,) where the solid around each inside point ends, against and along its direction, metres."""
    steps = np.arange(0.0, reach_m + _MARCH_STEP_M, _MARCH_STEP_M)
    ends = []
    for sign in (-1.0, 1.0):
        line = inside[:, None] + (sign * steps)[None, :, None] * directions[:, None]
        hollow = occupancy.at(line) < _SOLID
        hollow[:, 0] = False
        ends.append(np.where(hollow.any(axis=1), steps[np.argmax(hollow, axis=1)] - 0.5 * _MARCH_STEP_M, _ENDLESS_M))
    return -ends[0], ends[1]


def _approaches(closings: FloatArray, sampling: Sampling) -> tuple[FloatArray, NDArray[np.int64]]:
    """Approach directions (A, 3) around each closing line, and the line (A,) each belongs to."""
    down = np.array([0.0, 0.0, -1.0])
    steepest = down - (closings @ down)[:, None] * closings
    length = np.linalg.norm(steepest, axis=1)
    steepest /= np.maximum(length, 1e-9)[:, None]
    side = np.cross(closings, steepest)
    angles = np.asarray(sampling.approach_angles_rad)[None, :, None]
    directions = np.cos(angles) * steepest[:, None] + np.sin(angles) * side[:, None]
    good = (directions @ down > np.cos(sampling.max_tilt_rad)) & (length > 0.2)[:, None]
    lines, _ = np.nonzero(good)
    return directions[good], lines


def _poses(tips: FloatArray, approaches: FloatArray, closings: FloatArray) -> FloatArray:
    poses = np.tile(np.eye(4), (len(tips), 1, 1))
    poses[:, :3, 0] = np.cross(closings, approaches)
    poses[:, :3, 1], poses[:, :3, 2], poses[:, :3, 3] = closings, approaches, tips
    return poses
