"""An object from a mesh alone: a convex decomposition by CoACD, and mass and inertia from its volume."""

from __future__ import annotations

import zlib
from pathlib import Path

import coacd
import numpy as np
import trimesh

from envs.objects.asset_cache import cached_folder
from envs.objects.hull import convex_hull
from envs.objects.material import PALETTE, Material
from envs.objects.model import ObjectModel
from envs.objects.urdf_shapes import join, read_groups
from envs.objects.urdf_writer import URDF_NAME, write_object
from geometry import InputError

LARGEST_M = 2.0
"""A larger object was surely measured in another unit."""

SMALLEST_M = 0.002
"""And so was a smaller one."""

CONCAVITY = 0.05
"""CoACD's threshold: how far a part may be from convex, as a share of the object's size."""


def mesh_model(name: str, path: Path, scale: float = 1.0, material: Material | None = None) -> ObjectModel:
    """A model of a mesh file: the first time it is cut into convex parts, later it comes from the cache.

    The mesh need be neither closed nor clean. Its frame becomes the link frame, unless its
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
    groups = read_groups(path)
    vertices = join(groups).vertices * scale
    mesh = trimesh.Trimesh(vertices - _far_origin(vertices), join(groups).faces, process=False)
    _check_size(path, float(mesh.extents.max()), scale)
    key = repr((material, CONCAVITY)).encode() + mesh.vertices.tobytes() + mesh.faces.tobytes()
    color = PALETTE[zlib.crc32(key) % len(PALETTE)]

    def write(folder: Path) -> None:
        clean = mesh.copy()
        clean.merge_vertices()
        parts = convex_parts(clean)
        closed = clean.is_watertight and clean.is_winding_consistent and clean.volume > 0.0
        write_object(folder, mesh, parts, material, color, solid=clean if closed else join(parts))

    return ObjectModel(name, cached_folder("mesh-v1", key, write) / URDF_NAME, true_inertia=True)


def convex_parts(mesh: trimesh.Trimesh) -> list[trimesh.Trimesh]:
    """Convex parts that cover a mesh; its hull alone where CoACD finds no volume to cut.

    The same mesh gives the same parts, whatever the number of threads.
    """
    coacd.set_log_level("off")
    try:
        found = coacd.run_coacd(
            coacd.Mesh(mesh.vertices, mesh.faces),
            threshold=CONCAVITY,
            max_convex_hull=32,
            mcts_iterations=60,
            mcts_nodes=10,
            resolution=1000,
            preprocess_resolution=40,
            seed=0,
        )
    except RuntimeError:
        found = []
    parts = [convex_hull(vertices) for vertices, _ in found if len(vertices) >= 4]
    return parts or [convex_hull(mesh.vertices)]


def _far_origin(vertices: np.ndarray) -> np.ndarray:
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
