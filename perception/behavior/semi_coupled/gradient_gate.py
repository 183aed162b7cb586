"""A gate that lets values through and holds gradients back."""

from __future__ import annotations

import torch
from torch import Tensor


def gate_gradient(values: Tensor, openness: float, generator: torch.Generator | None = None) -> Tensor:
    """The values as they are; of their gradient, each moment's is let through with probability `openness`.

    A moment that is let through counts in full, so the expected gradient is `openness` times that of an open gate.

    Args:
        values: (B, T, D).
        openness: 0 holds every gradient back (isolated streams), 1 none (one coupled network).
        generator: source of the random choice for 0 < openness < 1; None takes torch's own.
    """
    if openness >= 1.0:
        return values
    if openness <= 0.0:
        return values.detach()
    mask = torch.rand(values.shape[:2], generator=generator, device=values.device) < openness
    return torch.where(mask[..., None], values, values.detach())
