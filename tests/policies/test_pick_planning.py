"""Which of the ranked grasps is picked, and why the others are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from envs.cell import RobotCell
from envs.clutter import DIALECT_A, Proposals
from envs.objects import ObjectSet
from envs.panda import PathCollision, grasp_pose
from geometry import InputError, invert, transform
from policies import PickConfig
from policies.pick_planning import PickPlanning, plan_pick

DOWN = np.diag([-1.0, 1.0, -1.0])
FREE = transform(DOWN, (0.15, 0.15, 0.08))
FAR = transform(DOWN, (1.5, 0.15, 0.08))
THROUGH_THE_TABLE = transform(DOWN, (0.15, 0.15, 0.045))
INTO_THE_BINS_WALL = transform(DOWN, (0.12, 0.395, 0.12))
FROM_BELOW = transform(np.eye(3), (0.15, 0.15, 0.30))


@pytest.fixture(scope="module")
def cell(box_model: Callable) -> Iterator[RobotCell]:
    rules = replace(DIALECT_A, objects_per_round=1)
    cell = RobotCell(rules, ObjectSet("box", (box_model((0.04, 0.04, 0.06)),)), "packed", np.random.default_rng(0))
    yield cell
    cell.close()


@pytest.fixture(scope="module")
def collision(cell: RobotCell) -> Iterator[PathCollision]:
    with cell.obstacles() as collision:
        yield collision


def grasps(*poses: np.ndarray) -> Proposals:
    return Proposals(np.array(poses).reshape(-1, 4, 4), np.full(len(poses), 0.05), np.linspace(1.0, 0.5, len(poses)))


def plan(cell: RobotCell, collision: PathCollision, *poses: np.ndarray, cloud_id=None, **config) -> PickPlanning:
    arm = cell.arm
    rng = np.random.default_rng(0)
    return plan_pick(grasps(*poses), arm.q, arm.T_world_base, collision, cloud_id, PickConfig(**config), rng)


def test_the_motions_lead_to_the_grasp(cell: RobotCell, collision: PathCollision) -> None:
    """From where the arm stands to 8 cm behind the grasp, then straight to it."""
    found = plan(cell, collision, FREE)
    assert found.refused == {} and found.plan is not None and found.plan.index == 0
    to_pregrasp, approach = found.plan.to_pregrasp, found.plan.approach
    np.testing.assert_allclose(to_pregrasp.sample(0.0)[0], cell.arm.q, atol=1e-6)
    np.testing.assert_allclose(to_pregrasp.sample(to_pregrasp.duration_s)[0], approach.sample(0.0)[0], atol=1e-6)
    T = cell.arm.T_world_base @ grasp_pose(approach.sample(np.linspace(0, approach.duration_s, 40))[0])
    np.testing.assert_allclose(T[-1], found.plan.T_world_grasp, atol=1e-3)
    np.testing.assert_allclose(T[0, :3, 3], FREE[:3, 3] + (0, 0, 0.08), atol=1e-3)
    assert np.abs(T[:, :2, 3] - FREE[:2, 3]).max() < 1e-3 and np.all(np.diff(T[:, 2, 3]) < 1e-5)
    spoken_for = invert(FREE) @ found.plan.T_world_grasp
    assert np.allclose(np.abs(np.diag(spoken_for)), 1.0) and spoken_for[2, 2] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("pose", "reason"),
    [
        (FAR, "out of reach"),
        (THROUGH_THE_TABLE, "approach blocked"),
        (INTO_THE_BINS_WALL, "approach blocked"),
    ],
)
def test_a_grasp_that_cannot_be_is_refused_with_its_reason(
    cell: RobotCell, collision: PathCollision, pose: np.ndarray, reason: str
) -> None:
    assert plan(cell, collision, pose) == PickPlanning(None, {reason: 1})
    following = plan(cell, collision, pose, pose, FREE, FAR)
    assert following.refused == {reason: 2} and following.plan is not None and following.plan.index == 2


def test_the_seen_objects_may_be_touched_on_the_approach_only(cell: RobotCell, collision: PathCollision) -> None:
    axis = np.linspace(-0.015, 0.015, 7)
    cube = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    at_the_grasp = collision.add_cloud(cube + FREE[:3, 3])
    assert plan(cell, collision, FREE, cloud_id=at_the_grasp).plan is not None
    collision.remove(at_the_grasp)
    where_the_hand_starts = collision.add_cloud(cube + FREE[:3, 3] + (0, 0, 0.16))
    found = plan(cell, collision, FREE, cloud_id=where_the_hand_starts, tree_size=0)
    assert found == PickPlanning(None, {"way blocked": 1})
    collision.remove(where_the_hand_starts)


def test_only_the_best_are_considered(cell: RobotCell, collision: PathCollision) -> None:
    found = plan(cell, collision, FAR, FAR, FAR, FREE, grasps_considered=3)
    assert found == PickPlanning(None, {"out of reach": 3})


def test_no_grasps_no_plan(cell: RobotCell, collision: PathCollision) -> None:
    assert plan(cell, collision) == PickPlanning(None, {})


def test_planning_gives_back_the_margin_and_moves_nothing(cell: RobotCell, collision: PathCollision) -> None:
    q, margin_m, steps = cell.arm.q, collision.margin_m, cell.world.steps
    plan(cell, collision, THROUGH_THE_TABLE, FREE)
    assert collision.margin_m == margin_m == 0.005
    assert np.array_equal(cell.arm.q, q) and cell.world.steps == steps


@pytest.mark.parametrize(
    "bad", [{"pregrasp_m": 0.0}, {"approach_m_s": -1.0}, {"grasps_considered": 0}, {"tree_size": -1}], ids=str
)
def test_bad_settings_are_refused(bad: dict) -> None:
    with pytest.raises(InputError, match="PickConfig"):
        PickConfig(**bad)
