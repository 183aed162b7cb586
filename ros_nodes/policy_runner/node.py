"""`policy_runner`: a trained policy at its rate, from joints, poses and goals to joint targets and gripper goals.

In: `joint_states`, `objects` (Detection3DArray), `goal` (PoseStamped) or `goals` (Detection3DArray), TF.
Out: `joint_trajectory` (one point a step), the action of `gripper_action`, `~/action` (what the policy did, named
numbers in a JointState), `safety/heartbeat`. Services: `~/start`, `~/stop`, `~/reset` (Trigger).
"""

from __future__ import annotations

import threading
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.time import Time
from sensor_msgs.msg import JointState
from std_msgs.msg import Empty, Header
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from geometry import FloatArray, InputError, invert
from ros_nodes.frames import Frames, Lookup
from ros_nodes.lifecycle import ManagedNode
from ros_nodes.messages.diagnostics import Level
from ros_nodes.messages.joints import trajectory_message
from ros_nodes.messages.stamps import seconds_of
from ros_nodes.policy_runner.gripper_goals import GripperGoals
from ros_nodes.policy_runner.joint_commander import JointCommander
from ros_nodes.policy_runner.policy_loop import PolicyLoop, Tick
from ros_nodes.policy_runner.policy_source import RunnablePolicy, open_policy
from ros_nodes.policy_runner.settings import PolicyRunnerSettings
from ros_nodes.policy_runner.source_watch import SourceLimits, SourceWatch
from ros_nodes.policy_runner.task_inputs import TaskInputs
from ros_nodes.qos import COMMAND
from ros_nodes.running import run_node
from ros_nodes.settled_memory import settle_memory
from ros_nodes.task_view.arm_reading import ArmReader
from ros_nodes.task_view.message_intake import IntakeConfig, MessageIntake
from ros_nodes.task_view.observation_builder import ObservationBuilder, needed_sources
from ros_nodes.task_view.task_contract import TaskContract

_TF_S = 0.05
_TASK_FRAME_S = 2.0
_BACK_S = 0.1
_RATE_WITHIN = 0.01


