"""What robomimic's HDF5 files hold.

`data` (attributes total, env_args) / `demo_i` (attribute num_samples) / actions (N, A) in [-1, 1], rewards, dones,
states, obs/KEY, next_obs/KEY; `mask/NAME` lists of demos. Images are (H, W, C) uint8.

Source: robomimic, docs/datasets/overview.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from policies.demonstrations.set_info import SetInfo

GYM_TYPE = 2
"""robomimic's EnvType of Gym environments."""
OWN = "graspmimic"
"""Attribute for what robomimic has no place for."""


def is_picture(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bool:
    """Whether rows are pictures by their channels: uint8, 1 or 3 of them, as the first number of `shape` has it."""
    return dtype == np.uint8 and len(shape) in (1, 3) and shape[0] in (1, 3)


def needs_scaling(info: SetInfo) -> bool:
    """Whether actions have bounds, and others than [-1, 1]."""
    return bool(info.action_low) and (set(info.action_low) != {-1.0} or set(info.action_high) != {1.0})
