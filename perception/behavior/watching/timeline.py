"""What was watched: who did what from when to when, how sure that is, and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from perception.behavior.reasoning import Reason
from perception.figures import output_file

NOTHING = "-"
"""Label of stretches in which none of a layer's behaviours is told."""


@dataclass(frozen=True, kw_only=True)
class TimelineSegment:
    """One behaviour of one person."""

    person: int
    """The person's number."""
    layer: str
    """What it is a behaviour of: "body", "right hand", ..."""
    label: str
    """The behaviour."""
    start_s: float
    """Time of its first frame."""
    end_s: float
    """Time at which it is over."""
    confidence: float
    """0 to 1."""
    object: str = ""
    """The thing that it is done with, where there is one."""
    object_from_m: tuple[float, ...] = ()
    """(3,) where the thing is at the beginning, metres in the frames' reference; empty where that is not known."""
    object_to_m: tuple[float, ...] = ()
    """(3,) where it is at the end: with the label, what a robot needs to do the same."""
    doubt: str = ""
    """Why it should not be acted on; empty where it may."""
    reasons: tuple[Reason, ...] = ()
    """Rules that spoke for it, the weightiest first."""

    def __str__(self) -> str:
        """Such as "lift cube", with a question mark where it is unsure."""
        return f"{self.label} {self.object}".rstrip() + ("?" if self.doubt else "")


@dataclass(frozen=True, kw_only=True)
class StateOfPhoto:
    """A part state in a single image, where nothing can be said of motion."""

    person: int
    """The person's number."""
    state: str
    """Such as "right_hand:raise-over-head"."""
    truth: float
    """0 to 1."""
    evidence: str
    """What it was read from."""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Segments of all persons, in order of time."""

    segments: tuple[TimelineSegment, ...]
    """What was done; stretches without a behaviour are left out."""
    start_s: float
    """Time of the first frame."""
    end_s: float
    """Time at which the last frame is over."""
    frames: int
    """Frames seen."""
    persons: tuple[int, ...]
    """Who was in view."""
    states: tuple[StateOfPhoto, ...] = ()
    """For a single image: its part states instead of behaviours."""

    def at(self, time_s: float, person: int | None = None) -> tuple[TimelineSegment, ...]:
        """What goes on at a time."""
        return tuple(
            segment
            for segment in self.segments
            if segment.start_s <= time_s < segment.end_s and (person is None or segment.person == person)
        )

    def of_layer(self, layer: str, person: int | None = None) -> tuple[TimelineSegment, ...]:
        """One layer's segments."""
        return tuple(
            segment
            for segment in self.segments
            if segment.layer == layer and (person is None or segment.person == person)
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def save(self, path: str | Path) -> None:
        """Write it as JSON."""
        with output_file(Path(path)) as draft:
            draft.write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")


def in_order(segments: Sequence[TimelineSegment]) -> tuple[TimelineSegment, ...]:
    """By time, then person and layer."""
    return tuple(sorted(segments, key=lambda each: (each.start_s, each.person, each.layer)))
