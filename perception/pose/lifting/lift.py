"""Joints in metres from their pixels and a registered depth image."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from geometry import FloatArray, InputError, PinholeCamera
from perception.pose.lifting.depth_layers import DepthLayers, find_depth_layers
from perception.pose.lifting.half_thickness import STATURE_M, deeper, half_thickness, stature_m
from perception.pose.lifting.layer_choice import choose_layers
from perception.pose.lifting.lift_config import BODY_LIFT, LiftConfig
from perception.pose.skeletons import Skeleton


def lift(
    keypoints_px: ArrayLike,
    scores: ArrayLike,
    depth_m: ArrayLike,
    camera: PinholeCamera,
    *,
    skeleton: Skeleton,
    bone_lengths_m: ArrayLike | None = None,
    previous_m: ArrayLike | None = None,
    config: LiftConfig = BODY_LIFT,
) -> tuple[FloatArray, FloatArray]:
    """Joints in metres, robust to holes, to edges and to what stands in front or behind.

    A depth camera often has nothing, or the wall behind, at the very pixel of a joint. So each joint looks at a
    patch sized in metres, and may be at any layer of depth in it. All joints choose at once: near layers that
    reach the joint's own pixel are preferred, bones are no longer than bones are, and a joint that fits nowhere is
    given up. What the camera sees is the surface; with `to_centers` a joint comes out half a limb deeper.

    Args:
        keypoints_px: (K, 2) pixels (column, row) of the depth image; NaN where not seen.
        scores: (K,) confidence, 0 to 1; 0 is not lifted.
        depth_m: (H, W) metres along +z, seen by the same camera as the pixels; 0 or NaN without return.
        camera: its intrinsics.
        skeleton: which joints these are, and the bones between them.
        bone_lengths_m: (B,) lengths of the skeleton's bones where they are known, NaN elsewhere.
        previous_m: (K, 3) where the joints were a moment ago, NaN where unknown.
        config: how.

    Returns:
        keypoints_m (K, 3) in the camera's frame, NaN where no depth is to be trusted, and scores (K,), 0 there.

    Raises:
        InputError: if sizes do not go together.
    """
    pixels = _of_shape(keypoints_px, (len(skeleton), 2), "keypoints_px")
    confidence = _of_shape(scores, (len(skeleton),), "scores")
    before = None if previous_m is None else _of_shape(previous_m, (len(skeleton), 3), "previous_m")
    bones = np.array(skeleton.bone_rows, dtype=np.int64).reshape(-1, 2)
    lengths = None if bone_lengths_m is None else _of_shape(bone_lengths_m, (len(bones),), "bone_lengths_m")
    depth = np.asarray(depth_m)
    camera.check_image("lift: depth_m", depth)
    edge = np.array([camera.width, camera.height]) - 0.5
    inside = np.all((pixels >= -0.5) & (pixels < edge), axis=1) & (confidence > 0.0)
    layers = find_depth_layers(np.where(inside[:, None], pixels, 0.0), inside, depth, camera, config)
    inward = half_thickness(skeleton) if config.to_centers else np.zeros(len(skeleton))
    centers = DepthLayers(deeper(layers.points_m, (STATURE_M * inward)[:, None]), layers.off_center)
    chosen = choose_layers(centers, bones, lengths, before, config)
    choices = np.concatenate([layers.points_m, np.full((len(skeleton), 1, 3), np.nan)], axis=1)
    points = choices[np.arange(len(skeleton)), chosen]
    if config.to_centers:
        points = deeper(points, stature_m(points, skeleton) * inward)
    return points, np.where(np.isfinite(points).all(axis=1), confidence, 0.0)


def _of_shape(values: ArrayLike, shape: tuple[int, ...], name: str) -> FloatArray:
    array = np.asarray(values, dtype=float)
    if array.shape != shape:
        raise InputError(
            "lift", expected=f"{name} of shape {shape}", got=f"{array.shape}", remedy="give the keypoints' own skeleton"
        )
    return array
