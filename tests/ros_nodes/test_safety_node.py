"""The safety node between a commander and a fake controller: what passes, what is refused, what stops the arm."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from control_msgs.action import FollowJointTrajectory
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import JointState
from std_msgs.msg import Empty
from std_srvs.srv import SetBool, Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from envs.arms import HOME_Q
from ros_nodes.messages.joints import trajectory_message
from ros_nodes.safety.guarded_arm import GuardedArm
from ros_nodes.safety.node import SafetyNode

if TYPE_CHECKING:
    from tests.ros_nodes.session import RosSession

NAMES = [f"panda_joint{number}" for number in range(1, 8)]
SUCCEEDED, CANCELED, ABORTED = 4, 5, 6
ACTION, TOPIC = "/panda_arm_controller/follow_joint_trajectory", "/panda_arm_controller/joint_trajectory"


class FakeRobot(Node):
    """An arm that is where its newest trajectory says, and its controller; it does what its flags say."""

    def __init__(self, **options: Any) -> None:
        super().__init__("fake_robot", **options)
        self.q, self.dq = HOME_Q.copy(), np.zeros(7)
        self.silent = self.stalled = self.rejects = self.ignores_cancel = self.over = False
        self.goals: list[Any] = []
        self.streamed: list[Any] = []
        self.cancels = 0
        self.stamp_s = 1.0
        self.busy = 0
        self._course: tuple[np.ndarray, np.ndarray, float] | None = None
        self._lock = threading.Lock()
        self._newest = 0
        group = ReentrantCallbackGroup()
        self._states = self.create_publisher(JointState, "joint_states", 10)
        self.create_subscription(JointTrajectory, TOPIC, self._on_topic, 10, callback_group=group)
        self.create_timer(0.01, self._tick, callback_group=group, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.server: ActionServer | None = ActionServer(
            self, FollowJointTrajectory, ACTION, self._execute, callback_group=group,
            goal_callback=lambda _: GoalResponse.REJECT if self.rejects else GoalResponse.ACCEPT,
            cancel_callback=self._on_cancel,
        )  # fmt: skip

    def destroy_node(self) -> None:
        self._end_server()
        super().destroy_node()

    def die(self) -> None:
        """The controller crashes: no result, no more answers; what reads the joints lives on."""
        self.stalled = True
        self._end_server()

    def _end_server(self) -> None:
        server, self.server = self.server, None  # a real one takes it amiss to be destroyed twice
        if server is not None:
            server.destroy()

    def pretend(self, q: Any, dq: Any) -> None:
        """Measure this, whatever the trajectory says."""
        with self._lock:
            self._course, self.q, self.dq = None, np.array(q), np.array(dq)

    def drive(self, message: Any) -> float:
        """Follow a trajectory, in straight lines; its duration."""
        times = [point.time_from_start.sec + 1e-9 * point.time_from_start.nanosec for point in message.points]
        with self._lock:
            postures = np.array([self.q, *(list(point.positions) for point in message.points)])
            self._course = np.array([-1e-9, *times]), postures, time.monotonic()
        return times[-1]

    def _tick(self) -> None:
        with self._lock:
            if self._course is not None and not self.stalled:
                times, postures, began = self._course
                since = time.monotonic() - began
                self.q = np.array([np.interp(since, times, column) for column in postures.T])
                segment = min(max(int(np.searchsorted(times, since, side="right")), 1), len(times) - 1)
                slope = np.diff(postures, axis=0)[segment - 1] / np.diff(times)[segment - 1]
                self.dq = slope if since < times[-1] else np.zeros(7)
            self.stamp_s += 0.01
            message = JointState(
                name=[*NAMES, "panda_finger_joint1"], position=[*self.q.tolist(), 0.04],
                velocity=[*self.dq.tolist(), 0.0],
            )  # fmt: skip
            message.header.stamp.sec = int(self.stamp_s)
            message.header.stamp.nanosec = int(self.stamp_s % 1.0 * 1e9)
        if not self.silent and self.context.ok():
            self._states.publish(message)

    def _on_topic(self, message: Any) -> None:
        self.streamed.append(message)
        self.drive(message)

    def _on_cancel(self, _: Any) -> CancelResponse:
        self.cancels += 1
        return CancelResponse.REJECT if self.ignores_cancel else CancelResponse.ACCEPT

    def end(self) -> bool:
        """Give up what is under way; whether nothing is."""
        self.over = True
        return self.busy == 0

    def _execute(self, handle: Any) -> Any:
        self.busy += 1
        try:
            return self._follow(handle)
        finally:
            self.busy -= 1

    def _follow(self, handle: Any) -> Any:
        self.goals.append(handle.request)
        self._newest += 1
        mine, end = self._newest, time.monotonic() + self.drive(handle.request.trajectory)
        result = FollowJointTrajectory.Result()
        while time.monotonic() < end or self.stalled:
            if self.over or self._newest != mine or not self.context.ok():
                handle.abort()
                result.error_string = "preempted"
                return result
            if handle.is_cancel_requested:
                with self._lock:
                    self._course, self.dq = None, np.zeros(7)
                handle.canceled()
                return result
            handle.publish_feedback(FollowJointTrajectory.Feedback(joint_names=NAMES))
            time.sleep(0.01)
        handle.succeed()
        result.error_string = "arrived"
        return result


class Scene:
    """The node, the robot, and what diagnostics said."""

    def __init__(self, ros: RosSession, **parameters: Any) -> None:
        self.ros = ros
        self.robot = ros.start(FakeRobot)
        # Longer than a busy machine holds a thread up; the test of what is stale says its own.
        given = {"stale_after_s": 3.0, **parameters}
        overrides = [Parameter(name, value=value) for name, value in given.items()]
        self.node = ros.start(SafetyNode, parameter_overrides=overrides)
        self.diagnostics = ros.collect(DiagnosticArray, "/diagnostics")
        assert ros.wait_until(lambda: self.said("ready")), self.message()

    def status(self) -> Any:
        found = [s for array in list(self.diagnostics) for s in array.status if s.name == "safety: guard"]
        return found[-1] if found else None

    def message(self) -> str:
        status = self.status()
        return "" if status is None else status.message

    def said(self, *words: str, timeout_s: float = 0.0) -> bool:
        return self.ros.wait_until(lambda: all(word in self.message() for word in words), timeout_s)

    def goal(self, to: float = 0.2, seconds: float = 1.0, joint: int = 0, **changes: Any) -> Any:
        """A straight move of one joint from where the robot is."""
        start, end = self.robot.q.copy(), self.robot.q.copy()
        end[joint] += to
        trajectory = trajectory_message([0.0, seconds], np.stack([start, end]), np.zeros((2, 7)), NAMES)
        for name, value in changes.items():
            setattr(trajectory, name, value)
        return FollowJointTrajectory.Goal(trajectory=trajectory)

    def send(self, goal: Any) -> Any:
        return self.ros.send_goal(FollowJointTrajectory, "/safety/follow_joint_trajectory", goal)

    def trigger(self, name: str) -> Any:
        return self.ros.call(Trigger, f"/safety/{name}")

    def under_way(self, count: int = 1) -> bool:
        return self.ros.wait_until(lambda: len(self.robot.goals) >= count)

    def stopped(self, run: Any, *words: str) -> None:
        """The goal was aborted for a reason, the controller told to brake and to cancel, and the reason is latched."""
        status, result = run.result()
        assert status == ABORTED and result.error_code == FollowJointTrajectory.Result.PATH_TOLERANCE_VIOLATED
        assert "safety: stopped" in result.error_string and all(word in result.error_string for word in words)
        assert self.said("stopped", *words, timeout_s=3.0), self.message()
        assert self.status().level in (b"\x02", 2)
        again = self.send(self.goal())
        status, result = again.result()
        assert status == ABORTED and "safety: refused: stopped: " in result.error_string
        assert words[0] in result.error_string and "~/reset" in result.error_string

    def at_rest(self) -> None:
        self.robot.silent = self.robot.stalled = False
        with self.robot._lock:
            self.robot._course, self.robot.dq = None, np.zeros(7)

    def recovers(self) -> None:
        """After a reset it works again."""
        self.at_rest()
        assert self.ros.wait_until(lambda: self.trigger("reset").success, 3.0), self.trigger("reset").message
        assert self.send(self.goal(seconds=0.3, to=0.02)).result()[0] == SUCCEEDED


@pytest.fixture
def scene(ros: RosSession) -> Iterator[Callable[..., Scene]]:
    made: list[Scene] = []

    def make(**parameters: Any) -> Scene:
        made.append(Scene(ros, **parameters))
        return made[-1]

    yield make
    for each in made:  # a goal cannot be ended any more once the context is shut down
        assert ros.wait_until(each.robot.end)


def test_a_goal_passes_with_feedback_and_result(scene: Any) -> None:
    stage = scene()
    goal = stage.goal(seconds=0.5)
    run = stage.send(goal)
    assert run.accepted
    status, result = run.result()
    assert status == SUCCEEDED and result.error_string == "arrived"
    assert run.feedback and list(run.feedback[0].joint_names) == NAMES
    assert [p.positions.tolist() for p in stage.robot.goals[0].trajectory.points] == [
        p.positions.tolist() for p in goal.trajectory.points
    ]
    assert not stage.robot.streamed and stage.robot.cancels == 0
    values = {value.key: value.value for value in stage.status().values}
    assert stage.said("ready", timeout_s=2.0) and values["goals_refused"] == "0"


def broken(stage: Scene, name: str) -> Any:
    goal = stage.goal()
    last = goal.trajectory.points[1]
    if name == "NaN":
        last.positions = [float("nan")] * 7
    elif name == "joints":
        goal.trajectory.joint_names = [*NAMES[:6], "panda_joint8"]
    elif name == "times":
        last.time_from_start.sec = 0
    elif name == "jump":
        goal.trajectory.points[0].positions = (stage.robot.q + 0.5).tolist()
    elif name == "limit":
        goal = stage.goal(to=2.9, seconds=20.0)
    elif name == "fast":
        goal = stage.goal(to=1.0, seconds=0.3)
    elif name == "table":
        goal = stage.goal(to=1.75, seconds=5.0, joint=1)
    elif name == "long":
        goal = stage.goal(seconds=40.0)
    elif name == "stamp":
        goal.trajectory.header.stamp.sec = 5
    return goal


def test_what_is_wrong_never_reaches_the_controller(scene: Any) -> None:
    stage = scene()
    codes = FollowJointTrajectory.Result
    for name, words, code in (
        ("NaN", "not a finite number", codes.INVALID_GOAL), ("joints", "missing panda_joint7", codes.INVALID_JOINTS),
        ("times", "times do not increase", codes.INVALID_GOAL), ("jump", "0.500 rad away", codes.INVALID_GOAL),
        ("limit", "joint limit: panda_joint1", codes.INVALID_GOAL), ("fast", "velocity limit", codes.INVALID_GOAL),
        ("table", "workspace limit", codes.INVALID_GOAL), ("long", "lasts too long", codes.INVALID_GOAL),
        ("stamp", "start time", codes.OLD_HEADER_TIMESTAMP),
    ):  # fmt: skip
        run = stage.send(broken(stage, name))
        assert run.accepted
        status, result = run.result()
        assert status == ABORTED and result.error_code == code, result
        assert result.error_string.startswith("safety: refused: ") and words in result.error_string, result
    assert stage.said("refused: start time", timeout_s=2.0), stage.message()
    assert stage.robot.goals == [] and stage.robot.streamed == []
    assert stage.send(stage.goal(seconds=0.2, to=0.02)).result()[0] == SUCCEEDED


def test_cancel_is_passed_on_and_nothing_is_latched(scene: Any) -> None:
    stage = scene()
    run = stage.send(stage.goal(to=0.5, seconds=3.0))
    assert stage.under_way()
    run.cancel()
    status, _ = run.result()
    assert status == CANCELED and stage.robot.cancels == 1
    assert stage.send(stage.goal(seconds=0.2, to=0.02)).result()[0] == SUCCEEDED


def test_a_newer_goal_replaces_the_older(scene: Any) -> None:
    stage = scene()
    older = stage.send(stage.goal(to=0.3, seconds=4.0))
    assert stage.under_way()
    newer = stage.send(stage.goal(to=0.02, seconds=0.4))
    status, result = older.result()
    assert status == ABORTED and "preempted" in result.error_string
    assert newer.result()[0] == SUCCEEDED


def test_or_is_refused(scene: Any) -> None:
    stage = scene(when_busy="refuse")
    older = stage.send(stage.goal(to=0.1, seconds=1.0))
    assert stage.under_way()
    status, result = stage.send(stage.goal()).result()
    assert status == ABORTED and "busy" in result.error_string
    assert older.result()[0] == SUCCEEDED and len(stage.robot.goals) == 1


def test_the_stop_service_brakes_cancels_and_stays(scene: Any) -> None:
    stage = scene()
    run = stage.send(stage.goal(to=0.5, seconds=3.0))
    signals = stage.node._arm._guard.signals
    assert stage.under_way() and stage.ros.wait_until(lambda: abs(signals.state.dq[0]) > 0.1)
    before = signals.state.q[0]  # as the guard measured it: the arm itself is ahead of that
    assert stage.trigger("stop").success
    stage.stopped(run, "stop requested", "~/stop")
    assert stage.robot.cancels == 1 and stage.robot.streamed
    last = stage.robot.streamed[0].points[-1]
    assert list(stage.robot.streamed[0].joint_names) == NAMES and not np.any(last.velocities)
    assert before < last.positions[0] < before + 0.2  # it runs out in the direction of the motion
    stage.recovers()


def test_a_controller_that_refuses_to_cancel_still_gets_the_braking_motion(scene: Any) -> None:
    stage = scene(controller_timeout_s=0.3)
    stage.robot.ignores_cancel = True
    run = stage.send(stage.goal(to=0.5, seconds=3.0))
    assert stage.under_way()
    time.sleep(0.2)
    stage.trigger("stop")
    stage.stopped(run, "stop requested")
    assert stage.robot.streamed


def test_joint_states_that_cease(scene: Any) -> None:
    stage = scene(stale_after_s=0.25)
    run = stage.send(stage.goal(to=0.5, seconds=3.0))
    assert stage.under_way()
    stage.robot.silent = True
    stage.stopped(run, "joint states stale")
    assert not stage.trigger("reset").success
    assert stage.robot.cancels == 1 and stage.robot.streamed  # braked along its course
    stage.recovers()


def test_a_stalled_controller(scene: Any) -> None:
    stage = scene(tracking_tolerance_rad=0.05, tracking_window_s=0.1)
    stage.robot.stalled = True
    run = stage.send(stage.goal(to=0.5, seconds=1.5))
    stage.stopped(run, "arm does not follow", "panda_joint1")
    stage.recovers()


def test_what_is_measured_while_moving(scene: Any) -> None:
    stage = scene(tracking_tolerance_rad=0.0, tip_speed_m_s=0.3, workspace_upper_m=[0.9, 0.1, 1.3])
    outside, aside = HOME_Q.copy(), HOME_Q.copy()
    outside[3] = -0.04  # the elbow stretches no farther than -0.0698
    aside[0] += 0.6
    for q, dq, words in (
        (HOME_Q, [0.0] * 6 + [3.2], "velocity limit: panda_joint7 measured at 3.200 rad/s"),
        (outside, [0.0] * 7, "joint limit: panda_joint4 measured at -0.0400 rad"),
        (aside, [0.0] * 7, "workspace limit: panda_joint5 at"),
        (HOME_Q, [1.5] + [0.0] * 6, "tip speed limit: measured 0.46 m/s"),
    ):
        goals = len(stage.robot.goals)
        run = stage.send(stage.goal(to=0.1, seconds=3.0))
        assert stage.under_way(goals + 1)
        stage.robot.pretend(q, dq)
        stage.stopped(run, words)
        stage.robot.pretend(HOME_Q, [0.0] * 7)
        assert stage.ros.wait_until(lambda: stage.trigger("reset").success, 3.0)


def test_a_controller_that_never_ends_a_goal(scene: Any) -> None:
    stage = scene(tracking_tolerance_rad=0.0, overdue_after_s=0.3)
    stage.robot.stalled = True
    run = stage.send(stage.goal(to=0.05, seconds=0.3))
    stage.stopped(run, "controller overdue")


def test_a_controller_that_does_not_cancel(scene: Any) -> None:
    stage = scene(controller_timeout_s=0.3)
    stage.robot.ignores_cancel = True
    run = stage.send(stage.goal(to=0.5, seconds=3.0))
    assert stage.under_way()
    run.cancel()
    stage.stopped(run, "controller gone", "did not cancel")


def test_a_controller_that_dies_under_a_goal(scene: Any) -> None:
    stage = scene(tracking_tolerance_rad=0.0)
    run = stage.send(stage.goal(to=0.2, seconds=5.0))
    assert stage.under_way()
    stage.robot.die()
    status, result = run.result(timeout_s=40.0)
    assert status == ABORTED and "controller gone" in result.error_string
    response = stage.trigger("reset")
    assert not response.success and "controller gone" in response.message


def test_no_controller_and_one_that_rejects(scene: Any) -> None:
    stage = scene()
    stage.robot.rejects = True
    status, result = stage.send(stage.goal()).result()
    assert status == ABORTED and "controller rejected the goal" in result.error_string
    stage.robot.rejects = False
    assert stage.send(stage.goal(seconds=0.2, to=0.02)).result()[0] == SUCCEEDED


@pytest.mark.parametrize("qos", [10, qos_profile_sensor_data], ids=["reliable", "best effort"])
def test_a_heartbeat_once_begun_must_go_on(scene: Any, qos: Any) -> None:
    stage = scene()
    beats = stage.ros.probe.create_publisher(Empty, "/safety/heartbeat", qos)
    run = stage.send(stage.goal(to=0.5, seconds=4.0))
    assert stage.under_way()
    end = time.monotonic() + 0.8
    while time.monotonic() < end:
        beats.publish(Empty())
        time.sleep(0.05)
    assert not run.done
    stage.stopped(run, "heartbeat lost")
    stage.recovers()


def test_the_deadman(scene: Any) -> None:
    stage = scene(deadman_timeout_s=30.0)
    stage.node.set_parameters([Parameter("deadman_required", value=True)])
    status, result = stage.send(stage.goal()).result()
    assert status == ABORTED and "deadman not held" in result.error_string
    hold, let_go = SetBool.Request(data=True), SetBool.Request(data=False)
    assert stage.ros.call(SetBool, "/safety/deadman", hold).success
    run = stage.send(stage.goal(to=0.5, seconds=3.0))
    assert stage.under_way()
    stage.ros.call(SetBool, "/safety/deadman", let_go)
    stage.stopped(run, "deadman not held")
    assert not stage.trigger("reset").success
    stage.ros.call(SetBool, "/safety/deadman", hold)
    stage.recovers()


def point(q: Any, seconds: float = 0.1) -> JointTrajectory:
    one = JointTrajectoryPoint(positions=[float(x) for x in q], time_from_start=Duration(seconds=seconds).to_msg())
    return JointTrajectory(joint_names=NAMES, points=[one])


def test_streamed_points(scene: Any) -> None:
    stage = scene(stream_refusals_to_stop=3)
    points = stage.ros.probe.create_publisher(JointTrajectory, "/safety/joint_trajectory", 10)
    assert stage.ros.wait_until(lambda: points.get_subscription_count() > 0)
    target = HOME_Q.copy()
    for count in range(1, 6):
        target[0] += 0.01
        points.publish(point(target))
        assert stage.ros.wait_until(lambda: len(stage.robot.streamed) == count), stage.message()  # noqa: B023
    np.testing.assert_allclose(stage.robot.streamed[-1].points[0].positions, target)
    points.publish(point(np.full(7, np.nan)))
    assert stage.said("not a finite number", timeout_s=2.0), stage.message()
    end = time.monotonic() + 5.0
    while not stage.said("stopped: refused points in a row: 3") and time.monotonic() < end:
        points.publish(point(target + 1.0))
        time.sleep(0.03)
    assert stage.said("stopped: refused points in a row: 3"), stage.message()
    assert all(np.isfinite(p.positions).all() for message in stage.robot.streamed for p in message.points)
    assert np.abs(np.array(stage.robot.streamed[-1].points[-1].positions) - target).max() < 0.1  # it braked


def test_parameters_change_what_passes(scene: Any) -> None:
    stage = scene()
    slow = stage.node.set_parameters([Parameter("velocity_scale", value=0.05)])
    assert slow[0].successful
    status, result = stage.send(stage.goal(to=0.2, seconds=1.0)).result()
    assert status == ABORTED and "velocity limit" in result.error_string
    upside_down = stage.node.set_parameters([Parameter("workspace_lower_m", value=[0.0, 0.0, 2.0])])
    assert not upside_down[0].successful and "workspace_upper_m" in upside_down[0].reason
    assert stage.node.parameters.current.workspace_lower_m[2] < 0.0


def test_goals_do_not_take_all_threads(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A goal waits in a thread until it ends; the watch over the arm needs one, too."""
    stage = scene()
    with monkeypatch.context() as crowd:
        crowd.setattr(GuardedArm, "goals", 8)
        assert not stage.send(stage.goal()).accepted
    assert stage.send(stage.goal(seconds=0.2, to=0.02)).result()[0] == SUCCEEDED


