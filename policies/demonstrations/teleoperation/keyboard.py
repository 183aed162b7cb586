"""Driving with keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from policies.demonstrations.teleoperation.drive import CLOSED, LEFT, Drive, InputEvent, Request

_REQUESTS = {"return": Request.SAVE, "backspace": Request.DISCARD, "escape": Request.STOP, CLOSED: Request.STOP}


@dataclass(frozen=True, kw_only=True)
class Keyboard:
    """Which keys are held; see `Device`."""

    held: frozenset[str] = frozenset()
    """Names of the keys."""
    shut: bool = False
    """Whether the fingers shall be closed; space changes it."""

    @property
    def drive(self) -> Drive:
        """See `Device.drive`."""
        return Drive(
            right=self._between("a", "d"),
            away=self._between("s", "w"),
            up=self._between("q", "e"),
            turn=self._between("x", "z"),
            shut=self.shut,
        )

    @property
    def legend(self) -> Sequence[tuple[str, str]]:
        """See `Device.legend`."""
        return (
            ("W S", "away, near"),
            ("A D", "left, right"),
            ("Q E", "down, up"),
            ("Z X", "turn left, right"),
            ("Space", "close, open"),
            ("Enter", "save"),
            ("Backspace", "discard"),
            ("Esc", "end"),
        )

    def after(self, events: Sequence[InputEvent]) -> tuple[Keyboard, Request]:
        """See `Device.after`; the last request counts."""
        now, asked = self, Request.NOTHING
        for control, value in events:
            if control == LEFT:
                now = replace(now, held=frozenset())
            elif value and control in _REQUESTS:
                asked = _REQUESTS[control]
            elif value and control == "space":
                now = replace(now, shut=not now.shut)
            elif value:
                now = replace(now, held=now.held | {control})
            else:
                now = replace(now, held=now.held - {control})
        return now, asked

    def renewed(self) -> Keyboard:
        """See `Device.renewed`."""
        return replace(self, shut=False)

    def _between(self, less: str, more: str) -> float:
        return float(more in self.held) - float(less in self.held)
