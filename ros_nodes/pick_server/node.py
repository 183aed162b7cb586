"""The node `pick_server`: the action `~/pickup`, the services `~/place` and `~/home`, one at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from moveit_msgs.action import Pickup
from moveit_msgs.msg import MoveItErrorCodes, RobotTrajectory
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from std_msgs.msg import Empty
from std_srvs.srv import Trigger

from policies import PickAndPlace, RobotStopped
from ros_nodes.action_call import Watch
from ros_nodes.frames import Frames
from ros_nodes.health import Health
from ros_nodes.messages.joints import trajectory_message
from ros_nodes.messages.stamps import seconds_of
from ros_nodes.parameters import declare_parameters
from ros_nodes.pick_server.ending import Ending
from ros_nodes.pick_server.failed_grasps import FailedGrasps
from ros_nodes.pick_server.held import Held
from ros_nodes.pick_server.look import Look
from ros_nodes.pick_server.patience import wait
from ros_nodes.pick_server.pickup import Seen, pick_up, plan_only
from ros_nodes.pick_server.settings import PickSettings
from ros_nodes.pick_server.turn import Tell, Turn, Work
from ros_nodes.pick_server.workplace import Workplace
from ros_nodes.qos import COMMAND
from ros_nodes.running import run_node
from ros_nodes.steady_timer import steady_timer

_CHECK_S = 0.5
_STOP_S = 8.0


class PickServerNode(Node):
    """Picks things up for whoever sends a goal.

    Args:
        node_options: for rclpy's Node.
    """

    def __init__(self, **node_options: Any) -> None:
        super().__init__("pick_server", **node_options)
        self.parameters = declare_parameters(self, PickSettings)
        self._group = ReentrantCallbackGroup()
        self._health, self._frames = Health(self), Frames(self)
        self._workplace = Workplace(self, self._settings, self._frames, self._health, self._group)
        self._look = Look(self, self._frames, self._settings, self._group)
        self._turn = Turn(self._workplace.ready, self._check, self._health)
        self._held = Held(self._workplace.gripper)
        self._failed = FailedGrasps(self._now_s, lambda: self._settings().forget_failed_s)
        self._rng = np.random.default_rng(self._settings().seed)
        self._health.report("task", "ok", "waiting for a goal")
        self._serve()

    def wind_down(self) -> None:
        """Stop what is being done, with the executor still running: the arm is stopped, the gripper left as it is."""
        self._turn.close(_STOP_S)

    def destroy_node(self) -> None:
        """Stop everything and free it."""
        self.wind_down()
        self._health.close()
        self._frames.close()
        self._server.destroy()
        self._workplace.close()
        super().destroy_node()

    def _serve(self) -> None:
        group = self._group
        self._server = ActionServer(
            self,
            Pickup,
            "~/pickup",
            self._execute,
            goal_callback=self._on_goal,
            cancel_callback=lambda goal: CancelResponse.ACCEPT,
            callback_group=group,
        )
        self.create_service(Trigger, "~/place", self._on_place, callback_group=group)
        self.create_service(Trigger, "~/home", self._on_home, callback_group=group)
        self._beat = self.create_publisher(Empty, "safety/heartbeat", COMMAND)
        for period_s, callback in ((1.0 / self._settings().heartbeat_hz, self._on_beat), (_CHECK_S, self._on_check)):
            steady_timer(self, period_s, callback)

    def _settings(self) -> PickSettings:
        return self.parameters.current

    def _now_s(self) -> float:
        return seconds_of(self.get_clock().now())

    def _check(self) -> None:
        """Raise where a task must not go on."""
        if not self.context.ok():
            raise RobotStopped("canceled", "the node shuts down")
        problem = self._workplace.joints.problem(self._settings().joint_states_timeout_s)
        if problem:
            self._health.report("joint states", "stale", problem)
            raise RobotStopped("stale", problem)

    def _on_goal(self, _goal: Any) -> GoalResponse:
        """One at a time: a goal is rejected while anything runs."""
        if self._turn.take():
            self._health.report("goals", "ok", "one at a time")
            return GoalResponse.ACCEPT
        self._health.report("goals", "warn", f"a goal was rejected: {self._turn.doing or 'another task'} runs")
        return GoalResponse.REJECT

    def _execute(self, goal: Any) -> Any:
        planning_s = 0.0

        def work(skill: PickAndPlace, tell: Tell, watch: Watch) -> Ending:
            nonlocal planning_s
            try:
                return self._pick(goal.request, skill, tell, watch)
            finally:
                planning_s = skill.computing.total_s

        def told(phase: str) -> None:
            goal.publish_feedback(Pickup.Feedback(state=phase))

        try:
            ending = self._do("pickup", work, canceled=lambda: goal.is_cancel_requested, told=told)
        finally:
            self._turn.give_back()
        result = self._result(ending, planning_s)
        if ending.succeeded:
            goal.succeed()
        elif goal.is_cancel_requested:
            goal.canceled()
        else:
            goal.abort()
        return result

    def _do(self, name: str, work: Work, **options: Any) -> Ending:
        """Do a task; after a stop nobody knows what is held."""

        def noted(skill: PickAndPlace, tell: Tell, watch: Watch) -> Ending:
            try:
                return work(skill, tell, watch)
            except RobotStopped:
                self._held.forget()
                raise

        return self._turn.do(name, noted, **options)

    def _pick(self, request: Any, skill: PickAndPlace, tell: Tell, watch: Watch) -> Ending:
        def look() -> Seen | Ending:
            if len(request.possible_grasps):
                return self._look.take(request.possible_grasps, watch)
            tell("perceive")
            if not self._clear_view(skill):
                return Ending("CONTROL_FAILED", "the arm did not get out of the camera's way")
            wait(self._settings().settle_s, self._now_s, watch)
            return self._look.ask(request.target_name, watch)

        if request.planning_options.plan_only:
            return plan_only(skill, look, self._rng)
        held = self._held.told()
        if held:
            return Ending("INVALID_ROBOT_STATE", f"the gripper {held}: call ~/place first, or open it")
        settings = self._settings()
        ending = pick_up(skill, look, attempts=settings.attempts, failed=self._failed, tell=tell, rng=self._rng)
        self._held.know(ending.succeeded)
        return ending

    def _clear_view(self, skill: PickAndPlace) -> bool:
        settings = self._settings()
        if settings.look_from == "here":
            return True
        return skill.go_to(settings.drop_q if settings.look_from == "drop" else settings.home_q, self._rng)

    def _on_place(self, _request: Any, response: Any) -> Any:
        def work(skill: PickAndPlace, _tell: Tell, _watch: Watch) -> Ending:
            if not self._held.told():
                width_mm = 1e3 * self._workplace.gripper.width_m()
                return Ending("INVALID_ROBOT_STATE", f"nothing is held (the fingers stand {width_mm:.0f} mm apart)")
            outcome = skill.place(self._rng)
            if outcome == "blocked":
                return Ending("CONTROL_FAILED", "there is no way to the drop posture; what is held is still held")
            self._held.know(False)
            if outcome == "dropped":
                return Ending("FAILURE", "it was lost on the way")
            return Ending("SUCCESS", "placed")

        return self._trigger("place", work, response)

    def _on_home(self, _request: Any, response: Any) -> Any:
        def work(skill: PickAndPlace, _tell: Tell, _watch: Watch) -> Ending:
            if skill.go_to(self._settings().home_q, self._rng):
                return Ending("SUCCESS", "the arm is at home")
            return Ending("CONTROL_FAILED", "the arm did not get home")

        return self._trigger("home", work, response)

    def _trigger(self, name: str, work: Work, response: Any) -> Any:
        if not self._turn.take():
            response.success, response.message = False, f"busy: {self._turn.doing or 'another task'} runs"
            return response
        try:
            ending = self._do(name, work)
        finally:
            self._turn.give_back()
        response.success, response.message = ending.succeeded, ending.message
        return response

    def _on_beat(self) -> None:
        if self._turn.taken:
            self._beat.publish(Empty())

    def _on_check(self) -> None:
        """Say how the parts are; at the start and after a restart this tells how the robot was found."""
        joints, settings = self._workplace.joints, self._settings()
        problem = joints.problem(settings.joint_states_timeout_s)
        if problem:
            self._health.report("joint states", "stale", problem)
        else:
            moves = not self._turn.taken and joints.speed() >= settings.rest_rad_s
            self._health.report(
                "joint states", "warn" if moves else "ok", "the arm moves, and not by our command" if moves else "fresh"
            )
        if not problem and not self._turn.taken:
            held = self._held.told()
            unsure = bool(held) and self._held.unsure
            self._health.report("hand", "warn" if unsure else "ok", held or "holds nothing")
        for part, there in (
            ("arm controller", self._workplace.arm.there),
            ("gripper", self._workplace.gripper.there),
            ("grasp planner", self._look.there),
        ):
            self._health.report(part, "ok" if there else "error", "there" if there else "not there")

    def _result(self, ending: Ending, planning_s: float) -> Any:
        result = Pickup.Result()
        code = result.error_code
        code.val = getattr(MoveItErrorCodes, ending.code)
        if hasattr(code, "message"):  # not on Humble
            code.message, code.source = ending.message, self.get_name()
        if ending.grasp is not None:
            result.grasp = ending.grasp
        result.planning_time = float(planning_s)
        names = self._settings().joint_names
        result.trajectory_descriptions = [name for name, _ in ending.stages]
        result.trajectory_stages = [
            RobotTrajectory(joint_trajectory=trajectory_message(motion.times_s, motion.q, motion.dq, names))
            for _, motion in ending.stages
        ]
        return result


def main(args: list[str] | None = None) -> int:
    """Run the node."""
    return run_node(PickServerNode, args)
