"""Which of a world's visible shapes a camera can see at all: the others need not be looked at."""

from __future__ import annotations

from itertools import product

import numpy as np

from envs.cameras.triangles import VisualPart
from geometry import FloatArray, PinholeCamera, invert, transform_points

_CORNERS = np.array(list(product((0, 1), repeat=3)))
_BORDER_PX = 1.0


def parts_in_view(
    parts: list[VisualPart], T_world_camera: FloatArray, camera: PinholeCamera, *, near_m: float = 0.1
) -> list[VisualPart]:
    """Those of the shapes whose bounding boxes reach into the camera's view; the order is kept.

    An image of these parts alone shows what an image of all shows, except for shadows that others would cast.

    Args:
        parts: from `visual_parts`.
        T_world_camera: (4, 4) pose of the camera in the world.
        camera: intrinsics.
        near_m: what is wholly nearer than this along the optical axis, or behind, is not seen.
    """
    T_camera_world, planes = invert(T_world_camera), _side_planes(camera)
    return [part for part in parts if _reaches(_box_corners(part, T_camera_world), planes, near_m)]


def _box_corners(part: VisualPart, T_camera_world: FloatArray) -> FloatArray:
    """(8, 3) corners of the part's bounding box, in the camera's frame."""
    vertices = part.surface.vertices
    if not len(vertices):
        return np.full((1, 3), -np.inf)
    limits = np.stack([vertices.min(axis=0), vertices.max(axis=0)])
    return transform_points(T_camera_world @ part.T_world_part, limits[_CORNERS, np.arange(3)])


def _side_planes(camera: PinholeCamera) -> FloatArray:
    """(4, 3) inward normals of the planes through the eye and the image's edges."""
    left, right = ((u - camera.cx) / camera.fx for u in (-_BORDER_PX, camera.width - 1 + _BORDER_PX))
    upper, lower = ((v - camera.cy) / camera.fy for v in (-_BORDER_PX, camera.height - 1 + _BORDER_PX))
    return np.array([[1.0, 0.0, -left], [-1.0, 0.0, right], [0.0, 1.0, -upper], [0.0, -1.0, lower]])


def _reaches(corners: FloatArray, planes: FloatArray, near_m: float) -> bool:
    """Whether no plane has all the corners outside."""
    return bool(corners[:, 2].max() > near_m and np.all((corners @ planes.T).max(axis=0) >= 0.0))
