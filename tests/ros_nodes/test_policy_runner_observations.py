"""The runner's observations and commands against the environments' own, task by task; no ROS is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from envs.manipulation import HAND_STEP_M, ManipulationEnv
from envs.manipulation.arm import T_WORLD_BASE
from envs.manipulation.props import PropState
from envs.panda import solve_ik
from geometry import InputError, invert, transform
from policies.experts import make_expert
from ros_nodes.policy_runner.joint_commander import JointCommander
from ros_nodes.policy_runner.policy_source import open_policy
from ros_nodes.task_view.arm_reading import ArmReader
from ros_nodes.task_view.named_facts import Snapshot
from ros_nodes.task_view.object_motion import ObjectMotion
from ros_nodes.task_view.observation_builder import ObservationBuilder
from ros_nodes.task_view.task_contract import TaskContract

SHIPPED = ("rl:Reach", "rl:Push", "rl:PickPlace", "rl:Lift", "rl:Stack", "rl:Handover",
           "imitation:PickPlace", "imitation:Push", "imitation:Stack", "imitation:Detour")  # fmt: skip
SOURCES = ("joint_states", "objects", "goals")
CONSTANTS = ("pillar touched", "goal pillar touched", "giver has let go")


@contextmanager
def opened(env_id: str, **options: Any) -> Iterator[ManipulationEnv]:
    env = gymnasium.make(env_id, **options)
    try:
        yield env.unwrapped  # type: ignore[misc]
    finally:
        env.close()


def told(env: ManipulationEnv, contract: TaskContract, reader: ArmReader) -> Snapshot:
    """What perfect sensors would tell of the environment's scene: joints, poses with their speeds, goals."""
    arm = env.scene.arm.state
    things = {prop.prop.name: prop.state for prop in env.scene.props}
    if "giver" in contract.objects:
        things["giver"] = PropState(env.task.giver_m, (0, 0, 0, 1), env.task._giver_ms, (0, 0, 0))  # type: ignore[attr-defined]
    goals = dict(zip(contract.goals, np.reshape(env.task.goal[: 3 * len(contract.goals)], (-1, 3)), strict=True))
    read = reader.read(np.array(arm.q), np.array(arm.dq), arm.opening_m, 0.0)
    states = (float(getattr(env.task, "touched", 0.0)), 0.0, float(getattr(env.task, "released", 0.0)))
    return Snapshot(read, things, goals, dict(zip(CONSTANTS, states, strict=True)))


def farthest(seen: Any, built: dict[str, np.ndarray]) -> float:
    given = seen if isinstance(seen, dict) else {"observation": seen}
    assert list(given) == list(built)
    assert all(given[key].dtype == built[key].dtype for key in given)
    return max(float(np.abs(given[key] - built[key]).max()) for key in given)


@pytest.mark.parametrize("name", SHIPPED)
def test_an_observation_from_sensors_is_the_environments_own(name: str) -> None:
    policy = open_policy(name)
    contract = TaskContract.of_env(policy.env, policy.env_options)
    contract.check_policy(policy.observation_shapes, policy.action_low, policy.action_high, name)
    builder = ObservationBuilder(contract, SOURCES, CONSTANTS)
    reader, rng = ArmReader(T_WORLD_BASE), np.random.default_rng(3)
    with opened(policy.env, **policy.env_options) as env:
        seen, _ = env.reset(seed=5)
        worst = farthest(seen, builder.build(told(env, contract, reader)))
        for _ in range(25):
            seen, *_ = env.step(rng.uniform(-1.0, 1.0, env.action_space.shape))
            worst = max(worst, farthest(seen, builder.build(told(env, contract, reader))))
    assert worst < 1e-6


