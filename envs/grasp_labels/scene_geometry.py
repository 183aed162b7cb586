"""The true geometry of a settled scene in the table frame: ray casters and one distance field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import open3d as o3d
import trimesh
from numpy.typing import NDArray

from envs.cameras.triangles import Surface, visual_parts
from envs.grasp_labels.solid import REACH_M, Solid, make_solid, model_solid, ray_caster
from envs.objects import ObjectModel
from envs.scenes import Scene
from geometry import FloatArray, invert, transform, transform_points

UNIT_M = 0.000125
"""What one step of the distance field's bytes is worth."""

_VOXEL_M = 0.002

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class PlacedObject:
    """An object of a scene."""

    model: ObjectModel
    scale: float
    """Factor on the model's lengths."""
    T_table_object: FloatArray
    """(4, 4) pose of its link frame."""


@dataclass(frozen=True)
class _Placed:
    solid: Solid
    scale: float
    T: FloatArray

    @cached_property
    def vertices(self) -> FloatArray:
        return transform_points(self.T, self.scale * self.solid.vertices)


class SceneGeometry:
    """Objects and obstacles on a table whose top is z = 0.

    Args:
        objects: what can be grasped; the first is object 0.
        obstacles: solids that only stand in the way, with their poses.
    """

    def __init__(self, objects: Sequence[PlacedObject], obstacles: Sequence[tuple[Solid, FloatArray]] = ()) -> None:
        self.objects = tuple(objects)
        self._placed = [_Placed(model_solid(o.model), o.scale, o.T_table_object) for o in objects]
        self._placed += [_Placed(solid, 1.0, pose) for solid, pose in obstacles]

    @classmethod
    def of(cls, scene: Scene) -> SceneGeometry:
        """The geometry of a scene as it stands; its objects are numbered in the scene's order."""
        T_table_world = transform(translation=(0.0, 0.0, -scene.workspace.table_z_m))
        objects = [
            PlacedObject(item.model, item.scale, T_table_world @ item.body.pose()) for item in scene.objects.values()
        ]
        others = [
            (_surface_solid(part.surface), T_table_world @ part.T_world_part)
            for part in visual_parts(scene.world)
            if part.body_uid not in scene.objects and part.body_uid != scene.table.uid
        ]
        return cls(objects, others)

    @cached_property
    def caster(self) -> o3d.t.geometry.RaycastingScene:
        """Every solid; a hit's geometry id is the object's number, higher for obstacles."""
        return ray_caster([(placed.vertices, placed.solid.triangles) for placed in self._placed])

    @cached_property
    def seen_caster(self) -> o3d.t.geometry.RaycastingScene:
        """The seen meshes of everything; ids as those of `caster`."""
        return ray_caster(
            [(transform_points(p.T, p.scale * p.solid.seen_vertices), p.solid.seen_triangles) for p in self._placed]
        )

    @cached_property
    def coms(self) -> FloatArray:
        """(objects, 3) centres of mass in the table frame."""
        placed = self._placed[: len(self.objects)]
        return np.array([transform_points(p.T, p.scale * p.solid.com[None])[0] for p in placed]).reshape(-1, 3)

    @cached_property
    def field(self) -> DistanceField:
        """Distance to the nearest solid."""
        return DistanceField(self._placed)


class DistanceField:
    """Signed distance to the nearest of several solids on a grid of bytes; far from all of them it is the largest."""

    def __init__(self, placed: Sequence[_Placed]) -> None:
        corners = [(p.vertices.min(axis=0), p.vertices.max(axis=0)) for p in placed]
        pad_m = REACH_M + 2 * _VOXEL_M
        self.lower = np.min([low for low, _ in corners], axis=0) - pad_m if placed else np.zeros(3)
        upper = np.max([high for _, high in corners], axis=0) + pad_m if placed else np.zeros(3)
        shape = np.ceil((upper - self.lower) / _VOXEL_M).astype(int) + 1
        self._units = np.full(shape, 127, dtype=np.int8)
        for solid, corner in zip(placed, corners, strict=True):
            self._fill(solid, *corner)

    def at(self, poses: Float32Array, points: Float32Array) -> NDArray[np.int8]:
        """Look points up that move with grasps.

        Args:
            poses: (N, 4, 4) float32 `T_table_grasp`.
            points: (P, 3) float32 metres in the grasp frame.
        Returns:
            (N, P) distance in steps of `UNIT_M`, that of the nearest node.
        """
        size = self._units.shape
        homogeneous = np.concatenate([points, np.ones((len(points), 1), np.float32)], axis=1).T
        flat = np.zeros((len(poses), len(points)), dtype=np.int32)
        for axis in range(3):
            row = poses[:, axis, :] / np.float32(_VOXEL_M)
            row[:, 3] += np.float32(0.5 - self.lower[axis] / _VOXEL_M)
            node = row @ homogeneous
            np.clip(node, 0.0, size[axis] - 1, out=node)
            flat = flat * np.int32(size[axis]) + node.astype(np.int32)
        return np.asarray(self._units.reshape(-1).take(flat))

    def _fill(self, placed: _Placed, low: FloatArray, high: FloatArray) -> None:
        first = np.floor((low - REACH_M - self.lower) / _VOXEL_M).astype(int)
        last = np.ceil((high + REACH_M - self.lower) / _VOXEL_M).astype(int) + 1
        nodes = np.stack(np.meshgrid(*[np.arange(a, b) for a, b in zip(first, last, strict=True)], indexing="ij"), -1)
        points = transform_points(invert(placed.T), self.lower + _VOXEL_M * nodes.reshape(-1, 3)) / placed.scale
        units = np.rint(placed.solid.distance(points) * (placed.scale / UNIT_M)).clip(-127, 127).astype(np.int8)
        window = self._units[tuple(slice(a, b) for a, b in zip(first, last, strict=True))]
        np.minimum(window, units.reshape(window.shape), out=window)


@lru_cache(maxsize=64)
def _surface_solid(surface: Surface) -> Solid:
    """A convex visible shape, a wall say, as a solid."""
    mesh = trimesh.Trimesh(surface.vertices, surface.triangles.astype(np.int64), process=False)
    return make_solid(mesh, [mesh])
