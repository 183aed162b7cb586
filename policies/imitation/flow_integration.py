"""Rectified flow between noise and data: the straight way that training points along, and Euler steps along a field."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Field = Callable[[Tensor, Tensor], Tensor]
"""Velocity (B, ...) at points (B, ...) and times (B,) from 0 to 1."""


def on_the_way(noise: Tensor, data: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Points of the straight ways from noise to data, and the velocity along them.

    Source: Liu et al., "Flow straight and fast", ICLR 2023, equation 1; Lipman et al., "Flow matching for generative
    modeling", ICLR 2023, equation 22 with a sigma of 0.

    Args:
        noise: (B, ...) where the ways begin.
        data: (B, ...) where they end.
        time: (B,) 0 at the beginning, 1 at the end.

    Returns:
        (B, ...) points, and (B, ...) velocities.
    """
    shaped = time.reshape(-1, *[1] * (data.dim() - 1))
    return torch.lerp(noise, data, shaped), data - noise


def integrate(field: Field, noise: Tensor, steps: int) -> Tensor:
    """Follow a velocity field from time 0 to time 1 in equal Euler steps.

    Args:
        field: what to follow.
        noise: (B, ...) where it begins.
        steps: how many.
    """
    points = noise
    for step in range(steps):
        time = torch.full((len(points),), step / steps, dtype=points.dtype, device=points.device)
        points = points + field(points, time) / steps
    return points
