"""The runner's loop without ROS: it solves tasks through joint targets, holds when it must, and keeps time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest

from envs.manipulation import ManipulationEnv
from envs.manipulation.arm import T_WORLD_BASE
from geometry import InputError, from_pos_quat
from ros_nodes.policy_runner.gripper_gate import GripperGate
from ros_nodes.policy_runner.joint_commander import JointCommander
from ros_nodes.policy_runner.policy_loop import PolicyLoop
from ros_nodes.policy_runner.policy_source import RunnablePolicy, open_policy
from ros_nodes.policy_runner.source_watch import SourceLimits, SourceWatch
from ros_nodes.task_view.arm_reading import ArmReader
from ros_nodes.task_view.named_facts import Snapshot
from ros_nodes.task_view.object_motion import ObjectMotion
from ros_nodes.task_view.observation_builder import ObservationBuilder
from ros_nodes.task_view.task_contract import TaskContract

SEED = 9000


class Robot:
    """An arm at a table that takes joint targets and an opening, and tells joints and poses but no object's speed."""

    def __init__(self, policy: RunnablePolicy) -> None:
        env = gymnasium.make(policy.env, **policy.env_options)
        self.steps = env.spec.max_episode_steps  # type: ignore[union-attr]
        self.env: ManipulationEnv = env.unwrapped  # type: ignore[assignment]
        self.contract = TaskContract.of_env(policy.env, policy.env_options)
        builder = ObservationBuilder(self.contract, ("joint_states", "objects", "goals"))
        self._reader, self._gate = ArmReader(T_WORLD_BASE), GripperGate(0.01, 0.08)
        self._motion = ObjectMotion(self.contract.period_s)
        self.loop = PolicyLoop(policy.act, policy.reset, builder, JointCommander(self.contract, T_WORLD_BASE),
                               period_s=self.contract.period_s)  # fmt: skip

    def play(self, seed: int) -> bool:
        """Whether the task is done at the end of an episode."""
        self.env.reset(seed=seed)
        self._motion.forget()
        self._gate.forget()
        self.loop.start()
        for step in range(self.steps):
            scene, now = self.env.scene, step * self.contract.period_s
            tick = self.loop.tick(now, lambda now=now: self._look(now), ())  # type: ignore[misc]
            assert tick.target is not None, tick.reason
            scene.arm.move_to_joints(tick.target.q)
            if tick.target.opening_m is not None:
                opening = self._gate.command(tick.target.opening_m)
                if opening is not None:
                    scene.arm.set_opening(opening)
            scene.step()
        task = self.env.task
        return task.succeeded(self.env.scene, np.array(task.achieved(self.env.scene), dtype=np.float32))

    def _look(self, now_s: float) -> Snapshot:
        scene, arm = self.env.scene, self.env.scene.arm.state
        for prop in scene.props:
            self._motion.see(prop.prop.name, now_s, from_pos_quat(prop.state.position, prop.state.quat_xyzw))
        goals = np.reshape(self.env.task.goal, (-1, 3))
        return Snapshot(
            self._reader.read(np.array(arm.q), np.array(arm.dq), arm.opening_m, now_s),
            {name: self._motion.state(name) for name in self._motion.names},
            dict(zip(self.contract.goals, goals, strict=True)),
            {},
        )


def played_in_env(policy: RunnablePolicy, seed: int) -> bool:
    env = gymnasium.make(policy.env, **policy.env_options)
    seen, info = env.reset(seed=seed)
    policy.reset()
    over = False
    while not over:
        seen, _, ended, cut, info = env.step(policy.act(seen if isinstance(seen, dict) else {"observation": seen}))
        over = ended or cut
    env.close()
    return bool(info["is_success"])


@pytest.mark.parametrize(
    "name", ["rl:Reach", "rl:Push", "rl:PickPlace", "rl:Lift", "imitation:PickPlace", "imitation:Push"]
)
def test_a_policy_succeeds_through_joint_targets_as_in_its_environment(name: str) -> None:
    """Speeds of objects are differences and the gripper is told only changes; that may cost one episode in six."""
    policy, seeds = open_policy(name), range(SEED, SEED + 6)
    robot = Robot(policy)
    ours, theirs = sum(map(robot.play, seeds)), sum(played_in_env(policy, seed) for seed in seeds)
    robot.env.close()
    assert ours >= theirs - 1 and ours >= 4, f"{ours} of 6 through the runner, {theirs} of 6 in the environment"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rl:Stack", "imitation:Stack", "rl:PickPlace", "imitation:PickPlace"])
