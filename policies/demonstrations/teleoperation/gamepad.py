"""Driving with a gamepad."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from policies.demonstrations.teleoperation.drive import CLOSED, LEFT, Drive, InputEvent, Request

DEAD_ZONE = 0.12
"""Deflections below it count as none: sticks do not come back to the middle exactly."""
_PULLED = 0.5
_REQUESTS = {
    "pad a": Request.SAVE,
    "pad b": Request.DISCARD,
    "pad start": Request.STOP,
    "escape": Request.STOP,
    CLOSED: Request.STOP,
}
_RIGHT, _DOWN, _TURN, _LOWER = "pad left x", "pad left y", "pad right x", "pad right y"
_OPEN, _SHUT = "pad left trigger", "pad right trigger"


@dataclass(frozen=True, kw_only=True)
class Gamepad:
    """Where sticks stand; see `Device`."""

    sticks: Mapping[str, float] = field(default_factory=dict)
    """-1 to 1 by name; positive is right, and down, as SDL has it."""
    shut: bool = False
    """Whether the fingers shall be closed; the right trigger closes, the left one opens."""

    @property
    def drive(self) -> Drive:
        """See `Device.drive`."""
        return Drive(
            right=self._stick(_RIGHT),
            away=-self._stick(_DOWN),
            up=-self._stick(_LOWER),
            turn=-self._stick(_TURN),
            shut=self.shut,
        )

    @property
    def legend(self) -> Sequence[tuple[str, str]]:
        """See `Device.legend`."""
        return (
            ("Left stick", "left, right, away, near"),
            ("Right stick", "up, down, turn"),
            ("Triggers", "left opens, right closes"),
            ("A", "save"),
            ("B", "discard"),
            ("Start, Esc", "end"),
        )

    def after(self, events: Sequence[InputEvent]) -> tuple[Gamepad, Request]:
        """See `Device.after`; the last request counts."""
        now, asked = self, Request.NOTHING
        for control, value in events:
            if control == LEFT:
                now = replace(now, sticks={})
            elif value and control in _REQUESTS:
                asked = _REQUESTS[control]
            elif control in (_RIGHT, _DOWN, _TURN, _LOWER):
                now = replace(now, sticks={**now.sticks, control: value})
            elif control in (_OPEN, _SHUT) and value > _PULLED:
                now = replace(now, shut=control == _SHUT)
        return now, asked

    def renewed(self) -> Gamepad:
        """See `Device.renewed`."""
        return replace(self, shut=False)

    def _stick(self, name: str) -> float:
        """Deflection, continuous at the edge of the dead zone and 1 at the stop."""
        value = self.sticks.get(name, 0.0)
        return math.copysign(max(abs(value) - DEAD_ZONE, 0.0) / (1.0 - DEAD_ZONE), value) if value else 0.0
