"""How likely the open hand, on its way to a grasp, meets something in the occupancy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geometry import FloatArray, GripperSpec
from perception.grasping.occupancy import Occupancy

_FINGER_STEP_M = 0.007
_PALM_STEP_M = 0.012


class Clearance(NamedTuple):
    """Probabilities for G grasps."""

    fingers: FloatArray
    """(G,) largest probability that a place in the fully open fingers is solid."""
    fingers_mean: FloatArray
    """(G,) mean over the fingers of that probability."""
    palm: FloatArray
    """(G,) largest probability in the palm at the grasp, and on its way there."""
    start: FloatArray
    """(G,) largest probability in the palm where the straight way begins."""
    lowest_m: FloatArray
    """(G,) height of the lowest corner of the hand above the table."""


def hand_clearance(
    poses: FloatArray, occupancy: Occupancy, gripper: GripperSpec, retreat_m: float, *, step_scale: float = 1.0
) -> Clearance:
    """Look up the fully open hand at poses (G, 4, 4), `T_table_grasp`, and on the way back along -z.

    Args:
        poses: where the hand shall be.
        occupancy: what is there.
        gripper: the hand's boxes; the fingers on their way stay in the palm's shadow.
        retreat_m: length of the straight way to the grasp.
        step_scale: above 1 looks at fewer places.
    """
    boxes = gripper.boxes()
    fingers = np.concatenate([_filled(box, _FINGER_STEP_M * step_scale) for box in boxes[:4]])
    palm_box = boxes[4].copy()
    palm_box[0, 2] -= retreat_m
    palm = _filled(palm_box, _PALM_STEP_M * step_scale)
    at_start = palm[:, 2] <= boxes[4, 1, 2] - retreat_m
    at_fingers = occupancy.around(poses, fingers)
    at_palm = occupancy.around(poses, palm)
    corners = np.array([[b[i, 0], b[j, 1], b[k, 2]] for b in boxes for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    heights = poses[:, 2, :3] @ corners.T + poses[:, 2, 3:4]
    return Clearance(
        fingers=at_fingers.max(axis=1).astype(np.float64),
        fingers_mean=at_fingers.mean(axis=1).astype(np.float64),
        palm=at_palm.max(axis=1).astype(np.float64),
        start=at_palm[:, at_start].max(axis=1).astype(np.float64),
        lowest_m=heights.min(axis=1),
    )


def _filled(box: FloatArray, step_m: float) -> FloatArray:
    """(P, 3) points throughout a box (2, 3), its faces included, at most `step_m` apart."""
    axes = [np.linspace(box[0, k], box[1, k], 1 + int(np.ceil((box[1, k] - box[0, k]) / step_m))) for k in range(3)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
