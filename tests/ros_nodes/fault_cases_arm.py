"""Faults of the arm's controller, the gripper, joint states and the guard, for the whole stack."""

from __future__ import annotations

import threading
import time

from control_msgs.action import GripperCommand
from rclpy.clock import Clock, ClockType
from std_srvs.srv import SetBool

from tests.ros_nodes.fault_cases_senses import TASK, hurt, simulated
from tests.ros_nodes.fault_play import Do, Fault, Words
from tests.ros_nodes.fault_stack import FaultStack, ending_of

GUARD = "safety: guard"
BOX_OVER_TABLE = (0.15, 0.15, 0.14, 0.6, 0.6, 0.1)


def stop(stack: FaultStack) -> None:
    """Somebody calls ~/stop."""
    stack.trigger("/safety/stop")


def hold_deadman(stack: FaultStack) -> None:
    """A deadman is asked for, and held from now on."""
    client = stack.ros.probe.create_client(SetBool, "/safety/deadman")
    request = SetBool.Request(data=True)
    steady = Clock(clock_type=ClockType.STEADY_TIME)
    stack.deadman = stack.ros.probe.create_timer(0.1, lambda: client.call_async(request), clock=steady)
    stack.set("safety", deadman_required=True)


def let_go(stack: FaultStack) -> None:
    """The deadman is not held any more."""
    stack.deadman.cancel()


def no_deadman(stack: FaultStack) -> None:
    """Nobody asks for a deadman."""
    stack.ros.probe.destroy_timer(stack.deadman)
    stack.set("safety", deadman_required=False)


def open_by_another(stack: FaultStack) -> None:
    """Another program opens the fingers: what they hold falls."""
    goal = GripperCommand.Goal()
    goal.command.position, goal.command.max_effort = 0.04, 40.0
    stack.ros.send_goal(GripperCommand, "/panda_gripper/gripper_action", goal)


def while_carrying(hurt: Do) -> Do:
    """Something is picked up, placed, and meanwhile the fault comes; what ~/place answers."""

    def do(stack: FaultStack) -> str:
        code, message = ending_of(stack.send().result(60.0))
        if code != "SUCCESS":
            return f"{code}: {message}"
        answers: list[tuple[bool, str]] = []
        placing = threading.Thread(target=lambda: answers.append(stack.trigger("/pick_server/place")))
        placing.start()
        stack.ros.wait_until(stack.motion.moves, 10.0)
        stack.hurt_s = time.monotonic()
        hurt(stack)
        placing.join(60.0)
        return f"~/place: {answers[0][1]}"

    return do


