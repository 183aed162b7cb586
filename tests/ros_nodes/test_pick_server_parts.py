"""The pick server's plain parts: time that jumps, joints from several messages, memory of failures, codes."""

from __future__ import annotations

import numpy as np
import pytest

from envs.arms import HOME_Q, PANDA, joint_motion
from geometry import InputError, rotation_angle, transform
from policies import PickResult, RobotStopped
from ros_nodes.pick_server.ending import Ending, ending_of_refusals, ending_of_stop
from ros_nodes.pick_server.failed_grasps import FailedGrasps
from ros_nodes.pick_server.hand_speed import within_hand_limits
from ros_nodes.pick_server.joint_watch import JointWatch
from ros_nodes.pick_server.obstacles import Surroundings
from ros_nodes.pick_server.patience import Patience, wait
from ros_nodes.pick_server.pickup import Seen, pick_up
from ros_nodes.pick_server.settings import PickSettings


class Clock:
    def __init__(self, now_s: float = 100.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def test_time_is_counted_through_jumps() -> None:
    robot, wall = Clock(), Clock()
    patience = Patience(robot, wall)
    for step_s in (0.5, 0.25, -60.0, 0.5, 3600.0, 0.25):
        robot.now_s += step_s
        wall.now_s += 1.0
        spent_s = patience.spent_s()
    assert spent_s == pytest.approx(1.5) and not patience.stands_still()
    wall.now_s += 4.0
    assert patience.spent_s() == spent_s and not patience.stands_still()
    wall.now_s += 1.1
    assert patience.spent_s() == spent_s and patience.stands_still()
    robot.now_s += 0.1
    assert patience.spent_s() == pytest.approx(1.6) and not patience.stands_still()


def test_waiting_ends_by_time_or_by_what_is_asked() -> None:
    robot = Clock()
    asked = []

    def tick() -> None:
        asked.append(robot.now_s)
        robot.now_s += 0.5

    wait(2.0, robot, tick)
    assert len(asked) == 4

    def stop() -> None:
        raise RobotStopped("canceled", "enough")

    with pytest.raises(RobotStopped, match="enough"):
        wait(2.0, robot, stop)


def test_joints_come_from_several_messages_in_any_order() -> None:
    wall = Clock()
    watch = JointWatch(("a", "b"), ("finger",), wall)
    assert "no joint states" in watch.problem(1.0) and watch.q() is None
    watch.update(("b", "other"), (2.0, 9.0))
    assert "do not name a" in watch.problem(1.0)
    watch.update(("a",), (1.0,))
    np.testing.assert_array_equal(watch.q(), (1.0, 2.0))
    assert watch.problem(1.0) == "" and watch.fingers(1.0) is None
    watch.update(("finger",), (0.03,))
    np.testing.assert_array_equal(watch.fingers(1.0), (0.03,))
    wall.now_s += 0.7
    watch.update(("a",), (1.1,))
    wall.now_s += 0.7
    assert "1.4 s old" in watch.problem(1.0), "the oldest joint counts"
    assert watch.fingers(1.0) is None
    assert watch.heard_since(wall.now_s - 1.5) and not watch.heard_since(wall.now_s - 1.3)


def test_numbers_that_are_none_are_not_taken() -> None:
    wall = Clock()
    watch = JointWatch(("a",), (), wall)
    watch.update(("a",), (float("nan"),))
    assert "the position of a is nan" in watch.problem(1.0)
    watch.update(("a",), (1.0,))
    wall.now_s += 2.0
    watch.update(("a",), (float("inf"),))
    assert "2.0 s old (the position of a is inf)" in watch.problem(1.0)
    np.testing.assert_array_equal(watch.q(), (1.0,))


def test_the_speed_is_that_of_late() -> None:
    wall = Clock(0.0)
    watch = JointWatch(("a", "b"), (), wall)
    assert np.isnan(watch.speed())
    for i in range(101):  # b at 2 rad/s for half a second, then still
        watch.update(("a", "b"), (0.0, 2.0 * min(wall.now_s, 0.5)))
        if i == 40:
            assert watch.speed() == pytest.approx(2.0)
        wall.now_s += 0.01
    assert watch.speed() == 0.0
    assert np.isnan(watch.speed(since_s=wall.now_s - 0.03)), "three messages are too few"


def test_failures_are_forgotten_in_time() -> None:
    robot, keep = Clock(), Clock(10.0)
    failed = FailedGrasps(robot, keep)
    failed.add(np.eye(4))
    robot.now_s += 6.0
    failed.add(transform(translation=(1.0, 0.0, 0.0)))
    assert len(failed.recent()) == 2
    robot.now_s += 6.0
    assert [T[0, 3] for T in failed.recent()] == [1.0]
    robot.now_s = 3.0
    assert failed.recent() == [], "before it happened it has not happened"


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        ({}, "PLANNING_FAILED"),
        ({"out of reach": 4}, "NO_IK_SOLUTION"),
        ({"out of reach": 4, "approach blocked": 1}, "GOAL_IN_COLLISION"),
    ],
)
def test_refusals_and_stops_have_codes(refused, code) -> None:
    assert ending_of_refusals(refused).code == code
    assert ending_of_stop(RobotStopped("stale", "why")) == Ending("ROBOT_STATE_STALE", "why")


