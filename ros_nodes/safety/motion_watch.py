"""The arm is watched while it moves: what was measured against what was let through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry import FloatArray
from ros_nodes.safety.arm_state import ArmState
from ros_nodes.safety.findings import Cause, Finding
from ros_nodes.safety.interpolation import Motion
from ros_nodes.safety.places import check_measured_places, places_outside
from ros_nodes.safety.rules import Rules

_LOOKS = 26


@dataclass(frozen=True)
class MotionWatch:
    """A motion under way.

    Attributes:
        motion: what was let through; its times count from `began_s`.
        began_s: when it begins, on the guard's clock.
        is_goal: a goal of the action, whose end the controller must report; otherwise streamed points.
        time_tolerance_s: the goal's own, on top of the motion's end.
        q_outside: (n,) how far each joint was outside its limits at the beginning, rad; zeros unless an arm may return.
        places_outside: how far its points were outside the workspace, m; empty unless an arm may return.
        is_tracked: whether the arm must be on its course, and the controller on time.
    """

    motion: Motion
    began_s: float
    is_goal: bool
    time_tolerance_s: float
    q_outside: FloatArray
    places_outside: dict[str, FloatArray]
    is_tracked: bool = True

    @classmethod
    def begin(
        cls, motion: Motion, state: ArmState, rules: Rules, *, began_s: float, is_goal: bool, time_tolerance_s: float
    ) -> MotionWatch:
        """Begin to watch a motion of an arm in `state`."""
        outside = rules.limits.outside(state.q)
        return cls(
            motion, began_s, is_goal, time_tolerance_s,
            outside if rules.allow_return else np.zeros_like(outside),
            places_outside(state, rules) if rules.allow_return else {},
        )  # fmt: skip

    @property
    def end_s(self) -> float:
        """When the motion should be over, on the guard's clock."""
        return self.began_s + self.motion.end_s

    @property
    def _must_follow(self) -> bool:
        return self.is_goal and self.is_tracked

    def check(self, state: ArmState, now_s: float, rules: Rules) -> Finding | None:
        """The first thing that is wrong with a measured state, or that the controller is overdue."""
        return (
            self._check_speed(state, rules)
            or self._check_position(state, rules)
            or check_measured_places(state, rules, self.places_outside)
            or self._check_tracking(state, now_s, rules)
            or self._check_end(now_s, rules)
        )

    def _check_speed(self, state: ArmState, rules: Rules) -> Finding | None:
        ratio = np.abs(state.dq) / np.asarray(rules.limits.velocity)
        worst = int(ratio.argmax())
        if ratio[worst] <= 1.0 + rules.speed_margin:
            return None
        name, limit = rules.limits.names[worst], rules.limits.velocity[worst]
        return Finding(Cause.VELOCITY, f"{name} measured at {abs(state.dq[worst]):.3f} rad/s, limit {limit:.3f}")

    def _check_position(self, state: ArmState, rules: Rules) -> Finding | None:
        excess = rules.limits.outside(state.q) - self.q_outside
        worst = int(excess.argmax())
        if excess[worst] <= rules.position_margin_rad:
            return None
        limits = rules.limits
        return Finding(
            Cause.POSITION,
            f"{limits.names[worst]} measured at {state.q[worst]:.4f} rad, "
            f"limits {limits.lower[worst]:.4f} to {limits.upper[worst]:.4f} rad",
        )

    def _check_tracking(self, state: ArmState, now_s: float, rules: Rules) -> Finding | None:
        """The arm must be near some place where it should have been within the window around the measurement."""
        if not self._must_follow or rules.tracking_tolerance_rad == 0.0 or now_s < self.began_s:
            return None
        since_s, window_s = state.received_s - self.began_s, rules.tracking_window_s
        wanted, _ = self.motion.at(np.linspace(since_s - window_s, since_s + window_s / 4, _LOOKS))
        away = np.abs(wanted - state.q)
        nearest = away[away.max(axis=1).argmin()]
        worst = int(nearest.argmax())
        if nearest[worst] <= rules.tracking_tolerance_rad:
            return None
        limit = rules.tracking_tolerance_rad
        return Finding(
            Cause.TRACKING, f"{rules.limits.names[worst]} {nearest[worst]:.3f} rad off, limit {limit:.3f} rad"
        )

    def _check_end(self, now_s: float, rules: Rules) -> Finding | None:
        late_s = now_s - self.end_s - self.time_tolerance_s
        if not self._must_follow or late_s <= rules.overdue_after_s:
            return None
        return Finding(Cause.OVERDUE, f"no result {late_s:.1f} s after the goal's end")
