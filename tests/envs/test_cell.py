"""The robot cell: the benchmark's scene, an arm that is out of the camera's way, and a bin that counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from envs.cell import T_WORLD_BASE, RobotCell
from envs.clutter import DIALECT_A, DIALECT_B, ClutterSimulation
from envs.objects import ObjectSet, load_objects
from envs.panda import PANDA_LIMITS, grasp_pose
from geometry import transform

QUIET = replace(DIALECT_A, depth_noise="none")


@pytest.fixture(scope="module")
def boxes(box_model: Callable) -> ObjectSet:
    return ObjectSet("boxes", (box_model((0.04, 0.04, 0.06)),))


@pytest.fixture
def cell(boxes: ObjectSet) -> Iterator[RobotCell]:
    cell = RobotCell(QUIET, boxes, "packed", np.random.default_rng(1))
    yield cell
    cell.close()


@pytest.mark.parametrize("dialect", [DIALECT_A, DIALECT_B], ids=("A", "B"))
def test_the_scene_and_the_look_are_those_of_the_free_hand(dialect) -> None:
    """The same objects in the same places bit for bit, and the arm hides nothing of them."""
    objects = load_objects("procedural", limit=7)
    rules = replace(dialect, depth_noise="none", cloud_sigma_m=0.0)
    cell = RobotCell(rules, objects, "pile", np.random.default_rng(4))
    free = ClutterSimulation(rules, objects, "pile", np.random.default_rng(4))
    assert len(cell.scene.objects) == len(free.scene.objects) >= 3
    for mine, theirs in zip(cell.scene.objects.values(), free.scene.objects.values(), strict=True):
        assert mine.model == theirs.model and np.array_equal(mine.body.pose(), theirs.body.pose())
    compared = 0
    for _ in range(4):
        mine, theirs = cell.observe(), free.observe()
        np.testing.assert_array_equal(mine.T_world_camera, theirs.T_world_camera)
        eye = mine.T_world_camera[:3, 3]
        if eye[0] < -0.2:  # behind the arm's shoulder, where a camera of dialect B may stand
            continue
        compared += 1
        assert mine.cloud_world.shape == theirs.cloud_world.shape
        np.testing.assert_allclose(mine.cloud_world, theirs.cloud_world, atol=1e-6)
    assert compared >= 2
    cell.close()
    free.close()


def test_the_arm_waits_above_the_bin(cell: RobotCell) -> None:
    T = T_WORLD_BASE @ grasp_pose(cell.q_drop)
    np.testing.assert_allclose(T[:3, 3], (0.12, 0.56, 0.35), atol=1e-3)
    assert T[2, 2] == pytest.approx(-1.0, abs=1e-3)
    assert PANDA_LIMITS.margin(cell.q_drop).min() > 0.05
    cell.world.step(120)
    assert np.abs(cell.arm.q - cell.q_drop).max() < 1e-3 and cell.arm.contacts() == []
    assert cell.obstacles().check(np.stack([cell.q_drop, cell.q_drop])).free


def test_sorting_out_counts_what_is_in_the_bin_and_takes_away_what_is_lost(cell: RobotCell) -> None:
    presented = len(cell.scene.objects)
    assert presented == 5 and cell.sort_out() == 0
    items = list(cell.scene.objects.values())
    items[0].body.set_pose(transform(translation=(0.12, 0.56, 0.10)))
    items[1].body.set_pose(transform(translation=(0.20, 0.48, 0.10)))
    items[2].body.set_pose(transform(translation=(0.45, 0.15, 0.10)))
    assert cell.sort_out() == 2
    assert cell.placed == [items[0].model.name, items[1].model.name] and cell.lost == 1
    assert set(cell.scene.objects) == {items[3].body.uid, items[4].body.uid}
    assert items[0].body.uid in cell.world.bodies and items[2].body.uid not in cell.world.bodies
    assert cell.sort_out() == 0 and len(cell.placed) == 2


def test_the_bin_stands_across_from_the_camera(boxes: ObjectSet) -> None:
    """A looks from -y, B from +y; neither sees the bin, nor the arm above it, in front of the table."""
    for dialect, y_m in ((DIALECT_A, 0.56), (DIALECT_B, -0.26)):
        cell = RobotCell(dialect, boxes, "packed", np.random.default_rng(0))
        np.testing.assert_allclose(cell.bin_center, (0.12, y_m, 0.05))
        np.testing.assert_allclose(cell.arm.T_world_grasp[:3, 3], (0.12, y_m, 0.35), atol=2e-3)
        item = next(iter(cell.scene.objects.values()))
        item.body.set_pose(transform(translation=cell.bin_center + (0, 0, 0.05)))
        assert cell.sort_out() == 1 and cell.arm.contacts() == []
        cell.close()


@pytest.mark.parametrize("beside", [(0.12, 0.36, 0.08), (0.33, 0.56, 0.08)])
def test_beside_the_bin_is_not_in_it(cell: RobotCell, beside: tuple[float, float, float]) -> None:
    item = next(iter(cell.scene.objects.values()))
    item.body.set_pose(transform(translation=beside))
    assert cell.sort_out() == 0 and cell.lost == 1


def test_the_obstacles_are_the_table_and_the_bin_but_not_the_objects(cell: RobotCell) -> None:
    """The tips 2 cm inside the table or in a wall of the bin are refused; in the air over an object they are free."""
    collision = cell.obstacles()
    down = np.diag([-1.0, 1.0, -1.0])
    for at, expected in (((0.15, 0.15, 0.03), "table"), ((0.12, 0.395, 0.10), "bin"), ((0.15, 0.15, 0.2), None)):
        found = cell.arm.solve_ik(transform(down, at))
        assert found.converged
        result = collision.check(np.stack([found.q, found.q]))
        assert result.free is (expected is None) and result.obstacle == expected
    collision.close()
    assert cell.world.bullet.isConnected()
