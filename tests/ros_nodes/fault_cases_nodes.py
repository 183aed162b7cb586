"""Nodes that die, end, start wrongly or are told nonsense, and goals that meet or are canceled, for the whole stack.

Of a process that is killed nobody hears at once: DDS takes it for there until its lease is over (20 s with Fast DDS),
so that timeouts notice it first. On the stand-in a dead node is gone at once. Both endings are right.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState

from tests.ros_nodes.fault_cases_arm import GUARD, open_by_another
from tests.ros_nodes.fault_cases_senses import TASK
from tests.ros_nodes.fault_play import Do, Fault, Words
from tests.ros_nodes.fault_stack import FaultStack

LIFECYCLE = "grasp_detector: lifecycle"


def kill(name: str) -> Do:
    """A node dies; nothing more that it says is heard."""
    return lambda stack: stack.kill(name)


def slowly(stack: FaultStack) -> None:
    """Motions that last longer than a heartbeat may be missing; a new pick_server is as fast as launched."""
    stack.set("pick_server", speed=0.2)


def kill_when_asked(stack: FaultStack) -> None:
    """The detector dies while somebody waits for its answer."""
    stack.hurt("grasp_detector", "await_question")
    stack.kill("grasp_detector")


def die_and_return(stack: FaultStack) -> str:
    """The pick server dies, and is there again when the arm rests."""
    stack.kill("pick_server")
    stack.ros.wait_until(stack.motion.rests, 10.0)
    stack.start("pick_server")
    stack.run = None
    return "no answer: the server died"


def start(name: str) -> Do:
    """It is started again, as launched."""
    return lambda stack: stack.start(name)


def restart_with(name: str, **parameters: Any) -> Do:
    """A node is ended and started with other parameters; what it says where it does not start."""

    def do(stack: FaultStack) -> str:
        if stack.runs(name):
            stack.stop(name)
        problem = stack.start(name, **parameters)
        return f"the node does not start: {problem}" if problem else ""

    return do


def with_bad_weights(truncated: bool) -> Do:
    """The detector is started with weights that are not there, or end too early."""

    def do(stack: FaultStack) -> None:
        from perception.grasping.network.detector import WEIGHTS

        path = Path(tempfile.mkdtemp()) / WEIGHTS.name
        if truncated:
            path.write_bytes(WEIGHTS.read_bytes()[:1000])
            path.with_suffix(".json").write_bytes(WEIGHTS.with_suffix(".json").read_bytes())
        restart_with("grasp_detector", weights=str(path))(stack)

    return do


def good_weights(stack: FaultStack) -> None:
    """The parameter is set right, and the node taken through what is left of its lifecycle."""
    stack.set("grasp_detector", weights="")
    state = stack.ros.call(GetState, "/grasp_detector/get_state", timeout_s=20.0).current_state.id
    steps = [Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE]
    for transition in steps if state == State.PRIMARY_STATE_UNCONFIGURED else steps[1:]:
        request = ChangeState.Request(transition=Transition(id=transition))
        stack.ros.call(ChangeState, "/grasp_detector/change_state", request, timeout_s=30.0)


def set_speed(value: float) -> Do:
    """A parameter is set while the stack runs; why it is refused."""

    def do(stack: FaultStack) -> str:
        taken, why = stack.set("pick_server", speed=value)
        return "taken" if taken else f"refused: {why}"

    return do


def second_goal(stack: FaultStack) -> str:
    """Another client sends a goal."""
    return f"the second goal was {'accepted' if stack.send().accepted else 'rejected'}"


def cancel(stack: FaultStack) -> None:
    """The client cancels the goal under way."""
    stack.run.cancel(20.0)


def cancel_after_a_miss(stack: FaultStack) -> None:
    """What was grasped falls, and the client cancels while the arm goes back."""
    open_by_another(stack)
    run = stack.run
    assert stack.ros.wait_until(lambda: "carry" in stack.phases(run)[2:] and stack.motion.moves(), 30.0)
    stack.hurt_s = time.monotonic()
    run.cancel(20.0)


def canceled_in(phase: str, *, moving: bool = False, **more: Any) -> Fault:
    """A cancel in a phase."""
    return Fault(
        name=f"canceled in {phase}",
        at=phase,
        moving=moving,
        inject=cancel,
        ends=r"PREEMPTED: canceled by the client",
        says=(Words(TASK, "ok", r"pickup: canceled by the client"),),
        arm="stops",
        **more,
    )


NODES: tuple[Fault, ...] = (
    Fault(
        name="grasp_detector dies while it is asked",
        at="perceive",
        inject=kill_when_asked,
        remove=start("grasp_detector"),
        says=(
            Words("pick_server: grasp planner", "error", r"not there"),
            Words(TASK, "error", r"grasp planner has (gone|not answered)"),
        ),
        ends=r"COMMUNICATION_FAILURE: the grasp planner has gone while it was asked|"
        r"TIMED_OUT: the grasp planner has not answered within 8 s",
        arm="stands",
    ),
    Fault(
        name="grasp_detector is not there",
        inject=lambda stack: stack.stop("grasp_detector"),
        remove=start("grasp_detector"),
        says=(Words("pick_server: grasp planner", "error", r"not there"), Words(TASK, "error", r"no grasp planner")),
        ends=r"COMMUNICATION_FAILURE: there is no grasp planner: no service /grasp_detector/plan_grasps",
        arm="rests",
    ),
    Fault(
        name="safety dies in mid-motion",
        at="approach",
        moving=True,
        inject=kill("safety"),
        remove=start("safety"),
        says=(
            Words("pick_server: arm controller", "error", r"not there"),
            Words(TASK, "error", r"gone in mid-motion|the motion has not ended"),
        ),
        ends=r"COMMUNICATION_FAILURE: the arm controller has gone in mid-motion|"
        r"TIMED_OUT: the motion has not ended after \d+\.\d s",
    ),
    Fault(
        name="pick_server dies in mid-motion",
        at="approach",
        moving=True,
        prepare=slowly,
        inject=kill("pick_server"),
        remove=start("pick_server"),
        says=(Words(GUARD, "error", r"stopped: heartbeat lost"),),
        arm="stops",
    ),
    Fault(
        name="pick_server dies with an object in the hand, and is started again",
        at="lift",
        moving=True,
        inject=die_and_return,
        says=(Words("pick_server: hand", "warn", r"may hold something \(\d+ mm\)"),),
        hand="keeps",
    ),
    Fault(
        name="weights are missing",
        inject=with_bad_weights(truncated=False),
        remove=good_weights,
        says=(
            Words(LIFECYCLE, "error", r"cannot configure: weights: expected .* got no such file.* set the parameter"),
        ),
        ends=r"COMMUNICATION_FAILURE: (there is no grasp planner|.*grasp_detector is not active)",
    ),
    Fault(
        name="weights are cut short",
        inject=with_bad_weights(truncated=True),
        remove=good_weights,
        says=(Words(LIFECYCLE, "error", r"cannot activate: "),),
        ends=r"COMMUNICATION_FAILURE: .*grasp_detector is not active",
    ),
    Fault(
        name="parameter out of range at the start",
        at="idle",
        inject=restart_with("pick_server", speed=5.0),
        remove=start("pick_server"),
        ends=r"the node does not start: parameter speed: expected a decimal number from 0\.01 to 1\.0, got .*5\.0",
        arm="stands",
    ),
    Fault(
        name="parameter out of range at run time",
        at="approach",
        inject=set_speed(5.0),
        ends=r"SUCCESS.*refused: .*speed",
    ),
    Fault(
        name="a second goal",
        at="approach",
        inject=second_goal,
        says=(Words("pick_server: goals", "warn", r"a goal was rejected: pickup: approach runs"),),
        ends=r"SUCCESS.*the second goal was rejected",
    ),
    canceled_in("perceive"),
    canceled_in("plan"),
    canceled_in("approach", moving=True),
    canceled_in("close"),
    canceled_in("lift", moving=True, hand="keeps"),
    Fault(
        name="canceled in check, which only reads a width: mostly too late",
        at="check",
        inject=cancel,
        ends=r"SUCCESS: \S+ holds|PREEMPTED: canceled by the client",
        arm="stops",
        hand="keeps",
    ),
    Fault(
        name="canceled in carry, after a miss",
        at="lift",
        inject=cancel_after_a_miss,
        ends=r"PREEMPTED: canceled by the client",
        says=(Words(TASK, "ok", r"pickup: canceled by the client"),),
        arm="stops",
        hand="empty",
    ),
)
