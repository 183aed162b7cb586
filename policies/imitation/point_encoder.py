"""From a point cloud to features, for policies that see what a depth camera sees and not where things really are.

Source: Ze et al., "3D Diffusion Policy", RSS 2024 (DP3), section III-C and its ablations: a crop, coordinates without
colour, one small perceptron for every point with LayerNorm, a maximum over the points; no T-Net and no BatchNorm.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from geometry import InputError
from policies.imitation.data_layout import ACHIEVED, DESIRED, ONLY_KEY, DataLayout
from policies.imitation.encoder import StateEncoder
from policies.imitation.normalizer import Normalizer
from policies.imitation.windows import Windows

CLOUD = "pointcloud"
_GOAL_FROM_HAND = "goal_from_hand"
_WIDTHS = (64, 128, 256)
_FEATURES = 64
_LOWER_M, _UPPER_M = (-0.35, -0.40, 0.005), (0.50, 0.40, 0.60)
"""What is kept of a cloud, in the world: what lies on the table, not the table; a cloud of nothing is zeros."""


class PointEncoder(nn.Module):
    """A perceptron for each point and the maximum over them: the order of points and repeated ones do not matter.

    Args:
        features: that come out.
        widths: of the perceptron's layers.
    """

    def __init__(self, features: int = _FEATURES, widths: tuple[int, ...] = _WIDTHS) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in zip((3, *widths), widths, strict=False):
            layers += [nn.Linear(inputs, outputs), nn.LayerNorm(outputs), nn.ReLU()]
        self.each = nn.Sequential(*layers)
        self.out = nn.Sequential(nn.Linear(widths[-1], features), nn.LayerNorm(features))

    def forward(self, points: Tensor, there: Tensor) -> Tensor:
        """Features of clouds; those of an empty one are always the same.

        Args:
            points: (..., N, 3) scaled.
            there: (..., N) bool: false for points that do not count.

        Returns:
            (..., features).
        """
        each = self.each(points) * there[..., None]  # never below 0, so 0 takes no part in the maximum
        features: Tensor = self.out(each.amax(-2))
        return features


class CloudEncoder(nn.Module):
    """An observation's vectors and its cloud as parts of known widths, like `StateEncoder`.

    It never looks at the achieved goal, which tells where things really are.

    Args:
        layout: of the data; the first three entries of "observation" are the hand's position.
        keys: of what to look at, "pointcloud" among them.
        points: of a cloud that are looked at. A camera's cloud is in random order: the first are as good as any.
        from_hand: whether points are seen from the hand, or from the world's origin.
    Raises:
        InputError: if a key is missing or of the wrong kind.
    """

    def __init__(self, layout: DataLayout, keys: tuple[str, ...], *, points: int = 64, from_hand: bool = True) -> None:
        super().__init__()
        shape = layout.observations.get(CLOUD, ())
        if CLOUD not in keys or len(shape) != 1 or shape[0] % 3 or ACHIEVED in keys or ONLY_KEY not in keys:
            raise InputError(
                "CloudEncoder",
                expected=f"{ONLY_KEY} and a flat {CLOUD} of points x, y, z, without {ACHIEVED}",
                got=f"{', '.join(keys)} of {dict(layout.observations)}",
            )
        self.points, self.from_hand = min(points, shape[0] // 3), from_hand
        self.state = StateEncoder(layout, tuple(key for key in keys if key != CLOUD))
        self.widths = {**self.state.widths, CLOUD: _FEATURES}
        self.goal_scale = Normalizer(3) if DESIRED in self.state.keys else None
        if self.goal_scale is not None:
            self.widths[_GOAL_FROM_HAND] = 3
        self.point_scale, self.cloud = Normalizer(3), PointEncoder(_FEATURES)
        self.register_buffer("lower", torch.tensor(_LOWER_M), persistent=False)
        self.register_buffer("upper", torch.tensor(_UPPER_M), persistent=False)

    lower: Tensor
    upper: Tensor

    @property
    def width(self) -> int:
        """Features of one observation."""
        return sum(self.widths.values())

    def fit(self, windows: Windows) -> None:
        """Take the scales from demonstrations."""
        self.state.fit(windows)
        points, there = self._points(windows.observations)
        if there.any():
            self.point_scale.fit(points[there])
        if self.goal_scale is not None:
            self.goal_scale.fit(_goal_from_hand(windows.observations))

    def parts(self, observations: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """(..., n) scaled features by name, in the order of `widths`."""
        parts = self.state.parts(observations)
        points, there = self._points(observations)
        parts[CLOUD] = self.cloud(self.point_scale(points), there)
        if self.goal_scale is not None:
            parts[_GOAL_FROM_HAND] = self.goal_scale(_goal_from_hand(observations))
        return parts

    def forward(self, observations: Mapping[str, Tensor]) -> Tensor:
        """(..., n) by key to (..., width)."""
        return torch.cat(list(self.parts(observations).values()), dim=-1)

    def _points(self, observations: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Points (..., N, 3), m, and whether each lies inside the crop (..., N)."""
        flat = observations[CLOUD][..., : 3 * self.points]
        points = flat.reshape(*flat.shape[:-1], self.points, 3)
        there = ((points >= self.lower) & (points <= self.upper)).all(-1)
        if self.from_hand:
            points = points - observations[ONLY_KEY][..., None, :3]
        return points, there


def make_encoder(
    layout: DataLayout, keys: tuple[str, ...], *, points: int = 64, from_hand: bool = True
) -> StateEncoder | CloudEncoder:
    """The encoder of what a policy looks at: with a cloud among the keys, or of vectors alone."""
    if CLOUD in keys:
        return CloudEncoder(layout, keys, points=points, from_hand=from_hand)
    return StateEncoder(layout, keys)


def seen_keys(layout: DataLayout) -> tuple[str, ...]:
    """What a policy looks at unless it is told: all vectors that it may, and the cloud where there is one."""
    return (*layout.vectors, CLOUD) if CLOUD in layout.observations else layout.vectors


def _goal_from_hand(observations: Mapping[str, Tensor]) -> Tensor:
    return observations[DESIRED][..., :3] - observations[ONLY_KEY][..., :3]
