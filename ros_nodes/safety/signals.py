"""What must be alive for the arm to move: joint states, the commander's heartbeat, the deadman's hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry import FloatArray, InputError
from ros_nodes.safety.arm_state import ArmState
from ros_nodes.safety.findings import Cause, Finding

_LEAST_STEP_S = 5e-4


@dataclass(frozen=True, kw_only=True)
class SignalRules:
    """What is asked of the signals."""

    stale_after_s: float = 0.25
    """Age of joint states that counts as none."""
    heartbeat_required: bool = False
    """Whether no command passes without a heartbeat; otherwise the first beat arms it."""
    heartbeat_timeout_s: float = 0.5
    """Longest time between two beats."""
    deadman_required: bool = False
    """Whether no command passes unless the deadman is held."""
    deadman_timeout_s: float = 0.5
    """Longest time between two renewals of the deadman."""

    def __post_init__(self) -> None:
        times = (self.stale_after_s, self.heartbeat_timeout_s, self.deadman_timeout_s)
        if not all(0.0 < value < float("inf") for value in times):
            raise InputError("SignalRules", expected="finite times above 0", got=f"{self}")


class Signals:
    """Keeps when each signal last came. All times are the guard's clock."""

    def __init__(self, rules: SignalRules) -> None:
        self.rules = rules
        self._state: ArmState | None = None
        self._stamp_s = -1.0
        self._bad_state = ""
        self._beat_s: float | None = None
        self._held_s: float | None = None

    @property
    def state(self) -> ArmState | None:
        """The newest measured state, however old."""
        return self._state

    def joint_state(self, q: FloatArray, dq: FloatArray, stamp_s: float, now_s: float) -> None:
        """Take a measurement; one with the stamp of the one before, or not finite, is none.

        Args:
            q: (n,) positions, rad.
            dq: (n,) speeds, rad/s; NaN where not measured, then from the positions.
            stamp_s: of the message; 0 for none.
            now_s: when it came.
        """
        if not np.all(np.isfinite(q)):
            self._bad_state = "positions are not finite"
            return
        if stamp_s and stamp_s == self._stamp_s:
            self._bad_state = "their stamp stands still"
            return
        before, self._stamp_s, self._bad_state = self._state, stamp_s, ""
        if not np.all(np.isfinite(dq)):
            step_s = now_s - before.received_s if before else 0.0
            derived = (q - before.q) / step_s if before and step_s > _LEAST_STEP_S else np.zeros_like(q)
            dq = np.where(np.isfinite(dq), dq, derived)
        self._state = ArmState(q.copy(), dq.copy(), now_s)

    def heartbeat(self, now_s: float) -> None:
        """The commander lives."""
        self._beat_s = now_s

    def missing_heartbeat(self, now_s: float) -> bool:
        """Whether a heartbeat is asked for and not there."""
        return self._heart(now_s) is not None

    def disarm_heartbeat(self) -> None:
        """Forget the commander, until its next beat."""
        self._beat_s = None

    def deadman(self, held: bool, now_s: float) -> None:
        """The deadman was renewed, or let go."""
        self._held_s = now_s if held else None

    def missing(self, now_s: float) -> list[Finding]:
        """Each signal that is asked for and not there."""
        checks = (self._stale(now_s), self._heart(now_s), self._hand(now_s))
        return [finding for finding in checks if finding is not None]

    def fresh(self, now_s: float) -> ArmState | None:
        """The newest measured state if it is no older than the limit."""
        return None if self._stale(now_s) else self._state

    def joint_state_age_s(self, now_s: float) -> float:
        """Age of the newest joint state; infinite before the first."""
        return now_s - self._state.received_s if self._state else float("inf")

    @property
    def heartbeat_armed(self) -> bool:
        """Whether a heartbeat is asked for."""
        return self.rules.heartbeat_required or self._beat_s is not None

    def _stale(self, now_s: float) -> Finding | None:
        age_s = self.joint_state_age_s(now_s)
        if age_s <= self.rules.stale_after_s:
            return None
        why = f"; {self._bad_state}" if self._bad_state else ""
        if self._state is None:
            return Finding(Cause.STALE, f"none came yet{why}")
        return Finding(Cause.STALE, f"{age_s:.2f} s old, limit {self.rules.stale_after_s:.2f} s{why}")

    def _heart(self, now_s: float) -> Finding | None:
        if not self.heartbeat_armed:
            return None
        if self._beat_s is None:
            return Finding(Cause.HEARTBEAT, "none came yet")
        age_s, limit_s = now_s - self._beat_s, self.rules.heartbeat_timeout_s
        return (
            Finding(Cause.HEARTBEAT, f"the last {age_s:.2f} s ago, limit {limit_s:.2f} s") if age_s > limit_s else None
        )

    def _hand(self, now_s: float) -> Finding | None:
        if not self.rules.deadman_required:
            return None
        if self._held_s is None:
            return Finding(Cause.DEADMAN)
        age_s, limit_s = now_s - self._held_s, self.rules.deadman_timeout_s
        if age_s > limit_s:
            return Finding(Cause.DEADMAN, f"renewed {age_s:.2f} s ago, limit {limit_s:.2f} s")
        return None
