"""Random looks at a scene, as the canonical camera of the learned detector sees them, without noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.cameras import RaycastCamera
from envs.grasp_labels import SceneGeometry, exit_depth
from envs.scenes import Scene
from geometry import FloatArray, PinholeCamera, look_at, transform, transform_points
from perception.grasping.network import canonical_camera

SEEDS = 128
"""Seed pixels of a view."""
OTHER = 255
"""The segmentation's number of what is neither table nor object, such as a bin's walls."""

_DISTANCE_M = (0.45, 0.80)
_POLAR_DEG = (15.0, 70.0)
_USUAL_POLAR_DEG = (35.0, 65.0)
_USUAL = 0.75
_AIM_HEIGHT_M = (0.0, 0.20)
_SEED_VOXEL_M = 0.007


@dataclass(frozen=True)
class LabelledView:
    """One look."""

    depth_m: NDArray[np.float32]
    """(H, W) true depth, 0 where there is nothing."""
    exit_m: NDArray[np.float32]
    """(H, W) depth at which the ray leaves the object that it met; 0 off the objects."""
    segmentation: NDArray[np.uint8]
    """(H, W) object number from 1, 0 for the table and nothing, `OTHER` for the rest."""
    camera: PinholeCamera
    T_table_camera: FloatArray
    seeds: NDArray[np.int16]
    """(SEEDS, 2) row and column of object pixels, spread evenly; -1 where there were too few."""

    def seed_points(self) -> FloatArray:
        """(n, 3) the seeds' points in the table frame, those of -1 left out."""
        rows, columns = self.seeds[self.seeds[:, 0] >= 0].T
        points = self.camera.unproject(self.depth_m)[rows, columns]
        return transform_points(self.T_table_camera, points)


def draw_camera(size_m: float, rng: np.random.Generator) -> FloatArray:
    """(4, 4) `T_table_camera` of a camera somewhere above the table that looks at about the workspace's middle."""
    center = np.array([0.5 * size_m, 0.5 * size_m, rng.uniform(*_AIM_HEIGHT_M)])
    polar = np.deg2rad(rng.uniform(*(_USUAL_POLAR_DEG if rng.random() < _USUAL else _POLAR_DEG)))
    azimuth = rng.uniform(0.0, 2.0 * np.pi)
    direction = np.array([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)])
    return look_at(center + rng.uniform(*_DISTANCE_M) * direction, center)


def look(scene: Scene, geometry: SceneGeometry, T_table_camera: FloatArray, rng: np.random.Generator) -> LabelledView:
    """What the canonical camera sees from where a camera stands."""
    workspace = scene.workspace
    camera, T_table_canonical = canonical_camera(T_table_camera, workspace.center[:2])
    T_world_table = transform(translation=(0.0, 0.0, workspace.table_z_m))
    frame = RaycastCamera(scene.world, camera).render(T_world_table @ T_table_canonical, normals=False)
    segmentation = np.full(frame.segmentation.shape, OTHER, dtype=np.uint8)
    segmentation[(frame.segmentation < 0) | (frame.segmentation == scene.table.uid)] = 0
    for number, uid in enumerate(scene.objects, start=1):
        segmentation[frame.segmentation == uid] = number
    on_object = (segmentation > 0) & (segmentation < OTHER)
    exit_m = exit_depth(geometry, camera, T_table_canonical, frame.depth_m, on_object)
    seeds = _spread(camera.unproject(frame.depth_m), on_object, rng)
    return LabelledView(frame.depth_m, exit_m, segmentation, camera, T_table_canonical, seeds)


def _spread(points: FloatArray, wanted: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int16]:
    """Pixels of different voxels first, then any."""
    pixels = rng.permutation(np.argwhere(wanted))
    seeds = np.full((SEEDS, 2), -1, dtype=np.int16)
    if not len(pixels):
        return seeds
    voxels = np.floor(points[pixels[:, 0], pixels[:, 1]] / _SEED_VOXEL_M).astype(np.int64)
    first = np.sort(np.unique(voxels, axis=0, return_index=True)[1])
    rest = np.setdiff1d(np.arange(len(pixels)), first)
    chosen = np.concatenate([first, rest])[:SEEDS]
    seeds[: len(chosen)] = pixels[chosen]
    return seeds
