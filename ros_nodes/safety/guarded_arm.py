"""The guard at work: it decides under one lock, sends on what passes, and brings the arm to rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from control_msgs.action import FollowJointTrajectory

from ros_nodes.health import Health
from ros_nodes.in_flight import InFlight
from ros_nodes.messages.joints import JointReading
from ros_nodes.messages.stamps import seconds_of
from ros_nodes.safety.command import Command
from ros_nodes.safety.controller_link import ControllerLink
from ros_nodes.safety.findings import Cause, Finding
from ros_nodes.safety.goal_run import GoalRun, abort_goal
from ros_nodes.safety.guard import Guard
from ros_nodes.safety.rules import Rules
from ros_nodes.safety.settings import SafetySettings
from ros_nodes.waiting import wait_until

_REPORT_S = 0.2
_INSIST_S, _INSIST_FOR_S = 0.5, 3.0
_WIND_DOWN_S = 1.0
_MOVES_RAD_S = 0.05
_RESULT = FollowJointTrajectory.Result
_CODES = {Cause.WRONG_JOINTS: _RESULT.INVALID_JOINTS, Cause.START_TIME: _RESULT.OLD_HEADER_TIMESTAMP}


class GuardedArm:
    """Thread-safe: checks are fast and run under the lock, waiting is done outside of it.

    Args:
        settings: of the node.
        link: to the controller.
        health: where it says how things are.
        clock: the present on the guard's clock, seconds; never runs back.
        alive: whether the node still runs.
        log: for warnings.
    """

    def __init__(
        self,
        settings: SafetySettings,
        link: ControllerLink,
        health: Health,
        *,
        clock: Callable[[], float],
        alive: Callable[[], bool],
        log: Callable[[str], None],
    ) -> None:
        self._settings, self._link, self._health = settings, link, health
        self._now, self._alive, self._log = clock, alive, log
        self._lock = threading.RLock()
        self._guard = Guard(
            settings.rules(None), settings.signal_rules, refusals_to_stop=settings.stream_refusals_to_stop
        )
        self._run: GoalRun | None = None
        self._reported_s = self._braked_s = self._stopped_s = -np.inf
        self._closing = False
        self._under_way = InFlight()

    def reconfigure(self, settings: SafetySettings, rules: Rules) -> None:
        """Take over new settings."""
        with self._lock:
            self._settings, self._guard.rules = settings, rules
            self._guard.signals.rules = settings.signal_rules
            self._guard.refusals_to_stop = settings.stream_refusals_to_stop

    def joint_state(self, reading: JointReading) -> None:
        """Take a measurement."""
        with self._lock:
            self._guard.signals.joint_state(reading.q, reading.dq, reading.time_s, self._now())

    def heartbeat(self) -> None:
        """The commander lives."""
        with self._lock:
            self._guard.signals.heartbeat(self._now())

    def deadman(self, held: bool) -> None:
        """The deadman was renewed, or let go: then whatever moves is stopped."""
        with self._lock:
            self._guard.signals.deadman(held, self._now())
            if not held and self._guard.moving:
                self.stop(Finding(Cause.DEADMAN, "let go"))

    def points(self, message: Any, command: Command | Finding) -> None:
        """Decide on a message of a stream, and send it on."""
        with self._lock:
            was_stopped = self._guard.stopped
            if not self._link.listens:
                command = Finding(Cause.CONTROLLER, f"nobody listens on {self._link.topic}")
            finding = self._guard.admit_streamed(command, self._now())
            if finding is None:
                self._link.send_points(message)
                return
            if was_stopped is None and self._guard.stopped is not None:
                self._halt(self._guard.stopped)
            self._report()

    @property
    def goals(self) -> int:
        """Goals that have not ended yet."""
        return self._under_way.count

    def goal(self, handle: Any, command: Command | Finding) -> Any:
        """Bring a goal to its end, whatever that is; its result."""
        with self._under_way:
            return self._through(handle, command)

    def _through(self, handle: Any, command: Command | Finding) -> Any:
        with self._lock:
            run = self._admit(handle, command)
        if isinstance(run, Finding):
            return self._refused(handle, run)
        finding = run.accepted()
        if finding is not None:
            return self._not_taken(handle, run, finding)
        end = run.ended()
        with self._lock:
            if isinstance(end, Finding) and run.stopped_by is None:
                self.stop(end, run)
            self._release(run)
        if end is None or isinstance(end, Finding):
            return run.abort(_RESULT.PATH_TOLERANCE_VIOLATED, "")
        return run.finish(*end)

    def watch(self) -> None:
        """Look at the arm; to be called often."""
        with self._lock:
            now_s, wall_s = self._now(), time.monotonic()
            finding = self._guard.tick(now_s)
            if finding is not None:
                self._halt(finding)
            insists = self._guard.stopped is not None and wall_s - self._stopped_s < _INSIST_FOR_S
            state = self._guard.signals.fresh(now_s)
            if insists and state is not None and wall_s - self._braked_s > _INSIST_S:
                if float(np.abs(state.dq).max()) > _MOVES_RAD_S:
                    self._brake()
            if wall_s - self._reported_s > _REPORT_S:
                self._report()

    def stop(self, finding: Finding, run: GoalRun | None = None) -> None:
        """Latch a reason and bring the arm to rest; `run` is the goal that it is about, if not the newest."""
        with self._lock:
            if run is not None and run.stopped_by is None and run is not self._run:
                run.stopped_by = finding
            if self._guard.stop(finding, self._now()):
                self._halt(finding)

    def reset(self) -> tuple[bool, str]:
        """Release a stop if every cause is gone; whether it is, and in words."""
        with self._lock:
            if self._guard.stopped is None:
                return True, "nothing was stopped"
            remains = self._guard.reset(self._now(), controller_ready=self._link.ready)
            self._report()
        return not remains, "not yet: " + "; ".join(str(finding) for finding in remains) if remains else "released"

    def wind_down(self) -> None:
        """Let nothing more through, and stop what moves; returns when the controller has cancelled, or after 1 s."""
        with self._lock:
            self._closing, run = True, self._run
            if self._guard.moving:
                self.stop(Finding(Cause.REQUESTED, "the safety node shuts down"))
        wait_until(lambda: run is None or self._run is not run, timeout_s=_WIND_DOWN_S)

    def close(self) -> None:
        """Wait until no goal is on its way through; `alive` must be over."""
        self._under_way.wait_none(_WIND_DOWN_S)

    def _admit(self, handle: Any, command: Command | Finding) -> GoalRun | Finding:
        """Check a goal and send it on, in one piece: nothing may come between. Under the lock."""
        now_s = self._now()
        if self._closing:
            command = Finding(Cause.REQUESTED, "the safety node shuts down")
        elif not self._link.ready:
            command = Finding(Cause.CONTROLLER, f"no action server {self._link.action}")
        elif self._run is not None and self._settings.when_busy == "refuse":
            command = Finding(Cause.BUSY, "a goal is under way and when_busy is refuse")
        verdict = self._guard.admit_goal(command, now_s)
        if isinstance(verdict, Finding):
            return verdict
        assert isinstance(command, Command)
        if self._run is not None:
            self._run.replaced = True
        self._run = GoalRun(handle, self._link, self._settings.controller_timeout_s, self._alive, self._cancels)
        tolerance_s = max(seconds_of(handle.request.goal_time_tolerance), 0.0)
        self._guard.begin_goal(verdict, command.start_delay_s, tolerance_s, now_s)
        return self._run

    def _refused(self, handle: Any, finding: Finding) -> Any:
        self._log(f"goal refused: {finding}")
        with self._lock:
            self._report()
        return abort_goal(handle, _CODES.get(finding.cause, _RESULT.INVALID_GOAL), f"safety: refused: {finding}")

    def _not_taken(self, handle: Any, run: GoalRun, finding: Finding) -> Any:
        """The controller rejected the goal, or did not answer: then it may yet run it, so the arm is stopped."""
        with self._lock:
            self._guard.refuse(finding, "goals_refused", self._now())
            if finding.cause is Cause.CONTROLLER and run.stopped_by is None:
                self.stop(finding, run)
            self._release(run)
        if run.stopped_by is not None:
            return run.abort(_RESULT.PATH_TOLERANCE_VIOLATED, "")
        return self._refused(handle, finding)

    def _release(self, run: GoalRun) -> None:
        if self._run is run:
            self._run = None
            self._guard.end_goal()

    def _cancels(self, run: GoalRun) -> None:
        """The commander cancels a goal: from now on the arm leaves its course."""
        with self._lock:
            if run is self._run:
                self._guard.end_tracking()

    def _halt(self, finding: Finding) -> None:
        """Bring the arm to rest: brake, cancel the goal, and brake again, since a cancel holds on the spot."""
        self._stopped_s = time.monotonic()
        self._brake()
        self._guard.forget_motion()
        run = self._run
        if run is not None and run.stopped_by is None:
            run.stopped_by = finding
            run.cancel(then=self._brake)
        self._report()

    def _brake(self) -> None:
        with self._lock:
            motion = self._guard.braking(self._now())
            if motion is not None and self._guard.stopped is not None and self._alive():
                self._braked_s = time.monotonic()
                self._link.brake(motion)

    def _report(self) -> None:
        """Say how things are in diagnostics. Under the lock."""
        now_s, guard = self._now(), self._guard
        self._reported_s = time.monotonic()
        counts = ("goals_let_through", "goals_refused", "points_let_through", "points_refused", "stops")
        level, message = guard.status(now_s)
        self._health.report(
            "guard",
            level,
            message,
            **{name: guard.counts[name] for name in counts},
            last_refusal=guard.last_refusal,
            joint_state_age_s=guard.signals.joint_state_age_s(now_s),
            heartbeat="asked for" if guard.signals.heartbeat_armed else "not asked for",
            controller="there" if self._link.ready else "not there",
        )
