"""The backbone: a 2D U-Net over the canonical depth image, and the head that rates orientations at seeds.

Families and evidence: plain 2D networks on depth images lead GraspNet's benchmark (HGGD, Chen et
al. 2023; RNGNet, Chen et al. 2024) and cost a tenth of point or voxel networks on a CPU. The grid
of approach x angle x depth at each seed is GraspNet's (Fang et al., CVPR 2020), graspness is
GSNet's (Wang et al., ICCV 2021); both are predicted at once, without a second network on views.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, grid_sample, interpolate, softplus

from perception.grasping.network.canonical_view import PIXEL_M
from perception.grasping.network.orientations import DEPTHS_M, ORIENTATIONS
from perception.grasping.network.view_channels import CHANNELS, view_channels

MAP_STRIDE = 2
"""Canonical pixels per pixel of the depth maps."""
SEED_STRIDE = 4
"""Canonical pixels per pixel of features and graspness."""
_RESIDUAL_M = 0.05
_THICKNESS_M = 0.05
_WIDTH_M = 0.08
_OFFSET_M = 0.02


@dataclass(frozen=True, kw_only=True)
class BackboneSpec:
    """Sizes of the network."""

    widths: tuple[int, int, int, int] = (24, 48, 96, 128)
    """Channels at strides 2, 4, 8 and 16."""
    features: int = 64
    """Channels of the seed features."""
    hidden: int = 128
    """Units of the seed head's hidden layer."""


class SceneMaps(NamedTuple):
    """What the backbone makes of B canonical images."""

    front_m: Tensor
    """(B, H/2, W/2) depth of the surface without noise, also where there is no return."""
    exit_m: Tensor
    """(B, H/2, W/2) depth at which the line of sight leaves what it first meets."""
    object_logit: Tensor
    """(B, H/2, W/2) whether that is an object."""
    graspness_logit: Tensor
    """(B, H/4, W/4) how much of the grid of grasps would work at that place."""
    features: Tensor
    """(B, C, H/4, W/4) for the seed head."""


class SeedGrid(NamedTuple):
    """What the head says of S seeds in each of B images."""

    quality_logit: Tensor
    """(B, S, K, D) for each orientation and depth."""
    width_m: Tensor
    """(B, S, K) opening at the contacts."""
    offset_m: Tensor
    """(B, S, K) from the seed to the contacts' middle, along the closing direction."""


def mixed_precision(like: Tensor, bf16: bool) -> torch.autocast:
    """Mixed precision for convolutions alone: in half precision, coordinates would have steps of millimetres."""
    return torch.autocast(like.device.type, torch.bfloat16, enabled=bf16)


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(_block(inputs, outputs, 2), *[_block(outputs, outputs) for _ in range(blocks)])


class Backbone(nn.Module):
    """Canonical depth to `SceneMaps`, and seeds to a `SeedGrid`."""

    bf16: bool = False
    """Whether the convolutions run in mixed precision."""

    def __init__(self, spec: BackboneSpec | None = None) -> None:
        super().__init__()
        self.spec = spec or BackboneSpec()
        a, b, c, d = self.spec.widths
        f = self.spec.features
        self.down = nn.ModuleList([_stage(CHANNELS, a, 1), _stage(a, b, 2), _stage(b, c, 2), _stage(c, d, 2)])
        self.up8 = nn.Sequential(_block(c + d, c), _block(c, c))
        self.up4 = nn.Sequential(_block(b + c, f), _block(f, f))
        self.up2 = _block(a + f, a)
        self.maps = nn.Conv2d(a, 3, 1)
        self.graspness = nn.Conv2d(f, 1, 1)
        outputs = len(ORIENTATIONS) * (len(DEPTHS_M) + 2)
        self.head = nn.Sequential(
            nn.Linear(f, self.spec.hidden), nn.ReLU(inplace=True), nn.Linear(self.spec.hidden, outputs)
        )

    def forward(self, depth_m: Tensor, focal: Tensor, T_table_camera: Tensor) -> SceneMaps:
        """Read B canonical images.

        Args:
            depth_m: (B, H, W) metres, 0 where there is no return; H and W multiples of 16.
            focal: (B,) pixels.
            T_table_camera: (B, 4, 4) canonical camera poses.
        """
        channels = view_channels(depth_m, focal, T_table_camera)
        with mixed_precision(channels, self.bf16):
            maps, graspness, features = self._convolve(channels.contiguous(memory_format=torch.channels_last))
        front = _coarse_depth(depth_m, focal) + _RESIDUAL_M * maps[:, 0]
        logit = maps[:, 2]
        thickness = _THICKNESS_M * softplus(maps[:, 1]) * logit.detach().sigmoid()
        return SceneMaps(front, front + thickness, logit, graspness, features)

    def _convolve(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        skips = []
        for stage in self.down:
            x = stage(x)
            skips.append(x)
        s2, s4, s8, s16 = skips
        s8 = self.up8(torch.cat([_grown(s16, s8), s8], dim=1))
        features = self.up4(torch.cat([_grown(s8, s4), s4], dim=1))
        fine = self.up2(torch.cat([_grown(features, s2), s2], dim=1))
        return self.maps(fine).float(), self.graspness(features)[:, 0].float(), features.float()

    def rate(self, features: Tensor, pixels: Tensor) -> SeedGrid:
        """Rate the whole grid at seeds.

        Args:
            features: (B, C, H/4, W/4) of `forward`.
            pixels: (B, S, 2) row and column in canonical pixels, float.
        """
        at_seeds = sample_features(features, pixels)
        with mixed_precision(at_seeds, self.bf16):
            values = self.head(at_seeds).float()
        k, d = len(ORIENTATIONS), len(DEPTHS_M)
        quality = values[..., : k * d].unflatten(-1, (k, d))
        width = _WIDTH_M * values[..., k * d : k * (d + 1)].sigmoid()
        offset = _OFFSET_M * values[..., k * (d + 1) :]
        return SeedGrid(quality, width, offset)


def sample_features(features: Tensor, pixels: Tensor) -> Tensor:
    """(B, S, C) features at canonical pixels (B, S, 2), between the feature map's own pixels by interpolation."""
    size = torch.tensor([features.shape[2], features.shape[3]], device=features.device)
    place = (2.0 * (pixels + 0.5) / (SEED_STRIDE * size) - 1.0).flip(-1)
    sampled = grid_sample(
        features.float(), place[:, :, None].float(), mode="bilinear", padding_mode="border", align_corners=False
    )
    return sampled[..., 0].transpose(1, 2)


def _grown(x: Tensor, like: Tensor) -> Tensor:
    return interpolate(x, size=like.shape[-2:], mode="nearest")


def _coarse_depth(depth_m: Tensor, focal: Tensor) -> Tensor:
    """(B, H/2, W/2) mean of the returns in each 2 x 2 pixels; the workspace's middle where there are none."""
    valid = (depth_m > 0.0).float()[:, None]
    weight = avg_pool2d(valid, MAP_STRIDE)
    mean = avg_pool2d(depth_m[:, None], MAP_STRIDE) / weight.clamp_min(1e-6)
    middle = (PIXEL_M * focal)[:, None, None, None]
    return torch.where(weight > 0.0, mean, middle)[:, 0]
