"""When a gripper is told its opening: gripper actions take their time, and 25 goals a second would drown them."""

from __future__ import annotations


class GripperGate:
    """Lets a wanted opening through when it differs enough from the last one sent.

    Args:
        threshold_m: smallest change that is worth a new command.
        max_width_m: largest opening; both ends of the range pass, so that shut is shut.
    """

    def __init__(self, threshold_m: float, max_width_m: float) -> None:
        self._threshold_m, self._max_m = threshold_m, max_width_m
        self._sent_m: float | None = None

    def command(self, opening_m: float) -> float | None:
        """The opening to send now, m; None where the last one stands."""
        wanted = min(max(opening_m, 0.0), self._max_m)
        at_end = wanted in (0.0, self._max_m) and wanted != self._sent_m
        if self._sent_m is not None and abs(wanted - self._sent_m) <= self._threshold_m and not at_end:
            return None
        self._sent_m = wanted
        return wanted

    def forget(self) -> None:
        """The next opening is sent, whatever it is."""
        self._sent_m = None