def test_forty_episodes_through_joint_targets(name: str) -> None:
    policy, seeds = open_policy(name), range(SEED, SEED + 40)
    robot = Robot(policy)
    ours, theirs = sum(map(robot.play, seeds)), sum(played_in_env(policy, seed) for seed in seeds)
    robot.env.close()
    print(f"{name}: {ours} of 40 through the runner, {theirs} of 40 in the environment")
    assert ours >= theirs - 4


class Bench:
    """A loop for Reach whose policy and looks are the test's."""

    def __init__(self, act: Callable[[Any], Any] | None = None, **options: Any) -> None:
        self.contract = TaskContract.of_env("graspmimic/Reach-v0", {})
        self.resets = 0
        self.seen: list[Any] = []
        self.reader = ArmReader(T_WORLD_BASE)
        self.commander = JointCommander(self.contract, T_WORLD_BASE)
        builder = ObservationBuilder(self.contract, ("joint_states", "goal"))
        self.loop = PolicyLoop(act or self._act, self._reset, builder, self.commander, period_s=0.04, **options)
        self.q = self.commander._arm._rest
        self.goal = (0.1, 0.1, 0.1)

    def _act(self, observation: Any) -> np.ndarray:
        self.seen.append(observation)
        return np.full(3, 0.5, dtype=np.float32)

    def _reset(self) -> None:
        self.resets += 1

    def look(self) -> Snapshot:
        return Snapshot(self.reader.read(self.q, np.zeros(7), 0.0, 0.0), {}, {"fingertips": self.goal}, {})

    def tick(self, now_s: float, *problems: str) -> Any:
        return self.loop.tick(now_s, self.look, problems)


def test_nothing_is_sent_before_a_start_and_after_a_stop() -> None:
    bench = Bench()
    assert bench.tick(0.0).target is None and not bench.seen
    bench.loop.start()
    assert bench.tick(0.04).target is not None
    bench.loop.stop()
    assert bench.tick(0.08).target is None and len(bench.seen) == 1


def test_it_holds_while_a_source_is_stale_and_begins_anew_when_it_is_fresh() -> None:
    bench = Bench()
    bench.loop.start()
    assert bench.tick(0.0).state == "running"
    held = bench.tick(0.04, "objects: 0.60 s old, at most 0.5 s")
    assert (held.state, held.target, held.reason) == ("holding", None, "objects: 0.60 s old, at most 0.5 s")
    assert bench.resets == 1
    assert bench.tick(0.08).state == "running"
    assert bench.resets == 2 and bench.loop.tally.held == 1 and bench.loop.tally.steps == 2


def test_missed_ticks_are_counted_and_more_than_a_few_begin_anew() -> None:
    bench = Bench(missed_ticks=2)
    bench.loop.start()
    for now in (0.0, 0.04, 0.16):
        assert bench.tick(now).reason == ""
    assert (bench.loop.tally.missed, bench.resets) == (2, 1)
    late = bench.tick(0.32)
    assert late.reason.startswith("3 ticks were missed") and late.target is not None
    assert (bench.loop.tally.missed, bench.resets) == (5, 2)
    assert bench.loop.tally.worst_late_s == pytest.approx(0.12)
    assert "clock went back" in bench.tick(0.0).reason and bench.resets == 3


def test_an_action_that_is_not_finite_holds() -> None:
    bench = Bench(act=lambda seen: np.array([0.0, np.nan, 0.0]))
    bench.loop.start()
    held = bench.tick(0.0)
    assert held.state == "holding" and held.target is None and "action: expected 3 finite numbers" in held.reason


def test_joint_states_that_are_not_finite_hold() -> None:
    bench = Bench()
    bench.loop.start()
    bench.q = np.full(7, np.nan)
    assert "joint_states" in bench.tick(0.0).reason and not bench.seen


def test_a_hand_far_outside_the_workspace_is_not_sent_back_at_full_speed() -> None:
    bench = Bench()
    bench.loop.start()
    bench.q = np.zeros(7) + (0.0, 0.0, 0.0, -0.2, 0.0, 0.5, 0.0)  # nearly straight up
    held = bench.tick(0.0)
    assert held.state == "holding" and "outside the workspace" in held.reason


