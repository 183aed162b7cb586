"""Who and what of them a camera can see: keypoints in the image, and what is hidden behind whom."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.humanoid.body import KEYPOINTS
from geometry import FloatArray, PinholeCamera, invert, transform_points

_THICK = (
    ("pelvis", "neck", 0.14), ("neck", "head", 0.10), ("left_shoulder", "right_shoulder", 0.08),
    *((f"{side}_{a}", f"{side}_{b}", radius) for side in ("left", "right")
      for a, b, radius in (("shoulder", "elbow", 0.05), ("elbow", "wrist", 0.04), ("hip", "knee", 0.075),
                           ("knee", "ankle", 0.055))),
)  # fmt: skip
"""A body's capsules: from keypoint to keypoint, radius in metres."""
_ENDS = np.array([[KEYPOINTS.index(a), KEYPOINTS.index(b)] for a, b, _ in _THICK])
_RADII = np.array([radius for *_, radius in _THICK])


class View(NamedTuple):
    """N people in one image."""

    camera: PinholeCamera
    """Who looks."""
    pixels: FloatArray
    """(N, 18, 2) where the keypoints are; NaN behind the camera."""
    in_image: NDArray[np.bool_]
    """(N, 18) whether that is within the image."""
    in_front: NDArray[np.int64]
    """(N, 18) the nearest person who stands before the keypoint; -1 where nobody does."""
    px_per_m: FloatArray
    """(N,) pixels to a metre at the person's distance; 0 behind the camera."""

    @property
    def visible(self) -> NDArray[np.bool_]:
        """(N, 18) in the image and not behind somebody else."""
        return self.in_image & (self.in_front < 0)


def see_people(keypoints_m: FloatArray, camera: PinholeCamera, T_world_camera: ArrayLike) -> View:
    """What a camera sees of people in the world; their own limbs hide nothing.

    Args:
        keypoints_m: (N, 18, 3) the humanoid's `KEYPOINTS` in the world, metres.
        camera: intrinsics.
        T_world_camera: (4, 4).
    """
    points = transform_points(invert(T_world_camera), keypoints_m)
    depth = points[..., 2]
    pixels = camera.project(points)
    with np.errstate(invalid="ignore"):
        inside = (pixels > -0.5) & (pixels < (camera.width - 0.5, camera.height - 0.5))
    middle = depth.mean(axis=1)
    focal = float(np.sqrt(camera.fx * camera.fy))
    px_per_m = np.where(middle > 0.0, focal / np.where(middle > 0.0, middle, 1.0), 0.0)
    in_image = np.asarray(inside.all(axis=-1))
    return View(camera, pixels, in_image, _in_front(pixels, depth, focal), px_per_m)


def _in_front(pixels: FloatArray, depth: FloatArray, focal: float) -> NDArray[np.int64]:
    """(N, 18) the nearest person whose capsule covers the keypoint and stands nearer; -1 for none.

    A capsule covers what lies within its radius of its axis in the image, the radius as large as its distance makes it.
    """
    people, joints = depth.shape
    flat, far = pixels.reshape(-1, 1, 2), depth.reshape(-1, 1)
    nearest, who = np.full(people * joints, np.inf), np.full(people * joints, -1, dtype=np.int64)
    for person in range(people):
        start, end = pixels[person, _ENDS[:, 0]], pixels[person, _ENDS[:, 1]]
        z_start, z_end = depth[person, _ENDS[:, 0]], depth[person, _ENDS[:, 1]]
        if not np.isfinite([start, end]).all():
            continue
        axis = end - start
        along = ((flat - start) * axis).sum(axis=-1) / np.maximum((axis**2).sum(axis=-1), 1e-9)
        along = np.clip(along, 0.0, 1.0)
        off = np.linalg.norm(flat - start - along[..., None] * axis, axis=-1)
        z = z_start + along * (z_end - z_start)
        with np.errstate(invalid="ignore"):
            covers = (off < focal * _RADII / z) & (z + _RADII < far)
        covers[person * joints : (person + 1) * joints] = False
        distance = np.where(covers, z, np.inf).min(axis=1)
        closer = distance < nearest
        nearest, who = np.where(closer, distance, nearest), np.where(closer, person, who)
    return who.reshape(people, joints)
