"""The guard: decides on every command, watches the motion, and keeps why it stopped. No ROS, no threads, no clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np

from geometry import FloatArray
from ros_nodes.safety.braking import braking_motion
from ros_nodes.safety.command import Command
from ros_nodes.safety.findings import Cause, Finding
from ros_nodes.safety.interpolation import Motion
from ros_nodes.safety.latch import Latch, what_remains
from ros_nodes.safety.motion_watch import MotionWatch
from ros_nodes.safety.rules import Rules
from ros_nodes.safety.signals import SignalRules, Signals
from ros_nodes.safety.stream_check import StreamTarget, check_streamed
from ros_nodes.safety.trajectory_check import check_trajectory

_SHOWN_S = 5.0
"""How long a refusal stays in the status."""
_SETTLE_S = 0.5
"""How long a stream's last target is watched after its time."""
_NO_ANSWER_S = 2.0
"""How long the arm may take to stand still after a stop before the status says that it does not."""
_REACTION_S = 0.02
"""How long a measurement is on its way here, and a braking motion to the controller, about."""
_FOREIGN_S, _MOVES_RAD_S = 1.0, 0.05
"""How long and how fast the arm moves unasked before the status says so."""


class Status(NamedTuple):
    """The guard in one line."""

    level: Literal["ok", "warn", "error"]
    """As in diagnostics."""
    message: str
    """What it does and why."""


