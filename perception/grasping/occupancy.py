"""Visibility-aware occupancy: what one depth image says about every place near the objects.

A place is *free* if the camera looked through it, *solid* at a surface, and *unseen* behind one. What
is unseen is not free: directly beneath a seen surface point it is most likely the same object, just
behind a surface it is likely so, and far behind it is probably air.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, grey_closing

from geometry import FloatArray, invert
from perception.grasping.table_scene import TableScene

_VOXEL_M = 0.004
_CHUNK = 60_000
_MAX_VOXELS = 800_000
_SIDE_MARGIN_M = 0.06
_TOP_MARGIN_M = 0.05
_BLUR_VOXELS = 0.7
_BENEATH = 0.95
_JUST_BEHIND, _FADE_M, _FAR_BEHIND = 0.55, 0.02, 0.12

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class Occupancy:
    """Probabilities that places are solid, on a grid in the table frame. The table is not in it."""

    solid: Float32Array
    """(X, Y, Z) probability, blurred by less than a voxel."""
    seen: Float32Array
    """(X, Y, Z) the part of it that stands on seen surface, not on what may be behind."""
    origin: FloatArray
    """(3,) centre of voxel (0, 0, 0), metres."""
    voxel_m: float
    """Edge of a voxel."""

    def at(self, points: NDArray[np.floating]) -> Float32Array:
        """(...) probability that each point (..., 3) is solid; 0 beside and above the grid."""
        flat = np.asarray(points).reshape(-1, 3)
        return self.around(np.eye(4)[None], flat)[0].reshape(np.shape(points)[:-1])

    def around(
        self, poses: FloatArray, points: NDArray[np.floating], field: Float32Array | None = None
    ) -> Float32Array:
        """(G, P) value at points (P, 3) given in the frames `poses` (G, 4, 4); as `at` outside the grid.

        Args:
            poses: frames in the table frame.
            points: the same places in each of the frames.
            field: `solid` (the default) or `seen`.
        """
        values = np.empty((len(poses), len(points)), dtype=np.float32)
        source = (self.solid if field is None else field).reshape(-1)
        to_cells = poses[:, :3].astype(np.float64) / self.voxel_m
        to_cells[:, :, 3] += 0.5 - self.origin / self.voxel_m
        rotation, offset, local = to_cells[:, :, :3].astype(np.float32), to_cells[:, :, 3:].astype(np.float32), points.T
        local = np.ascontiguousarray(local, dtype=np.float32)
        chunk = max(1, _CHUNK // max(1, len(points)))
        for start in range(0, len(poses), chunk):
            part = slice(start, start + chunk)
            flat = np.zeros((len(rotation[part]), len(points)), dtype=np.int32)
            for axis, count in enumerate(self.solid.shape):
                cells = rotation[part, axis] @ local
                cells += offset[part, axis]
                np.clip(cells, 0, count - 1, out=cells)
                flat *= np.int32(count)
                flat += cells.astype(np.int32)
            np.take(source, flat, out=values[part])
        return values


def map_occupancy(scene: TableScene) -> Occupancy:
    """Occupancy around the objects of a scene; the scene must have object points."""
    points = scene.object_points
    lower = np.percentile(points, 0.2, axis=0) - _SIDE_MARGIN_M
    upper = np.percentile(points, 99.8, axis=0) + (_SIDE_MARGIN_M, _SIDE_MARGIN_M, _TOP_MARGIN_M)
    if scene.has_table:
        lower[2] = 0.0
    voxel = max(_VOXEL_M, float(np.prod(upper - lower) / _MAX_VOXELS) ** (1.0 / 3.0))
    counts = np.ceil((upper - lower) / voxel).astype(np.int64) + 3
    origin = lower - voxel
    axes = [origin[k] + voxel * np.arange(counts[k]) for k in range(3)]
    behind, on_object = _behind_surface(scene, axes)
    tops = _heights(points, origin, voxel, counts)
    beneath = axes[2][None, None, :] < tops[:, :, None] + 0.5 * voxel
    band = 0.75 * voxel
    surface = on_object & (np.abs(behind) <= band)
    fade = np.exp(-np.maximum(behind, 0.0) / _FADE_M)
    hidden = np.where(beneath, _BENEATH, _FAR_BEHIND + (_JUST_BEHIND - _FAR_BEHIND) * fade)
    solid = np.where(surface, 1.0, np.where(behind > band, hidden, 0.0)).astype(np.float32)
    seen = (surface | (beneath & (behind > band))).astype(np.float32)
    for field in (solid, seen):
        field[[0, -1]] = field[:, [0, -1]] = field[:, :, -1] = 0.0
    return Occupancy(
        solid=gaussian_filter(solid, _BLUR_VOXELS),
        seen=gaussian_filter(seen, _BLUR_VOXELS),
        origin=origin,
        voxel_m=voxel,
    )


def _behind_surface(scene: TableScene, axes: list[FloatArray]) -> tuple[Float32Array, NDArray[np.bool_]]:
    """For each voxel how far behind the seen surface it lies along its ray, and if that is an object's.

    Negative in front of the surface. Pixels of the table take the table's own depth; pixels without a
    return, and places outside the image, count as looked through.
    """
    depth = np.where(scene.depth_m > 0.0, scene.depth_m, np.inf)
    camera = scene.camera
    rays = camera.rays()
    if scene.has_table:
        direction = rays @ scene.T_table_camera[2, :3]
        with np.errstate(divide="ignore"):
            to_table = np.where(direction < 0.0, -scene.T_table_camera[2, 3] / direction, np.inf)
        on_table = (scene.depth_m > 0.0) & ~scene.is_object & (scene.points[..., 2] < 0.02)
        depth = np.where(on_table, to_table, depth)
    x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
    R, t = (m := invert(scene.T_table_camera))[:3, :3], m[:3, 3]
    X, Y, Z = (R[k, 0] * x + R[k, 1] * y + R[k, 2] * z + t[k] for k in range(3))
    safe = np.maximum(Z, 1e-3)
    u = np.rint(camera.fx * X / safe + camera.cx).astype(np.int32)
    v = np.rint(camera.fy * Y / safe + camera.cy).astype(np.int32)
    inside = (Z > 1e-3) & (u >= 0) & (u < camera.width) & (v >= 0) & (v < camera.height)
    pixel = np.where(inside, v * camera.width + u, 0)
    length = np.linalg.norm(rays, axis=-1).reshape(-1)
    behind = (Z - depth.reshape(-1)[pixel]) * length[pixel]
    behind = np.where(inside, behind, -np.inf).astype(np.float32)
    solid_pixel = (scene.depth_m > 0.0) & (scene.is_object | (scene.points[..., 2] >= 0.02))
    return behind, inside & solid_pixel.reshape(-1)[pixel]


def _heights(points: FloatArray, origin: FloatArray, voxel: float, counts: NDArray[np.int64]) -> FloatArray:
    """(X, Y) height of the highest seen object point in each column, -inf where there is none."""
    cells = np.rint((points[:, :2] - origin[:2]) / voxel).astype(np.int64)
    inside = np.all((cells >= 0) & (cells < counts[:2]), axis=1)
    lowest = float(points[:, 2].min()) - 1.0
    tops = np.full((int(counts[0]), int(counts[1])), lowest)
    np.maximum.at(tops, (cells[inside, 0], cells[inside, 1]), points[inside, 2])
    return np.asarray(grey_closing(tops, size=(3, 3)))
