"""The loop of a policy: one observation, one action, one target a period, or a reason to hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from ros_nodes.policy_runner.joint_commander import JointCommander, JointTarget
from ros_nodes.task_view.named_facts import Snapshot
from ros_nodes.task_view.observation_builder import ObservationBuilder

State = Literal["idle", "running", "holding"]


class Tick(NamedTuple):
    """What came of one tick."""

    state: State
    """After it."""
    target: JointTarget | None
    """Where to go; None sends nothing, and the arm stays at its last target."""
    action: NDArray[np.float32] | None
    """(A,) what the policy did."""
    reason: str
    """Why it holds or has stopped, or what it met; empty if all is well."""


@dataclass
class Tally:
    """What has happened since the loop was started."""

    steps: int = 0
    """Actions."""
    held: int = 0
    """Ticks without one."""
    missed: int = 0
    """Ticks that did not come."""
    limited: int = 0
    """Actions that met a limit of the joints."""
    resets: int = 0
    """Times that the policy began anew."""
    worst_late_s: float = 0.0
    """Longest delay of a tick."""


class PolicyLoop:
    """Runs one policy; it holds when it may not act, and the policy begins anew when it may again.

    Args:
        act: from an observation by key to an action.
        reset: makes the policy forget.
        builder: of observations.
        commander: of the arm.
        period_s: of the policy.
        missed_ticks: more ticks missed in a row than this make the policy begin anew: its memory is of regular steps.
        step_limit: actions after which it stops; 0 for none.
        done_steps: steps in a row with the goal reached after which it stops; 0 goes on.
        latency_s: from a tick to the moment at which its target moves the arm.
    """

    def __init__(
        self,
        act: Callable[[dict[str, NDArray[Any]]], NDArray[np.float32]],
        reset: Callable[[], None],
        builder: ObservationBuilder,
        commander: JointCommander,
        *,
        period_s: float,
        missed_ticks: int = 2,
        step_limit: int = 0,
        done_steps: int = 0,
        latency_s: float = 0.0,
    ) -> None:
        self._act, self._reset, self._builder, self._commander = act, reset, builder, commander
        self._period_s, self._missed_ticks = period_s, missed_ticks
        self._step_limit, self._done_steps, self._latency_s = step_limit, done_steps, latency_s
        self.state: State = "idle"
        self.tally = Tally()
        self._last_s: float | None = None
        self._done = 0

    def start(self) -> None:
        """Begin an episode."""
        self.tally, self._last_s, self._done = Tally(), None, 0
        self.state = "running"
        self._reset()
        self._commander.forget()

    def stop(self) -> None:
        """Act no more."""
        self.state = "idle"

    def begin_anew(self) -> None:
        """Make the policy forget what it has seen and done."""
        self._reset()
        self._commander.forget()
        self._done = 0
        self.tally.resets += 1

    def tick(self, now_s: float, look: Callable[[], Snapshot], problems: Sequence[str]) -> Tick:
        """Do one step.

        Args:
            now_s: ROS time.
            look: gives what is known now; asked only where there are no problems.
            problems: why what is known may not be acted on.
        """
        if self.state == "idle":
            return Tick("idle", None, None, "")
        met = self._keep_time(now_s)
        if problems:
            return self._hold("; ".join(problems))
        try:
            seen = look()
            strayed = self._commander.strayed(seen.arm)
            if strayed:
                return self._hold(strayed)
            observation = self._builder.build(seen)
            if self.state == "holding":
                self.begin_anew()
            return self._step(now_s, seen, observation, met)
        except InputError as error:
            return self._hold(str(error))

    def _step(self, now_s: float, seen: Snapshot, observation: dict[str, NDArray[Any]], met: str) -> Tick:
        self._done = self._done + 1 if self._builder.done(observation) else 0
        if self._done_steps and self._done >= self._done_steps:
            self.stop()
            return Tick("idle", None, None, "done: the goal is reached")
        if self._step_limit and self.tally.steps >= self._step_limit:
            self.stop()
            return Tick("idle", None, None, f"stopped after {self._step_limit} steps")
        action = self._act(observation)
        age_s = 0.0 if seen.joints_s is None else now_s - seen.joints_s
        lead_s = min(max(age_s + self._latency_s, 0.0), self._period_s)
        target = self._commander.command(seen.arm, action, lead_s=lead_s)
        self.state = "running"
        self.tally.steps += 1
        self.tally.limited += bool(target.limited)
        return Tick("running", target, action, met)

    def _keep_time(self, now_s: float) -> str:
        """Count ticks that did not come; says so where the policy began anew for them."""
        last, self._last_s = self._last_s, now_s
        if last is None:
            return ""
        late_s = now_s - last - self._period_s
        self.tally.worst_late_s = max(self.tally.worst_late_s, late_s)
        missed = round((now_s - last) / self._period_s) - 1
        if late_s < -self._period_s:
            self.begin_anew()
            return "the clock went back; the policy began anew"
        self.tally.missed += max(missed, 0)
        if missed <= self._missed_ticks:
            return ""
        self.begin_anew()
        return f"{missed} ticks were missed; the policy began anew"

    def _hold(self, reason: str) -> Tick:
        self.state = "holding"
        self.tally.held += 1
        return Tick("holding", None, None, reason)
