"""What exporters read, and what foreign files are once opened."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from policies.demonstrations.episode import Episode
from policies.demonstrations.set_info import SetInfo


class EpisodeSource(Protocol):
    """Episodes with a description; `DemonstrationSet` is one."""

    @property
    def info(self) -> SetInfo:
        """What all episodes have in common."""

    def __len__(self) -> int:
        """Episodes."""

    def __getitem__(self, index: int) -> Episode:
        """One of them, read now."""


class Exported(NamedTuple):
    """What an export wrote."""

    episodes: int
    frames: int
    features: tuple[str, ...]
    """Names of what stands in the files."""