class PolicyRunnerNode(ManagedNode[PolicyRunnerSettings]):
    """Acts only between `~/start` and `~/stop`, and only while it is active.

    Args:
        node_options: for rclpy's node.
    """

    def __init__(self, **node_options: Any) -> None:
        super().__init__("policy_runner", PolicyRunnerSettings, **node_options)
        self._lock = threading.RLock()
        self._policy: RunnablePolicy | None = None
        self._contract: TaskContract | None = None
        self._builder: ObservationBuilder | None = None
        self._loop: PolicyLoop | None = None
        self._inputs: TaskInputs | None = None
        self._gripper: GripperGoals | None = None
        self._frames: Frames | None = None
        self._timer: Any = None
        self._now_s = 0.0
        self._wants_start = False
        self._ended = ""
        self._targets = self.create_publisher(JointTrajectory, "joint_trajectory", COMMAND)
        self._actions = self.create_publisher(JointState, "~/action", 10)
        self._beat = self.create_publisher(Empty, "safety/heartbeat", COMMAND)
        group = ReentrantCallbackGroup()
        for name, answer in (("start", self._on_start), ("stop", self._on_stop), ("reset", self._on_reset)):
            self.create_service(Trigger, f"~/{name}", answer, callback_group=group)

    def configure(self) -> None:
        """Read the policy, and check that the robot tells all that it looks at.

        Raises:
            InputError: lists what is missing.
        """
        settings = self.parameters.current
        settings.check_panda()
        policy = open_policy(settings.policy)
        contract = TaskContract.of_env(policy.env, policy.env_options)
        contract.check_policy(policy.observation_shapes, policy.action_low, policy.action_high, settings.policy)
        if settings.rate_hz and abs(settings.rate_hz - contract.rate_hz) > _RATE_WITHIN * contract.rate_hz:
            raise InputError(
                "parameter rate_hz", expected=f"{contract.rate_hz:g} Hz, the rate of {policy.env}",
                got=f"{settings.rate_hz:g} Hz", remedy="set it to 0, or train a policy at that rate",
            )  # fmt: skip
        self._builder = ObservationBuilder(contract, settings.sources, tuple(settings.vouched()))
        policy.warm_up()
        self._policy, self._contract, self._frames = policy, contract, Frames(self)
        self.get_logger().info(
            f"{settings.policy}: {policy.env} at {contract.rate_hz:g} Hz from "
            f"{', '.join(needed_sources(contract, settings.sources))}"
        )

    def activate(self) -> None:
        """Listen, and begin to tick."""
        assert self._contract and self._policy and self._builder
        settings, contract, policy = self.parameters.current, self._contract, self._policy
        settle_memory()
        T_task_base = self._base_in_task(settings)
        with self._lock:
            self._loop = PolicyLoop(
                policy.act,
                policy.reset,
                self._builder,
                self._commander(settings, contract, T_task_base),
                period_s=contract.period_s,
                missed_ticks=settings.missed_ticks,
                step_limit=settings.step_limit,
                done_steps=settings.done_steps,
                latency_s=settings.latency_s,
            )
            self._inputs = self._listen(settings, contract, T_task_base)
        group = MutuallyExclusiveCallbackGroup()
        self._gripper = GripperGoals(self, settings, group, lambda line: self.health.report("gripper", "warn", line))
        self._wants_start, self._ended = settings.start_at_activation, ""
        self._timer = self.create_timer(contract.period_s, self._on_tick, callback_group=group)

    def deactivate(self) -> None:
        """Act no more; the arm stays at its last target."""
        with self._lock:
            if self._loop is not None:
                self._loop.stop()
            if self._timer is not None:
                self.destroy_timer(self._timer)
            if self._inputs is not None:
                self._inputs.close()
            if self._gripper is not None:
                self._gripper.close()
            self._loop = self._timer = self._inputs = self._gripper = None

    def cleanup(self) -> None:
        """Free the policy."""
        if self._frames is not None:
            self._frames.close()
        self._policy = self._contract = self._builder = self._frames = None

    def _commander(
        self, settings: PolicyRunnerSettings, contract: TaskContract, T_task_base: FloatArray
    ) -> JointCommander:
        return JointCommander(
            contract,
            T_task_base,
            workspace_m=(settings.hand_lower_m, settings.hand_upper_m),
            lower_rad=settings.joint_lower,
            upper_rad=settings.joint_upper,
            velocity=[settings.speed_scale * speed for speed in settings.joint_velocity],
        )

    def _listen(self, settings: PolicyRunnerSettings, contract: TaskContract, T_task_base: FloatArray) -> TaskInputs:
        rate_hz = settings.least_rate_share * contract.rate_hz
        limits = {
            "joint_states": SourceLimits(settings.joint_timeout_s, rate_hz),
            "objects": SourceLimits(settings.object_timeout_s, rate_hz),
            "goal": SourceLimits(settings.goal_timeout_s),
            "goals": SourceLimits(settings.goal_timeout_s),
        }
        sources = needed_sources(contract, settings.sources)
        config = IntakeConfig(
            robot=settings,
            T_task_base=T_task_base,
            objects=settings.things_by_id(),
            goals=contract.goals,
            motion_window_s=contract.period_s,
        )
        return TaskInputs(
            self,
            sources,
            MessageIntake(config, self._frame_in_base),
            ArmReader(T_task_base),
            SourceWatch({source: limits[source] for source in sources}),
            dict(settings.vouched()),
            self._on_message_problem,
        )

    def _base_in_task(self, settings: PolicyRunnerSettings) -> FloatArray:
        """(4, 4) by TF where a frame is named, else by the parameters."""
        if not settings.task_frame:
            return settings.T_task_base
        assert self._frames is not None
        found = self._frames.lookup(settings.base_frame, settings.task_frame, Time().to_msg(), _TASK_FRAME_S)
        if found.T is None:
            raise InputError("parameter task_frame", expected="a frame that TF knows", got=found.problem)
        return invert(found.T)

    def _frame_in_base(self, frame: str, stamp: Any) -> Lookup:
        frames = self._frames
        if frames is None:
            return Lookup(None, "the node is not configured")
        return frames.lookup(self.parameters.current.base_frame, frame, stamp, _TF_S)

    def _on_message_problem(self, source: str, line: str) -> None:
        if line:
            self.health.report(source, "error", line)
        else:
            self.health.report_well(source)

    def _on_tick(self) -> None:
        now = self.get_clock().now()
        now_s = seconds_of(now)
        with self._lock:
            loop, inputs = self._loop, self._inputs
            if loop is None or inputs is None:
                return
            if now_s < self._now_s - _BACK_S:
                inputs.forget()
            self._now_s = now_s
            problems = inputs.problems(now_s)
            if self._wants_start and not problems:
                self._begin(loop)
            tick = loop.tick(now_s, inputs.look, problems)
            self._send(tick, now)
            self._report(loop, tick, inputs, problems)
        self._beat.publish(Empty())

    def _begin(self, loop: PolicyLoop) -> None:
        self._wants_start = False
        loop.start()
        if self._gripper is not None:
            self._gripper.begin()
            if self._contract is not None and self._contract.closed:
                self._gripper.want(0.0)

    def _send(self, tick: Tick, now: Any) -> None:
        if tick.target is None or tick.action is None or self._contract is None or self._gripper is None:
            return
        settings, contract = self.parameters.current, self._contract
        stamp = now.to_msg()
        self._targets.publish(trajectory_message([contract.period_s], [tick.target.q], None, settings.joint_names))
        self._actions.publish(
            JointState(
                header=Header(stamp=stamp),
                name=[entry.name for entry in contract.action_entries],
                position=[float(number) for number in tick.action],
            )
        )
        if tick.target.opening_m is not None:
            self._gripper.want(tick.target.opening_m)

    def _report(self, loop: PolicyLoop, tick: Tick, inputs: TaskInputs, problems: list[str]) -> None:
        tally, slow = loop.tally, inputs.slow() if tick.state == "running" else []
        self._ended = (tick.reason or self._ended) if tick.state == "idle" else ""
        level: Level = "error" if tick.state == "holding" else "warn" if slow or tick.reason else "ok"
        self.health.report(
            "policy",
            "ok" if tick.state == "idle" else level,
            tick.reason or "; ".join(slow) or self._ended or "; ".join((tick.state, *problems)),
            state=tick.state,
            steps=tally.steps,
            held=tally.held,
            missed_ticks=tally.missed,
            limited=tally.limited,
            resets=tally.resets,
            worst_late_ms=round(1e3 * tally.worst_late_s, 1),
        )

    def _on_start(self, _: Any, response: Any) -> Any:
        with self._lock:
            loop, inputs = self._loop, self._inputs
            if loop is None or inputs is None:
                response.success, response.message = False, "not active; see the diagnostics"
                return response
            now_s = seconds_of(self.get_clock().now())
            wrong = [*inputs.problems(now_s), *inputs.slow()]
            if wrong:
                response.success, response.message = False, "; ".join(wrong)
                return response
            self._begin(loop)
        response.success, response.message = True, "running"
        return response

    def _on_stop(self, _: Any, response: Any) -> Any:
        with self._lock:
            if self._loop is not None:
                self._loop.stop()
        response.success, response.message = True, "stopped"
        return response

    def _on_reset(self, _: Any, response: Any) -> Any:
        """Let the policy begin anew; it goes on acting if it was."""
        with self._lock:
            if self._loop is None:
                response.success, response.message = False, "not active; see the diagnostics"
                return response
            self._loop.begin_anew()
        response.success, response.message = True, "begun anew"
        return response


def main(args: list[str] | None = None) -> int:
    """Run the node until it is stopped."""
    return run_node(PolicyRunnerNode, args)
