"""What the networks see: observations scaled by fixed bounds, and the way still to go to the goal."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor

from geometry import InputError

GOAL_REACH_M = 0.1
"""Distance from the goal that becomes 1 in the features."""
OBSERVATION, ACHIEVED, DESIRED = "observation", "achieved_goal", "desired_goal"


class GoalFeatures(BaseFeaturesExtractor):
    """Scale every entry from its bounds in the space to [-1, 1], and append (desired - achieved) / 0.1 m.

    There are no running statistics: the same observation always looks the same, to a policy in
    training, to a policy on a robot, and to two machines that train together. Nothing is learned here.

    Args:
        observation_space: a Box of vectors, or a Dict of such Boxes; all bounds finite.
        goal_reach_m: distance from the goal that becomes 1.
    Raises:
        InputError: if a space is no vector or a bound is not finite.
    """

    def __init__(self, observation_space: spaces.Box | spaces.Dict, goal_reach_m: float = GOAL_REACH_M) -> None:
        boxes = _boxes(observation_space)
        self.has_goal = {ACHIEVED, DESIRED} <= boxes.keys()
        width = sum(box.shape[0] for box in boxes.values())
        super().__init__(observation_space, width + (boxes[DESIRED].shape[0] if self.has_goal else 0))
        self.keys = tuple(boxes) if isinstance(observation_space, spaces.Dict) else ()
        low = np.concatenate([box.low for box in boxes.values()]).astype(np.float64)
        high = np.concatenate([box.high for box in boxes.values()]).astype(np.float64)
        self.register_buffer("scale", torch.tensor(2.0 / (high - low), dtype=torch.float32))
        self.register_buffer("shift", torch.tensor(-(high + low) / (high - low), dtype=torch.float32))
        self.goal_scale = 1.0 / goal_reach_m
        self.scale: Tensor
        self.shift: Tensor

    def forward(self, observations: Any) -> Tensor:
        """Observations (B, ...) as features (B, features_dim) float32."""
        if not self.keys:
            return torch.addcmul(self.shift, observations, self.scale)
        flat = torch.cat([observations[key] for key in self.keys], dim=1)
        features = torch.addcmul(self.shift, flat, self.scale)
        if not self.has_goal:
            return features
        way = (observations[DESIRED] - observations[ACHIEVED]) * self.goal_scale
        return torch.cat([features, way], dim=1)


def _boxes(space: spaces.Space[Any]) -> dict[str, spaces.Box]:
    """The vectors of an observation space by name, in the order of the Dict."""
    table = dict(space.spaces) if isinstance(space, spaces.Dict) else {OBSERVATION: space}
    boxes: dict[str, spaces.Box] = {}
    for name, box in table.items():
        if not isinstance(box, spaces.Box) or len(box.shape) != 1:
            raise InputError("GoalFeatures", expected="Boxes of one axis", got=f"{name}: {box}")
        if not (np.isfinite(box.low).all() and np.isfinite(box.high).all() and (box.low < box.high).all()):
            raise InputError(
                "GoalFeatures",
                expected=f"finite bounds of {name} with low < high",
                got=str(box),
                remedy="bound the observation space, or use another features extractor",
            )
        boxes[name] = box
    return boxes