def test_it_stops_after_its_steps_or_when_the_goal_is_reached() -> None:
    bench = Bench(step_limit=3)
    bench.loop.start()
    reasons = [bench.tick(0.04 * step).reason for step in range(5)]
    assert reasons == ["", "", "", "stopped after 3 steps", ""] and bench.loop.state == "idle"
    there = Bench(done_steps=2)
    there.goal = tuple(there.look().arm.position)
    there.loop.start()
    assert [there.tick(0.04 * step).reason for step in range(2)] == ["", "done: the goal is reached"]


def test_targets_stay_within_speed_joint_and_workspace_limits() -> None:
    contract = TaskContract.of_env("graspmimic/Reach-v0", {})
    slow = JointCommander(contract, T_WORLD_BASE, velocity=(0.3,) * 7)
    low = JointCommander(contract, T_WORLD_BASE, workspace_m=((-0.3, -0.3, 0.15), (0.2, 0.3, 0.3)))
    reader, q = ArmReader(T_WORLD_BASE), slow._arm._rest
    arm = reader.read(q, np.zeros(7), 0.0, 0.0)
    target = slow.command(arm, [1.0, 1.0, -1.0])
    assert np.abs(target.q - q).max() == pytest.approx(0.3 * 0.04) and target.limited == "joint speed"
    for step in range(20):
        arm = reader.read(low.command(arm, [0.0, 0.0, -1.0]).q, np.zeros(7), 0.0, 0.04 * step)
    assert arm.position[2] == pytest.approx(0.15, abs=2e-3)
    with pytest.raises(InputError, match="a box that meets"):
        JointCommander(contract, T_WORLD_BASE, workspace_m=((0.5, 0.5, 0.5), (0.6, 0.6, 0.6)))


def test_a_step_is_taken_from_where_the_arm_will_be_when_it_takes_effect() -> None:
    bench = Bench(latency_s=0.01)
    bench.loop.start()
    first = bench.tick(0.96).target.q
    speed = (first - bench.q) / 0.04
    half_way = bench.q + 0.5 * (first - bench.q)

    def at(q: np.ndarray, dq: np.ndarray) -> Snapshot:
        return Snapshot(bench.reader.read(q, dq, 0.0, 0.0), {}, {"fingertips": bench.goal}, {}, joints_s=0.995)

    second = bench.loop.tick(1.0, lambda: at(half_way, speed), ()).target
    then = bench.reader.read(half_way + 0.015 * speed, speed, 0.0, 0.0)  # 5 ms old, and 10 ms on the way
    np.testing.assert_allclose(second.q, JointCommander(bench.contract, T_WORLD_BASE).command(then, [0.5] * 3).q)
    arrived = bench.loop.tick(1.04, lambda: at(second.q, 9.0 * speed), ()).target  # at its target it stops
    still = bench.reader.read(second.q, speed, 0.0, 0.0)
    np.testing.assert_allclose(arrived.q, JointCommander(bench.contract, T_WORLD_BASE).command(still, [0.5] * 3).q)


def test_a_gripper_is_told_only_what_is_worth_telling() -> None:
    gate = GripperGate(0.01, 0.08)
    told = [gate.command(opening) for opening in (0.08, 0.079, 0.075, 0.05, 0.045, 0.004, 0.0, 0.0, 0.09)]
    assert told == [0.08, None, None, 0.05, None, 0.004, 0.0, None, 0.08]
    gate.forget()
    assert gate.command(0.08) == 0.08


def test_sources_are_watched_by_their_stamps() -> None:
    watch = SourceWatch({"joint_states": SourceLimits(0.1, 20.0), "goal": SourceLimits(0.0)})
    assert watch.problems(0.0) == ["joint_states: never heard", "goal: never heard"]
    watch.hear("goal", 0.0)
    for step in range(50):
        watch.hear("joint_states", 5.0 + step * 0.1)
    watch.hear("unasked", 3.0)
    assert watch.problems(9.95) == [] and watch.rate_hz("joint_states") == pytest.approx(10.0)
    assert watch.slow() == ["joint_states: 10.0 Hz, at least 20.0 Hz"]
    assert watch.problems(10.2) == ["joint_states: 0.30 s old, at most 0.1 s"]
    assert watch.problems(9.0) == ["joint_states: 0.90 s in the future, at most 0.1 s"]
    watch.forget()
    assert watch.problems(0.0)[1] == "goal: never heard"
