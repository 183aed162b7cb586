"""What the policy is told of each proposal, as numbers of the order of 1; and the cloud, at a fixed count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.clutter import Observation
from envs.clutter_pick.proposals import PickProposals
from envs.clutter_pick.round_memory import MEMORY_FEATURES, RoundMemory
from envs.clutter_pick.seen_things import HEAP_FEATURES, heap_features, table_scaled_cloud
from geometry import PANDA_HAND, FloatArray

LIMIT = 10.0
"""Features are clipped to +- this."""
LOG_ODDS = "log_odds"
"""The column that holds the detector's own word."""
GEOMETRY_FEATURES = (
    *("x", "y", "z", "approach_x", "approach_y", "approach_z", "closing_x", "closing_y", "closing_z", "width"),
    *(LOG_ODDS, "rank", "below_best", "above_next", "support", "support_log_odds"),
    *("below_top", "points_held", "points_beside", "points_at_palm", "points_ahead"),
    *("points_close", "points_near", "off_local_middle"),
)
"""Names of the columns of `geometry_features`."""

_LENGTH_M = 0.15
_SUPPORT_M = 0.025
_POINTS = 2048
_LEAST = 1e-4


def log_odds(scores: FloatArray) -> FloatArray:
    """(N,) of probabilities, those of 0 and 1 kept finite."""
    p = np.clip(scores, _LEAST, 1.0 - _LEAST)
    return np.log(p) - np.log1p(-p)


def feature_names(own: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the columns of `proposal_features`, for a proposer with features of its `own`."""
    return (*GEOMETRY_FEATURES, *own, *HEAP_FEATURES, *MEMORY_FEATURES)


def proposal_features(
    proposals: PickProposals, observation: Observation, cloud: FloatArray, memory: RoundMemory
) -> NDArray[np.float32]:
    """(N, F) the columns `feature_names`; `cloud` (P, 3) is the thinned one, in the world."""
    columns: list[FloatArray | NDArray[np.float32]] = [
        geometry_features(proposals, observation, cloud),
        proposals.features,
        heap_features(proposals.poses, memory.failed_poses, cloud),
        memory.features(proposals.poses),
    ]
    return np.clip(np.concatenate(columns, axis=1), -LIMIT, LIMIT).astype(np.float32)


def geometry_features(proposals: PickProposals, observation: Observation, cloud: FloatArray) -> FloatArray:
    """(N, 24) where each grasp is, how it compares with the others, and what was seen about it."""
    poses, odds = proposals.poses, log_odds(proposals.scores)
    center = 0.5 * (observation.workspace[0] + observation.workspace[1])
    position = (poses[:, :3, 3] - (*center[:2], observation.table_z_m)) / _LENGTH_M
    closing = poses[:, :3, 1] * np.where(poses[:, :1, 1] < 0.0, -1.0, 1.0)  # the fingers have no order
    distance = np.linalg.norm(poses[:, None, :3, 3] - poses[None, :, :3, 3], axis=-1)
    near = distance < _SUPPORT_M
    following = np.append(odds[1:], odds[-1:])
    top_m = cloud[:, 2].max(initial=observation.table_z_m)
    return np.column_stack(
        [
            position,
            poses[:, :3, 2],
            closing,
            proposals.widths_m / PANDA_HAND.max_width_m,
            odds,
            np.arange(len(poses)) / 32.0,
            odds[:1] - odds,
            odds - following,
            np.log(near.sum(axis=1)),
            near @ odds / near.sum(axis=1),
            (top_m - poses[:, 2, 3]) / _LENGTH_M,
            _points_about(poses, cloud),
            _points_within(poses, cloud),
        ]
    )


def seen_cloud(observation: Observation) -> FloatArray:
    """(P, 3) at most 2048 points in the world, spread over the image, their scale put right by the table."""
    return thinned(table_scaled_cloud(observation), _POINTS)


def fixed_cloud(cloud: FloatArray, observation: Observation, count: int) -> NDArray[np.float32]:
    """(count, 3) points of the table's frame about the workspace's middle, in units of 0.15 m; none gives zeros."""
    cloud = thinned(cloud, count)
    if not len(cloud):
        return np.zeros((count, 3), dtype=np.float32)
    center = 0.5 * (observation.workspace[0] + observation.workspace[1])
    local = (cloud[np.arange(count) % len(cloud)] - (*center[:2], observation.table_z_m)) / _LENGTH_M
    return np.clip(local, -LIMIT, LIMIT).astype(np.float32)


def thinned(cloud: FloatArray, count: int) -> FloatArray:
    """At most `count` points, spread evenly over the image that they come from."""
    if len(cloud) <= count:
        return cloud
    return cloud[np.linspace(0, len(cloud) - 1, count).astype(np.int64)]


def _points_about(poses: FloatArray, cloud: FloatArray) -> FloatArray:
    """(N, 4) points between the fingers, beside them, where the palm goes, and ahead of the tips."""
    local = (cloud[None] - poses[:, None, :3, 3]) @ poses[:, :3, :3]
    x, y, z = np.abs(local[..., 0]), np.abs(local[..., 1]), local[..., 2]
    half, depth = 0.5 * PANDA_HAND.max_width_m, PANDA_HAND.finger_depth_m
    palm = (x < 0.5 * PANDA_HAND.palm_breadth_m) & (y < 0.5 * PANDA_HAND.palm_length_m)
    slim = x < 0.5 * PANDA_HAND.finger_breadth_m
    regions = (
        slim & (y < half) & (z > -depth) & (z < 0.0),
        (x < 0.02) & (y >= half) & (y < 2.0 * half) & (z > -depth) & (z < 0.0),
        palm & (z <= -depth) & (z > -3.0 * depth),
        slim & (y < half) & (z >= 0.0) & (z < 0.03),
    )
    return np.log1p(np.stack([region.sum(axis=1) for region in regions], axis=-1)) / 4.0


def _points_within(poses: FloatArray, cloud: FloatArray) -> FloatArray:
    """(N, 3) points within 4 and 8 cm, and how far the middle of the nearer ones lies from the grasp."""
    offset = cloud[None] - poses[:, None, :3, 3]
    distance = np.linalg.norm(offset, axis=-1)
    close = distance < 0.04
    count = close.sum(axis=1)
    middle = np.einsum("np,npk->nk", close, offset) / np.maximum(count, 1)[:, None]
    points = np.log1p(np.stack([count, (distance < 0.08).sum(axis=1)], axis=-1)) / 4.0
    return np.column_stack([points, np.linalg.norm(middle, axis=-1) / 0.04])
