"""What is known of one kind of object for labelling: its outer surface, its distance field, its centre of mass.

Both the mesh that is seen and the convex parts that collide are solid: a finger can enter
neither. Everything is made once per model and process, in the model's own frame and size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import open3d as o3d
import trimesh
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from envs.objects import ObjectModel
from geometry import FloatArray

REACH_M = 0.0158
"""Distances are known up to here; beyond, they are this."""

_VOXEL_M = 0.004


@dataclass(frozen=True, eq=False)
class Solid:
    """A rigid body's true shape in its own frame. Arrays are shared: do not alter them."""

    vertices: FloatArray
    """(V, 3) metres, of the seen mesh and the convex parts together."""
    triangles: NDArray[np.uint32]
    """(F, 3) vertex numbers."""
    seen_vertices: FloatArray
    """(v, 3) metres, of the seen mesh alone."""
    seen_triangles: NDArray[np.uint32]
    """(f, 3) vertex numbers of the seen mesh."""
    com: FloatArray
    """(3,) centre of mass, of uniform density in the convex parts."""
    lower: FloatArray
    """(3,) where the distance field begins."""
    distance_m: NDArray[np.float32]
    """(X, Y, Z) signed distance at the field's nodes, negative inside a convex part."""

    def distance(self, points: FloatArray) -> NDArray[np.float32]:
        """(N,) signed distance of points (N, 3) to the surface, at most `REACH_M`."""
        nodes = (points - self.lower).T / _VOXEL_M
        return np.asarray(map_coordinates(self.distance_m, nodes, order=1, mode="nearest"), dtype=np.float32)


@lru_cache(maxsize=4096)
def model_solid(model: ObjectModel) -> Solid:
    """The solid of an object model, in metres in its link frame."""
    return make_solid(model.mesh(), model.convex_parts())


def make_solid(seen: trimesh.Trimesh, parts: Sequence[trimesh.Trimesh]) -> Solid:
    """A solid from the mesh that is seen and the convex parts that collide, in one frame."""
    meshes = [seen, *parts]
    offsets = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    vertices = np.concatenate([mesh.vertices for mesh in meshes])
    triangles = np.concatenate([mesh.faces + o for mesh, o in zip(meshes, offsets, strict=True)]).astype(np.uint32)
    lower = vertices.min(axis=0) - REACH_M - 0.5 * _VOXEL_M
    counts = np.ceil((vertices.max(axis=0) + REACH_M - lower) / _VOXEL_M).astype(int) + 1
    nodes = lower + _VOXEL_M * np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), axis=-1).reshape(-1, 3)
    caster = ray_caster([(vertices, triangles)])
    distance = caster.compute_distance(o3d.core.Tensor.from_numpy(nodes.astype(np.float32)), nthreads=1).numpy()
    distance = np.where(_inside_any(parts, nodes), -distance, distance)
    volumes = np.array([max(float(part.volume), 1e-12) for part in parts])
    return Solid(
        vertices=vertices,
        triangles=triangles,
        seen_vertices=np.asarray(seen.vertices, dtype=np.float64),
        seen_triangles=np.asarray(seen.faces, dtype=np.uint32),
        com=volumes @ np.array([part.center_mass for part in parts]) / volumes.sum(),
        lower=lower,
        distance_m=np.clip(distance, -REACH_M, REACH_M).astype(np.float32).reshape(counts),
    )


def ray_caster(meshes: Sequence[tuple[FloatArray, NDArray[np.uint32]]]) -> o3d.t.geometry.RaycastingScene:
    """An Open3D ray caster over meshes (vertices, triangles), on one thread; ids are the meshes' numbers."""
    caster = o3d.t.geometry.RaycastingScene(nthreads=1)
    for vertices, triangles in meshes:
        caster.add_triangles(
            o3d.core.Tensor.from_numpy(np.ascontiguousarray(vertices, dtype=np.float32)),
            o3d.core.Tensor.from_numpy(np.ascontiguousarray(triangles, dtype=np.uint32)),
        )
    return caster


def _inside_any(parts: Sequence[trimesh.Trimesh], points: FloatArray) -> NDArray[np.bool_]:
    inside = np.zeros(len(points), dtype=bool)
    for part in parts:
        near = np.flatnonzero(np.all((points > part.bounds[0]) & (points < part.bounds[1]), axis=1))
        normals, offsets = part.face_normals, np.einsum("fi,fi->f", part.face_normals, part.triangles[:, 0])
        inside[near] |= np.all(points[near] @ normals.T <= offsets, axis=1)
    return inside
