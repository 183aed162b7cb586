"""From what an environment shows to one vector of features: plain PyTorch, described by plain data.

Vectors are scaled by fixed bounds and joined by the way to the goal; clouds go through a PointNet, images through
a small convolutional network. There are no running statistics: the same observation always looks the same, to a
policy in training, to a policy on a robot, and to two machines that train together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn

from geometry import InputError

GOAL_REACH_M = 0.05
"""Distance from the goal that becomes 1 in the features."""
ONLY_KEY = "observation"
"""The name of an observation that has none."""
ACHIEVED, DESIRED, CLOUD = "achieved_goal", "desired_goal", "pointcloud"
CLOUD_FEATURES, IMAGE_FEATURES = 64, 64
_AXES = 3


class PointNet(nn.Module):
    """What a cloud holds, whatever the order of its points: a perceptron for each, and the maximum over all.

    Source: Qi et al., CVPR 2017, without its transforms.

    Args:
        channels: numbers of each point.
        features: of the output.
    """

    def __init__(self, channels: int, features: int = CLOUD_FEATURES) -> None:
        super().__init__()
        self.each = nn.Sequential(nn.Linear(channels, 64), nn.ReLU(), nn.Linear(64, 128), nn.ReLU())
        self.all = nn.Sequential(nn.Linear(128, features), nn.ReLU())

    def forward(self, points: Tensor) -> Tensor:
        """(B, N, channels) to (B, features)."""
        features: Tensor = self.all(self.each(points).amax(1))
        return features


class ImageNet(nn.Module):
    """A small convolutional network for images of some 40 to 100 pixels.

    Args:
        shape: (channels, height, width).
        features: of the output.
    """

    def __init__(self, shape: tuple[int, ...], features: int = IMAGE_FEATURES) -> None:
        super().__init__()
        self.see = nn.Sequential(
            nn.Conv2d(shape[0], 16, 5, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU(),
            nn.Conv2d(32, 32, 3, stride=2), nn.ReLU(), nn.Flatten(),
        )  # fmt: skip
        with torch.no_grad():
            width = self.see(torch.zeros(1, *shape)).shape[1]
        self.tell = nn.Sequential(nn.Linear(width, features), nn.ReLU())

    def forward(self, images: Tensor) -> Tensor:
        """(B, channels, height, width) in 0 to 1, to (B, features)."""
        features: Tensor = self.tell(self.see(images))
        return features


class SceneEncoder(nn.Module):
    """Features of an observation: the vectors scaled, (desired - achieved) goal, clouds and images by networks.

    Args:
        layout: what `describe` returned.
    """

    def __init__(self, layout: Mapping[str, Any]) -> None:
        super().__init__()
        self.layout = {name: layout[name] for name in ("vectors", "goal_reach_m", "cloud", "images")}
        vectors, goal_reach_m = layout["vectors"], layout["goal_reach_m"]
        self.keys = tuple(vectors)
        width = sum(vectors.values())
        self.register_buffer("scale", torch.ones(width))
        self.register_buffer("shift", torch.zeros(width))
        self.scale: Tensor
        self.shift: Tensor
        self.goal_scale = None if goal_reach_m is None else 1.0 / goal_reach_m
        if self.goal_scale is not None:
            width += vectors[DESIRED]
        self.points, self.images = None, None
        if layout["cloud"]:
            self.register_buffer("cloud_scale", torch.ones(layout["cloud"][1]))
            self.register_buffer("cloud_shift", torch.zeros(layout["cloud"][1]))
            self.cloud_scale: Tensor
            self.cloud_shift: Tensor
            self.points = PointNet(layout["cloud"][1])
            width += CLOUD_FEATURES
        if layout["images"]:
            shapes = list(layout["images"].values())
            self.images = ImageNet((sum(shape[0] for shape in shapes), *shapes[0][1:]))
            width += IMAGE_FEATURES
        self.width = width

    @classmethod
    def for_space(cls, space: spaces.Space[Any], goal_reach_m: float = GOAL_REACH_M) -> SceneEncoder:
        """An encoder for an observation space, its scales set from the bounds.

        Raises:
            InputError: if an entry is neither vector, cloud nor image, or the bounds of a vector are not finite.
        """
        table = named_boxes(space)
        encoder = cls(describe(table, goal_reach_m))
        lows, highs = ([getattr(table[name], side) for name in encoder.keys] for side in ("low", "high"))
        if lows:
            encoder.scale, encoder.shift = _scaling(np.concatenate(lows), np.concatenate(highs), "the vectors")
        if encoder.points is not None:
            box, channels = table[CLOUD], encoder.layout["cloud"][1]
            low, high = (side.reshape(-1, channels) for side in (box.low, box.high))
            encoder.cloud_scale, encoder.cloud_shift = _scaling(low.min(0), high.max(0), CLOUD)
        return encoder

    def forward(self, observations: Mapping[str, Tensor]) -> Tensor:
        """Observations (B, ...) by name, images in 0 to 1, as features (B, width) float32."""
        parts = []
        if self.keys:
            flat = torch.cat([observations[key] for key in self.keys], dim=1)
            parts.append(torch.addcmul(self.shift, flat, self.scale))
        if self.goal_scale is not None:
            parts.append((observations[DESIRED] - observations[ACHIEVED]) * self.goal_scale)
        if self.points is not None:
            points = observations[CLOUD].reshape(len(observations[CLOUD]), -1, len(self.cloud_scale))
            parts.append(self.points(torch.addcmul(self.cloud_shift, points, self.cloud_scale)))
        if self.images is not None:
            parts.append(self.images(torch.cat([observations[key] for key in self.layout["images"]], dim=1)))
        return torch.cat(parts, dim=1)


def named_boxes(space: spaces.Space[Any]) -> dict[str, spaces.Box]:
    """The entries of an observation space by name, in the order of the Dict.

    Raises:
        InputError: if one is no Box.
    """
    table = dict(space.spaces) if isinstance(space, spaces.Dict) else {ONLY_KEY: space}
    for name, box in table.items():
        if not isinstance(box, spaces.Box):
            raise InputError("observations", expected="Boxes", got=f"{name}: {box}")
    return table  # type: ignore[return-value]


def describe(table: Mapping[str, spaces.Box], goal_reach_m: float | None = GOAL_REACH_M) -> dict[str, Any]:
    """What an encoder must know of a space besides numbers; JSON holds it.

    Args:
        table: the space's entries.
        goal_reach_m: distance from the goal that becomes 1; None leaves the way to the goal out.
    Returns:
        `vectors` {name: width}, `goal_reach_m`, `cloud` [points, channels] or None, `images` {name: shape}.
    """
    vectors, images, cloud = {}, {}, None
    for name, box in table.items():
        if name == CLOUD and len(box.shape) in (1, 2):
            cloud = list(box.shape) if len(box.shape) == 2 else [box.shape[0] // _AXES, _AXES]
        elif len(box.shape) == 1:
            vectors[name] = box.shape[0]
        elif len(box.shape) == 3:
            images[name] = list(box.shape)
        else:
            raise InputError("observations", expected="vectors, images (C, H, W) or a pointcloud", got=f"{name}: {box}")
    if len({tuple(shape[1:]) for shape in images.values()}) > 1:
        raise InputError("observations", expected="images of one height and width", got=str(images))
    has_goal = {ACHIEVED, DESIRED} <= vectors.keys()
    return {"vectors": vectors, "goal_reach_m": goal_reach_m if has_goal else None, "cloud": cloud, "images": images}


def _scaling(low: Any, high: Any, what: str) -> tuple[Tensor, Tensor]:
    """Scale and shift that take [low, high] to [-1, 1]."""
    low, high = low.astype(np.float64), high.astype(np.float64)
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
        raise InputError(
            "observations",
            expected=f"finite bounds of {what} with low < high",
            got=f"{low} to {high}",
            remedy="bound the observation space, or use another features extractor",
        )
    scale = torch.tensor(2.0 / (high - low), dtype=torch.float32)
    return scale, torch.tensor(-(high + low) / (high - low), dtype=torch.float32)
