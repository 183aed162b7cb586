"""What a planner sees, and what it answers: the interface for other people's grasp networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, PinholeCamera, invert, transform_points

_TSDF_RESOLUTION = 40
_TSDF_TRUNCATION_VOXELS = 4


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One look at the scene. The world frame is the benchmark's task frame."""

    depth_m: NDArray[np.float32]
    """(H, W) metres along the optical axis, 0 where there is no return; with the dialect's noise."""
    camera: PinholeCamera
    """Intrinsics of `depth_m`."""
    T_world_camera: FloatArray
    """(4, 4) pose of the camera."""
    cloud_world: FloatArray
    """(N, 3) points inside the grasp volume, with the dialect's noise."""
    workspace: FloatArray
    """(2, 3) lower and upper corner of the grasp volume."""
    table_z_m: float
    """Height of the table's top."""
    size_m: float
    """Edge of the cube that the TSDF covers."""
    rng: np.random.Generator
    """Randomness for this one plan; a planner that draws from nothing else is reproducible."""
    skips_left: int = 0
    """How often in this round a planner may still find nothing and get a new view; after that the round ends."""

    @cached_property
    def tsdf(self) -> NDArray[np.float32]:
        """(40, 40, 40) truncated signed distance of this view as VGN and GIGA feed it, indexed x, y, z.

        Values are (tsdf + 1) / 2 near a surface and 0 elsewhere, both in free and in unseen space.
        """
        return single_view_tsdf(self.depth_m, self.camera, self.T_world_camera, self.size_m)


class RankedGrasps(Protocol):
    """What a planner returns, best grasp first; any object with these arrays will do."""

    @property
    def poses(self) -> FloatArray:
        """(N, 4, 4) `T_world_grasp`."""

    @property
    def widths_m(self) -> FloatArray:
        """(N,) openings; the benchmark's hand ignores them and opens fully."""

    @property
    def scores(self) -> FloatArray:
        """(N,) the higher the better."""


Planner = Callable[[Observation], RankedGrasps]


class Proposals(NamedTuple):
    """The plainest `RankedGrasps`."""

    poses: FloatArray
    widths_m: FloatArray
    scores: FloatArray


def single_view_tsdf(
    depth_m: NDArray[np.float32],
    camera: PinholeCamera,
    T_world_camera: FloatArray,
    size_m: float,
    resolution: int = _TSDF_RESOLUTION,
) -> NDArray[np.float32]:
    """Integrate one depth image into a truncated signed distance field over the cube [0, size_m]^3.

    Args:
        depth_m: (H, W) metres, 0 where there is no return.
        camera: its intrinsics.
        T_world_camera: (4, 4).
        size_m: edge of the cube.
        resolution: voxels along an edge.
    Returns:
        (resolution,) * 3 float32, `(s + 1) / 2` for a truncated distance -0.98 <= s < 0.98, else 0.
    Source: Curless and Levoy 1996, with the grid layout of VGN (Breyer et al., CoRL 2020).
    """
    voxel_m = size_m / resolution
    centers = (np.stack(np.meshgrid(*[np.arange(resolution)] * 3, indexing="ij"), axis=-1) + 0.5) * voxel_m
    points = transform_points(invert(T_world_camera), centers.reshape(-1, 3))
    pixels = camera.project(points)
    with np.errstate(invalid="ignore"):
        columns, rows = np.floor(pixels + 0.5).T
        seen = (columns >= 0) & (columns < camera.width) & (rows >= 0) & (rows < camera.height)
    u, v = columns[seen].astype(int), rows[seen].astype(int)
    surface_m = depth_m[v, u].astype(np.float64)
    # from distance along z to distance along the ray of the pixel, which is what Open3D takes, not of the voxel
    stretch = np.sqrt(1.0 + ((u - camera.cx) / camera.fx) ** 2 + ((v - camera.cy) / camera.fy) ** 2)
    s = (surface_m - points[seen, 2]) * stretch / (_TSDF_TRUNCATION_VOXELS * voxel_m)
    near = (surface_m > 0.0) & (s >= -0.98) & (s < 0.98)
    grid = np.zeros(len(points), dtype=np.float32)
    grid[seen] = np.where(near, 0.5 * (s + 1.0), 0.0)
    return grid.reshape((resolution,) * 3)
