"""The proposer that needs no network: hands from above, closed where the cloud has something to hold.

It makes the environment run with nothing injected. Its scores are a rank, no probabilities; inject a
trained detector for more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.clutter import Observation
from envs.clutter_pick.proposals import PickProposals
from envs.clutter_pick.seen_things import table_scaled_cloud
from geometry import PANDA_HAND, FloatArray, InputError

_CLOUD = 1500
_DEPTH_M = 0.025
_CLEARANCE_M = 0.005
_BREADTH_M = 0.5 * PANDA_HAND.finger_breadth_m
_REACH_M = 0.5 * PANDA_HAND.max_width_m
_OUTSIDE_M = _REACH_M + PANDA_HAND.tip_thickness_m
_FEW_POINTS = 8


@dataclass(frozen=True, kw_only=True)
class GeometricProposer:
    """Hands that point straight down at random points of the cloud, in evenly spread directions of closing."""

    places: int = 48
    """Points of the cloud at which a grasp is considered."""
    directions: int = 6
    """Directions of closing at each."""

    def __post_init__(self) -> None:
        if self.places < 1 or self.directions < 1:
            raise InputError("GeometricProposer", expected="places and directions of at least 1", got=f"{self}")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """How much of the opening the held part takes, and how deep the tips reach below its top."""
        return ("held_width", "depth_below_top")

    def __call__(self, observation: Observation) -> PickProposals:
        """Grasps at which the fingers go down beside something and hit nothing that was seen."""
        cloud = table_scaled_cloud(observation)
        if len(cloud) == 0:
            return _NOTHING
        cloud = cloud[observation.rng.permutation(len(cloud))[:_CLOUD]]
        poses = self._candidates(cloud[: self.places], observation.table_z_m)
        local = (cloud[None] - poses[:, None, :3, 3]) @ poses[:, :3, :3]
        x, y, z = np.moveaxis(local, -1, 0)
        within_breadth = (np.abs(x) < _BREADTH_M) & (z < _CLEARANCE_M)
        held = within_breadth & (np.abs(y) < _REACH_M) & (z < 0.0)
        hit = within_breadth & (np.abs(y) >= _REACH_M - _CLEARANCE_M) & (np.abs(y) < _OUTSIDE_M)
        count, hits = held.sum(axis=1), hit.sum(axis=1)
        low = np.where(held, y, _REACH_M).min(axis=1)
        high = np.where(held, y, -_REACH_M).max(axis=1)
        top = np.where(held, z, 0.0).min(axis=1)
        good = (count >= _FEW_POINTS) & (hits == 0) & (top > -PANDA_HAND.finger_depth_m)
        width = np.where(good, high - low, 0.0)
        off_center = np.where(good, np.abs(high + low), 0.0) / PANDA_HAND.max_width_m
        score = np.clip(0.9 - 0.5 * width / PANDA_HAND.max_width_m - off_center + 8.0 * np.abs(top), 0.01, 0.99)
        order = np.flatnonzero(good)[np.argsort(-score[good], kind="stable")]
        features = np.stack([width / PANDA_HAND.max_width_m, -top / PANDA_HAND.finger_depth_m], axis=-1)
        return PickProposals(poses[order], width[order], score[order], features[order].astype(np.float32))

    def _candidates(self, places: FloatArray, table_z_m: float) -> FloatArray:
        """(places * directions, 4, 4) with the tips a little below each place, but above the table."""
        angles = np.arange(self.directions) * (np.pi / self.directions)
        closing = np.stack([np.cos(angles), np.sin(angles), np.zeros_like(angles)], axis=-1)
        approach = np.broadcast_to((0.0, 0.0, -1.0), closing.shape)
        rotation = np.stack([np.cross(closing, approach), closing, approach], axis=-1)
        poses = np.tile(np.eye(4), (len(places), self.directions, 1, 1))
        poses[..., :3, :3] = rotation
        poses[..., :2, 3] = places[:, None, :2]
        poses[..., 2, 3] = np.maximum(places[:, None, 2] - _DEPTH_M, table_z_m + _CLEARANCE_M)
        return poses.reshape(-1, 4, 4)


_NOTHING = PickProposals(np.zeros((0, 4, 4)), np.zeros(0), np.zeros(0), np.zeros((0, 2), dtype=np.float32))
