"""What the nodes rely on in rclpy.action; these tests hold for a real rclpy, too: so the stand-in follows it."""

from __future__ import annotations

import threading
import time

import pytest
from action_msgs.msg import GoalStatus
from action_msgs.srv import CancelGoal
from control_msgs.action import GripperCommand
from rclpy.action import ActionClient, ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup

SUCCEEDED, ABORTED, CANCELED = GoalStatus.STATUS_SUCCEEDED, GoalStatus.STATUS_ABORTED, GoalStatus.STATUS_CANCELED


def serve(ros, execute, **options):
    return ActionServer(ros.node("hand"), GripperCommand, "grip", execute, **options)


def goal(position=0.04):
    message = GripperCommand.Goal()
    message.command.position = position
    return message


def send(ros, position=0.04):
    return ros.send_goal(GripperCommand, "grip", goal(position))


def accept_cancel(handle):
    return CancelResponse.ACCEPT


def until_cancelled(handle):
    end = time.monotonic() + 10.0
    while not handle.is_cancel_requested and time.monotonic() < end:
        time.sleep(0.005)
    handle.canceled()
    return GripperCommand.Result(stalled=True)


def succeed(handle):
    handle.succeed()
    return GripperCommand.Result(position=handle.request.command.position)


def test_goal_succeeds_with_feedback_and_result(ros):
    proceed = threading.Event()

    def execute(handle):
        handle.publish_feedback(GripperCommand.Feedback(position=0.01))
        handle.publish_feedback(GripperCommand.Feedback(position=0.02))
        proceed.wait(5.0)
        handle.succeed()
        return GripperCommand.Result(position=handle.request.command.position, reached_goal=True)

    serve(ros, execute)
    run = send(ros)
    assert run.accepted
    assert ros.wait_until(lambda: len(run.feedback) == 2)
    assert ros.wait_until(lambda: run.handle.status == GoalStatus.STATUS_EXECUTING)
    proceed.set()
    status, result = run.result()
    assert status == SUCCEEDED
    assert (result.position, result.reached_goal) == (0.04, True)
    assert [one.position for one in run.feedback] == [0.01, 0.02]


def test_rejected_goal_is_not_accepted(ros):
    serve(ros, succeed, goal_callback=lambda request: GoalResponse.REJECT)
    assert not send(ros).accepted


def test_goal_callback_sees_the_request(ros):
    def decide(request):
        return GoalResponse.ACCEPT if request.command.position < 0.05 else GoalResponse.REJECT

    serve(ros, succeed, goal_callback=decide)
    assert send(ros, 0.03).accepted
    assert not send(ros, 0.06).accepted


def test_cancel_reaches_the_execute_callback(ros):
    serve(ros, until_cancelled, cancel_callback=accept_cancel)
    run = send(ros)
    assert len(run.cancel().goals_canceling) == 1
    status, result = run.result()
    assert status == CANCELED and result.stalled


def test_cancel_is_refused_unless_the_server_accepts_it(ros):
    proceed = threading.Event()

    def execute(handle):
        proceed.wait(5.0)
        assert not handle.is_cancel_requested
        return succeed(handle)

    serve(ros, execute)
    run = send(ros)
    assert not run.cancel().goals_canceling
    proceed.set()
    assert run.result()[0] == SUCCEEDED


def test_cancel_of_what_has_ended(ros):
    serve(ros, succeed, cancel_callback=accept_cancel)
    run = send(ros)
    assert run.result()[0] == SUCCEEDED
    answer = run.cancel()
    assert not answer.goals_canceling
    assert answer.return_code == CancelGoal.Response.ERROR_GOAL_TERMINATED


def test_cancel_of_all_goals(ros):
    serve(ros, until_cancelled, cancel_callback=accept_cancel)
    runs = [send(ros), send(ros)]
    answer = ros.call(CancelGoal, "/grip/_action/cancel_goal", CancelGoal.Request())
    # rclpy removes from the list it walks through only when a goal is refused: both are here.
    assert len(answer.goals_canceling) == 2
    assert [run.result()[0] for run in runs] == [CANCELED, CANCELED]


def test_abort_and_forgotten_outcome(ros):
    def execute(handle):
        if handle.request.command.position > 0.05:
            handle.abort()
        return GripperCommand.Result(stalled=True)

    serve(ros, execute)
    for position in (0.06, 0.01):
        status, result = send(ros, position).result()
        assert status == ABORTED and result.stalled


