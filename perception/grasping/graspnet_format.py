"""The 17-column grasp rows of GraspNet-1Billion and its many successors.

A row is `[score, width, height, depth, R (9, row-major), t (3), object_id]`. Its frame is not ours:

| | GraspNet | here |
|---|---|---|
| approach | +x | +z |
| closing direction | +y | +y |
| third axis | +z | -x |
| origin | `depth` behind the fingertips | midway between the fingertips |

The fingertips lie at `t + depth * R[:, 0]` and the palm's surface at `t - 0.02 * R[:, 0]`.
`depth` and `height` describe the gripper, so that they are written from a `GripperSpec`.
Source: GraspNetAPI, grasp.py; the 2 cm: its issue 18.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from geometry import PANDA_HAND, FloatArray, GripperSpec, InputError
from perception.grasping.grasps import Grasps

_PALM_OFFSET_M = 0.02
_R_GRASPNET_GRASP = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])


def to_graspnet(grasps: Grasps, gripper: GripperSpec = PANDA_HAND) -> FloatArray:
    """(N, 17) GraspNet rows of `grasps`, in their order and frame (GraspNet's own files: the camera's).

    `depth` is chosen so that GraspNet's palm falls on the gripper's: `finger_depth_m` - 0.02.
    """
    depth = gripper.finger_depth_m - _PALM_OFFSET_M
    rows = np.empty((len(grasps), 17))
    rows[:, 0], rows[:, 1] = grasps.scores, grasps.widths_m
    rows[:, 2], rows[:, 3] = gripper.finger_breadth_m, depth
    rows[:, 4:13] = (grasps.poses[:, :3, :3] @ _R_GRASPNET_GRASP.T).reshape(-1, 9)
    rows[:, 13:16] = grasps.positions - depth * grasps.approaches
    rows[:, 16] = grasps.object_ids
    return rows


def from_graspnet(rows: ArrayLike, frame: str = "camera") -> Grasps:
    """Grasps of (N, 17) GraspNet rows, or of one row; `frame` names what the rows stand in.

    Raises:
        InputError: if the rows do not have 17 columns or hold no proper rotations.
    """
    table = np.atleast_2d(np.asarray(rows, dtype=np.float64))
    if table.ndim != 2 or table.shape[1] != 17:
        raise InputError(
            "from_graspnet",
            expected="(N, 17) rows of score, width, height, depth, R (9), t (3), object id",
            got=f"shape {np.shape(rows)}",
        )
    rotation = table[:, 4:13].reshape(-1, 3, 3)
    poses = np.tile(np.eye(4), (len(table), 1, 1))
    poses[:, :3, :3] = rotation @ _R_GRASPNET_GRASP
    poses[:, :3, 3] = table[:, 13:16] + table[:, 3:4] * rotation[:, :, 0]
    return Grasps(
        poses=poses, widths_m=table[:, 1], scores=table[:, 0], object_ids=table[:, 16].astype(np.int64), frame=frame
    )


def save_graspnet(path: str | Path, grasps: Grasps, gripper: GripperSpec = PANDA_HAND) -> None:
    """Write `grasps` as a `.npy` file of GraspNet rows, which GraspNetAPI's `GraspGroup` reads."""
    np.save(Path(path), to_graspnet(grasps, gripper))


def load_graspnet(path: str | Path, frame: str = "camera") -> Grasps:
    """Read a `.npy` file of GraspNet rows; nothing in the file is executed.

    Raises:
        InputError: if the file is missing, is no `.npy` array, or holds other rows.
    """
    try:
        rows = np.load(Path(path), allow_pickle=False)
    except OSError as error:
        raise InputError(str(path), expected="a readable .npy file", got=error.strerror or str(error)) from None
    except ValueError as error:
        raise InputError(str(path), expected="a plain .npy array of (N, 17) numbers", got=str(error)) from None
    return from_graspnet(rows, frame)