def test_the_nodes_end_stops_the_arm(scene: Any) -> None:
    stage = scene()
    run = stage.send(stage.goal(to=0.5, seconds=3.0))
    assert stage.under_way()
    stage.node.wind_down()
    status, result = run.result()
    assert status == ABORTED and "shuts down" in result.error_string
    assert stage.robot.cancels == 1 and stage.robot.streamed


def test_a_guard_that_dies_in_mid_motion_and_comes_back(ros: RosSession, scene: Any) -> None:
    """Without `wind_down`, as when it is killed: the controller finishes; the next guard says so, and then works."""
    stage = scene()
    run = stage.send(stage.goal(to=0.6, seconds=2.5))
    assert ros.wait_until(lambda: len(run.feedback) > 2), "the guard knows that the controller took the goal"
    ros.stop(stage.node)
    assert stage.robot.cancels == 0 and not stage.robot.streamed
    stage.diagnostics.clear()
    stage.node = ros.start(SafetyNode)
    assert stage.said("not by anything that was let through", timeout_s=3.0), stage.message()
    assert stage.said("ready", timeout_s=5.0), stage.message()
    assert stage.send(stage.goal(seconds=0.2, to=0.02)).result()[0] == SUCCEEDED


def test_simulated_time_that_jumps_back_or_stands_still(ros: RosSession) -> None:
    """What is stale is a matter of the simulation's time; a jump makes nothing old."""
    from rosgraph_msgs.msg import Clock as ClockMessage

    clock = ros.probe.create_publisher(ClockMessage, "/clock", 10)

    def tell(seconds: float) -> None:
        message = ClockMessage()
        message.clock.sec, message.clock.nanosec = int(seconds), int(seconds % 1.0 * 1e9)
        clock.publish(message)

    robot = ros.start(FakeRobot)
    node = ros.start(SafetyNode, parameter_overrides=[Parameter("use_sim_time", value=True)])
    diagnostics = ros.collect(DiagnosticArray, "/diagnostics")
    told = [100.0]

    def message() -> str:
        told[0] += 0.01
        tell(told[0])
        found = [s.message for array in list(diagnostics) for s in array.status if s.name == "safety: guard"]
        return found[-1] if found else ""

    assert ros.wait_until(lambda: message() == "ready", 10.0), message()
    assert ros.wait_until(lambda: node.get_clock().now().nanoseconds > 0)
    told[0] = 3.0
    before = len(diagnostics)
    assert ros.wait_until(lambda: bool(message()) and len(diagnostics) > before + 1, 6.0)
    assert all(
        s.message == "ready" for array in diagnostics[before:] for s in array.status if s.name == "safety: guard"
    )
    robot.silent = True
    time.sleep(0.6)  # the simulation stands still: nothing grows old
    assert message() == "ready"
    assert ros.wait_until(lambda: "joint states stale" in message(), 6.0)
