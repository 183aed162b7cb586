"""The evaluator: what the hand would meet, seen in the hand's own frame, to the probability of success.

For each grasp a grid of points around the fingers is projected into the scene's depth maps. Signed
distances along the line of sight - to the surface as measured, as cleaned, and to where the object
is believed to end behind it - and the height above the table say at each point whether it is
free, solid, or hidden. That is all a camera knows, in a frame in which all grasps look alike, so a
small network learns fast; GraRe and RNGNet (Chen et al. 2024) show that this step decides success.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from perception.grasping.network.backbone import MAP_STRIDE, SceneMaps, mixed_precision

_FINE = ((-0.0245, 0.0245, 8), (-0.0525, 0.0525, 22), (-0.066, 0.022, 12))  # x, y, z: first, last, count
_PALM = ((-0.03, 0.03, 3), (-0.10, 0.10, 13), (-0.12, -0.05, 4))
_CLIP_M = 0.02
_PALM_CLIP_M = 0.04
_FAR_M = 1e3
_FIELDS = 4
_SCALARS = 5


@dataclass(frozen=True, kw_only=True)
class EvaluatorSpec:
    """Sizes of the network."""

    widths: tuple[int, int, int, int] = (40, 64, 96, 128)
    """Channels of the convolutions."""
    hidden: int = 128
    """Units of the last hidden layer."""


class GraspRatings(NamedTuple):
    """What the evaluator says of N grasps."""

    success_logit: Tensor
    """(N,) of the probability that the grasp succeeds."""
    quality_logit: Tensor
    """(N,) of the analytic quality."""
    offset_m: Tensor
    """(N,) from the grasp's origin to the contacts' middle, along the closing direction."""
    width_m: Tensor
    """(N,) opening at the contacts."""
    com_m: Tensor
    """(N,) distance of the held object's centre of mass from the fingers' plane."""


class Evaluator(nn.Module):
    """Hand volumes to `GraspRatings`."""

    fine: Tensor
    palm: Tensor
    bf16: bool = False
    """Whether the convolutions run in mixed precision."""

    def __init__(self, spec: EvaluatorSpec | None = None) -> None:
        super().__init__()
        self.spec = spec or EvaluatorSpec()
        a, b, c, d = self.spec.widths
        self.register_buffer("fine", _grid(_FINE), persistent=False)
        self.register_buffer("palm", _grid(_PALM), persistent=False)
        levels = _FINE[2][2]
        self.volume = nn.Sequential(_block(_FIELDS * levels, a, 1), _block(a, b, 2), _block(b, c, 1), _block(c, d, 2))
        self.around = nn.Sequential(nn.Linear((_FIELDS - 1) * len(self.palm), 64), nn.ReLU(inplace=True))
        self.judge = nn.Sequential(
            nn.Linear(2 * d + 64 + _SCALARS, self.spec.hidden), nn.ReLU(inplace=True), nn.Linear(self.spec.hidden, 5)
        )

    def forward(self, volumes: Tensor, palms: Tensor, scalars: Tensor) -> GraspRatings:
        """Judge N grasps from what `hand_volumes` made of them."""
        with mixed_precision(volumes, self.bf16):
            x = self.volume(volumes.contiguous(memory_format=torch.channels_last))
            x = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3)), self.around(palms), scalars], dim=1)
            y = self.judge(x).float()
        return GraspRatings(y[:, 0], y[:, 1], 0.02 * y[:, 2], 0.08 * y[:, 3].sigmoid(), 0.05 * y[:, 4])

    def volumes(
        self, poses: Tensor, image: Tensor, maps: SceneMaps, depth_m: Tensor, focal: Tensor, T_table_camera: Tensor
    ) -> Volumes:
        """What the hand meets at each of N grasps.

        Args:
            poses: (N, 4, 4) `T_table_grasp`.
            image: (N,) int64: which of the B images each grasp stands in.
            maps: of the backbone, for B images.
            depth_m: (B, H, W) the measured canonical depth, 0 where there is no return.
            focal: (B,) pixels.
            T_table_camera: (B, 4, 4).
        """
        view = _View(maps, depth_m, focal, T_table_camera, image)
        nx, ny, nz = (axis[2] for axis in _FINE)
        fine = view.look(poses, self.fine, _CLIP_M).reshape(-1, ny, nx, nz * _FIELDS).permute(0, 3, 1, 2)
        palm = view.look(poses, self.palm, _PALM_CLIP_M)[..., 1:].flatten(1)
        return Volumes(fine, palm, _scalars(poses, T_table_camera[image]))


class Volumes(NamedTuple):
    """What the hand would meet at each of N grasps: the evaluator's input."""

    fine: Tensor
    """(N, 48, 22, 8) around the fingers: heights and fields, y, x."""
    palm: Tensor
    """(N, 468) around the palm."""
    scalars: Tensor
    """(N, 5)."""

    def mirrored(self, across_y: Tensor, across_x: Tensor) -> Volumes:
        """The same grasps in worlds mirrored in the hand's planes, which physics cannot tell apart.

        Args:
            across_y: (N,) bool: whether y changes its sign; the contacts' offset then does, too.
            across_x: (N,) bool: whether x changes its sign.
        """
        palm = self.palm.view(len(self.palm), _PALM[1][2], _PALM[0][2], -1)
        fine = torch.where(across_y[:, None, None, None], self.fine.flip(2), self.fine)
        fine = torch.where(across_x[:, None, None, None], fine.flip(3), fine)
        palm = torch.where(across_y[:, None, None, None], palm.flip(1), palm)
        palm = torch.where(across_x[:, None, None, None], palm.flip(2), palm)
        return Volumes(fine, palm.flatten(1), self.scalars)


