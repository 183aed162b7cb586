"""The Volumetric Grasping Network's architecture, with random weights: a yardstick for speed, not a detector.

Source: Breyer et al., "Volumetric Grasping Network: Real-time 6 DOF Grasp Detection in Clutter",
CoRL 2020, section 4.2. A truncated signed distance volume of 40 x 40 x 40 cells goes through three
convolutions of stride 2, then three that each double the size again, then one head for each of
quality, rotation and width. Between the cells it grows by the nearest value, the cheapest way.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.functional import normalize

CELLS = 40
"""Cells along each edge of the volume."""
_ENCODER = ((1, 16, 5), (16, 32, 3), (32, 64, 3))  # channels in, channels out, kernel
_DECODER = ((64, 64, 3), (64, 32, 3), (32, 16, 5))
_HEAD_KERNEL = 5


class VgnMaps(NamedTuple):
    """What the network says of a grasp at each cell of B volumes."""

    quality: Tensor
    """(B, 1, 40, 40, 40) in 0 .. 1."""
    quat_xyzw: Tensor
    """(B, 4, 40, 40, 40) unit quaternion of the grasp's orientation."""
    width: Tensor
    """(B, 1, 40, 40, 40) opening, cells."""


class Vgn(nn.Module):
    """Volumes (B, 1, 40, 40, 40) to `VgnMaps`; any edge that 8 divides will do."""

    def __init__(self) -> None:
        super().__init__()
        down = [_block(*layer, stride=2) for layer in _ENCODER]
        up = [nn.Sequential(_block(*layer, stride=1), nn.Upsample(scale_factor=2.0)) for layer in _DECODER]
        self.trunk = nn.Sequential(*down, *up)
        self.quality, self.rotation, self.width = (_conv(_DECODER[-1][1], n, _HEAD_KERNEL, 1) for n in (1, 4, 1))

    def forward(self, tsdf: Tensor) -> VgnMaps:
        """Rate every cell of B volumes."""
        x = self.trunk(tsdf)
        return VgnMaps(self.quality(x).sigmoid(), normalize(self.rotation(x), dim=1), self.width(x))


def _block(inputs: int, outputs: int, kernel: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(_conv(inputs, outputs, kernel, stride), nn.ReLU(inplace=True))


def _conv(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Conv3d:
    return nn.Conv3d(inputs, outputs, kernel, stride, padding=kernel // 2)
