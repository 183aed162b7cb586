"""Motions through a FollowJointTrajectory controller, and what its answers mean."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from control_msgs.action import FollowJointTrajectory
from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node

from envs.arms import JointTrajectory
from geometry import FloatArray
from policies import RobotStopped
from ros_nodes.action_call import ActionCall, ActionEnd, Watch
from ros_nodes.messages.joints import trajectory_message
from ros_nodes.messages.stamps import seconds_of
from ros_nodes.pick_server.joint_watch import JointWatch
from ros_nodes.pick_server.patience import Patience
from ros_nodes.pick_server.settings import PickSettings
from ros_nodes.waiting import wait_until

_Result = FollowJointTrajectory.Result
_NAMES = {
    _Result.INVALID_GOAL: "INVALID_GOAL",
    _Result.INVALID_JOINTS: "INVALID_JOINTS",
    _Result.OLD_HEADER_TIMESTAMP: "OLD_HEADER_TIMESTAMP",
    _Result.PATH_TOLERANCE_VIOLATED: "PATH_TOLERANCE_VIOLATED",
    _Result.GOAL_TOLERANCE_VIOLATED: "GOAL_TOLERANCE_VIOLATED",
}
_HELD_BACK = (_Result.PATH_TOLERANCE_VIOLATED, _Result.GOAL_TOLERANCE_VIOLATED)
_GUARD = "safety:"
"""How the words of the safety node begin: its stop has the code of a contact, and is none."""
_PROGRESS_RAD = 1e-3
_SETTLE_S = 0.5
_LAG_S = 0.02
_REST_S = 0.1
_POLL_S = 0.01


class ArmEnd(NamedTuple):
    """How a motion ended; the arm rests."""

    completed: bool
    """Whether it went to its end."""
    held_back: bool = False
    """Whether the controller stopped because the arm did not go where it should: it touches something."""
    reason: str = ""
    """Why it was not completed."""


class ArmClient:
    """Drives the arm.

    Args:
        node: whose clock and executor are used.
        joints: where the arm is.
        settings: the newest ones.
        group: a reentrant callback group.
    """

    def __init__(
        self, node: Node, joints: JointWatch, settings: Callable[[], PickSettings], group: CallbackGroup
    ) -> None:
        self._node, self._joints, self._settings = node, joints, settings
        self._call = ActionCall(node, FollowJointTrajectory, settings().arm_action, label="arm controller", group=group)

    @property
    def there(self) -> bool:
        """Whether a controller is there."""
        return self._call.there

    def follow(self, trajectory: JointTrajectory, watch: Watch) -> ArmEnd:
        """Send a trajectory to the controller and wait until the arm rests at its end, or wherever it was stopped.

        Raises:
            RobotStopped: from `watch`; where the controller refuses, fails, goes away or stalls; or where the arm is
                not where the controller says. The goal is then canceled.
        """
        settings = self._settings()
        if np.abs(np.diff(trajectory.q, axis=0)).sum() < _PROGRESS_RAD:
            return ArmEnd(True)
        trajectory = trajectory.slowed(settings.speed)
        watchman = _Watchman(self._node, self._joints, trajectory, settings, watch)
        handle = self._call.begin(self._goal(trajectory, settings), timeout_s=settings.server_timeout_s, watch=watch)
        try:
            end = self._call.finish(handle, timeout_s=settings.server_timeout_s, watch=watchman.look)
        except RobotStopped as stop:
            raise RobotStopped(stop.kind, f"{stop.reason}; {self._stands(settings)}") from None
        return self._judge(end, trajectory.q[-1], settings, watch)

    def rest(self, watch: Watch, timeout_s: float) -> bool:
        """Wait until the arm is seen to rest from now on; whether it does."""
        began_s, slow = time.monotonic(), self._settings().rest_rad_s
        return wait_until(lambda: self._speed(began_s) < slow, timeout_s=timeout_s, watch=watch)

    def _speed(self, began_s: float) -> float:
        """The fastest joint's speed lately; where joint states come rarely, on the whole since the beginning."""
        lately = self._joints.speed(max(began_s, time.monotonic() - _REST_S))
        return self._joints.speed(began_s) if np.isnan(lately) else lately

    def close(self) -> None:
        """Free the client."""
        self._call.close()

    def _stands(self, settings: PickSettings) -> str:
        """In words, whether the arm has come to rest after a stop."""
        if self.rest(lambda: None, settings.rest_timeout_s):
            return "the arm rests"
        blind = np.isnan(self._joints.speed(time.monotonic() - _REST_S))
        return "nobody knows whether the arm rests" if blind else "THE ARM STILL MOVES"

    def _goal(self, trajectory: JointTrajectory, settings: PickSettings) -> Any:
        count = max(2, int(np.ceil(trajectory.duration_s / settings.sample_s)) + 1)
        times_s = np.linspace(0.0, trajectory.duration_s, count)
        q, dq = trajectory.sample(times_s)
        return FollowJointTrajectory.Goal(trajectory=trajectory_message(times_s, q, dq, settings.joint_names))

    def _judge(self, end: ActionEnd, q_goal: FloatArray, settings: PickSettings, watch: Watch) -> ArmEnd:
        code = end.result.error_code
        said = f": {end.result.error_string}" if end.result.error_string else ""
        if end.succeeded and code == _Result.SUCCESSFUL:
            off_rad = self._arrive(q_goal, settings, watch)
            if off_rad <= settings.arrive_rad:
                return ArmEnd(True)
            off = f"a joint is {off_rad:.2f} rad off its goal" if np.isfinite(off_rad) else "no joint states came since"
            raise RobotStopped("control", f"the arm controller says done, but {off}")
        if code in _HELD_BACK and not end.result.error_string.startswith(_GUARD):
            self.rest(watch, settings.rest_timeout_s)
            return ArmEnd(False, True, f"the arm controller stopped the arm ({_NAMES[code]}{said})")
        what = _NAMES.get(code, f"status {end.status}, error {code}")
        raise RobotStopped("control", f"the arm controller failed ({what}{said})")

    def _arrive(self, q_goal: FloatArray, settings: PickSettings, watch: Watch) -> float:
        """The largest joint's distance to the goal, once the joint states catch up; inf where none come."""
        began_s = time.monotonic()
        while True:
            watch()
            q = self._joints.q()
            fresh = self._joints.heard_since(began_s + _LAG_S)
            off_rad = float("inf") if q is None or not fresh else float(np.abs(q - q_goal).max())
            patience_s = _SETTLE_S if fresh else max(_SETTLE_S, settings.joint_states_timeout_s)
            if off_rad <= settings.arrive_rad or time.monotonic() - began_s >= patience_s:
                return off_rad
            time.sleep(_POLL_S)


