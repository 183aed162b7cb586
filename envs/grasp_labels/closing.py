"""Closing the fingers by ray casting: what they meet first, where, and under which angle."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from envs.grasp_labels.scene_geometry import Float32Array, SceneGeometry
from geometry import GripperSpec

_CONTACT_M = 0.003
_ACROSS = np.array([-0.76, 0.0, 0.76])  # of half the finger's breadth
_ALONG_M = np.array([-0.003, -0.009, -0.015, -0.024, -0.036])
_PROBES_M = np.array([[0.0, -0.004], [0.0, -0.014]])


class Closing(NamedTuple):
    """How N hands close; only where `meets` holds has the rest a meaning."""

    meets: NDArray[np.bool_]
    """(N,) whether both fingers first meet the same object."""
    object: NDArray[np.int32]
    """(N,) that object's number."""
    width_m: Float32Array
    """(N,) between the first contacts."""
    offset_m: Float32Array
    """(N,) middle between the first contacts, along y."""
    friction: Float32Array
    """(N,) least friction coefficient at which the contacts hold."""
    contacts: NDArray[np.int32]
    """(N,) rays in contact on the side that has fewer, of 15."""
    deepest_m: Float32Array
    """(N,) how far behind the tips the fingers touch, on the side where that is less."""


def probe(geometry: SceneGeometry, poses: Float32Array, gripper: GripperSpec) -> NDArray[np.bool_]:
    """(N,) whether anything stands between the fingers, by few rays: those for which it does not hold fail."""
    t, _, _ = _cast(geometry, poses, _PROBES_M.astype(np.float32), gripper, normals=False)
    return np.asarray(np.any(np.isfinite(t[:, 0]) & np.isfinite(t[:, 1]), axis=1))


def close_fingers(geometry: SceneGeometry, poses: Float32Array, gripper: GripperSpec) -> Closing:
    """Close fully open hands at poses (N, 4, 4) float32, `T_table_grasp`."""
    x = _ACROSS * 0.5 * gripper.finger_breadth_m
    pad = np.stack(np.meshgrid(x, _ALONG_M, indexing="ij"), axis=-1).reshape(-1, 2).astype(np.float32)
    t, number, normals = _cast(geometry, poses, pad, gripper, normals=True)  # (N, 2, P), (N, 2, P), (N, 2, P, 3)
    first = t.min(axis=2)
    with np.errstate(invalid="ignore"):  # inf - inf is NaN: not touching
        gap = t - first[..., None]
        offset = 0.5 * (first[:, 1] - first[:, 0])
    touching = gap < _CONTACT_M
    index = t.argmin(axis=2)
    found = np.take_along_axis(number, index[..., None], axis=2)[..., 0]
    alone = ~np.any(touching & (number != found[..., None]), axis=(1, 2))
    meets = np.isfinite(first).all(axis=1) & (found[:, 0] == found[:, 1]) & (found[:, 0] < len(geometry.objects))
    half = np.float32(0.5 * gripper.max_width_m)
    width = 2 * half - first[:, 0] - first[:, 1]
    shear = _gap_between(touching, pad)
    with np.errstate(divide="ignore", invalid="ignore"):
        friction = np.maximum(_slope(poses, gap, touching, normals), shear / np.maximum(width, 1e-4))
    depth = np.where(touching, -pad[:, 1], 0.0).max(axis=2)
    return Closing(
        meets=meets & alone,
        object=np.where(meets, found[:, 0], -1).astype(np.int32),
        width_m=width.astype(np.float32),
        offset_m=offset.astype(np.float32),
        friction=friction.astype(np.float32),
        contacts=touching.sum(axis=2).min(axis=1).astype(np.int32),
        deepest_m=depth.min(axis=1).astype(np.float32),
    )


def _cast(
    geometry: SceneGeometry, poses: Float32Array, pad: Float32Array, gripper: GripperSpec, *, normals: bool
) -> tuple[Float32Array, NDArray[np.int32], Float32Array]:
    """Rays from the fingers' inner faces at pad points (P, 2), x and z, towards each other.

    Returns:
        Lengths (N, 2, P), inf beyond the other finger; ids of what is met; its normals (N, 2, P, 3).
        Side 0 is the finger at +y.
    """
    half = 0.5 * gripper.max_width_m
    sides = np.array([half, -half], dtype=np.float32)
    local = np.empty((2, len(pad), 3), np.float32)
    local[..., 0], local[..., 1], local[..., 2] = pad[:, 0], sides[:, None], pad[:, 1]
    rays = np.empty((len(poses), 2, len(pad), 6), np.float32)
    for axis in range(3):
        rays[..., axis] = (poses[:, axis, :3] @ local.reshape(-1, 3).T + poses[:, axis, 3:4]).reshape(rays.shape[:3])
        rays[:, 0, :, 3 + axis] = -poses[:, axis, 1:2]
        rays[:, 1, :, 3 + axis] = poses[:, axis, 1:2]
    hits = geometry.caster.cast_rays(o3d.core.Tensor.from_numpy(rays), nthreads=1)
    t = hits["t_hit"].numpy()
    t = np.where(t < 2 * half, t, np.float32(np.inf))
    number = hits["geometry_ids"].numpy().view(np.int32)
    return t, number, hits["primitive_normals"].numpy() if normals else np.empty(0, np.float32)


def _slope(poses: Float32Array, gap: Float32Array, touching: NDArray[np.bool_], normals: Float32Array) -> Float32Array:
    """(N,) tangent of the angle between closing direction and the mean normal in contact, on the worse side."""
    along = np.einsum("nspi,ni->nsp", normals, poses[:, :3, 1])
    weight = np.where(touching, 1.0 - gap / np.float32(_CONTACT_M), 0.0).astype(np.float32)
    weight = np.where(touching, weight + np.float32(0.05), np.float32(0.0))
    signed = weight * np.where(along * np.array([1.0, -1.0], np.float32)[:, None] < 0.0, -1.0, 1.0)
    mean = np.einsum("nsp,nspi->nsi", signed.astype(np.float32), normals)
    length = np.linalg.norm(mean, axis=2)
    cosine = np.abs(np.einsum("nsi,ni->ns", mean, poses[:, :3, 1])) / np.maximum(length, 1e-9)
    cosine = np.clip(cosine.min(axis=1), 1e-3, 1.0)
    return np.asarray(np.sqrt(1.0 - cosine**2) / cosine, dtype=np.float32)


def _gap_between(touching: NDArray[np.bool_], pad: Float32Array) -> Float32Array:
    """(N,) metres between the areas in contact on the two sides, seen along y; 0 where they overlap."""
    squares = []
    for axis in range(2):
        low = np.where(touching, pad[:, axis], np.inf).min(axis=2)
        high = np.where(touching, pad[:, axis], -np.inf).max(axis=2)
        with np.errstate(invalid="ignore"):
            squares.append(np.maximum(np.maximum(low[:, 0] - high[:, 1], low[:, 1] - high[:, 0]), 0.0) ** 2)
    return np.asarray(np.sqrt(squares[0] + squares[1]), dtype=np.float32)
