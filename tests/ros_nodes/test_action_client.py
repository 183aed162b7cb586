"""Answers that come while the client still writes down what it asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import rclpy.action
import rclpy.action.client
from control_msgs.action import GripperCommand
from rclpy.action import ActionServer, CancelResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from ros_nodes.action_client import ActionClient

if TYPE_CHECKING:
    from tests.ros_nodes.session import RosSession

SUCCEEDED, CANCELED = 4, 5


class Gripper(Node):
    """Is there at once; a goal above 1 waits to be canceled."""

    def __init__(self, **options: Any) -> None:
        super().__init__("gripper", **options)
        self.server = ActionServer(
            self, GripperCommand, "grip", self._execute, callback_group=ReentrantCallbackGroup(),
            cancel_callback=lambda _: CancelResponse.ACCEPT,
        )  # fmt: skip

    def destroy_node(self) -> None:
        self.server.destroy()
        super().destroy_node()

    def _execute(self, handle: Any) -> Any:
        end = time.monotonic() + 20.0
        while handle.request.command.position > 1.0 and time.monotonic() < end:
            if handle.is_cancel_requested:
                handle.canceled()
                return GripperCommand.Result()
            time.sleep(0.005)
        handle.succeed()
        return GripperCommand.Result(position=0.5)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client is held up after it has sent a question, and before it expects the answer: there it makes a future."""
    future = rclpy.action.client.Future

    def made_slowly() -> Any:
        time.sleep(0.3)
        return future()

    monkeypatch.setattr(rclpy.action.client, "Future", made_slowly)


def client(ros: RosSession, kind: Any) -> Any:
    ros.start(Gripper)
    made = kind(ros.probe, GripperCommand, "grip", callback_group=ReentrantCallbackGroup())
    assert ros.wait_until(made.server_is_ready, 10.0)
    return made


def goal(position: float) -> Any:
    made = GripperCommand.Goal()
    made.command.position = position
    return made


@pytest.mark.usefixtures("slow")
def test_no_answer_is_lost(ros: RosSession) -> None:
    asking = client(ros, ActionClient)
    handle = ros.outcome(asking.send_goal_async(goal(0.5)), 10.0)
    answer = ros.outcome(handle.get_result_async(), 10.0)
    assert (answer.status, answer.result.position) == (SUCCEEDED, 0.5)
    handle = ros.outcome(asking.send_goal_async(goal(2.0)), 10.0)
    ended = handle.get_result_async()
    assert len(ros.outcome(handle.cancel_goal_async(), 10.0).goals_canceling) == 1
    assert ros.outcome(ended, 10.0).status == CANCELED
    asking.destroy()


@pytest.mark.usefixtures("slow")
def test_without_it_they_are(ros: RosSession) -> None:
    """What the class is for, and that the stand-in does as rclpy 7.1."""
    asking = client(ros, rclpy.action.ActionClient)
    if hasattr(asking, "_lock"):
        pytest.skip("this release of rclpy keeps its answers")
    lost = asking.send_goal_async(goal(0.5))
    assert not ros.wait_until(lost.done, 1.0)
    asking.destroy()
