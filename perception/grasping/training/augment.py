"""Sensor faults for clean canonical depth images, drawn anew each time an image is used.

A network that has seen only clean depth fails on real cameras (AnyGrasp, Fang et al. 2023, reports
so). Four kinds of camera are mixed: that of the clutter benchmark ("dex", Mahler et al. 2017), a
structured-light camera with holes and ragged edges, one with independent noise, and a perfect one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

from geometry import InputError


@dataclass(frozen=True, kw_only=True)
class SensorFaults:
    """How often and how strong."""

    dex: float = 0.45
    """Share of images with the benchmark's noise: a smooth Gaussian field in half of them, a wrong scale."""
    structured_light: float = 0.25
    """Share with quantised disparity, holes and lost edges."""
    independent: float = 0.2
    """Share with independent noise of about a millimetre; the rest is clean."""
    field_m: tuple[float, float] = (0.003, 0.006)
    """Standard deviation of the smooth field."""
    scale: float = 0.003
    """Standard deviation of the scale error that correction by the table leaves."""
    table_m: float = 0.0015
    """Standard deviation of the table's height error."""

    def __post_init__(self) -> None:
        shares = (self.dex, self.structured_light, self.independent)
        if min(shares) < 0.0 or sum(shares) > 1.0:
            raise InputError("SensorFaults", expected="shares of at least 0 and at most 1 in all", got=f"{shares}")

    def none(self) -> bool:
        """Whether images stay as they are."""
        return self.dex + self.structured_light + self.independent + self.scale + self.table_m == 0.0


NO_FAULTS = SensorFaults(dex=0.0, structured_light=0.0, independent=0.0, scale=0.0, table_m=0.0)
"""Perfect depth, for the ablation."""


def add_faults(
    depth_m: Tensor, T_table_camera: Tensor, faults: SensorFaults, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Noisy copies of clean images, and camera poses with an error in the table's height.

    Args:
        depth_m: (B, H, W) metres, 0 where there is no return.
        T_table_camera: (B, 4, 4).
        faults: what to draw from.
        generator: the randomness; on the CPU.
    """
    if faults.none():
        return depth_m, T_table_camera
    count, device = len(depth_m), depth_m.device

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator).to(device)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).to(device)

    size = (depth_m.shape[1], depth_m.shape[2])
    kind = uniform(count)[:, None, None]
    is_dex = kind < faults.dex
    is_light = ~is_dex & (kind < faults.dex + faults.structured_light)
    is_fuzzy = ~is_dex & ~is_light & (kind < faults.dex + faults.structured_light + faults.independent)
    cell = 1.6 + 1.4 * float(uniform(1))
    coarse = (int(size[0] / cell), int(size[1] / cell))
    field = interpolate(normal(count, 1, *coarse), size=size, mode="bilinear", align_corners=False)[:, 0]
    low, high = faults.field_m
    strength = (low + (high - low) * uniform(count)) * (uniform(count) < 0.6)
    noisy = depth_m + field * strength[:, None, None] * is_dex
    noisy = noisy + normal(count, *size) * (0.0004 + 0.001 * uniform(count, 1, 1)) * is_fuzzy
    noisy = torch.where(is_light, _structured_light(depth_m, field, uniform), noisy)
    scale = 1.0 + faults.scale * normal(count)[:, None, None] * (is_dex | is_light)
    noisy = torch.where(depth_m > 0.0, noisy * scale, 0.0)
    T = T_table_camera.clone()
    T[:, 2, 3] += faults.table_m * normal(count)
    return torch.where(noisy > 0.0, noisy, 0.0), T


def _structured_light(depth_m: Tensor, field: Tensor, uniform: object) -> Tensor:
    """Quantised disparity with slow errors of a millimetre; edges widened or lost, blobs without a return."""
    draw = uniform
    assert callable(draw)
    count, size = len(depth_m), (depth_m.shape[1], depth_m.shape[2])
    step = 0.001 + 0.0015 * draw(count, 1, 1)  # depth step at half a metre, metres; grows with depth squared
    disparity = 1.0 / depth_m.clamp_min(0.05) + 0.3 * step * 4.0 * field
    quantised = (disparity / (4.0 * step)).round() * 4.0 * step
    noisy = 1.0 / quantised.clamp_min(0.1)
    jump = max_pool2d(depth_m[:, None], 3, 1, 1)[:, 0] + max_pool2d(-depth_m[:, None], 3, 1, 1)[:, 0] > 0.015
    ragged = jump & (draw(count, *size) < 0.7 * draw(count, 1, 1))
    blobs = interpolate(draw(count, 1, size[0] // 12, size[1] // 12), size=size, mode="bilinear")[:, 0]
    lost = ragged | (blobs > 0.97 - 0.12 * draw(count, 1, 1))
    return torch.where(lost, torch.zeros_like(noisy), noisy)
