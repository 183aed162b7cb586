"""The simulated robot's scenes, camera, gripper and reflex; physics, but no ROS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import gymnasium
import numpy as np
import pytest

from envs.cell import RobotCell
from envs.clutter import DIALECT_A, DIALECT_B, dialect
from envs.objects import ObjectSet, load_objects
from envs.panda import PandaArm, joint_motion, straight_line
from envs.world import World
from geometry import FloatArray, InputError, invert, look_at, transform
from ros_nodes.sim_robot.clutter_scene import ClutterScene
from ros_nodes.sim_robot.depth_camera import DepthCamera
from ros_nodes.sim_robot.gripper_controller import GripperOutcome
from ros_nodes.sim_robot.pacer import Pacer
from ros_nodes.sim_robot.robot import SimRobot, default_tolerances
from ros_nodes.sim_robot.robot_model import RobotModel
from ros_nodes.sim_robot.scene_maker import SceneMaker
from ros_nodes.sim_robot.schedule import Schedule
from ros_nodes.sim_robot.settings import SimRobotSettings
from ros_nodes.sim_robot.task_scene import TaskScene
from ros_nodes.sim_robot.ticket import Ticket
from ros_nodes.sim_robot.trajectory_controller import TrajectoryOutcome
from ros_nodes.sim_robot.trajectory_request import ErrorCode, Point, TrajectoryRequest

SETTINGS = SimRobotSettings()


@lru_cache
def objects() -> ObjectSet:
    return load_objects("procedural", limit=12)


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


@pytest.mark.parametrize(("letter", "arrangement"), [("A", "pile"), ("B", "packed")])
def test_a_round_is_the_one_that_the_benchmark_plays(letter: str, arrangement: Any) -> None:
    scene = ClutterScene(dialect(letter), objects(), arrangement, seed=5, number=2, view_change="fixed")
    cell = RobotCell(dialect(letter), objects(), arrangement, np.random.default_rng([5, 2]))
    seen = cell.observe()
    ours = {thing.name.split("#")[0]: thing.T_world_thing for thing in scene.things()}
    theirs = {item.model.name: item.body.pose() for item in cell.scene.objects.values()}
    assert ours.keys() == theirs.keys() and len(theirs) > 1
    for name, pose in theirs.items():
        np.testing.assert_array_equal(ours[name], pose)
    np.testing.assert_array_equal(scene.arm.q, cell.arm.q)
    np.testing.assert_array_equal(scene.T_world_camera, seen.T_world_camera)
    scene.close()
    cell.close()


def test_the_camera_sees_what_the_benchmark_sees_noise_included() -> None:
    cell = RobotCell(DIALECT_A, objects(), "pile", np.random.default_rng([1, 0]))
    theirs = cell.observe().depth_m
    cell.close()
    rng = np.random.default_rng([1, 0])
    other = RobotCell(DIALECT_A, objects(), "pile", rng)
    T_world_camera = other.simulation.draw_view()
    camera = DepthCamera(other.world, DIALECT_A, rng)
    shot = camera.capture(T_world_camera, 7)
    other.world.step(50)
    other.arm.set_q(other.arm.q + 0.1)  # what happens after the capture is not in the picture
    ours = camera.develop(shot)
    np.testing.assert_array_equal(ours, theirs)
    assert (ours > 0.0).mean() > 0.5
    other.close()


def test_noise_on_request_and_the_jitter_of_dialect_b() -> None:
    world = World()
    world.add_box((0.5, 0.5, 0.05), np.eye(4))
    T_world_camera = look_at((0.0, 0.3, 1.0), (0.0, 0.0, 0.0))
    images = {}
    for name, sensing in (("scene", DIALECT_B), ("none", DIALECT_B), ("structured light", DIALECT_A)):
        camera = DepthCamera(world, sensing, np.random.default_rng(0), name)
        images[name] = camera.develop(camera.capture(T_world_camera, 0))
    seen = images["none"] > 0.0
    assert (images["scene"] - images["none"])[seen].std() == pytest.approx(0.0008, rel=0.02)
    assert not np.array_equal(images["structured light"], images["none"])
    world.close()


def test_a_task_is_the_one_that_its_environment_resets_to() -> None:
    scene = TaskScene("graspmimic/Stack-v0", seed=4, number=3)
    env: Any = gymnasium.make("graspmimic/Stack-v0")
    observation, _ = env.reset(seed=7)
    names = [entry.name for entry in env.unwrapped.state_entries]
    at = names.index("red position x")
    np.testing.assert_allclose(
        scene.things()[0].T_world_thing[:3, 3], observation["observation"][at : at + 3], atol=1e-6
    )
    np.testing.assert_array_equal(np.concatenate(list(scene.goals().values())), observation["desired_goal"])
    assert list(scene.goals()) == ["red", "green"]
    env.close()
    scene.close()


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
    assert first.outcome is not None and not first.outcome.succeeded


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


def test_rounds_follow_each_other_and_new_settings_begin_anew() -> None:
    maker, settings = SceneMaker(), replace(SETTINGS, scene="task", seed=2, round=5)
    played = []
    for make, changes in (
        (maker.make_first, {}),
        (maker.make_next, {}),
        (maker.make_next, {"seed": 9}),
        (maker.make_next, {}),
        (maker.make_first, {}),
    ):
        settings = replace(settings, **changes)
        scene = make(settings)
        played.append((scene.score()["seed"], scene.score()["round"]))
        scene.close()
    assert played == [(2, 5), (2, 6), (9, 5), (9, 6), (9, 5)]


def test_links_are_where_bullet_has_them() -> None:
    world = World()
    arm = PandaArm(world, transform(translation=(0.1, -0.2, 0.3)), q=(0.3, -0.4, 0.5, -1.9, 0.6, 1.7, -0.8))
    arm.gripper.set_width(0.05)
    model = RobotModel(
        SETTINGS.joint_names, SETTINGS.finger_joint_names, base_frame="panda_link0", tip_frame="panda_hand",
        T_tip_grasp=SETTINGS.T_tip_grasp,
    )  # fmt: skip
    names = (*SETTINGS.joint_names, *SETTINGS.finger_joint_names)
    T_world = {"panda_link0": arm.T_world_base}
    links = model.fixed() + model.moving(dict(zip(names, (*arm.q, 0.025, 0.025), strict=True)))
    while missing := [link for link in links if link.child not in T_world]:
        for link in missing:
            if link.parent in T_world:
                T_world[link.child] = T_world[link.parent] @ link.T_parent_child
    bullet, uid = world.bullet, arm.body.uid
    for joint in range(bullet.getNumJoints(uid)):
        name = bullet.getJointInfo(uid, joint)[12].decode()
        if name == "panda_grasptarget":
            continue
        position = bullet.getLinkState(uid, joint, computeForwardKinematics=1)[4]
        np.testing.assert_allclose(T_world[name][:3, 3], position, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(T_world["panda_hand"], arm.T_world_hand, atol=1e-6)
    np.testing.assert_allclose(T_world["panda_hand_tcp"], arm.T_world_grasp, atol=1e-6)
    assert "package://" not in model.urdf and "file://" in model.urdf
    world.close()


def test_the_pacer_waits_and_does_not_catch_up() -> None:
    wall, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        wall[0] += seconds

    pacer = Pacer(lambda: wall[0], sleep)
    for i in range(1, 11):
        pacer.wait(0.1 * i, 2.0)
    assert sum(slept) == pytest.approx(0.45)
    wall[0] += 5.0
    pacer.wait(1.1, 2.0)
    pacer.wait(1.2, 2.0)
    assert sum(slept) == pytest.approx(0.5)
    pacer.wait(9.0, 0.0)
    assert sum(slept) == pytest.approx(0.5)


def test_a_schedule_keeps_the_mean_rate_on_a_coarse_clock() -> None:
    schedule = Schedule()
    taken = [i / 240.0 for i in range(240 * 4) if schedule.due(i / 240.0, 0.01)]
    assert len(taken) == pytest.approx(400, abs=2)
    assert schedule.due(100.0, 0.01) and not schedule.due(100.005, 0.01) and schedule.due(100.01, 0.01)