def test_error_in_the_execute_callback_aborts_the_goal(ros, capfd):
    def execute(handle):
        raise KeyError("broken finger")

    serve(ros, execute)
    status, result = send(ros).result()
    assert status == ABORTED and result == GripperCommand.Result()
    assert "broken finger" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("first", "second"), [("succeed", "succeed"), ("succeed", "abort"), ("abort", "canceled"), (None, "canceled")]
)
def test_illegal_changes_of_state_raise(ros, first, second):
    seen = []

    def execute(handle):
        if first:
            getattr(handle, first)()
        try:
            getattr(handle, second)()
        except RuntimeError as error:
            seen.append(error)
        if handle.is_active:
            handle.succeed()
        return GripperCommand.Result()

    serve(ros, execute)
    send(ros).result()
    assert len(seen) == 1


def test_a_goal_may_be_executed_later(ros):
    kept = []
    server = serve(ros, succeed, handle_accepted_callback=kept.append)
    run = send(ros)
    assert ros.wait_until(lambda: kept)
    assert kept[0].status == GoalStatus.STATUS_ACCEPTED and kept[0].is_active
    assert not ros.wait_until(lambda: run.done, 0.2)
    kept[0].execute()
    assert run.result()[0] == SUCCEEDED
    assert not kept[0].is_active
    server.destroy()


def test_execute_runs_outside_the_callback_group(ros):
    """A running goal does not hold the group of its server: cancel and new goals still come through."""
    serve(ros, until_cancelled, cancel_callback=accept_cancel, callback_group=MutuallyExclusiveCallbackGroup())
    first, second = send(ros), send(ros)
    assert first.accepted and second.accepted
    for run in (first, second):
        assert len(run.cancel().goals_canceling) == 1
        assert run.result()[0] == CANCELED


def test_coroutines_as_callbacks(ros):
    inner = ActionClient(ros.node("inner"), GripperCommand, "grip")

    async def execute(handle):
        sent = await inner.send_goal_async(goal(0.01))
        answer = await sent.get_result_async()
        handle.succeed()
        return answer.result

    serve(ros, succeed)
    ActionServer(ros.node("outer"), GripperCommand, "grip_twice", execute, callback_group=ReentrantCallbackGroup())
    status, result = ros.send_goal(GripperCommand, "grip_twice", goal()).result()
    assert status == SUCCEEDED and result.position == 0.01


def test_result_may_be_asked_for_after_the_end(ros):
    serve(ros, succeed)
    run = send(ros)
    run.result()
    answer = ros.outcome(run.handle.get_result_async())
    assert answer.status == SUCCEEDED and answer.result.position == 0.04


def test_wrong_types_are_refused(ros):
    serve(ros, succeed)
    client = ActionClient(ros.node("asker"), GripperCommand, "grip")
    assert client.wait_for_server(timeout_sec=5.0)
    with pytest.raises(TypeError):
        client.send_goal_async(GripperCommand.Result())
    with pytest.raises(TypeError):
        ActionServer(ros.node("other"), GripperCommand, "grip", None)


def test_server_comes_and_goes(ros):
    client = ActionClient(ros.node("asker"), GripperCommand, "grip")
    assert not client.wait_for_server(timeout_sec=0.1) and not client.server_is_ready()
    server = serve(ros, succeed)
    assert client.wait_for_server(timeout_sec=5.0) and client.server_is_ready()
    server.destroy()
    assert ros.wait_until(lambda: not client.server_is_ready())


def test_only_own_feedback_is_heard(ros):
    def execute(handle):
        handle.publish_feedback(GripperCommand.Feedback(position=handle.request.command.position))
        time.sleep(0.1)
        return succeed(handle)

    serve(ros, execute)
    runs = [send(ros, position) for position in (0.01, 0.02)]
    for run in runs:
        run.result()
    assert [[one.position for one in run.feedback] for run in runs] == [[0.01], [0.02]]


def test_a_server_outlives_its_node_unless_it_is_destroyed(ros):
    """`destroy_node` leaves actions alone: a node has to destroy its own."""
    client = ActionClient(ros.node("asker"), GripperCommand, "grip")
    node = ros.node("hand")
    server = ActionServer(node, GripperCommand, "grip", succeed)
    assert client.wait_for_server(timeout_sec=5.0)
    ros.stop(node)
    assert not ros.wait_until(lambda: not client.server_is_ready(), 0.3)
    server.destroy()
    assert ros.wait_until(lambda: not client.server_is_ready())
