"""What a grasp planner is given: one depth image, or one cloud with the place it was seen from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from geometry import FloatArray, InputError, PinholeCamera, invert, look_at, transform_points
from perception.cloud import crop_box, finite_points

_SPACING_SAMPLE = 500
_MAX_PIXELS = 1200


class SceneView(Protocol):
    """One look at a scene. Any object with these attributes will do."""

    @property
    def depth_m(self) -> NDArray[np.float32]:
        """(H, W) metres along the optical axis, 0 where there is no return."""

    @property
    def camera(self) -> PinholeCamera:
        """Intrinsics of the depth image."""

    @property
    def T_world_camera(self) -> FloatArray:
        """(4, 4) pose of the camera (optical frame)."""

    @property
    def workspace(self) -> FloatArray:
        """(2, 3) lower and upper corner, in the world, of where grasps are wanted."""

    @property
    def table_z_m(self) -> float | None:
        """Height of a level table in the world; None: the planner finds the support itself; -inf: there is none."""

    @property
    def rng(self) -> np.random.Generator:
        """Source of the planner's samples."""


@dataclass(frozen=True)
class DepthView:
    """A `SceneView` of plain values."""

    depth_m: NDArray[np.float32]
    camera: PinholeCamera
    T_world_camera: FloatArray
    workspace: FloatArray
    table_z_m: float | None
    rng: np.random.Generator


def view_of_cloud(
    points_world: ArrayLike,
    rng: np.random.Generator,
    *,
    viewpoint: ArrayLike = (0.0, 0.0, 0.0),
    workspace: ArrayLike | None = None,
    table_z_m: float | None = None,
) -> DepthView:
    """Turn an unorganised cloud into the depth image that a camera at its viewpoint would have taken.

    The virtual camera looks at the middle of the cloud and its pixels are as wide as the points are
    apart, so that visibility can be read off the image.

    Args:
        points_world: (N, 3) metres; points that are not finite are dropped.
        rng: handed on to the planner.
        viewpoint: (3,) where the cloud was seen from.
        workspace: (2, 3) corners of where grasps are wanted; None is everywhere.
        table_z_m: as in `SceneView`.
    Raises:
        InputError: if the cloud is not (N, 3) or lies at the viewpoint.
    """
    cloud = np.asarray(points_world, dtype=np.float64)
    if cloud.ndim != 2 or cloud.shape[1] != 3:
        raise InputError("view_of_cloud", expected="points_world of shape (N, 3)", got=f"{cloud.shape}")
    cloud = finite_points(cloud)
    eye = np.asarray(viewpoint, dtype=np.float64)
    box = np.array([[-np.inf] * 3, [np.inf] * 3]) if workspace is None else np.asarray(workspace, dtype=np.float64)
    inside = cloud[crop_box(cloud, box)]
    target = np.median(inside, axis=0) if len(inside) else eye + (0.0, 0.0, 1.0)
    T_world_camera = _camera_towards(eye, target)
    points = transform_points(invert(T_world_camera), cloud)
    points = points[points[:, 2] > 1e-3]
    camera = _virtual_camera(points, _spacing(inside))
    return DepthView(_splat(points, camera), camera, T_world_camera, box, table_z_m, rng)


def _camera_towards(eye: FloatArray, target: FloatArray) -> FloatArray:
    """A camera that looks at the target, with whichever of +z and -y is not along its sight as up."""
    sight = target - eye
    up = (0.0, 0.0, 1.0) if abs(sight[2]) < 0.95 * np.linalg.norm(sight) else (0.0, -1.0, 0.0)
    return look_at(eye, target, up)


def _spacing(points: FloatArray) -> float:
    """Median distance of a point to its fourth neighbour: about the width of a gap-free pixel."""
    if len(points) < 8:
        return 0.003
    sample = points[:: max(1, len(points) // _SPACING_SAMPLE)]
    tree = cKDTree(points, leafsize=64, balanced_tree=False, compact_nodes=False)  # built three times as fast
    return float(max(np.median(tree.query(sample, k=5)[0][:, 4]), 0.001))


def _virtual_camera(points: FloatArray, spacing_m: float) -> PinholeCamera:
    """A camera whose image holds the points with pixels of `spacing_m` at their median depth."""
    if not len(points):
        return PinholeCamera(width=1, height=1, fx=1.0, fy=1.0, cx=0.0, cy=0.0)
    slopes = points[:, :2] / points[:, 2:]
    low, high = np.percentile(slopes, [0.5, 99.5], axis=0)
    margin = 0.02 + 0.05 * (high - low)
    low, high = low - margin, high + margin
    focal = min(float(np.median(points[:, 2])) / spacing_m, _MAX_PIXELS / float(np.max(high - low)))
    width, height = (max(2, int(np.ceil(extent * focal))) for extent in high - low)
    cx, cy = np.clip(-low * focal, [-width, -height], [2 * width, 2 * height])
    return PinholeCamera(width=width, height=height, fx=focal, fy=focal, cx=float(cx), cy=float(cy))


def _splat(points: FloatArray, camera: PinholeCamera) -> NDArray[np.float32]:
    """(H, W) depth of the nearest point in each pixel; single empty pixels take their neighbours' median."""
    depth = np.full((camera.height, camera.width), np.inf)
    pixels = np.rint(camera.project(points)).astype(np.int64) if len(points) else np.zeros((0, 2), dtype=np.int64)
    column, row = pixels[:, 0], pixels[:, 1]
    seen = (column >= 0) & (column < camera.width) & (row >= 0) & (row < camera.height)
    np.minimum.at(depth, (row[seen], column[seen]), points[seen, 2])
    padded = np.pad(np.where(np.isinf(depth), np.nan, depth), 1, constant_values=np.nan)
    h, w = depth.shape
    around = np.stack([padded[v : v + h, u : u + w] for v in range(3) for u in range(3) if (u, v) != (1, 1)])
    enclosed = np.isinf(depth) & (np.isfinite(around).sum(axis=0) >= 5)
    depth[enclosed] = np.nanmedian(around[:, enclosed], axis=0)
    return np.where(np.isinf(depth), 0.0, depth).astype(np.float32)
