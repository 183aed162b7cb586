"""Joins each item of one stream with the one of another that is nearest in time."""

from __future__ import annotations

from collections import deque
from typing import Generic, NamedTuple, TypeVar

MainT = TypeVar("MainT")
SideT = TypeVar("SideT")

_REMEMBERED = 16


class Joined(NamedTuple, Generic[MainT, SideT]):
    """Two items of about one time."""

    main: MainT
    """Of the first stream."""
    side: SideT
    """Of the other."""


class StampJoin(Generic[MainT, SideT]):
    """Joins two streams. An item of the first waits for its partner until a newer one takes its place.

    Args:
        slop_ns: partners are this near in time.
    """

    def __init__(self, slop_ns: int) -> None:
        self._slop_ns = slop_ns
        self._sides: deque[tuple[int, SideT]] = deque(maxlen=_REMEMBERED)
        self._waiting: tuple[int, MainT] | None = None
        self.alone = 0
        """Items of the first stream that found no partner."""

    def add_main(self, stamp_ns: int, main: MainT) -> Joined[MainT, SideT] | None:
        """Take an item of the first stream; the pair, where its partner is here already."""
        self.alone += self._waiting is not None
        self._waiting = None
        side = self.nearest(stamp_ns)
        if side is None:
            self._waiting = (stamp_ns, main)
            return None
        return Joined(main, side)

    def add_side(self, stamp_ns: int, side: SideT) -> Joined[MainT, SideT] | None:
        """Take an item of the other stream; the pair that waited for it, if any."""
        self._sides.append((stamp_ns, side))
        if self._waiting is None or abs(self._waiting[0] - stamp_ns) > self._slop_ns:
            return None
        (_, main), self._waiting = self._waiting, None
        return Joined(main, side)

    def nearest(self, stamp_ns: int) -> SideT | None:
        """The item of the other stream that is nearest to a time, where it is near enough."""
        near = [(abs(at_ns - stamp_ns), -number) for number, (at_ns, _) in enumerate(self._sides)]
        if not near or min(near)[0] > self._slop_ns:
            return None
        return self._sides[-min(near)[1]][1]

    def clear(self) -> None:
        """Forget everything, as after a jump of the clock."""
        self._sides.clear()
        self._waiting = None
