"""Small moves of a grasp, always the same ones, to look around it."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

_SHIFT_M = np.array([0.004, 0.006, 0.008])
_TURN_RAD = 0.16


@cache
def _moves(count: int) -> Tensor:
    """(count, 4, 4) `T_grasp_moved`, spread over shifts and turns."""
    rng = np.random.default_rng(0)
    out = np.tile(np.eye(4), (count, 1, 1))
    out[:, :3, :3] = Rotation.from_rotvec(_TURN_RAD * rng.standard_normal((count, 3))).as_matrix()
    out[:, :3, 3] = _SHIFT_M * rng.standard_normal((count, 3))
    return torch.from_numpy(out).float()


def moved(poses: Tensor, count: int) -> Tensor:
    """(N * count, 4, 4) each of the poses (N, 4, 4) moved a little in `count` ways."""
    moves = _moves(count).to(poses)
    return (poses[:, None] @ moves).flatten(0, 1)
