"""What is known of the joints: the newest position of each by name, and how old it is."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from geometry import FloatArray

_WINDOW_S = 0.15
_LEAST_S = 0.04


class _Heard(NamedTuple):
    position: float
    wall_s: float


class JointWatch:
    """Joint states from any number of messages: arm and gripper may come in different ones. Thread-safe.

    Positions that are not finite are not taken; a joint of which nothing else comes grows old.

    Args:
        arm: the arm's joints in order.
        fingers: the gripper's joints; empty where `joint_states` does not tell them.
        wall_s: a clock that always goes on; ages are of arrival, since stamps may be of another clock.
    """

    def __init__(
        self, arm: Sequence[str], fingers: Sequence[str] = (), wall_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._arm, self._fingers, self._wall_s = tuple(arm), tuple(fingers), wall_s
        self._newest: dict[str, _Heard] = {}
        self._recent: deque[tuple[float, FloatArray]] = deque(maxlen=1000)
        self._bad = ""
        self._lock = threading.Lock()

    def update(self, names: Sequence[str], positions: Sequence[float]) -> None:
        """Take a message."""
        wall_s = self._wall_s()
        mine = {*self._arm, *self._fingers}
        with self._lock:
            for name, position in zip(names, positions, strict=False):
                if name not in mine:
                    continue
                if np.isfinite(position):
                    self._newest[name] = _Heard(float(position), wall_s)
                else:
                    self._bad = f"the position of {name} is {position}"
            if not any(name in self._arm for name in names):
                return
            q = self._positions(self._arm)
            if q is not None:
                self._recent.append((wall_s, q))
                while wall_s - self._recent[0][0] > _WINDOW_S and len(self._recent) > 2:
                    self._recent.popleft()

    def q(self) -> FloatArray | None:
        """(n,) the arm's newest positions, rad; None while one has never come."""
        with self._lock:
            return self._positions(self._arm)

    def heard_since(self, wall_s: float) -> bool:
        """Whether news of every joint of the arm has come since then."""
        with self._lock:
            return self._age_s(self._arm) < self._wall_s() - wall_s

    def fingers(self, timeout_s: float) -> FloatArray | None:
        """The finger joints' newest positions; None where they are not told, or older than `timeout_s`."""
        with self._lock:
            if not self._fingers or self._age_s(self._fingers) > timeout_s:
                return None
            return self._positions(self._fingers)

    def speed(self, since_s: float = -np.inf) -> float:
        """Speed of the fastest joint over the last tenths of a second, rad/s of the wall clock.

        Args:
            since_s: only what has come since then counts, by the clock `wall_s`.
        Returns:
            NaN where too little has come to tell.
        """
        with self._lock:
            recent = [entry for entry in self._recent if entry[0] >= since_s]
            if not recent or recent[-1][0] - recent[0][0] < _LEAST_S:
                return float("nan")
            (t0, q0), (t1, q1) = recent[0], recent[-1]
            return float(np.abs(q1 - q0).max() / (t1 - t0))

    def problem(self, timeout_s: float) -> str:
        """Why the arm's posture is not known, in one line; empty where it is."""
        with self._lock:
            missing = [name for name in self._arm if name not in self._newest]
            age_s = self._age_s(self._arm)
            bad = f" ({self._bad})" if self._bad else ""
            if len(missing) == len(self._arm):
                return f"no joint states have come{bad}: is the robot's driver running?"
            if missing:
                return f"joint states do not name {', '.join(missing)}{bad}: check joint_names"
            if age_s > timeout_s:
                return f"the last joint states are {age_s:.1f} s old{bad}"
            self._bad = ""
            return ""

    def _positions(self, names: tuple[str, ...]) -> FloatArray | None:
        heard = [self._newest.get(name) for name in names]
        found = [each.position for each in heard if each is not None]
        return np.array(found) if len(found) == len(names) else None

    def _age_s(self, names: tuple[str, ...]) -> float:
        wall_s = self._wall_s()
        ages = [wall_s - self._newest[name].wall_s for name in names if name in self._newest]
        return max(ages) if len(ages) == len(names) else float("inf")
