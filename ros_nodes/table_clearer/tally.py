"""What was picked, and when to stop."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Literal

from ros_nodes.table_clearer.settings import ClearSettings

Stop = Literal["nothing left", "out of reach", "failures", "picks", "fault", "canceled"]
_FULL = "INVALID_ROBOT_STATE"
_NOTHING = ("PLANNING_FAILED",)
_UNREACHED = ("NO_IK_SOLUTION", "GOAL_IN_COLLISION")


class Tally:
    """Counts pickups and places.

    Args:
        settings: the limits.
        now_s: a clock for the time it took.
    """

    def __init__(self, settings: ClearSettings, now_s: Callable[[], float]) -> None:
        self._settings, self._now_s = settings, now_s
        self._began_s = now_s()
        self._picks = self._placed = self._lost = self._failures = self._empty = self._full = 0
        self._codes: Counter[str] = Counter()
        self._planning_s = 0.0
        self.stop: Stop | None = None
        """Why it is over; None while it is not."""
        self.message = ""
        """The last pickup's or place's own words."""

    @property
    def begun(self) -> bool:
        """Whether a pickup has been noted."""
        return bool(self._codes)

    def picked(self, code: str, message: str, planning_s: float) -> bool:
        """Note a pickup.

        Args:
            code: name of its MoveIt error code.
            message: its own words.
            planning_s: its planning time.
        Returns:
            Whether something is held, from now or from before, and has to be placed.
        """
        self._codes[code] += 1
        self._planning_s += planning_s
        self.message = message
        self._full = self._full + 1 if code == _FULL else 0
        if code == _FULL and self._full == 1:  # as after a restart: what is held has to go first
            return True
        if code == "SUCCESS":
            self._picks, self._empty = self._picks + 1, 0
            return True
        if code in _NOTHING or code in _UNREACHED:
            self._empty += 1
            if self._empty >= self._settings.max_empty_looks:
                self.stop = "nothing left" if code in _NOTHING else "out of reach"
        elif code == "FAILURE":
            self._picks, self._empty = self._picks + 1, 0
            self._fail()
        else:
            self.stop = "canceled" if code == "PREEMPTED" else "fault"
        self._limit()
        return False

    def placed(self, success: bool, message: str) -> None:
        """Note a place."""
        self.message = message
        if success:
            self._placed, self._failures = self._placed + 1, 0
        else:
            self._fail()
        self._limit()

    def fault(self, message: str, *, canceled: bool = False) -> None:
        """Note that the pick server does not answer, or that the clearing is canceled."""
        self.message, self.stop = message, "canceled" if canceled else "fault"

    def summary(self) -> str:
        """One JSON object."""
        return json.dumps(
            {
                "stop": self.stop,
                "placed": self._placed,
                "picks": self._picks,
                "failures": self._lost,
                "codes": dict(self._codes),
                "time_s": round(self._now_s() - self._began_s, 3),
                "planning_s": round(self._planning_s, 3),
                "message": self.message,
            }
        )

    def _fail(self) -> None:
        self._lost += 1
        self._failures += 1
        if self._failures >= self._settings.max_failures:
            self.stop = "failures"

    def _limit(self) -> None:
        if self.stop is None and self._picks >= self._settings.max_picks:
            self.stop = "picks"
