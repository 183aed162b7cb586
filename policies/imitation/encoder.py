"""From the vectors of an observation to features: each scaled by what demonstrations held, and the way to the goal."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from geometry import InputError
from policies.imitation.data_layout import ACHIEVED, DESIRED, DataLayout
from policies.imitation.normalizer import Normalizer
from policies.imitation.windows import Windows

_TO_GOAL = "to_goal"


class StateEncoder(nn.Module):
    """Vectors, and (desired - achieved) goal where both are seen, as parts of known widths.

    Where the ways from the hand to the things and from them to the goal are told, places on the table are left out
    (`DataLayout.places`): then the same task done elsewhere looks the same, which is what few demonstrations
    generalise from.

    Args:
        layout: of the data.
        keys: of the vectors to look at.
    Raises:
        InputError: if a key is missing or no vector.
    """

    def __init__(self, layout: DataLayout, keys: tuple[str, ...]) -> None:
        super().__init__()
        for key in keys:
            if len(layout.observations.get(key, ())) != 1:
                raise InputError("StateEncoder", expected=f"a vector {key!r}", got=f"{dict(layout.observations)}")
        self.keys = keys
        goals = {ACHIEVED, DESIRED} & set(keys)
        places = layout.places if len(goals) != 1 else {}  # without the way to it, the goal is known by its place alone
        self._kept = {
            key: torch.tensor([row for row, place in enumerate(places[key]) if not place])
            for key in keys
            if any(places.get(key, ()))
        }
        self.widths = {key: len(self._kept.get(key, range(layout.observations[key][0]))) for key in keys}
        if len(goals) == 2:
            self.widths[_TO_GOAL] = layout.observations[DESIRED][0]
        self.scales = nn.ModuleDict({name: Normalizer(width) for name, width in self.widths.items()})

    @property
    def width(self) -> int:
        """Features of one observation."""
        return sum(self.widths.values())

    def fit(self, windows: Windows) -> None:
        """Take the scales from demonstrations."""
        for name, table in self._tables(windows.observations).items():
            scale = self.scales[name]
            assert isinstance(scale, Normalizer)
            scale.fit(table)

    def parts(self, observations: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """(..., n) scaled features by name, in the order of `widths`."""
        return {name: self.scales[name](table) for name, table in self._tables(observations).items()}

    def forward(self, observations: Mapping[str, Tensor]) -> Tensor:
        """(..., n) by key to (..., width)."""
        return torch.cat(list(self.parts(observations).values()), dim=-1)

    def _tables(self, observations: Mapping[str, Tensor]) -> dict[str, Tensor]:
        tables = {
            key: observations[key][..., self._kept[key]] if key in self._kept else observations[key]
            for key in self.keys
        }
        if _TO_GOAL in self.widths:
            tables[_TO_GOAL] = observations[DESIRED] - observations[ACHIEVED]
        return tables
