"""One goal on its way through the guard: sent on, its feedback, cancel and result passed in both directions."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from action_msgs.msg import GoalStatus
from control_msgs.action import FollowJointTrajectory

from ros_nodes.absence import Absence
from ros_nodes.safety.controller_link import ControllerLink
from ros_nodes.safety.findings import Cause, Finding
from ros_nodes.waiting import wait_for

Result = FollowJointTrajectory.Result
_LOOK_S = 0.02
_GONE_S = 0.3


class GoalRun:
    """A goal that was let through.

    Args:
        handle: of the commander's goal.
        link: to the controller.
        timeout_s: for the controller to accept, to cancel, and to say how a stopped or replaced goal ended.
        alive: whether the node still runs.
        on_cancel: told when the commander cancels.
    """

    def __init__(
        self,
        handle: Any,
        link: ControllerLink,
        timeout_s: float,
        alive: Callable[[], bool],
        on_cancel: Callable[[GoalRun], None],
    ) -> None:
        self._handle, self._link, self._timeout_s, self._alive = handle, link, timeout_s, alive
        self._on_cancel = on_cancel
        self._sent = link.send_goal(handle.request, self._on_feedback)
        self._controller_handle: Any = None
        self._to_cancel, self._then = False, lambda: None
        self.stopped_by: Finding | None = None
        """Why the guard stopped it."""
        self.replaced = False
        """Whether a newer goal was let through."""

    def accepted(self) -> Finding | None:
        """Wait for the controller to take the goal; what is wrong if it does not."""
        handle = wait_for(self._sent, timeout_s=self._timeout_s, until=lambda: not self._alive())
        if handle is None:
            self._sent.add_done_callback(lambda sent: sent.result().accepted and sent.result().cancel_goal_async())
            return Finding(Cause.CONTROLLER, f"{self._link.action} did not answer within {self._timeout_s:.1f} s")
        if not handle.accepted:
            return Finding(Cause.REJECTED, self._link.action)
        self._controller_handle = handle
        if self._to_cancel:
            self.cancel(self._then)
        return None

    def cancel(self, then: Callable[[], None] = lambda: None) -> None:
        """Ask the controller to cancel, now or as soon as it has accepted; `then` is called when it has answered."""
        self._to_cancel, self._then = True, then
        if self._controller_handle is not None:
            self._controller_handle.cancel_goal_async().add_done_callback(lambda _: then())

    def ended(self) -> tuple[int, Any] | Finding | None:
        """Wait for the end: status and result of the controller, what went wrong with it, or None for no answer.

        None where the goal was stopped by the guard or replaced, and the controller did not say in time how it ended.
        """
        future = self._controller_handle.get_result_async()
        absence = Absence(lambda: self._link.ready, after_s=_GONE_S)
        leave_at: float | None = None
        while not future.done():
            wait_for(future, timeout_s=_LOOK_S)
            now = time.monotonic()
            if self._handle.is_cancel_requested and not self._to_cancel:
                self._on_cancel(self)
                self.cancel()
            if leave_at is None and (self._to_cancel or self.stopped_by or self.replaced):
                leave_at = now + self._timeout_s
            if absence.gone() and self.stopped_by is None:
                return Finding(Cause.CONTROLLER, f"{self._link.action} went away under a goal")
            if not self._alive():
                return None
            if leave_at is not None and now > leave_at:
                if self.stopped_by or self.replaced:
                    return None
                return Finding(Cause.CONTROLLER, f"{self._link.action} did not cancel within {self._timeout_s:.1f} s")
        answer = future.result()
        return answer.status, answer.result

    def finish(self, status: int, result: Any) -> Any:
        """Tell the commander what the controller told."""
        if status == GoalStatus.STATUS_SUCCEEDED and self.stopped_by is None:
            self._handle.succeed()
        elif status == GoalStatus.STATUS_CANCELED and self._handle.is_cancel_requested and self.stopped_by is None:
            self._handle.canceled()
        else:
            return self.abort(result.error_code, result.error_string or "the controller aborted the goal")
        return result

    def abort(self, error_code: int, why: str) -> Any:
        """End the commander's goal without success."""
        if self.stopped_by is not None:
            error_code, why = Result.PATH_TOLERANCE_VIOLATED, f"safety: stopped: {self.stopped_by}"
        elif self.replaced and not why:
            why = "replaced by a newer goal"
        return abort_goal(self._handle, error_code, why)

    def _on_feedback(self, feedback: Any) -> None:
        if self._handle.is_active:
            self._handle.publish_feedback(feedback)


def abort_goal(handle: Any, error_code: int, why: str) -> Any:
    """Abort a goal; its result, with the reason in words."""
    handle.abort()
    return Result(error_code=error_code, error_string=why)
