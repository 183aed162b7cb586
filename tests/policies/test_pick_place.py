"""The skill's order of things on a robot that only notes what it is told, and what a stop does to it."""

from __future__ import annotations

import numpy as np
import pytest

from envs.panda import HOME_Q, PathCollision, grasp_pose, solve_grasp_ik
from geometry import transform
from policies import Grip, Motion, PickAndPlace, PickConfig, RobotStopped
from policies.pick_place import Phase

DOWN = np.diag([1.0, -1.0, -1.0])
GRASP = transform(DOWN, (0.45, 0.1, 0.15))
Q_DROP = np.array([0.6, *HOME_Q[1:]])
NO_CLOUD = np.empty((0, 3))


class Notebook:
    """A robot port without a robot: motions take no time, and end as `script` says (the n-th motion from 0)."""

    T_world_base = np.eye(4)

    def __init__(self, *, holds: bool = True, script: dict[int, Motion | RobotStopped] | None = None) -> None:
        self.q = np.array(HOME_Q)
        self.holds, self.script = holds, script or {}
        self.done: list[str] = []
        self.motions = 0

    @property
    def T_world_grasp(self) -> np.ndarray:
        return grasp_pose(self.q)

    def follow(self, trajectory, *, stop_on_contact: bool = False) -> Motion:
        assert np.abs(trajectory.q[0] - self.q).max() < 0.02, "a motion must start where the arm stands"
        self.done.append("press" if stop_on_contact else "move")
        answer = self.script.get(self.motions, Motion(True))
        self.motions += 1
        if isinstance(answer, RobotStopped):
            raise answer
        self.q = trajectory.q[-1] if answer.completed else 0.5 * (trajectory.q[0] + trajectory.q[-1])
        return answer

    def travel(self, trajectory) -> Motion:
        self.done.append("free")
        return self.follow(trajectory)

    def open_gripper(self, *, wait: bool = True) -> None:
        self.done.append("open" if wait else "opening")

    def close_gripper(self) -> Grip:
        self.done.append("close")
        return self.grip()

    def grip(self) -> Grip:
        return Grip(0.03 if self.holds else 0.0, self.holds)


class Asked:
    """One grasp, as a planner returns it."""

    def __init__(self, pose: np.ndarray = GRASP) -> None:
        self.poses, self.widths_m, self.scores = pose[None], np.array([0.05]), np.array([0.9])


@pytest.fixture(scope="module")
def collision():
    with PathCollision() as world:
        world.add_box((0.4, 0.6, 0.02), transform(translation=(0.6, 0.0, -0.02)), "table")
        yield world


def skill_on(robot: Notebook, collision: PathCollision, on_phase=None) -> PickAndPlace:
    return PickAndPlace(robot, collision, PickConfig(), q_drop=Q_DROP, table_z_m=0.0, on_phase=on_phase)


def test_a_pick_and_a_place_in_order(collision: PathCollision) -> None:
    robot, phases = Notebook(), []
    result = skill_on(robot, collision, phases.append).run(Asked(), NO_CLOUD, np.random.default_rng(0))
    assert result.outcome == "placed" and result.grasp_index == 0
    assert robot.done == ["opening", "free", "move", "press", "close", "move", "free", "move", "open"]
    assert phases == ["plan", "approach", "close", "lift", "check", "carry", "check", "release"]
    np.testing.assert_allclose(robot.q, Q_DROP, atol=1e-9)


def test_pick_ends_lifted_and_holding(collision: PathCollision) -> None:
    """The hand stands straight above the grasp, by the configured lift."""
    robot = Notebook()
    result = skill_on(robot, collision).pick(Asked(), NO_CLOUD, np.random.default_rng(0))
    assert result.outcome == "held" and robot.done[-1] == "move"
    np.testing.assert_allclose(robot.T_world_grasp[:3, 3], GRASP[:3, 3] + (0.0, 0.0, 0.10), atol=1e-3)


def test_the_lift_clears_what_stands_around(collision: PathCollision) -> None:
    robot = Notebook()
    cloud = np.array([[0.8, -0.3, 0.14]])
    skill_on(robot, collision).pick(Asked(), cloud, np.random.default_rng(0))
    assert robot.T_world_grasp[2, 3] == pytest.approx(GRASP[2, 3] + 0.14 + 0.02, abs=1e-3)


