"""The simulated robot's arm, gripper, reflex and clock in a world; no ROS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from envs.panda import joint_motion, straight_line
from geometry import FloatArray, InputError, invert, transform
from ros_nodes.sim_robot.gripper_controller import GripperOutcome
from ros_nodes.sim_robot.robot import SimRobot, default_tolerances
from ros_nodes.sim_robot.settings import SimRobotSettings
from ros_nodes.sim_robot.task_scene import TaskScene
from ros_nodes.sim_robot.ticket import Ticket
from ros_nodes.sim_robot.trajectory_controller import TrajectoryOutcome
from ros_nodes.sim_robot.trajectory_request import ErrorCode, Point, TrajectoryRequest

SETTINGS = SimRobotSettings()


class Driven:
    """A robot at a task, driven step by step."""

    def __init__(self, task: str = "graspmimic/PickPlace-v0") -> None:
        self.settings = SETTINGS
        self.troubles: list[str] = []
        self.scene = TaskScene(task, seed=3, number=0)
        self.robot = SimRobot(self.scene, lambda: self.settings, on_trouble=self.troubles.append)

    def step(self, seconds: float) -> None:
        for _ in range(round(seconds / self.scene.world.timestep_s)):
            self.robot.advance()

    def finish(self, ticket: Ticket[Any], timeout_s: float = 20.0) -> Any:
        end_s = self.robot.uptime_s + timeout_s
        while ticket.outcome is None:
            assert self.robot.uptime_s < end_s, "no outcome in time"
            self.robot.advance()
        return ticket.outcome

    def follow(self, times: FloatArray, q: FloatArray, dq: FloatArray) -> Ticket[TrajectoryOutcome]:
        points = [Point(t, a, b) for t, a, b in zip(times.tolist(), q.tolist(), dq.tolist(), strict=True)]
        made = TrajectoryRequest(joint_names=self.settings.joint_names, points=points)
        ticket: Ticket[TrajectoryOutcome] = Ticket()
        self.robot.follow(made, default_tolerances(self.settings), ticket)
        return ticket

    def go_to(self, place: FloatArray, speed_m_s: float = 0.25) -> Ticket[TrajectoryOutcome]:
        """In a straight line, pointing down."""
        arm = self.scene.arm
        T_base_goal = invert(arm.T_world_base) @ transform(np.diag([1.0, -1.0, -1.0]), place)
        line = straight_line(arm.q, T_base_goal, speed_m_s=speed_m_s).trajectory
        assert line is not None
        return self.follow(line.times_s, line.q, line.dq)

    def grip(self, width_m: float, force_n: float = 0.0) -> Ticket[GripperOutcome]:
        ticket: Ticket[GripperOutcome] = Ticket()
        self.robot.move_gripper(width_m, force_n, ticket)
        return ticket


@pytest.fixture
def driven() -> Iterator[Driven]:
    made = Driven()
    yield made
    made.robot.close()


def test_a_cube_is_gripped_lifted_and_brought_to_its_goal(driven: Driven) -> None:
    cube = driven.scene.things()[0].T_world_thing[:3, 3]
    goal = driven.scene.goals()["cube"]
    above = np.array([0.0, 0.0, 0.1])
    for place in (cube + above, cube):
        assert driven.finish(driven.go_to(place)).code == ErrorCode.SUCCESSFUL
    gripped = driven.finish(driven.grip(0.0, 30.0))
    assert gripped.stalled and not gripped.reached and gripped.succeeded
    assert gripped.width_m == pytest.approx(0.04, abs=0.002)
    assert 2.0 < gripped.effort_n < 30.0
    assert driven.robot.gripper.holding()
    for place in (cube + above, goal + above, goal):
        assert driven.finish(driven.go_to(place)).code == ErrorCode.SUCCESSFUL
    driven.step(0.1)
    assert driven.scene.success and driven.scene.score()["success_once"]
    assert driven.finish(driven.grip(0.08)).reached
    assert not driven.robot.gripper.holding()


def test_fingers_move_at_the_hands_speed_and_tell_where_they_are(driven: Driven) -> None:
    begun = driven.robot.uptime_s
    closed = driven.finish(driven.grip(0.02))
    assert closed.reached and not closed.stalled
    assert closed.width_m == pytest.approx(0.02, abs=0.002)
    assert driven.robot.uptime_s - begun == pytest.approx(0.03 / 0.05 + SETTINGS.gripper_stall_time_s, abs=0.06)


def test_a_cancelled_gripper_stops_where_it_is_and_a_newer_goal_preempts(driven: Driven) -> None:
    ticket = driven.grip(0.0)
    driven.step(0.4)
    driven.robot.cancel_gripper(ticket)
    outcome = driven.finish(ticket)
    assert outcome.canceled and not outcome.succeeded
    driven.step(0.5)
    assert driven.scene.arm.gripper.width_m == pytest.approx(outcome.width_m, abs=0.002)
    assert 0.02 < outcome.width_m < 0.06
    first, second = driven.grip(0.0), driven.grip(0.08)
    assert driven.finish(second).reached
    assert first.outcome is not None and first.outcome.preempted and not first.outcome.succeeded


def test_jammed_fingers_run_into_the_timeout_and_go_on_when_free(driven: Driven) -> None:
    driven.settings = replace(SETTINGS, gripper_stuck=True, gripper_timeout_s=0.5)
    driven.step(0.1)
    outcome = driven.finish(driven.grip(0.0))
    assert not outcome.succeeded and not outcome.stalled
    assert outcome.width_m == pytest.approx(0.08, abs=0.001)
    driven.settings = SETTINGS
    driven.step(1.2)
    assert driven.scene.arm.gripper.width_m < 0.002


def test_the_reflex_stops_a_hand_that_meets_the_table_and_lets_it_leave(driven: Driven) -> None:
    place = driven.scene.arm.T_world_grasp[:3, 3]
    outcome = driven.finish(driven.go_to(np.array([place[0], place[1], -0.03]), speed_m_s=0.1))
    assert outcome.code == ErrorCode.PATH_TOLERANCE_VIOLATED
    assert "reflex: contact of panda_" in outcome.message and "finger with table" in outcome.message
    assert driven.troubles == [outcome.message]
    assert driven.scene.arm.T_world_grasp[2, 3] > -0.01
    assert driven.finish(driven.go_to(place)).code == ErrorCode.SUCCESSFUL


def test_after_the_reflex_the_arm_may_move_until_it_was_free(driven: Driven) -> None:
    felt = ["contact"]

    class Feeling:
        def hardest(self, limit_n: float) -> str:
            return felt[0]

    driven.robot._reflex = Feeling()  # type: ignore[assignment]
    place = driven.scene.arm.T_world_grasp[:3, 3]
    up = np.array([0.0, 0.0, 0.05])
    assert driven.finish(driven.go_to(place + up)).code == ErrorCode.PATH_TOLERANCE_VIOLATED
    assert driven.finish(driven.go_to(place + up)).code == ErrorCode.SUCCESSFUL
    felt[0] = ""
    assert driven.finish(driven.go_to(place)).code == ErrorCode.SUCCESSFUL
    felt[0] = "contact"
    assert driven.finish(driven.go_to(place + up)).code == ErrorCode.PATH_TOLERANCE_VIOLATED


def test_without_the_reflex_it_presses_on(driven: Driven) -> None:
    driven.settings = replace(SETTINGS, reflex_force_n=0.0, path_tolerance_rad=0.0, goal_tolerance_rad=0.0)
    place = driven.scene.arm.T_world_grasp[:3, 3]
    driven.go_to(np.array([place[0], place[1], -0.01]), speed_m_s=0.1)
    driven.step(4.0)
    assert not driven.troubles
    assert max(c.normal_force_n for c in driven.scene.arm.contacts()) > 20.0


def test_a_stalled_controller_stands_still_and_goes_on_later(driven: Driven) -> None:
    q = driven.scene.arm.q
    motion = joint_motion(q, q + 0.2, speed=0.5)
    ticket = driven.follow(motion.times_s, motion.q, motion.dq)
    driven.step(0.3)
    driven.settings = replace(SETTINGS, controller_stalled=True)
    driven.step(0.3)
    held = driven.scene.arm.q
    driven.step(2.0)
    np.testing.assert_allclose(driven.scene.arm.q, held, atol=2e-3)
    assert ticket.outcome is None
    driven.settings = SETTINGS
    assert driven.finish(ticket).code == ErrorCode.SUCCESSFUL
    np.testing.assert_allclose(driven.scene.arm.q, q + 0.2, atol=2e-3)


def test_a_jump_of_the_clock_moves_stamps_and_not_the_arm(driven: Driven) -> None:
    driven.go_to(driven.scene.arm.T_world_grasp[:3, 3] + (0.0, 0.0, 0.1))
    driven.step(0.2)
    before = driven.robot.time_ns
    driven.robot.jump(-1e3)
    assert driven.robot.time_ns == 0
    driven.robot.jump(50.0)
    assert driven.robot.time_ns == pytest.approx(50e9)
    driven.step(1.5)
    assert driven.robot.time_ns - 50e9 == pytest.approx(1.5e9, rel=0.01)
    assert driven.robot.trajectory.idle and before < 2e9


def test_a_new_scene_ends_what_was_under_way_and_time_goes_on(driven: Driven) -> None:
    ticket = driven.go_to(driven.scene.arm.T_world_grasp[:3, 3] + (0.0, 0.0, 0.1))
    driven.step(0.2)
    uptime_s, old = driven.robot.uptime_s, driven.scene
    driven.robot.change_scene(lambda: TaskScene("graspmimic/Push-v0", seed=0, number=0))
    assert ticket.outcome is not None and "scene was changed" in ticket.outcome.message
    assert driven.robot.uptime_s == pytest.approx(uptime_s)
    assert not old.world.bullet.isConnected()
    driven.robot.advance()
    assert driven.robot.uptime_s > uptime_s


def test_a_scene_that_cannot_be_made_leaves_the_old_one(driven: Driven) -> None:
    with pytest.raises(InputError, match="graspmimic/PickPlace-v0"):
        driven.robot.change_scene(lambda: TaskScene("graspmimic/Nothing-v0", seed=0, number=0))
    driven.step(0.1)