@pytest.mark.parametrize("action", ["position", "position_yaw", "pose", "joint_velocity", "joint_position"])
def test_every_action_mode_is_seen_and_commanded_as_in_the_environment(action: str) -> None:
    contract = TaskContract.of_env("graspmimic/PickPlace-v0", {"action": action})
    builder, reader = ObservationBuilder(contract, SOURCES), ArmReader(T_WORLD_BASE)
    commander, rng = JointCommander(contract, T_WORLD_BASE), np.random.default_rng(11)
    with opened("graspmimic/PickPlace-v0", action=action) as env:
        seen, _ = env.reset(seed=2)
        sent = _spy(env)
        for _ in range(40):
            snapshot = told(env, contract, reader)
            assert farthest(seen, builder.build(snapshot)) < 1e-6
            wanted = rng.uniform(-1.5, 1.5, env.action_space.shape)
            target = commander.command(snapshot.arm, wanted)
            before = np.array(env.scene.arm.state.q)
            seen, *_ = env.step(wanted)
            np.testing.assert_allclose(target.q, before + contract.period_s * sent["speeds"], atol=1e-6)
            assert target.opening_m == pytest.approx(env.scene.arm._width_target)


def _spy(env: ManipulationEnv) -> dict[str, Any]:
    """Notes the joint speeds that the environment commands."""
    arm, sent = env.scene.arm, {}
    drive = arm._drive

    def noted(*args: Any, **kwargs: Any) -> None:
        sent["speeds"] = np.array(kwargs["targetVelocities"])
        drive(*args, **kwargs)

    arm._drive = noted
    return sent


def test_the_base_may_stand_elsewhere_on_the_robot() -> None:
    """A base that is turned in the environment's world turns velocities and offsets with it."""
    contract = TaskContract.of_env("graspmimic/Reach-v0", {})
    T_task_base = transform(Rotation.from_euler("z", 0.4), (-0.55, 0.1, 0.0))
    reader = ArmReader(T_task_base)
    T_task_grasp = transform(np.diag([1.0, -1.0, -1.0]), contract.start_m)
    q, dq = solve_ik(invert(T_task_base) @ T_task_grasp).q, np.full(7, 0.3)
    now, later = reader.read(q, dq, 0.0, 0.0), reader.read(q + 1e-6 * dq, dq, 0.0, 1e-6)
    np.testing.assert_allclose(np.subtract(later.position, now.position) / 1e-6, now.velocity, atol=1e-4)
    commander = JointCommander(contract, T_task_base)
    moved = reader.read(commander.command(now, [0.5, 0.0, 0.0]).q, dq, 0.0, 0.04)
    np.testing.assert_allclose(np.subtract(moved.position, now.position), (0.5 * HAND_STEP_M, 0.0, 0.0), atol=1e-3)


def test_speeds_that_a_driver_does_not_tell_are_differences() -> None:
    reader, dq = ArmReader(T_WORLD_BASE), np.full(7, np.nan)
    q, speed = np.array([0.0, -0.7, 0.0, -2.3, 0.0, 1.6, 0.8]), np.linspace(-0.4, 0.4, 7)
    assert reader.read(q, dq, 0.08, 1.0).dq == [0.0] * 7
    np.testing.assert_allclose(reader.read(q + 0.04 * speed, dq, 0.08, 1.04).dq, speed, atol=1e-9)


def test_object_speeds_are_differences_over_a_period() -> None:
    motion, period = ObjectMotion(0.04), 0.04
    axis, spin, speed = np.array([0.0, 0.6, 0.8]), 1.5, np.array([0.1, -0.2, 0.3])
    for step in range(12):  # seen four times a period
        time_s = step * period / 4
        motion.see("cube", time_s, transform(Rotation.from_rotvec(axis * spin * time_s), 0.5 + speed * time_s))
    state = motion.state("cube")
    np.testing.assert_allclose(state.velocity, speed, atol=1e-9)
    np.testing.assert_allclose(state.angular_velocity, axis * spin, atol=1e-9)
    motion.see("cube", 0.0, transform(translation=(0.0, 0.0, 0.0)))  # the clock went back
    assert list(motion.state("cube").velocity) == [0.0, 0.0, 0.0]


