"""`SceneEncoder` as Stable-Baselines3's policies take it."""

from __future__ import annotations

from typing import Any

from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor

from policies.reinforcement.scene_encoder import GOAL_REACH_M, ONLY_KEY, SceneEncoder


class GoalFeatures(BaseFeaturesExtractor):
    """Vectors scaled by their bounds to [-1, 1], the way to the goal, and what networks see in clouds and images.

    Without clouds and images nothing is learned here, and the lean learners look at each draw of replay once.

    Args:
        observation_space: a Box or a Dict of Boxes: vectors with finite bounds, images (C, H, W), and a "pointcloud"
            (points * 3,) or (points, channels).
        goal_reach_m: distance from the goal that becomes 1.
    Raises:
        InputError: if a space is none of these.
    """

    def __init__(self, observation_space: spaces.Space[Any], goal_reach_m: float = GOAL_REACH_M) -> None:
        encoder = SceneEncoder.for_space(observation_space, goal_reach_m)
        super().__init__(observation_space, encoder.width)
        self.encoder = encoder

    def forward(self, observations: Any) -> Tensor:
        """Observations (B, ...) as Stable-Baselines3 prepares them, as features (B, features_dim) float32."""
        features: Tensor = self.encoder(observations if isinstance(observations, dict) else {ONLY_KEY: observations})
        return features