class Hand:
    """A skill that answers from a script."""

    def __init__(self, *outcomes: str) -> None:
        self.outcomes, self.offered = list(outcomes), []

    def pick(self, grasps, cloud, rng):
        self.offered.append(grasps.poses[:, 0, 3].tolist())
        outcome = self.outcomes.pop(0)
        if outcome == "unreachable":
            return PickResult("unreachable", -1, None, {"out of reach": len(grasps.poses)})
        return PickResult(outcome, 0, grasps.poses[0], {})


def seen(*xs: float) -> Seen:
    class Named:
        def __init__(self, number: int) -> None:
            self.id = f"g{number}"

    poses = np.stack([transform(translation=(x, 0.0, 0.0)) for x in xs])
    return Seen(poses, np.linspace(1.0, 0.5, len(xs)), [Named(i) for i in range(len(xs))], np.empty((0, 3)))


def run(hand: Hand, looks: list, attempts: int = 3) -> tuple[Ending, list[str]]:
    told: list[str] = []
    failed = FailedGrasps(lambda: 0.0, lambda: 100.0)
    ending = pick_up(
        hand, lambda: looks.pop(0), attempts=attempts, failed=failed, tell=told.append, rng=np.random.default_rng(0)
    )
    return ending, told


def test_a_failed_grasp_goes_to_the_end_of_the_next_look() -> None:
    hand = Hand("missed", "blocked", "held")
    ending, told = run(hand, [seen(0.0, 1.0, 2.0), seen(0.0, 1.0, 2.0), seen(2.0, 1.0, 0.0)])
    assert hand.offered == [[0.0, 1.0, 2.0], [1.0, 2.0, 0.0], [2.0, 1.0, 0.0]]
    assert ending.code == "SUCCESS" and ending.grasp.id == "g0" and told == ["retry", "retry"]
    assert ending.message == "g0 holds after 2 attempts: missed, blocked"


def test_why_it_ended_tells_what_was_tried() -> None:
    ending, _ = run(Hand("missed"), [seen(0.0), Ending("PLANNING_FAILED", "no grasp was found")])
    assert ending.code == "PLANNING_FAILED" and ending.message == "no grasp was found after 1 attempts: missed"
    assert ending.grasp.id == "g0"
    ending, _ = run(Hand("missed", "unreachable"), [seen(0.0), seen(5.0)])
    assert ending.code == "NO_IK_SOLUTION" and ending.message.endswith("1 out of reach after 1 attempts: missed")


def test_table_and_boxes_are_kept_clear_of() -> None:
    surroundings = Surroundings()
    box = (0.3, 0.0, 0.45, 0.1, 0.1, 0.1)
    free = PickSettings()
    boxed = PickSettings(obstacles=box)
    try:
        world = surroundings.collision(PANDA, np.eye(4), free)
        assert world.check(HOME_Q).free
        assert surroundings.collision(PANDA, np.eye(4), free) is world, "made once"
        assert surroundings.collision(PANDA, np.eye(4), boxed).check(HOME_Q).obstacle == "box 0"
        raised = PickSettings(table_z_m=0.5)
        assert surroundings.collision(PANDA, np.eye(4), raised).check(HOME_Q).obstacle == "table"
        none = PickSettings(table_z_m=0.5, table_size_m=(0.0, 0.0))
        assert surroundings.collision(PANDA, np.eye(4), none).check(HOME_Q).free
    finally:
        surroundings.close()


@pytest.mark.parametrize(
    ("q_from", "q_to"),
    [
        ((-1.2, -0.4, 0.0, -2.2, 0.0, 2.0, 0.8), (1.0, 0.9, 0.0, -1.0, 0.0, 2.0, 0.8)),
        ((-0.8, -0.3, 0.3, -2.4, 0.0, 1.4, 0.8), (0.6, 0.9, -0.3, -1.0, 0.0, 2.4, -0.6)),
    ],
)
def test_the_hand_keeps_to_its_own_limits(q_from, q_to) -> None:
    """By finite differences of the hand's path, which travels or turns too fast; the path stays the same."""
    fast = joint_motion(q_from, q_to)

    def speeds(motion) -> tuple[float, float]:
        times_s = np.arange(0.0, motion.duration_s, 0.002)
        T = PANDA.grasp_pose(motion.sample(times_s)[0])
        travels = np.linalg.norm(np.diff(T[:, :3, 3], axis=0), axis=1).max() / 0.002
        return travels, rotation_angle(T[1:, :3, :3], T[:-1, :3, :3]).max() / 0.002

    assert max(np.divide(speeds(fast), (1.7, 2.5))) > 1.02
    slow = within_hand_limits(fast, PANDA)
    assert max(np.divide(speeds(slow), (1.7, 2.5))) == pytest.approx(0.95, abs=0.01)
    np.testing.assert_array_equal(slow.q, fast.q)
    gentle = fast.slowed(0.3)
    assert within_hand_limits(gentle, PANDA) is gentle


@pytest.mark.parametrize(("obstacles", "said"), [((1.0,) * 5, "6 numbers a box"), ((0.0,) * 6, "sizes above 0")])
def test_bad_boxes_are_refused(obstacles, said) -> None:
    with pytest.raises(InputError, match=said):
        PickSettings(obstacles=obstacles)
