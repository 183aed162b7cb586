"""Reading the mesh files that visual shapes name: vertices, triangles and plain colours."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import trimesh
from numpy.typing import NDArray

from geometry import FloatArray

_log = logging.getLogger(__name__)


class FileMesh(NamedTuple):
    """A mesh as its file has it, unscaled; the arrays are shared and read-only."""

    vertices: FloatArray
    """(V, 3)."""
    triangles: NDArray[np.uint32]
    """(F, 3) vertex numbers."""
    rgb: NDArray[np.float32]
    """(F, 3) colour of each triangle in [0, 1], or (1, 3) where the file has none."""


@lru_cache(maxsize=1024)
def read_mesh(path: Path, mtime_ns: int) -> FileMesh | None:
    """Read a mesh file once per process; None, with a warning, if it cannot be read or is empty.

    Args:
        path: an .obj, .stl, .ply or other file that trimesh reads.
        mtime_ns: the file's time of change, so that an edited file is read again.
    """
    try:
        loaded: Any = trimesh.load(path, process=False)
    except Exception as error:  # trimesh's readers raise whatever they met
        _log.warning("%s: the mesh cannot be read and stays invisible: %s", path, error)
        return None
    pieces: list[Any] = loaded.dump() if isinstance(loaded, trimesh.Scene) else [loaded]
    meshes = [mesh for mesh in pieces if isinstance(mesh, trimesh.Trimesh) and len(mesh.faces)]
    if not meshes:
        _log.warning("%s: the mesh has no triangles and stays invisible", path)
        return None
    offsets = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])[:-1]
    vertices = np.concatenate([np.asarray(mesh.vertices, np.float64) for mesh in meshes])
    triangles = np.concatenate([np.asarray(m.faces) + o for m, o in zip(meshes, offsets, strict=True)])
    rgb = np.concatenate([_face_colors(mesh) for mesh in meshes])
    arrays = vertices, triangles.astype(np.uint32), rgb
    for array in arrays:
        array.flags.writeable = False
    return FileMesh(*arrays)


def _face_colors(mesh: trimesh.Trimesh) -> NDArray[np.float32]:
    """(F, 3) colours: the texture at each triangle's centre, else the material's, else white."""
    white = np.ones((len(mesh.faces), 3), np.float32)
    visual: Any = mesh.visual
    if visual.kind != "texture":
        return white
    material = visual.material
    image = getattr(material, "image", None)
    if image is not None and visual.uv is not None:
        pixels = np.asarray(image.convert("RGB"), np.float32) / 255.0
        uv = visual.uv[mesh.faces].mean(axis=1) % 1.0
        rows = ((1.0 - uv[:, 1]) * (pixels.shape[0] - 1)).round().astype(int)
        columns = (uv[:, 0] * (pixels.shape[1] - 1)).round().astype(int)
        return np.ascontiguousarray(pixels[rows, columns])
    diffuse = getattr(material, "diffuse", None)
    return white if diffuse is None else white * (np.asarray(diffuse[:3], np.float32) / 255.0)