class _Watchman:
    """Looks whether a motion goes on as it should."""

    def __init__(
        self, node: Node, joints: JointWatch, trajectory: JointTrajectory, settings: PickSettings, watch: Watch
    ) -> None:
        self._joints, self._settings, self._watch = joints, settings, watch
        self._limit_s = trajectory.duration_s + settings.motion_margin_s
        self._patience = Patience(lambda: seconds_of(node.get_clock().now()))
        self._moved_s = 0.0
        self._q = joints.q()
        self._q_goal = trajectory.q[-1]

    def look(self) -> None:
        """Raise where the motion must end."""
        self._watch()
        spent_s = self._patience.spent_s()
        if self._patience.stands_still():
            raise RobotStopped("timeout", "the clock stands still in mid-motion: is /clock published?")
        if spent_s > self._limit_s:
            raise RobotStopped("timeout", f"the motion has not ended after {spent_s:.1f} s")
        q = self._joints.q()
        if q is None or self._q is None:
            return
        if np.abs(q - self._q).max() > _PROGRESS_RAD:
            self._q, self._moved_s = q, spent_s
        arrived = np.abs(q - self._q_goal).max() < self._settings.arrive_rad
        if not arrived and spent_s - self._moved_s > self._settings.stall_s:
            raise RobotStopped(
                "control", f"the arm controller stalls: no joint has moved for {spent_s - self._moved_s:.1f} s"
            )
