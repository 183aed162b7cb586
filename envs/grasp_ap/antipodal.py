"""Force closure of a parallel grasp on a mesh: the cone test at the two contacts of its closing line.

The fingers start at both ends of the closing line, half a width from its middle, and move towards
each other. Where each meets the surface first is its contact. With friction mu the grasp holds if
at both contacts the angle between the surface normal and the line is at most arctan(mu), so that
tan of the larger angle is the smallest friction coefficient that holds.

Source: Nguyen 1988; as the test of Dex-Net 2.0 (Mahler et al., RSS 2017) in GraspNet-1Billion's
evaluation, with exact rays on the mesh in place of a line search in a voxel grid.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import open3d as o3d
import trimesh
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray

_APART_M = 1e-6


class ClosingContacts(NamedTuple):
    """What N closing lines meet; positions are along the closing direction from the line's middle."""

    low_m: FloatArray
    """(N,) where the finger that comes from - touches; NaN where the two do not hold anything."""
    high_m: FloatArray
    """(N,) the same of the finger that comes from +."""
    friction: FloatArray
    """(N,) smallest friction coefficient of force closure; inf where nothing is held."""

    @property
    def found(self) -> NDArray[np.bool_]:
        """(N,) whether something is between the fingers that both of them touch from outside."""
        return np.isfinite(self.friction)


class ContactCaster:
    """Finds where fingers touch a mesh.

    A finger that starts inside the object first meets the surface from behind, which counts as no
    contact. For that the triangles must be wound alike; where the mesh encloses a negative volume
    they are turned round.

    Args:
        mesh: a closed surface, or several that may overlap.
        threads: for casting; no result depends on it.
    """

    def __init__(self, mesh: trimesh.Trimesh, *, threads: int = 1) -> None:
        faces = np.asarray(mesh.faces, dtype=np.uint32)
        if mesh.volume < 0.0:
            faces = faces[:, ::-1]
        self.threads = threads
        self._scene = o3d.t.geometry.RaycastingScene(nthreads=1)
        self._scene.add_triangles(
            o3d.core.Tensor.from_numpy(np.ascontiguousarray(mesh.vertices, dtype=np.float32)),
            o3d.core.Tensor.from_numpy(np.ascontiguousarray(faces)),
        )

    def close(self, middles: ArrayLike, closings: ArrayLike, widths_m: ArrayLike) -> ClosingContacts:
        """Close fingers along N lines.

        Args:
            middles: (N, 3) metres in the mesh's frame, midway between the fingers.
            closings: (N, 3) unit closing directions.
            widths_m: (N,) or one opening between the fingers, metres.
        """
        middle = np.asarray(middles, dtype=np.float32)
        closing = np.asarray(closings, dtype=np.float32)
        half = 0.5 * np.broadcast_to(np.asarray(widths_m, dtype=np.float32), (len(middle),))
        way_low, slope_low = self._first_contact(middle - half[:, None] * closing, closing)
        way_high, slope_high = self._first_contact(middle + half[:, None] * closing, -closing)
        held = way_low + way_high < 2.0 * half - _APART_M
        friction = np.where(held, np.maximum(slope_low, slope_high), np.inf)
        held &= np.isfinite(friction)
        return ClosingContacts(
            low_m=np.where(held, way_low - half, np.nan),
            high_m=np.where(held, half - way_high, np.nan),
            friction=np.where(held, friction, np.inf),
        )

    def meets(self, middles: ArrayLike, closings: ArrayLike, widths_m: ArrayLike) -> NDArray[np.bool_]:
        """(N,) whether any surface crosses the closing lines, which costs less than `close`; arguments as there."""
        middle = np.asarray(middles, dtype=np.float32)
        closing = np.asarray(closings, dtype=np.float32)
        width = np.broadcast_to(np.asarray(widths_m, dtype=np.float32), (len(middle),))[:, None]
        rays = np.concatenate([middle - 0.5 * width * closing, width * closing], axis=-1)
        crossed: NDArray[np.bool_] = self._scene.test_occlusions(
            o3d.core.Tensor.from_numpy(rays), tnear=0.0, tfar=1.0, nthreads=self.threads
        ).numpy()
        return crossed

    def _first_contact(self, starts: NDArray[np.float32], ways: NDArray[np.float32]) -> tuple[FloatArray, FloatArray]:
        """(N,) way to the first hit, and tangent of the angle at which it is met; inf where met from behind."""
        rays = o3d.core.Tensor.from_numpy(np.concatenate([starts, ways], axis=-1))
        answer = self._scene.cast_rays(rays, nthreads=self.threads)
        normals = answer["primitive_normals"].numpy()
        cosine = -np.einsum("nc,nc->n", normals, ways, dtype=np.float64)
        sine = np.linalg.norm(np.cross(normals, ways), axis=-1).astype(np.float64)
        facing = cosine > 1e-6 * np.maximum(sine, 1e-30)
        slope = np.where(facing, sine / np.where(facing, cosine, 1.0), np.inf)
        return answer["t_hit"].numpy().astype(np.float64), slope
