"""What is known of one frame over time: its parent and the transform to it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from .exceptions import ExtrapolationException
from .rigid import Rigid, between


@dataclass(frozen=True)
class Edge:
    """The transform from a child frame to its parent at one time (0 for a static one)."""

    stamp_ns: int
    parent: str
    transform: Rigid


class StaticCache:
    """One transform for all times."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._edge: Edge | None = None

    def insert(self, edge: Edge) -> None:
        """Keep the newest transform that came."""
        self._edge = Edge(0, edge.parent, edge.transform)

    def clear(self) -> None:
        """Static transforms survive clearing, as in tf2."""

    def latest(self) -> Edge | None:
        """The transform, with time 0."""
        return self._edge

    def at(self, stamp_ns: int) -> Edge | None:
        """The transform at any time."""
        return self._edge


class TimeCache:
    """Transforms of the last seconds; between them it interpolates."""

    def __init__(self, length_ns: int) -> None:
        """Keep what is at most `length_ns` older than the newest."""
        self._length_ns = length_ns
        self._stamps: list[int] = []
        self._edges: list[Edge] = []

    def insert(self, edge: Edge) -> None:
        """Put a transform in its place, and drop what is then older than the cache is long."""
        place = bisect_right(self._stamps, edge.stamp_ns)
        if edge not in self._edges[bisect_left(self._stamps, edge.stamp_ns) : place]:
            self._stamps.insert(place, edge.stamp_ns)
            self._edges.insert(place, edge)
        old = bisect_left(self._stamps, self._stamps[-1] - self._length_ns)
        del self._stamps[:old], self._edges[:old]

    def clear(self) -> None:
        """Forget all."""
        self._stamps.clear()
        self._edges.clear()

    def latest(self) -> Edge | None:
        """The newest transform."""
        return self._edges[-1] if self._edges else None

    def at(self, stamp_ns: int) -> Edge | None:
        """The transform at a time, None where none was ever held; ExtrapolationException outside of the cache."""
        stamps, edges = self._stamps, self._edges
        if not stamps or stamp_ns == 0:
            return self.latest()
        place = bisect_right(stamps, stamp_ns)
        if place and stamps[place - 1] == stamp_ns:
            return edges[place - 1]
        if len(stamps) == 1:
            raise ExtrapolationException(
                f"Lookup would require extrapolation at time {seconds(stamp_ns)}, "
                f"but only time {seconds(stamps[0])} is in the buffer"
            )
        if place == len(stamps):
            raise ExtrapolationException(
                f"Lookup would require extrapolation into the future.  Requested time {seconds(stamp_ns)} "
                f"but the latest data is at time {seconds(stamps[-1])}"
            )
        if place == 0:
            raise ExtrapolationException(
                f"Lookup would require extrapolation into the past.  Requested time {seconds(stamp_ns)} "
                f"but the earliest data is at time {seconds(stamps[0])}"
            )
        older, newer = edges[place - 1], edges[place]
        if older.parent != newer.parent:
            return older
        ratio = (stamp_ns - older.stamp_ns) / (newer.stamp_ns - older.stamp_ns)
        return Edge(stamp_ns, older.parent, between(older.transform, newer.transform, ratio))


def seconds(stamp_ns: int) -> str:
    """A time as tf2 writes it."""
    return f"{stamp_ns * 1e-9:.6f}"
