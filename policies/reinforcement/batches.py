"""The replay of a gradient step, and how one large draw is dealt to many."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

Seen = Any
"""Observations as the extractor takes them, or, where it learns nothing, its features (B, width) float32."""


class Batch(NamedTuple):
    """The replay of one gradient step."""

    seen: Seen
    """Observations before the action."""
    next_seen: Seen
    """Observations after it."""
    actions: Tensor
    """(B, A) in [-1, 1]."""
    rewards: Tensor
    """(B, 1)."""
    discounts: Tensor
    """(B, 1): gamma, or 0 where the episode ended for good."""
    shown: int
    """So many of the last rows are demonstrations."""


def dealt(parts: tuple[Seen, ...], steps: int) -> Seen:
    """Tables of (rows * steps, ...) as one of (steps, all rows, ...); the same for dicts of tables."""
    if isinstance(parts[0], dict):
        return {name: dealt(tuple(part[name] for part in parts), steps) for name in parts[0]}
    return torch.cat([part.unflatten(0, (-1, steps)) for part in parts]).transpose(0, 1).contiguous()


def picked(table: Seen, step: int) -> Seen:
    """One step's rows of what was dealt."""
    return {name: each[step] for name, each in table.items()} if isinstance(table, dict) else table[step]