@pytest.mark.parametrize(
    ("script", "holds", "outcome"),
    [
        ({}, False, "missed"),
        ({1: Motion(False, contact=True)}, True, "held"),
        ({1: Motion(False, reason="far from the grasp")}, True, "blocked"),
        ({0: Motion(False, reason="a cable")}, True, "blocked"),
    ],
)
def test_a_contact_at_the_grasp_is_a_grasp_and_elsewhere_it_is_not(collision, script, holds, outcome) -> None:
    robot = Notebook(holds=holds, script=script)
    assert skill_on(robot, collision).pick(Asked(), NO_CLOUD, np.random.default_rng(0)).outcome == outcome
    assert ("close" in robot.done) == (outcome != "blocked")
    if outcome != "held":
        assert robot.done[-3:] == ["open", "free", "move"]
        np.testing.assert_allclose(robot.q, Q_DROP, atol=1e-9)


def test_a_carry_that_touches_something_is_planned_again_and_then_given_up(collision: PathCollision) -> None:
    bump = Motion(False, reason="touched something")
    robot = Notebook(script={0: bump})
    assert skill_on(robot, collision).go_to_drop(np.random.default_rng(0)) and robot.motions == 2
    robot = Notebook(script=dict.fromkeys(range(9), bump))
    assert not skill_on(robot, collision).go_to_drop(np.random.default_rng(0)) and robot.motions == 3


def test_an_arm_that_was_stopped_low_goes_up_before_it_goes_away(collision: PathCollision) -> None:
    """From where the hand touches the table no way can be planned; straight to the goal would go through what stands
    around."""
    robot = Notebook()
    low = transform(DOWN, (0.45, 0.1, 0.0))
    robot.q = solve_grasp_ik(low, np.array(HOME_Q))[0].q
    heights, follow = [], robot.follow

    def watched(trajectory, *, stop_on_contact: bool = False) -> Motion:
        heights.append([grasp_pose(q)[:3, 3] for q in trajectory.q])
        return follow(trajectory, stop_on_contact=stop_on_contact)

    robot.follow = watched
    assert skill_on(robot, collision).go_to_drop(np.random.default_rng(0))
    up = np.array(heights[0])
    assert len(heights) == 2 and up[-1, 2] - up[0, 2] > 0.08
    np.testing.assert_allclose(up[:, :2] - up[0, :2], 0.0, atol=5e-3)


@pytest.mark.parametrize("motion", range(4))
def test_after_a_stop_nothing_more_is_asked_of_the_robot(collision: PathCollision, motion: int) -> None:
    """Whichever of the four motions is stopped: approach, press, lift, carry."""
    robot = Notebook(script={motion: RobotStopped("canceled", "by the client")})
    with pytest.raises(RobotStopped, match="by the client") as caught:
        skill_on(robot, collision).run(Asked(), NO_CLOUD, np.random.default_rng(0))
    assert caught.value.kind == "canceled"
    assert robot.motions == motion + 1 and robot.done[-1] in ("move", "press")


@pytest.mark.parametrize("last", ["plan", "approach", "close", "lift", "check", "carry", "release"])
def test_a_phase_that_is_refused_does_not_begin(collision: PathCollision, last: Phase) -> None:
    began = {"plan": [], "approach": [], "close": ["opening", "free", "move", "press"]}

    def refuse(phase: Phase) -> None:
        if phase == last:
            raise RobotStopped("canceled", phase)

    robot = Notebook()
    skill = skill_on(robot, collision, refuse)
    with pytest.raises(RobotStopped, match=last):
        skill.run(Asked(), NO_CLOUD, np.random.default_rng(0))
    assert "open" not in robot.done
    if last in began:
        assert robot.done == began[last]
    # and the skill is as good as new
    fresh = Notebook()
    skill.robot, skill._tell = fresh, lambda phase: None
    assert skill.run(Asked(), NO_CLOUD, np.random.default_rng(0)).outcome == "placed"


def test_nothing_is_released_where_the_arm_cannot_get_to_the_drop(collision: PathCollision) -> None:
    robot = Notebook(script=dict.fromkeys(range(9), Motion(False, reason="a wall")))
    assert skill_on(robot, collision).place(np.random.default_rng(0)) == "blocked" and "open" not in robot.done


def test_out_of_reach_moves_nothing(collision: PathCollision) -> None:
    robot = Notebook()
    far = Asked(transform(DOWN, (1.5, 0.0, 0.1)))
    result = skill_on(robot, collision).pick(far, NO_CLOUD, np.random.default_rng(0))
    assert (result.outcome, result.refused, robot.done) == ("unreachable", {"out of reach": 1}, [])


def test_a_thing_lost_on_the_way_is_told(collision: PathCollision) -> None:
    robot = Notebook()
    skill = skill_on(robot, collision)
    assert skill.pick(Asked(), NO_CLOUD, np.random.default_rng(0)).outcome == "held"
    robot.holds = False
    assert skill.place(np.random.default_rng(0)) == "dropped" and robot.done[-1] == "open"