ARM: tuple[Fault, ...] = (
    Fault(
        name="controller rejects",
        **simulated(controller_rejects=True),
        says=(
            Words("sim_robot: arm", "warn", r"rejected a goal"),
            Words(GUARD, "warn", r"refused: controller rejected the goal"),
            Words(TASK, "error", r"controller rejected the goal"),
        ),
        ends=r"CONTROL_FAILED",
        arm="stands",
    ),
    Fault(
        name="controller stalls in mid-motion",
        at="approach",
        moving=True,
        **simulated(controller_stalled=True),
        says=(Words(GUARD, "error", r"stopped: arm does not follow"), Words(TASK, "error", r"arm does not follow")),
        ends=r"CONTROL_FAILED.*(arm does not follow|stalls)",
        arm="stops",
    ),
    Fault(
        name="controller aborts in mid-motion",
        at="approach",
        **simulated(controller_aborts=True),
        says=(
            Words("sim_robot: arm", "warn", r"fault: the controller aborts"),
            Words(
                "pick_server: motion", "warn", r"the arm controller stopped the arm \(PATH_TOLERANCE_VIOLATED: fault"
            ),
        ),
        ends=r"FAILURE: nothing is held after 1 attempts: blocked",
    ),
    Fault(
        name="controller disappears in mid-motion",
        at="approach",
        moving=True,
        inject=hurt("sim_robot", "controller_goes"),
        remove=hurt("sim_robot", "controller_returns"),
        says=(
            Words(GUARD, "error", r"controller gone"),
            Words(TASK, "error", r"controller gone: .* went away under a goal"),
        ),
        ends=r"CONTROL_FAILED: .*went away under a goal",
    ),
    Fault(
        name="gripper stuck",
        at="approach",
        **simulated(gripper_stuck=True),
        says=(Words(TASK, "error", r"the gripper failed \(aborted, the fingers \d+ mm apart\): is it blocked"),),
        ends=r"CONTROL_FAILED: the gripper failed",
    ),
    Fault(
        name="gripper never answers",
        at="approach",
        **simulated(gripper_stuck=True, gripper_timeout_s=60.0),
        says=(Words(TASK, "error", r"the gripper has not finished within 6 s"),),
        ends=r"TIMED_OUT",
    ),
    Fault(
        name="joint_states silent in mid-motion",
        at="approach",
        moving=True,
        **simulated(joint_states_silent=True),
        says=(
            Words(GUARD, "error", r"stopped: joint states stale"),
            Words("pick_server: joint states", "stale", r"the last joint states are"),
        ),
        ends=r"CONTROL_FAILED: .*joint states stale|ROBOT_STATE_STALE",
        arm="stops",
    ),
    Fault(
        name="~/stop during the approach",
        at="approach",
        moving=True,
        inject=stop,
        says=(Words(GUARD, "error", r"stopped: stop requested: ~/stop"), Words(TASK, "error", r"safety: stopped")),
        ends=r"CONTROL_FAILED.*safety: stopped: stop requested",
        arm="stops",
    ),
    Fault(
        name="heartbeat lost in mid-motion",
        at="approach",
        moving=True,
        inject=hurt("pick_server", "heart_stops"),
        remove=hurt("pick_server", "heart_beats"),
        says=(Words(GUARD, "error", r"stopped: heartbeat lost"), Words(TASK, "error", r"heartbeat lost")),
        ends=r"CONTROL_FAILED.*heartbeat lost",
    ),
    Fault(
        name="the way is blocked by an obstacle",
        inject=lambda stack: stack.set(
            "pick_server", obstacles=[*stack.plan.node("pick_server").parameters["obstacles"], *BOX_OVER_TABLE]
        )[1],
        remove=lambda stack: stack.set(
            "pick_server", obstacles=list(stack.plan.node("pick_server").parameters["obstacles"])
        ),
        says=(Words(TASK, "error", r"no grasp can be reached"),),
        ends=r"GOAL_IN_COLLISION",
    ),
    Fault(
        name="the object is lost in the lift",
        at="lift",
        inject=open_by_another,
        says=(Words(TASK, "error", r"nothing is held"),),
        ends=r"FAILURE: nothing is held after 1 attempts: missed",
    ),
    Fault(
        name="deadman let go in mid-motion",
        at="approach",
        moving=True,
        prepare=hold_deadman,
        inject=let_go,
        remove=no_deadman,
        says=(Words(GUARD, "error", r"stopped: deadman not held"), Words(TASK, "error", r"deadman not held")),
        ends=r"CONTROL_FAILED.*deadman not held",
        arm="stops",
    ),
    Fault(
        name="~/stop while an object is carried",
        at="idle",
        inject=while_carrying(stop),
        says=(Words(GUARD, "error", r"stopped: stop requested: ~/stop"), Words(TASK, "error", r"safety: stopped")),
        ends=r"~/place: .*safety: stopped: stop requested",
        arm="stops",
        hand="keeps",
    ),
    Fault(
        name="the object is lost while it is carried",
        at="idle",
        inject=while_carrying(open_by_another),
        says=(Words(TASK, "error", r"place: it was lost on the way"),),
        ends=r"~/place: it was lost on the way",
        hand="empty",
    ),
)
