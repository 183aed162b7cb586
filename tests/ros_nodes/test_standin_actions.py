"""What the nodes rely on in rclpy.action; these tests pass on a real rclpy: so the stand-in follows it."""

from __future__ import annotations

import time

from action_msgs.msg import GoalStatus
from control_msgs.action import GripperCommand
from rclpy.action import ActionServer, CancelResponse, GoalResponse


def server(ros, execute, **options):
    node = ros.node("hand")
    return ActionServer(node, GripperCommand, "grip", execute, **options)


def goal(position=0.04):
    message = GripperCommand.Goal()
    message.command.position = position
    return message


def test_goal_succeeds_with_feedback_and_result(ros):
    def execute(handle):
        handle.publish_feedback(GripperCommand.Feedback(position=0.01))
        time.sleep(0.05)
        handle.succeed()
        return GripperCommand.Result(position=handle.request.command.position, reached_goal=True)

    server(ros, execute)
    run = ros.send_goal(GripperCommand, "grip", goal())
    assert run.accepted
    status, result = run.result()
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert (result.position, result.reached_goal) == (0.04, True)
    assert [one.position for one in run.feedback] == [0.01]


def test_rejected_goal_is_not_accepted(ros):
    server(ros, lambda handle: None, goal_callback=lambda request: GoalResponse.REJECT)
    assert not ros.send_goal(GripperCommand, "grip", goal()).accepted


def test_cancel_reaches_the_execute_callback(ros):
    def execute(handle):
        while not handle.is_cancel_requested:
            time.sleep(0.005)
        handle.canceled()
        return GripperCommand.Result(stalled=True)

    server(ros, execute, cancel_callback=lambda handle: CancelResponse.ACCEPT)
    run = ros.send_goal(GripperCommand, "grip", goal())
    assert len(run.cancel().goals_canceling) == 1
    status, result = run.result()
    assert status == GoalStatus.STATUS_CANCELED and result.stalled
