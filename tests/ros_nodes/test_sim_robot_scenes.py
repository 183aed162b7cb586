"""The simulated robot's scenes, camera, links and pace; physics, but no ROS."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import gymnasium
import numpy as np
import pytest

from envs.cell import RobotCell
from envs.clutter import DIALECT_A, DIALECT_B, dialect
from envs.objects import ObjectSet, load_objects
from envs.panda import PandaArm
from envs.world import World
from geometry import look_at, transform
from ros_nodes.sim_robot.clutter_scene import ClutterScene
from ros_nodes.sim_robot.depth_camera import DepthCamera
from ros_nodes.sim_robot.pacer import Pacer
from ros_nodes.sim_robot.robot_model import RobotModel
from ros_nodes.sim_robot.scene_maker import SceneMaker
from ros_nodes.sim_robot.schedule import Schedule
from ros_nodes.sim_robot.settings import SimRobotSettings
from ros_nodes.sim_robot.task_scene import TaskScene

SETTINGS = SimRobotSettings()


@lru_cache
def objects() -> ObjectSet:
    return load_objects("procedural", limit=12)


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


def test_what_the_hand_has_taken_meanwhile_is_not_swept_away() -> None:
    """Things settle for seconds after a release, and the arm goes on; what it holds is neither lost nor binned."""
    scene = ClutterScene(DIALECT_A, objects(), "pile", seed=5, number=2, view_change="fixed")
    item = min(scene.cell.scene.objects.values(), key=lambda each: each.scale * each.model.collision_mesh().extents[1])
    scene.arm.gripper.close()
    for _ in range(240):
        if not scene.arm.gripper.hold().holds():  # an unseen hand holds it until the fingers do
            item.body.set_pose(scene.arm.T_world_grasp @ transform(translation=(0.0, 0.0, -0.01)))
        scene.world.step()
    assert scene.arm.gripper.hold().holds()
    scene.rest()
    assert item.body.uid in scene.cell.scene.objects
    assert (scene.score()["cleared"], scene.score()["lost"]) == (0, 0)
    scene.arm.gripper.open()
    scene.world.step(240)
    scene.rest()
    assert (scene.score()["cleared"], scene.score()["lost"]) == (1, 0)
    scene.close()


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
