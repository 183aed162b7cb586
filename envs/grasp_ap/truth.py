"""The truth about a simulated scene, as the judge needs it: surfaces, and points 8 mm apart."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import trimesh
from numpy.typing import ArrayLike

from envs.cameras import visual_parts
from envs.grasp_ap.antipodal import ContactCaster
from envs.grasp_ap.judge import TrueObject, TrueScene
from envs.objects import ObjectModel
from envs.scenes import Scene
from geometry import FloatArray, transform_points

VOXEL_M = 0.008
"""Edge of the voxels in which the points of a surface are averaged, and distance of the table's points."""
_SLAB_M = 0.05
_MARGIN_M = 0.15
_SAMPLE_M = 0.0015


def true_scene(scene: Scene) -> TrueScene:
    """The objects of a scene where they lie now, with its table and whatever else stands there as obstacles."""
    objects = []
    for item in scene.objects.values():
        points, caster = _surface(item.model, item.scale)
        objects.append(TrueObject(points, caster, item.body.pose()))
    fixed = [
        transform_points(
            part.T_world_part,
            surface_points(trimesh.Trimesh(part.surface.vertices, part.surface.triangles, process=False)),
        )
        for part in visual_parts(scene.world)
        if part.body_uid != scene.table.uid and part.body_uid not in scene.objects
    ]
    size = scene.workspace.size_m
    low, high = np.full(2, -_MARGIN_M), np.full(2, size + _MARGIN_M)
    slab = table_points(low, high, scene.workspace.table_z_m)
    return TrueScene(tuple(objects), np.concatenate([slab, *fixed]))


def table_points(low_xy: ArrayLike, high_xy: ArrayLike, table_z_m: float) -> FloatArray:
    """(M, 3) points that fill a slab 5 cm thick below the table's top, at most 8 mm apart.

    Args:
        low_xy: (2,) lower corner, metres.
        high_xy: (2,) upper corner.
        table_z_m: height of the top; its points lie in it.
    """
    low, high = np.append(low_xy, table_z_m - _SLAB_M), np.append(high_xy, table_z_m)
    axes = [np.linspace(a, b, int(np.ceil((b - a) / VOXEL_M)) + 1) for a, b in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def surface_points(mesh: trimesh.Trimesh) -> FloatArray:
    """(P, 3) points of a surface, averaged in voxels of 8 mm, from samples uniform by area."""
    count = max(200, int(mesh.area / _SAMPLE_M**2))
    samples, _ = trimesh.sample.sample_surface(mesh, count, seed=0)
    cells, inverse = np.unique(np.floor(samples / VOXEL_M).astype(np.int64), axis=0, return_inverse=True)
    weight = np.bincount(inverse, minlength=len(cells))
    sums = [np.bincount(inverse, samples[:, axis], minlength=len(cells)) for axis in range(3)]
    return np.stack(sums, axis=-1) / weight[:, None]


@lru_cache(maxsize=256)
def _surface(model: ObjectModel, scale: float) -> tuple[FloatArray, ContactCaster]:
    """Points and surface of an object in its link's frame."""
    mesh = model.mesh()
    scaled = trimesh.Trimesh(mesh.vertices * scale, mesh.faces, process=False)
    return surface_points(scaled), ContactCaster(scaled)
