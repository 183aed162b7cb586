"""An object from a mesh alone: a convex decomposition by CoACD, and mass and inertia from its volume."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import open3d as o3d
import trimesh

from envs.objects.asset_cache import cached_folder
from envs.objects.hull import convex_hull
from envs.objects.material import PALETTE, Material
from envs.objects.model import ObjectModel
from envs.objects.urdf_shapes import join, read_groups
from envs.objects.urdf_writer import URDF_NAME, write_object
from geometry import FloatArray, InputError

LARGEST_M = 2.0
"""A larger object was surely measured in another unit."""

SMALLEST_M = 0.002
"""And so was a smaller one."""

CUT_CLOSED: dict[str, Any] = {
    "preprocess_mode": "off", "threshold": 0.05, "resolution": 1000,
    "mcts_iterations": 60, "mcts_nodes": 10, "mcts_max_depth": 3,
}  # fmt: skip
"""CoACD's settings for a closed mesh; the threshold is a concavity as a share of the object's size."""

CUT_OPEN: dict[str, Any] = {
    "preprocess_mode": "on", "preprocess_resolution": 30, "threshold": 0.08, "resolution": 500,
    "mcts_iterations": 15, "mcts_nodes": 8, "mcts_max_depth": 2,
}  # fmt: skip
"""Quicker ones for the many facets of a voxel skin."""

LARGEST_HOLE = 0.2
"""Radius of the holes that are filled, as a share of the object's size; the mouth of a mug stays open."""

MOST_FACES = 3000
"""A finer mesh is made coarser before it is cut; what is seen stays as it is."""


def mesh_model(name: str, path: Path, scale: float = 1.0, material: Material | None = None) -> ObjectModel:
    """A model of a mesh file: the first time it is cut into convex parts, later it comes from the cache.

    The mesh need be neither closed nor clean: small holes are filled, and a surface that stays
    open has the mass of its convex hull. Its frame becomes the link frame, unless its
    origin lies outside its bounding box, as in a scan in the camera's frame: then the box's
    centre becomes the origin.

    Args:
        name: of the model.
        path: a mesh file of any kind that trimesh reads.
        scale: factor on all lengths, for example 0.001 for millimetres.
        material: gives the density and the friction.

    Raises:
        InputError: if the file cannot be read, or its size is not that of an object in metres.
    """
    material = material or Material()
    found = join(read_groups(path))
    vertices = found.vertices * scale
    mesh = trimesh.Trimesh(vertices - _far_origin(vertices), found.faces, process=False)
    _check_size(path, float(mesh.extents.max()), scale)
    settings = (material, CUT_CLOSED, CUT_OPEN, LARGEST_HOLE, MOST_FACES)
    key = repr(settings).encode() + mesh.vertices.tobytes() + mesh.faces.tobytes()
    color = PALETTE[zlib.crc32(key) % len(PALETTE)]

    def write(folder: Path) -> None:
        clean = _clean(mesh)
        solid = clean if is_closed(clean) else convex_hull(clean.vertices)
        write_object(folder, clean, convex_parts(clean), material, color, solid=solid)

    return ObjectModel(name, cached_folder("mesh-v2", key, write) / URDF_NAME, true_inertia=True)


def convex_parts(mesh: trimesh.Trimesh) -> list[trimesh.Trimesh]:
    """Convex parts that cover a mesh; its hull alone where CoACD finds no volume to cut.

    A closed mesh is cut as it stands; any other is first wrapped in a closed skin of voxels, which
    thickens thin walls. The same mesh gives the same parts, whatever the number of threads.
    """
    import coacd  # after Open3D, always: its bundled C++ library makes a later import of Open3D fail

    coacd.set_log_level("off")
    mesh = _coarse(mesh)
    for options in (CUT_CLOSED, CUT_OPEN) if is_closed(mesh) else (CUT_OPEN,):
        try:
            found = coacd.run_coacd(coacd.Mesh(mesh.vertices, mesh.faces), max_convex_hull=32, seed=0, **options)
        except RuntimeError:
            continue
        parts = [convex_hull(vertices) for vertices, _ in found if len(vertices) >= 4]
        if parts:
            return parts
    return [convex_hull(mesh.vertices)]


def is_closed(mesh: trimesh.Trimesh) -> bool:
    """Whether a mesh encloses a volume, with its faces turned outward."""
    return bool(mesh.is_watertight and mesh.is_winding_consistent and mesh.volume > 0.0)


def _clean(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """The mesh with equal vertices merged, small holes closed, and a closed surface turned outward."""
    clean = mesh.copy()
    clean.merge_vertices()
    if not clean.is_watertight:
        clean = _without_holes(clean, LARGEST_HOLE * float(clean.extents.max()))
    if clean.is_watertight and clean.volume < 0.0:
        return trimesh.Trimesh(clean.vertices, clean.faces[:, ::-1], process=False)
    return clean


def _without_holes(mesh: trimesh.Trimesh, radius_m: float) -> trimesh.Trimesh:
    """The mesh with its holes up to that radius filled, as by a skin."""
    opened = o3d.t.geometry.TriangleMesh.from_legacy(_in_open3d(mesh))
    filled = opened.fill_holes(hole_size=radius_m)  # shares memory with `opened`, which must outlive it
    faces = filled.triangle.indices.numpy().copy()
    skin = _in_open3d(trimesh.Trimesh(mesh.vertices, faces, process=False))
    skin.orient_triangles()  # Open3D's patches face inward
    return trimesh.Trimesh(mesh.vertices, np.asarray(skin.triangles).copy(), process=False)


def _coarse(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """The mesh with at most `MOST_FACES` faces, for a scan has more than cutting can use."""
    if len(mesh.faces) <= MOST_FACES:
        return mesh
    coarse = _in_open3d(mesh).simplify_quadric_decimation(MOST_FACES)
    return trimesh.Trimesh(np.asarray(coarse.vertices), np.asarray(coarse.triangles), process=False)


def _in_open3d(mesh: trimesh.Trimesh) -> o3d.geometry.TriangleMesh:
    vertices = o3d.utility.Vector3dVector(mesh.vertices)
    return o3d.geometry.TriangleMesh(vertices, o3d.utility.Vector3iVector(mesh.faces.astype(np.int32)))


def _far_origin(vertices: FloatArray) -> FloatArray:
    """(3,) the middle of the bounding box if the origin lies outside of it, otherwise zero."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    inside = bool((low <= 0.0).all() and (high >= 0.0).all())
    return np.zeros(3) if inside else 0.5 * (low + high)


def _check_size(path: Path, extent_m: float, scale: float) -> None:
    if SMALLEST_M <= extent_m <= LARGEST_M:
        return
    remedy = "metres are expected; for millimetres give scale 0.001" if extent_m > LARGEST_M else "give a larger scale"
    raise InputError(
        str(path),
        expected=f"an object of {SMALLEST_M:g} to {LARGEST_M:g} m",
        got=f"{extent_m:.3g} m at scale {scale:g}",
        remedy=remedy,
    )