class _View:
    """Depth maps that points are looked up in, all at the stride of the backbone's maps."""

    def __init__(self, maps: SceneMaps, depth_m: Tensor, focal: Tensor, T_table_camera: Tensor, image: Tensor) -> None:
        raw = depth_m[:, ::MAP_STRIDE, ::MAP_STRIDE]
        raw = torch.where(raw > 0.0, raw, maps.front_m)
        surfaces = torch.stack([raw, maps.front_m, maps.exit_m]).flatten(1)
        self.surfaces = pad(surfaces, (0, 1), value=_FAR_M)  # (3, B * h * w + 1), the last is beyond the image
        self.size = (raw.shape[1], raw.shape[2])
        self.middle = ((depth_m.shape[1] - 1) / (2 * MAP_STRIDE), (depth_m.shape[2] - 1) / (2 * MAP_STRIDE))
        self.focal, self.image, self.T = focal[image] / MAP_STRIDE, image, T_table_camera[image]

    def look(self, poses: Tensor, points: Tensor, clip_m: float) -> Tensor:
        """(N, P, 4) distances from each point on to: measured, cleaned and rear surface, and down to the table.

        Positive in front of a surface (free), in units of `clip_m`, clipped to -1 .. 1.
        """
        height, width = self.size
        R_camera_table = self.T[:, :3, :3].transpose(1, 2)
        rotation = R_camera_table @ poses[:, :3, :3]
        offset = R_camera_table @ (poses[:, :3, 3] - self.T[:, :3, 3])[:, :, None]
        to_pixels = torch.stack([self.focal, self.focal, torch.ones_like(self.focal)], dim=1)[:, :, None]
        X, Y, Z = torch.baddbmm(offset * to_pixels, rotation * to_pixels, points.T.expand(len(poses), -1, -1)).unbind(1)
        near = 1.0 / Z.clamp_min(1e-3)
        # to the pixel whose corner, not middle, the stride keeps: + 0.5 rounds, as truncation follows
        column = torch.addcmul(X.new_tensor(self.middle[1] + 0.25), X, near).clamp(-1.0, float(width))
        row = torch.addcmul(X.new_tensor(self.middle[0] + 0.25), Y, near).clamp(-1.0, float(height))
        inside = (column >= 0.0) & (column < width) & (row >= 0.0) & (row < height)
        pixel = row.int() * width + column.int() + (self.image * (height * width)).int()[:, None]
        pixel = torch.where(inside, pixel, self.surfaces.shape[1] - 1).flatten()
        out = torch.empty(*Z.shape, _FIELDS, device=Z.device)
        for number, surface in enumerate(self.surfaces):  # one after the other: much faster than rows of three
            out[..., number] = surface.index_select(0, pixel).view_as(Z) - Z
        out[..., 3] = torch.baddbmm(poses[:, 2:3, 3:], poses[:, 2:3, :3], points.T.expand(len(poses), -1, -1))[:, 0]
        return out.mul_(1.0 / clip_m).clamp_(-1.0, 1.0)


def _scalars(poses: Tensor, T_table_camera: Tensor) -> Tensor:
    """(N, 5) the grasp's steepness, its closing direction's, its height, and how it looks from the camera."""
    sight = poses[:, :3, 3] - T_table_camera[:, :3, 3]
    sight = sight / sight.norm(dim=1, keepdim=True)
    return torch.stack(
        [
            poses[:, 2, 2],
            poses[:, 2, 1] ** 2,
            poses[:, 2, 3] / 0.1,
            (sight * poses[:, :3, 2]).sum(1),
            (sight * poses[:, :3, 1]).sum(1) ** 2,
        ],
        dim=1,
    )


def _grid(axes: tuple[tuple[float, float, int], ...]) -> Tensor:
    """(P, 3) points, y slowest, then x, then z."""
    x, y, z = (torch.linspace(low, high, count) for low, high, count in axes)
    Y, X, Z = torch.meshgrid(y, x, z, indexing="ij")
    return torch.stack([X, Y, Z], dim=-1).reshape(-1, 3)


def _block(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )
