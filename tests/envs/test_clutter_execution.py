"""The benchmark's execution of one grasp, on boxes of known size with grasps written by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from envs.clutter import DIALECT_A, DIALECT_B, Dialect, try_grasp
from envs.clutter.simulation import ClutterSimulation, _retreat
from envs.free_hand import FreeHand
from envs.objects import ObjectModel, ObjectSet
from envs.scenes import Scene, SceneObject
from envs.world import World
from geometry import transform

DOWN = np.diag([1.0, -1.0, -1.0])
CENTER = np.array([0.15, 0.15])
DIALECTS = (DIALECT_A, DIALECT_B)


def scene_for(dialect: Dialect) -> Scene:
    world = World(timestep_s=dialect.timestep_s, solver_iterations=dialect.solver_iterations)
    return Scene(world, object_mass_kg=dialect.object_mass_kg, object_friction=dialect.object_friction)


def stand(scene: Scene, model: ObjectModel, height_m: float, xy: np.ndarray = CENTER) -> SceneObject:
    """A box of that height on the table, at rest."""
    item = scene.add(model, transform(translation=(*xy, 0.05 + 0.5 * height_m + 0.0005)))
    scene.settle()
    return item


def down(x: float, y: float, z: float) -> np.ndarray:
    """Straight down, closing along y."""
    return transform(DOWN, (x, y, z))


@pytest.mark.parametrize("dialect", DIALECTS, ids="AB")
@pytest.mark.parametrize("width_m", [0.02, 0.04, 0.06])
def test_a_box_grasped_about_its_middle_is_held(dialect: Dialect, width_m: float, box_model: Callable) -> None:
    scene = scene_for(dialect)
    with scene.world:
        item = stand(scene, box_model((0.05, width_m, 0.06)), 0.06)
        result, uid = try_grasp(scene, down(0.15, 0.15, 0.08), dialect)
        assert result.success and result.outcome == "held" and uid == item.body.uid
        assert result.object_name == item.model.name
        assert result.width_m == pytest.approx(width_m, abs=3e-3)
        assert item.body.pose()[2, 3] > 0.05 + 0.03 + 0.08  # lifted by nearly the 10 cm of the retreat
        assert not [b for b in scene.world.bodies.values() if b.name == "panda_hand"]


@pytest.mark.parametrize("dialect", DIALECTS, ids="AB")
def test_a_side_grasp_lifts_straight_up(dialect: Dialect, box_model: Callable) -> None:
    """Approach along +x, closing along y: 90 degrees from straight down."""
    scene = scene_for(dialect)
    with scene.world:
        item = stand(scene, box_model((0.04, 0.04, 0.16)), 0.16)
        R = np.column_stack([(0, 0, -1), (0, 1, 0), (1, 0, 0)])
        result, _ = try_grasp(scene, transform(R, (0.155, 0.15, 0.17)), dialect)
        assert result.success
        np.testing.assert_allclose(item.body.pose()[:2, 3], CENTER, atol=0.01)
        assert item.body.pose()[2, 3] == pytest.approx(0.05 + 0.08 + 0.10, abs=0.015)


@pytest.mark.parametrize("dialect", DIALECTS, ids="AB")
def test_a_grasp_beside_the_box_is_empty(dialect: Dialect, box_model: Callable) -> None:
    scene = scene_for(dialect)
    with scene.world:
        item = stand(scene, box_model((0.04, 0.04, 0.06)), 0.06)
        before = item.body.pose()
        result, uid = try_grasp(scene, down(0.26, 0.15, 0.09), dialect)
        assert (result.success, result.outcome, result.object_name, uid) == (False, "empty", "", -1)
        np.testing.assert_allclose(item.body.pose(), before, atol=2e-3)


@pytest.mark.parametrize(("thickness_m", "outcome"), [(0.005, "closed"), (0.012, "held")])
def test_less_than_eight_millimetres_between_the_fingers_is_closed(
    thickness_m: float, outcome: str, box_model: Callable
) -> None:
    """The joints read about 1 mm more than what is held, for the finger meshes have a margin."""
    scene = scene_for(DIALECT_A)
    with scene.world:
        stand(scene, box_model((0.08, thickness_m, 0.06), mass_kg=0.02), 0.06)
        result, _ = try_grasp(scene, down(0.15, 0.15, 0.085), DIALECT_A)
        assert result.outcome == outcome and result.success is (outcome == "held")
        assert result.width_m == pytest.approx(thickness_m, abs=2e-3)


@pytest.mark.parametrize("dialect", DIALECTS, ids="AB")
def test_a_hand_that_starts_inside_the_box_has_hit_it(dialect: Dialect, box_model: Callable) -> None:
    """The grasp itself would be deep inside; 5 cm behind it the fingers are in the box still."""
    scene = scene_for(dialect)
    with scene.world:
        item = stand(scene, box_model((0.10, 0.10, 0.12)), 0.12)
        steps, before = scene.world.steps, item.body.pose()
        result, uid = try_grasp(scene, down(0.15, 0.15, 0.08), dialect)
        assert (result.success, result.outcome, uid) == (False, "hit at pregrasp", -1)
        assert result.width_m == pytest.approx(0.08) and scene.world.steps == steps
        np.testing.assert_array_equal(item.body.pose(), before)


def test_a_hand_that_starts_inside_the_table_has_hit_it() -> None:
    scene = scene_for(DIALECT_A)
    with scene.world:
        assert try_grasp(scene, down(0.15, 0.15, -0.01), DIALECT_A)[0].outcome == "hit at pregrasp"


@pytest.mark.parametrize(("dialect", "approach_steps"), [(DIALECT_A, range(30, 75)), (DIALECT_B, range(24, 28))])
def test_the_approach_stops_at_a_contact_in_a_and_pushes_on_in_b(
    dialect: Dialect, approach_steps: range, box_model: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fingers come down on a slab after 3 of 5 cm; the whole way is 100 steps in A and 25 in B."""
    scene = scene_for(dialect)
    with scene.world as world:
        stand(scene, box_model((0.06, 0.11, 0.04), mass_kg=2.0), 0.04)
        start, closing = world.steps, []
        close = FreeHand.close_fingers
        monkeypatch.setattr(FreeHand, "close_fingers", lambda hand: (closing.append(world.steps), close(hand)))
        try_grasp(scene, down(0.15, 0.15, 0.07), dialect)
    assert closing[0] - start in approach_steps


@pytest.mark.parametrize(("tilt_deg", "along_the_approach"), [(0, True), (59, True), (61, False), (90, False)])
def test_the_retreat_turns_at_sixty_degrees(tilt_deg: float, along_the_approach: bool) -> None:
    for axis in ((1, 0, 0), (0, 1, 0), (0.6, -0.8, 0)):
        R = Rotation.from_rotvec(np.deg2rad(tilt_deg) * np.array(axis)).as_matrix() @ DOWN
        T = transform(R, (0.1, 0.2, 0.3))
        expected = -0.1 * R[:, 2] if along_the_approach else np.array([0, 0, 0.1])
        np.testing.assert_allclose(_retreat(T)[:3, 3] - T[:3, 3], expected, atol=1e-12)
        np.testing.assert_array_equal(_retreat(T)[:3, :3], T[:3, :3])


def test_what_was_held_is_removed_and_the_rest_stays(box_model: Callable) -> None:
    boxes = ObjectSet("boxes", (box_model((0.03, 0.03, 0.06)),))
    simulation = ClutterSimulation(DIALECT_A, boxes, "packed", np.random.default_rng(2))
    scene = simulation.scene
    try:
        items = list(scene.objects.values())
        count = len(items)
        T = items[-1].body.pose()
        held = simulation.execute(transform(T[:3, :3] @ DOWN, T[:3, 3] + (0, 0, 0.005)))
        assert held.success
        assert set(scene.objects) == {i.body.uid for i in items[:-1]} and len(scene.objects) == count - 1
        assert not simulation.execute(transform(DOWN, (0.15, 0.15, 0.28))).success
        assert len(scene.objects) == count - 1
    finally:
        simulation.close()


def test_a_hand_full_of_table_holds_nothing(box_model: Callable) -> None:
    """The public code would count a contact of the hand with the table; nothing is held there."""
    scene = scene_for(DIALECT_B)
    with scene.world:
        R = np.column_stack([(0, 0, -1), (0, 1, 0), (1, 0, 0)])
        result, uid = try_grasp(scene, transform(R, (0.15, 0.15, 0.07)), DIALECT_B)
        assert not result.success and uid == -1


def test_a_copy_of_the_scene_is_the_scene_and_shares_nothing(box_model: Callable) -> None:
    boxes = ObjectSet("boxes", (box_model((0.03, 0.04, 0.06)), box_model((0.05, 0.02, 0.04))))
    simulation = ClutterSimulation(DIALECT_B, boxes, "pile", np.random.default_rng(0))
    copy = simulation.copy_scene()
    try:
        pairs = list(zip(simulation.scene.objects.values(), copy.objects.values(), strict=True))
        for mine, theirs in pairs:
            assert (mine.model, mine.scale) == (theirs.model, theirs.scale)
            np.testing.assert_allclose(mine.body.pose(), theirs.body.pose(), atol=1e-9)
            assert copy.world.bullet.getDynamicsInfo(theirs.body.uid, -1)[0] == 0.5
        before = [mine.body.pose() for mine, _ in pairs]
        copy.world.bullet.setGravity(0, 0, 9.81)
        copy.world.step(100)
        assert all(np.array_equal(T, mine.body.pose()) for T, (mine, _) in zip(before, pairs, strict=True))
        assert copy.world.timestep_s == 1.0 / 80.0
    finally:
        copy.world.close()
        simulation.close()
