"""The arm's trajectory controller, with the behaviour of ros2_control's joint_trajectory_controller.

It is asked before every step of the world where the joints shall be after it, and told after the step where
they are. It belongs to the thread that steps the world.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from envs.panda import JointLimits
from geometry import FloatArray
from ros_nodes.sim_robot.spline import JointMotion, Spline, stopping
from ros_nodes.sim_robot.ticket import Ticket
from ros_nodes.sim_robot.tolerances import Tolerances, worst_violation
from ros_nodes.sim_robot.trajectory_request import ErrorCode

_STOP_SHARE = 0.5
"""Share of the joints' acceleration limits with which the arm comes to rest after a cancel."""


class TrajectoryOutcome(NamedTuple):
    """How a goal ended."""

    code: ErrorCode
    message: str = ""
    canceled: bool = False


class Tracking(NamedTuple):
    """Where the joints should be, and where they are."""

    time_s: float
    desired: JointMotion
    actual: JointMotion


TrajectoryTicket = Ticket[TrajectoryOutcome]


class TrajectoryController:
    """Follows one trajectory at a time and holds its end.

    Args:
        names: (J,) of the joints.
        limits: of the arm; no command moves faster.
        q: (J,) rad, where the arm stands.
    """

    def __init__(self, names: Sequence[str], limits: JointLimits, q: FloatArray) -> None:
        self.names = tuple(names)
        self.limits = limits
        self.tracking = Tracking(0.0, JointMotion.at_rest(q), JointMotion.at_rest(q))
        """Desired and actual state after the last step."""
        self._commanded = JointMotion.at_rest(q)
        self._spline: Spline | None = None
        self._ticket: TrajectoryTicket | None = None
        self._tolerances = Tolerances.uniform(len(self.names), path_rad=0, goal_rad=0, stopped_rad_s=0, goal_time_s=0)
        self._ending: TrajectoryOutcome | None = None
        self.trouble = ""
        """Why a trajectory was last aborted; whoever has read it makes it empty again."""

    @property
    def idle(self) -> bool:
        """Whether it follows nothing and holds."""
        return self._spline is None

    @property
    def held_q(self) -> FloatArray:
        """(J,) rad, what the joints were last commanded to."""
        return self._commanded.q

    @property
    def progress_s(self) -> tuple[float, float] | None:
        """Begin and end of the trajectory that a goal asked for and that is followed; None without one."""
        if self._spline is None or self._ticket is None or self._ending is not None:
            return None
        return float(self._spline.times_s[0]), self._spline.end_s

    def start(
        self, spline: Spline, tolerances: Tolerances, now_s: float, ticket: TrajectoryTicket | None = None
    ) -> None:
        """Follow a trajectory from the present motion on; a goal under way is aborted.

        Args:
            spline: in the controller's time; points that are past are left out.
            tolerances: what it must keep.
            now_s: the controller's time.
            ticket: finished when the trajectory has ended; None for a streamed one.
        """
        self._finish(TrajectoryOutcome(ErrorCode.INVALID_GOAL, "preempted by a newer trajectory"))
        self._spline = spline.preceded_by(now_s, self._commanded)
        self._tolerances, self._ticket = tolerances, ticket

    def cancel(self, ticket: TrajectoryTicket, now_s: float) -> None:
        """Come to rest, quickly and smoothly; the goal ends as cancelled when the arm has stopped."""
        if ticket is self._ticket and self._ending is None:
            self._stop(now_s, TrajectoryOutcome(ErrorCode.SUCCESSFUL, "cancelled: the arm holds", canceled=True))

    def abort(self, code: ErrorCode, message: str) -> None:
        """End whatever is followed and hold where the joints are, as after a contact."""
        self.trouble = self.trouble if self.idle else message
        self._hold(self.tracking.actual.q)
        self._finish(TrajectoryOutcome(code, message))

    def shift(self, seconds: float) -> None:
        """Move what is followed later in time: for a clock that was set, or a controller that stood still."""
        if self._spline is not None:
            s = self._spline
            self._spline = Spline(s.times_s + seconds, s.q, s.dq, s.ddq)

    def command(self, now_s: float, step_s: float) -> tuple[FloatArray, FloatArray]:
        """Where the joints are to be at the start of the step, and their mean speed over it.

        Args:
            now_s: time at its start.
            step_s: its length.
        Returns:
            (J,) rad and (J,) rad/s, no faster than the limits.
        """
        before = self._commanded
        if self._spline is None:
            return before.q, np.zeros(len(before.q))
        wanted = self._spline.sample(now_s + step_s)
        reach = np.asarray(self.limits.velocity) * step_s
        step = np.clip(wanted.q - before.q, -reach, reach)
        self._commanded = JointMotion(before.q + step, step / step_s, wanted.ddq)
        return before.q, step / step_s

    def observe(self, now_s: float, q: FloatArray, dq: FloatArray) -> None:
        """Compare what was wanted with where the joints (J,) are after the step, and end what has ended."""
        wanted = self._commanded if self._spline is None else self._spline.sample(now_s)
        self.tracking = Tracking(now_s, wanted, JointMotion(q, dq, np.zeros(len(q))))
        if self._spline is None:
            return
        error = np.stack([wanted.q - q, wanted.dq - dq], axis=-1)
        if now_s < self._spline.end_s - 1e-9:
            problem = "" if self._ending else worst_violation(self.names, error, self._tolerances.path)
            if problem:
                self.abort(ErrorCode.PATH_TOLERANCE_VIOLATED, problem)
            return
        self._at_the_end(now_s, error)

    def _at_the_end(self, now_s: float, error: FloatArray) -> None:
        assert self._spline is not None
        if self._ticket is None or self._ending is not None:
            self._rest(self._spline.q[-1])
            return
        problem = worst_violation(self.names, error, self._tolerances.goal)
        if not problem:
            self._finish(TrajectoryOutcome(ErrorCode.SUCCESSFUL, "goal reached"))
            self._rest(self._spline.q[-1])
        elif now_s - self._spline.end_s > self._tolerances.goal_time_s:
            self.abort(
                ErrorCode.GOAL_TOLERANCE_VIOLATED,
                f"not there {self._tolerances.goal_time_s:g} s after the end; {problem}",
            )

    def _stop(self, now_s: float, ending: TrajectoryOutcome) -> None:
        self._spline = stopping(self._commanded, now_s, _STOP_SHARE * np.asarray(self.limits.acceleration))
        self._ending = ending

    def _rest(self, q_end: FloatArray) -> None:
        """Hold the end once the commands have come there; a cancelled goal is then over."""
        if np.abs(self._commanded.q - q_end).max() > 1e-6:
            return
        ending = self._ending
        self._hold(q_end)
        if ending is not None:
            self._finish(ending)

    def _hold(self, q: FloatArray) -> None:
        self._commanded, self._spline, self._ending = JointMotion.at_rest(q), None, None

    def _finish(self, outcome: TrajectoryOutcome) -> None:
        if self._ticket is not None:
            self._ticket.finish(outcome)
        self._ticket, self._ending = None, None
