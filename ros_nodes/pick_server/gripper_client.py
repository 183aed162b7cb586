"""The gripper through its GripperCommand action, and what its answers mean."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from action_msgs.msg import GoalStatus
from control_msgs.action import GripperCommand
from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node

from geometry import FloatArray
from policies import Grip, RobotStopped
from ros_nodes.action_call import ActionCall, ActionEnd, Watch
from ros_nodes.messages.stamps import seconds_of
from ros_nodes.pick_server.joint_watch import JointWatch
from ros_nodes.pick_server.patience import Patience
from ros_nodes.pick_server.settings import PickSettings

_OPEN_SHARE = 0.95
_OPENED_M = 0.01
_CATCH_UP_S = 0.6
_STILL_S = 0.1
_STILL_RAD = 2e-4
_POLL_S = 0.01


class GripperClient:
    """Opens and closes the fingers.

    Args:
        node: whose clock and executor are used.
        joints: where the fingers are, if joint_states tell it.
        settings: the newest ones.
        group: a reentrant callback group.
    """

    def __init__(
        self, node: Node, joints: JointWatch, settings: Callable[[], PickSettings], group: CallbackGroup
    ) -> None:
        self._node, self._joints, self._settings = node, joints, settings
        self._call = ActionCall(node, GripperCommand, settings().gripper_action, label="gripper", group=group)
        self._opening: Any = None
        self._told_m, self._moved_s = float("nan"), 0.0
        self._closed_m = float("nan")

    @property
    def there(self) -> bool:
        """Whether a server is there."""
        return self._call.there

    def open(self, watch: Watch, *, wait: bool) -> None:
        """Open the fingers; without `wait` only begin, and `settle` waits for it."""
        self.settle(watch)
        self._opening = self._begin(self._settings().gripper_max_width_m, watch)
        if wait:
            self.settle(watch)

    def settle(self, watch: Watch) -> None:
        """Wait for an opening that has begun."""
        if self._opening is not None:
            opening, self._opening = self._opening, None
            self._finish(opening, watch)

    def forget(self) -> None:
        """Do not wait for an opening of an earlier task."""
        self._opening = None

    def close_fingers(self, watch: Watch) -> Grip:
        """Close the fingers until they rest."""
        self.settle(watch)
        self._finish(self._begin(0.0, watch), watch)
        self._await_still(watch)
        self._closed_m = float("nan")
        grip = self.grip(watch)
        self._closed_m = grip.width_m
        return grip

    def grip(self, watch: Watch) -> Grip:
        """How far apart the fingers stand after closing, and whether something keeps them apart.

        Fingers that stand farther apart than they closed were opened by somebody else, and hold nothing. Where
        joint_states do not tell the fingers, the gripper is told to close once more, and answers.
        """
        width_m = self.width_m()
        if np.isnan(width_m):
            self._finish(self._begin(0.0, watch), watch)
            width_m = self._told_m
        opened = width_m > self._closed_m + _OPENED_M
        return Grip(width_m, width_m > self._settings().held_width_m and not opened)

    def width_m(self) -> float:
        """The opening as joint_states tell it; NaN where they do not, or not yet after a motion of the fingers."""
        settings = self._settings()
        fingers = self._fingers()
        return float("nan") if fingers is None else float(np.mean([settings.gripper_width_m(p) for p in fingers]))

    def is_open(self) -> bool:
        """Whether the fingers stand (nearly) as far apart as they can."""
        return self.width_m() > _OPEN_SHARE * self._settings().gripper_max_width_m

    def is_shut(self) -> bool:
        """Whether the fingers stand too near to each other to hold anything."""
        return self.width_m() <= self._settings().held_width_m

    def close(self) -> None:
        """Free the client."""
        self._call.close()

    def _begin(self, width_m: float, watch: Watch) -> Any:
        settings = self._settings()
        goal = GripperCommand.Goal()
        goal.command.position = settings.gripper_command_position(width_m)
        goal.command.max_effort = settings.gripper_force_n
        return self._call.begin(goal, timeout_s=settings.server_timeout_s, watch=watch)

    def _finish(self, handle: Any, watch: Watch) -> None:
        settings = self._settings()
        patience = Patience(lambda: seconds_of(self._node.get_clock().now()))

        def look() -> None:
            watch()
            if patience.spent_s() > settings.gripper_timeout_s or patience.stands_still():
                raise RobotStopped("timeout", f"the gripper has not finished within {settings.gripper_timeout_s:g} s")

        end = self._call.finish(handle, timeout_s=settings.server_timeout_s, watch=look)
        # Fingers that something stops have done their work; some servers call that an abort.
        if not end.succeeded and not (end.status == GoalStatus.STATUS_ABORTED and end.result.stalled):
            raise RobotStopped(
                "control", f"the gripper failed ({_how(end, settings)}): is it blocked, or without power?"
            )
        self._told_m, self._moved_s = settings.gripper_width_m(end.result.position), time.monotonic()

    def _fingers(self) -> FloatArray | None:
        """The finger joints, if they have been told since they last moved and are not too old."""
        oldest_s = min(self._settings().joint_states_timeout_s, time.monotonic() - self._moved_s)
        return self._joints.fingers(oldest_s)

    def _await_still(self, watch: Watch) -> None:
        """Let joint_states catch up with the fingers."""
        deadline = time.monotonic() + _CATCH_UP_S
        last, since_s = self._fingers(), time.monotonic()
        while time.monotonic() < deadline and (last is None or time.monotonic() - since_s < _STILL_S):
            watch()
            time.sleep(_POLL_S)
            now = self._fingers()
            if last is None or now is None or np.abs(now - last).max() > _STILL_RAD:
                last, since_s = now, time.monotonic()


def _how(end: ActionEnd, settings: PickSettings) -> str:
    """How a goal of the gripper ended without success."""
    word = {GoalStatus.STATUS_ABORTED: "aborted", GoalStatus.STATUS_CANCELED: "canceled by somebody else"}
    width_mm = 1e3 * settings.gripper_width_m(end.result.position)
    return f"{word.get(end.status, f'status {end.status}')}, the fingers {width_mm:.0f} mm apart"