def test_finite_differences_of_a_falling_cube_lag_by_half_a_period() -> None:
    with opened("graspmimic/Lift-v0") as env:
        env.reset(seed=1)
        cube, motion = env.scene.props[0], ObjectMotion(0.04)
        cube.place((0.1, 0.1, 0.4))
        for step in range(4):
            motion.see("cube", 0.04 * step, transform(translation=cube.sense().position))
            env.scene.step()
        motion.see("cube", 0.16, transform(translation=cube.sense().position))
        lag = 9.81 * env.physics.timestep_s * (env.physics.substeps - 1) / 2  # Bullet's steps are semi-implicit
        assert motion.state("cube").velocity[2] - cube.state.velocity[2] == pytest.approx(lag, abs=0.005)


def test_a_missing_source_is_refused_with_the_numbers_that_it_lacks() -> None:
    contract = TaskContract.of_env("graspmimic/PickPlace-v0", {})
    with pytest.raises(InputError, match=r"cube position x \(m\).*goal cube z \(m\).*add the source"):
        ObservationBuilder(contract, ("joint_states",))
    with pytest.raises(InputError, match=r"lack hand position x \(m\).*gripper opening \(m\)"):
        ObservationBuilder(contract, ("objects", "goal"))
    with pytest.raises(InputError, match="some of joint_states"):
        ObservationBuilder(contract, ("joints",))
    stack = TaskContract.of_env("graspmimic/Stack-v0", {})
    with pytest.raises(InputError, match=r"lack goal red x \(m\)"):
        ObservationBuilder(stack, ("joint_states", "objects", "goal"))
    detour = TaskContract.of_env("graspmimic/Detour-v0", {})
    with pytest.raises(InputError, match=r"lack pillar touched \(-\), goal pillar touched \(-\); .*constants"):
        ObservationBuilder(detour, ("joint_states", "objects", "goal"))


def test_a_policy_of_images_or_of_another_kind_of_task_is_refused() -> None:
    with pytest.raises(InputError, match="looks at depth"):
        TaskContract.of_env("graspmimic/PickPlace-v0", {"observation": "state+depth"})
    with pytest.raises(InputError, match="arm at a table"):
        TaskContract.of_env("CartPole-v1", {})
    with pytest.raises(InputError, match="NoSuch"):
        TaskContract.of_env("graspmimic/NoSuch-v0", {})
    contract = TaskContract.of_env("graspmimic/PickPlace-v0", {})
    with pytest.raises(InputError, match=r"observation \(24,\) where the environment gives \(25,\); actions"):
        contract.check_policy({"observation": (24,)}, (-1.0,) * 3, (1.0,) * 3, "rl:Push")


def test_what_is_not_finite_is_refused_by_name() -> None:
    contract = TaskContract.of_env("graspmimic/PickPlace-v0", {})
    builder, reader = ObservationBuilder(contract, SOURCES), ArmReader(T_WORLD_BASE)
    with opened("graspmimic/PickPlace-v0") as env:
        env.reset(seed=0)
        seen = told(env, contract, reader)
    nan = seen.objects["cube"]._replace(position=(0.0, np.nan, 0.0))
    with pytest.raises(InputError, match="none for cube position y, cube from the hand y"):
        builder.build(seen._replace(objects={"cube": nan}))
    with pytest.raises(InputError, match="none for goal cube x"):
        builder.build(seen._replace(goals={}))
    with pytest.raises(InputError, match="joint_states: expected 7 finite"):
        reader.read(np.full(7, np.nan), np.zeros(7), 0.08, 0.0)
    with pytest.raises(InputError, match="action: expected 4 finite numbers"):
        JointCommander(contract, T_WORLD_BASE).command(seen.arm, [0.0, np.nan, 0.0, 0.0])


def test_an_expert_and_the_policies_are_named_by_task_or_file(tmp_path: Any) -> None:
    assert make_expert("PickPlace") is not None
    for wrong, match in (("rl:Slide", "shipped policy"), ("imitation:Lift", "shipped policy"), (str(tmp_path), "JSON")):
        with pytest.raises(InputError, match=match):
            open_policy(wrong)
    np.testing.assert_allclose(invert(T_WORLD_BASE)[:3, 3], (0.6, 0.0, 0.0))
