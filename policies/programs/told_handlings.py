"""What the behaviours of hands say about things: handlings told by them alone, and a second opinion on those seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from perception.behavior.watching import Timeline, TimelineSegment
from policies.programs.handling import Handling, with_taker
from policies.programs.motions import Motion
from policies.programs.watched_bench import WatchedBench

HELD = frozenset({"grasp", "lift", "carry", "place", "pour", "drink", "eat", "throw", "hand_over"})
"""Behaviours of a hand with something in it."""
MOVES = HELD | {"push"}
"""Behaviours that move things."""
_MARGIN_S = 0.2


@dataclass(slots=True)
class _Run:
    """Behaviours of one hand with one thing that follow each other."""

    segments: list[TimelineSegment] = field(default_factory=list)

    @property
    def key(self) -> tuple[int, str, str]:
        """Person, hand and thing."""
        return _key(self.segments[0])


def handlings_told(timeline: Timeline, bench: WatchedBench) -> list[Handling]:
    """Handlings as the behaviours alone tell them, whatever the things' own motions say; for comparison.

    Args:
        timeline: of the same frames.
        bench: the same recording.
    """
    runs: list[_Run] = []
    for segment in timeline.segments:
        if segment.label not in MOVES or not segment.layer.endswith("hand") or not segment.object:
            continue
        told = _labels(runs[-1].segments) if runs else set()
        put_down = "place" in told and segment.label != "place"
        if not runs or runs[-1].key != _key(segment) or put_down or "hand_over" in told:
            runs.append(_Run())
        runs[-1].segments.append(segment)
    found = [_handling(run, bench) for run in runs]
    return [each for each in found if each is not None]


def is_confirmed(handling: Handling, timeline: Timeline, bench: WatchedBench) -> bool:
    """Whether some behaviour tells that the same hand moves the same thing while it moves."""
    if handling.hand is None:
        return False
    start, end = bench.time_s[[handling.motion.first, handling.motion.last]]
    return any(
        segment.object == handling.thing.name
        and segment.label in MOVES
        and (segment.person, segment.layer) == (handling.hand.person, handling.hand.name)
        and segment.start_s < end
        and segment.end_s > start
        for segment in timeline.segments
    )


def _key(segment: TimelineSegment) -> tuple[int, str, str]:
    return segment.person, segment.layer, segment.object


def _handling(run: _Run, bench: WatchedBench) -> Handling | None:
    person, layer, name = run.key
    hand = next((each for each in bench.hands if (each.person, each.name) == (person, layer)), None)
    thing = next((each for each in bench.things if each.name == name), None)
    if hand is None or thing is None:
        return None
    first = _row(bench, run.segments[0].start_s - _MARGIN_S)
    last = max(_row(bench, run.segments[-1].end_s + _MARGIN_S), first + 1)
    labels = _labels(run.segments)
    handling = Handling(
        thing=thing,
        kind="pushed" if labels == {"push"} else "carried",
        motion=Motion(first=first, last=min(last, len(bench.time_s) - 1)),
        hand=hand,
        held_after="place" not in labels,
    )
    return with_taker(handling, bench) if "hand_over" in labels else handling


def _labels(segments: Sequence[TimelineSegment]) -> set[str]:
    return {each.label for each in segments}


def _row(bench: WatchedBench, time_s: float) -> int:
    return int(np.clip(np.searchsorted(bench.time_s, time_s), 0, len(bench.time_s) - 2))
