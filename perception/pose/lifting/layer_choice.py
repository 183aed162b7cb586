"""Which layer is each joint's: the choice of least cost over the whole skeleton.

Costs of a joint's layers, and of pairs of them along bones, are summed over the skeleton. Messages between joints
(min-sum, Pearl 1988) find the least sum: exactly where bones form a tree, closely on the few loops of a skeleton.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray
from perception.pose.lifting.depth_layers import DepthLayers
from perception.pose.lifting.lift_config import LiftConfig

_ROUNDS = 12
_NEVER = 1e3
_RAMP = 0.2
_PREFER_SHORT = 0.3


def choose_layers(
    layers: DepthLayers,
    bones: NDArray[np.int64],
    lengths_m: FloatArray | None,
    previous_m: FloatArray | None,
    config: LiftConfig,
) -> NDArray[np.int64]:
    """(K,) number of each joint's layer; the number after the last where the joint is given up.

    Args:
        layers: candidates of K joints.
        bones: (B, 2) rows of joints.
        lengths_m: (B,) known lengths, NaN where unknown; None: none known.
        previous_m: (K, 3) where the joints were, NaN where unknown; None: unknown.
        config: costs.
    """
    alone = _joint_costs(layers, previous_m, config)
    together = _bone_costs(layers, bones, lengths_m, config)
    return np.asarray(_least_sum(alone, together, bones).argmin(axis=1))


def _joint_costs(layers: DepthLayers, previous_m: FloatArray | None, config: LiftConfig) -> FloatArray:
    """(K, LAYERS + 1): layers in front, distance from the pixel, jumps; the last column is giving up."""
    joints, count = layers.off_center.shape
    cost = config.behind_cost * np.arange(count) + config.off_center_cost * layers.off_center
    cost = np.where(np.isfinite(cost), cost, _NEVER)
    if previous_m is not None:
        jump = np.linalg.norm(layers.points_m - previous_m[:, None], axis=-1) / config.max_jump_m
        cost = cost + np.nan_to_num(_PREFER_SHORT * np.minimum(jump, 1.0) + 2.0 * config.given_up_cost * (jump > 1.0))
    return np.concatenate([cost, np.full((joints, 1), config.given_up_cost)], axis=1)


def _bone_costs(
    layers: DepthLayers, bones: NDArray[np.int64], lengths_m: FloatArray | None, config: LiftConfig
) -> FloatArray:
    """(B, LAYERS + 1, LAYERS + 1) cost of each pair of layers at a bone's ends; none where an end is given up."""
    start, end = layers.points_m[bones[:, 0]], layers.points_m[bones[:, 1]]
    length = np.linalg.norm(start[:, :, None] - end[:, None], axis=-1)
    share = length / config.max_bone_m
    excess = (share - 1.0) / _RAMP
    if lengths_m is not None:
        off = np.abs(length - lengths_m[:, None, None]) / config.length_slack_m
        known = np.isfinite(off)
        share, excess = np.where(known, off, share), np.where(known, off - 1.0, excess)
    cost = _PREFER_SHORT * np.minimum(share, 1.0) + 2.0 * config.given_up_cost * np.clip(excess, 0.0, 1.0)
    return np.pad(np.nan_to_num(cost), ((0, 0), (0, 1), (0, 1)))


def _least_sum(alone: FloatArray, together: FloatArray, bones: NDArray[np.int64]) -> FloatArray:
    """(K, L) least total cost with each joint at each of its layers."""
    count = len(bones)
    sender, receiver = np.concatenate([bones[:, 0], bones[:, 1]]), np.concatenate([bones[:, 1], bones[:, 0]])
    pair = np.concatenate([together, together.transpose(0, 2, 1)])
    back = np.concatenate([np.arange(count, 2 * count), np.arange(count)])
    collect = (receiver[None] == np.arange(len(alone))[:, None]).astype(float)
    message = np.zeros((2 * count, alone.shape[1]))
    for _ in range(_ROUNDS if count else 0):
        said = (alone + collect @ message)[sender] - message[back]
        message = (said[:, :, None] + pair).min(axis=1)
        message -= message.min(axis=1, keepdims=True)
    return np.asarray(alone + collect @ message)
