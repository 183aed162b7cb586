"""Scales taken from demonstrations, kept with a policy's weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from policies.imitation.data_layout import DataLayout

FLOOR = 1e-2
"""Smallest deviation, in an entry's own units, that is stretched to 1: a centimetre, a centimetre a second, half a
degree. What varies less is nearly constant, and a new scene would throw it far outside what was seen."""
LIMIT = 5.0
"""Deviations beyond which a scaled entry is cut off."""


class Normalizer(nn.Module):
    """Entries less their mean, over their deviation, within a limit.

    Args:
        entries: numbers in the last axis.
        floor: smallest deviation.
        limit: where what comes out is cut off.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, entries: int, *, floor: float = FLOOR, limit: float = LIMIT) -> None:
        super().__init__()
        self.floor, self.limit = floor, limit
        self.register_buffer("mean", torch.zeros(entries))
        self.register_buffer("deviation", torch.ones(entries))

    def fit(self, table: Tensor) -> None:
        """Take mean and deviation (that of the whole table: divided by N) from (..., entries)."""
        rows = table.reshape(-1, table.shape[-1]).double()
        self.mean.copy_(rows.mean(0))
        self.deviation.copy_(rows.std(0, correction=0).clamp_min(self.floor))

    def forward(self, values: Tensor) -> Tensor:
        """(..., entries) scaled."""
        return ((values - self.mean) / self.deviation).clamp(-self.limit, self.limit)


class ActionScale(nn.Module):
    """Actions scaled so that those demonstrated lie within -1 and 1.

    Args:
        layout: of the data, with the bounds of the action space.
        floor: smallest half width, as a share of the bounds' own.
    """

    low: Tensor
    high: Tensor
    middle: Tensor
    reach: Tensor

    def __init__(self, layout: DataLayout, *, floor: float = 0.01) -> None:
        super().__init__()
        self.floor = floor
        self.register_buffer("low", torch.tensor(layout.action_low))
        self.register_buffer("high", torch.tensor(layout.action_high))
        self.register_buffer("middle", (self.low + self.high) / 2)
        self.register_buffer("reach", (self.high - self.low) / 2)

    def fit(self, actions: Tensor) -> None:
        """Take the range of the demonstrated actions (..., A)."""
        rows = actions.reshape(-1, actions.shape[-1])
        least, most = rows.amin(0), rows.amax(0)
        smallest = self.floor * (self.high - self.low) / 2
        self.middle.copy_((least + most) / 2)
        self.reach.copy_(torch.maximum((most - least) / 2, smallest))

    def scaled(self, actions: Tensor) -> Tensor:
        """(..., A) from the environment's units."""
        return (actions - self.middle) / self.reach

    def unscaled(self, actions: Tensor) -> Tensor:
        """(..., A) to the environment's units, within the bounds of the action space."""
        return torch.minimum(torch.maximum(self.middle + actions * self.reach, self.low), self.high)