class Guard:
    """Decides what passes. Times are one clock's that never runs back; the caller keeps threads out."""

    def __init__(self, rules: Rules, signal_rules: SignalRules, *, refusals_to_stop: int = 5) -> None:
        self.rules = rules
        self.signals = Signals(signal_rules)
        self.counts: Counter[str] = Counter()
        self.last_refusal = ""
        self.refusals_to_stop = refusals_to_stop
        self._refused_s = -np.inf
        self._refused_in_a_row = 0
        self._latch = Latch()
        self._stopped_s = 0.0
        self._watch: MotionWatch | None = None
        self._target: StreamTarget | None = None
        self._foreign_since_s = np.inf

    @property
    def stopped(self) -> Finding | None:
        """What stopped the arm, until a reset."""
        return self._latch.first

    @property
    def moving(self) -> bool:
        """Whether something that was let through is under way."""
        return self._watch is not None

    def admit_goal(self, command: Command | Finding, now_s: float) -> Motion | Finding:
        """Decide on a whole trajectory; nothing begins yet, see `begin_goal`."""
        verdict: Motion | Finding | None = self._forbidden(command, now_s)
        if verdict is None:
            state = self.signals.state
            assert isinstance(command, Command) and state is not None
            verdict = check_trajectory(command, state, self.rules)
        if isinstance(verdict, Finding):
            self.refuse(verdict, "goals_refused", now_s)
        return verdict

    def begin_goal(self, motion: Motion, delay_s: float, time_tolerance_s: float, now_s: float) -> None:
        """The controller took an admitted goal: watch it."""
        self.counts["goals_let_through"] += 1
        self._begin(motion, now_s + max(delay_s, 0.0), is_goal=True, time_tolerance_s=time_tolerance_s)
        self._target = None

    def end_goal(self) -> None:
        """The controller is done with the newest goal, one way or another."""
        if self._watch is not None and self._watch.is_goal:
            self._watch = None

    def end_tracking(self) -> None:
        """The goal under way is being cancelled: the arm leaves its course."""
        if self._watch is not None:
            self._watch = replace(self._watch, is_tracked=False)

    def admit_streamed(self, command: Command | Finding, now_s: float) -> Finding | None:
        """Decide on a message of a stream; None lets it through, and its motion begins."""
        finding = self._forbidden(command, now_s)
        if finding is None and self._watch is not None and self._watch.is_goal:
            finding = Finding(Cause.BUSY, "a goal is under way")
        if finding is None:
            state = self.signals.state
            assert isinstance(command, Command) and state is not None
            verdict = check_streamed(command, state, self._target, now_s, self.rules)
            if isinstance(verdict, Motion):
                self._refused_in_a_row = 0
                self.counts["points_let_through"] += 1
                self._target = StreamTarget(command.q[-1], now_s + float(command.times_s[-1] - command.times_s[0]))
                self._begin(verdict, now_s, is_goal=False, time_tolerance_s=0.0)
                return None
            finding = verdict
        self.refuse(finding, "points_refused", now_s)
        self._refused_in_a_row += 1
        if self.moving and self._refused_in_a_row >= self.refusals_to_stop and self.stopped is None:
            self.stop(Finding(Cause.STREAM, f"{self._refused_in_a_row}, the last for {finding}"), now_s)
        return finding

    def tick(self, now_s: float) -> Finding | None:
        """Watch the arm; the finding if one stops it now. Call often, whether or not anything moves."""
        watch = self._watch
        if watch is None:
            if not self._latch and not self.signals.rules.heartbeat_required and self.signals.missing_heartbeat(now_s):
                self.signals.disarm_heartbeat()
            self._note_foreign_motion(now_s)
            return None
        self._foreign_since_s = np.inf
        state = self.signals.state
        missing = self.signals.missing(now_s)
        finding = missing[0] if missing or state is None else watch.check(state, now_s, self.rules)
        if finding is not None:
            return finding if self.stop(finding, now_s) else None
        if not watch.is_goal and now_s > watch.end_s + _SETTLE_S:
            self._watch = self._target = None
        return None

    def stop(self, finding: Finding, now_s: float) -> bool:
        """Latch a cause; whether it is a new one. The motion is no longer watched: it is being stopped."""
        if not self._latch:
            self._stopped_s = now_s
        is_new = self._latch.add(finding)
        self.counts["stops"] += is_new
        return is_new

    def forget_motion(self) -> None:
        """The motion was stopped: nothing is under way."""
        self._watch = self._target = None
        self._refused_in_a_row = 0

    def reset(self, now_s: float, *, controller_ready: bool) -> list[Finding]:
        """Release the latch if every cause is gone; otherwise say which are not.

        A heartbeat that is not required is forgotten, and armed again by the next beat.
        """
        if not self.signals.rules.heartbeat_required and self.signals.missing_heartbeat(now_s):
            self.signals.disarm_heartbeat()
        remains = what_remains(self._latch, self.signals, self.rules, controller_ready, now_s)
        if not remains:
            self._latch.clear()
            self._refused_s = -np.inf
            self.forget_motion()
        return remains

    def braking(self, now_s: float) -> tuple[FloatArray, FloatArray, FloatArray] | None:
        """Times, positions and speeds that bring the arm to rest.

        From the measured state, or where that is stale, from where the motion should be; None where
        neither is known.
        """
        state, limits, scale = self.signals.fresh(now_s), self.rules.limits, self.rules.braking_scale
        if state is not None:
            age_s = now_s - state.received_s + _REACTION_S
            return braking_motion(state.q, state.dq, limits, scale=scale, age_s=age_s)
        if self._watch is not None:
            return braking_motion(*self._watch.motion.at(now_s - self._watch.began_s), limits, scale=scale)
        return None

    def refuse(self, finding: Finding, counter: str, now_s: float) -> None:
        """Count a refusal and show it for a while."""
        self.counts[counter] += 1
        self.last_refusal, self._refused_s = str(finding), now_s

    def status(self, now_s: float) -> Status:
        """What diagnostics shall say."""
        missing = self.signals.missing(now_s)
        if self._latch:
            return Status("error", f"stopped: {self._latch}{self._still_moving(now_s)}")
        if missing:
            return Status("warn", "refuses commands: " + "; ".join(str(finding) for finding in missing))
        if now_s - self._refused_s <= _SHOWN_S:
            return Status("warn", f"refused: {self.last_refusal}")
        if now_s - self._foreign_since_s > _FOREIGN_S:
            return Status("warn", "the arm moves, but not by anything that was let through here")
        return Status("ok", "lets a motion through" if self.moving else "ready")

    def _still_moving(self, now_s: float) -> str:
        state = self.signals.fresh(now_s)
        if state is None or now_s - self._stopped_s < _NO_ANSWER_S or float(np.abs(state.dq).max()) < _MOVES_RAD_S:
            return ""
        return "; THE ARM STILL MOVES: use the emergency stop"

    def _note_foreign_motion(self, now_s: float) -> None:
        """Since when the arm moves by somebody else's hand, or by what an earlier guard let through."""
        state = self.signals.fresh(now_s)
        moves = state is not None and float(np.abs(state.dq).max()) > _MOVES_RAD_S
        self._foreign_since_s = min(self._foreign_since_s, now_s) if moves else np.inf

    def _forbidden(self, command: Command | Finding, now_s: float) -> Finding | None:
        """What refuses a command before its numbers are looked at."""
        if self._latch:
            return Finding(Cause.STOPPED, f"{self._latch}; ~/reset releases it")
        missing = self.signals.missing(now_s)
        if missing or isinstance(command, Finding):
            return missing[0] if missing else command  # type: ignore[return-value]
        if self.rules.workspace is not None and self.rules.link_points is None:
            return Finding(Cause.UNKNOWN_ARM, "its kinematics are not known: robot_description did not come")
        return None

    def _begin(self, motion: Motion, began_s: float, *, is_goal: bool, time_tolerance_s: float) -> None:
        state = self.signals.state
        assert state is not None
        self._watch = MotionWatch.begin(
            motion, state, self.rules, began_s=began_s, is_goal=is_goal, time_tolerance_s=time_tolerance_s
        )
