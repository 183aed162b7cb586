"""Settled scenes: nothing in anything else, nothing outside, nothing moving, and one seed one scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from envs.objects import ObjectSet, load_objects
from envs.scenes import Scene, Workspace, arrange
from envs.world import World
from geometry import InputError, transform, transform_points

ARRANGEMENTS = ("pile", "packed", "bin", "tabletop")


@pytest.fixture(scope="module")
def objects() -> ObjectSet:
    return load_objects("procedural", limit=14)


def made(objects: ObjectSet, arrangement: str, seed: int, count: int = 5) -> Scene:
    scene = Scene(World(solver_iterations=150))
    arrange(scene, objects, arrangement, count=count, rng=np.random.default_rng(seed))
    return scene


def corners_world(item) -> np.ndarray:
    return transform_points(item.body.pose(), np.asarray(item.model.mesh().vertices) * item.scale)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_settled_scene(objects: ObjectSet, arrangement: str, seed: int) -> None:
    scene = made(objects, arrangement, seed)
    try:
        assert 1 <= len(scene.objects) <= 5 and scene.all_inside()
        scene.world.bullet.performCollisionDetection()
        deepest = min(
            (c.distance_m for item in scene.objects.values() for c in scene.world.contacts(item.body)), default=0.0
        )
        assert deepest > -0.0015
        for item in scene.objects.values():
            lowest, highest = corners_world(item).min(axis=0), corners_world(item).max(axis=0)
            assert scene.workspace.table_z_m - 0.0015 < lowest[2] < 0.30
            assert np.all(highest[:2] > 0.0) and np.all(lowest[:2] < 0.30)
        before = {uid: item.body.pose() for uid, item in scene.objects.items()}
        scene.world.step(240)
        for uid, item in scene.objects.items():
            moved = np.linalg.norm(item.body.pose()[:3, 3] - before[uid][:3, 3])
            assert moved < 0.01, (item.model.name, moved)
        assert np.median([item.body.speed() for item in scene.objects.values()]) < 0.05
    finally:
        scene.world.close()


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_the_generator_decides_everything(objects: ObjectSet, arrangement: str) -> None:
    facts = []
    for seed in (3, 3, 4):
        scene = made(objects, arrangement, seed, count=3)
        facts.append([(o.model.name, o.scale, o.body.pose().tobytes()) for o in scene.objects.values()])
        scene.world.close()
    assert facts[0] == facts[1] != facts[2]


def test_packed_objects_stand_upright_and_apart(box_model) -> None:
    boxes = ObjectSet("boxes", (box_model((0.05, 0.05, 0.08)), box_model((0.04, 0.07, 0.06))))
    scene = made(boxes, "packed", 0)
    with scene.world:
        items = list(scene.objects.values())
        assert len(items) >= 3
        for item in items:
            T = item.body.pose()
            assert T[2, 2] > 0.9999
            assert np.all((T[:2, 3] > 0.08 - 0.003) & (T[:2, 3] < 0.22 + 0.003))
            assert 0.7 <= item.scale <= 0.9
            height = {"box_50x50x80": 0.08, "box_40x70x60": 0.06}[item.model.name]
            assert T[2, 3] == pytest.approx(0.05 + 0.5 * item.scale * height, abs=1e-3)
        apart = [
            scene.world.bullet.getClosestPoints(a.body.uid, b.body.uid, 0.5)[0][8]
            for i, a in enumerate(items)
            for b in items[:i]
        ]
        assert min(apart) > 0.0


def test_a_pile_falls_within_its_box_and_the_box_goes(objects: ObjectSet) -> None:
    scene = made(objects, "pile", 5)
    with scene.world:
        assert {b.name for b in scene.world.bodies.values()} == {
            "table",
            *(o.model.name for o in scene.objects.values()),
        }
        assert all(0.8 <= item.scale <= 1.0 for item in scene.objects.values())


def test_a_bin_keeps_its_walls_and_its_objects(objects: ObjectSet) -> None:
    scene = made(objects, "bin", 5)
    with scene.world:
        walls = [b for b in scene.world.bodies.values() if b.name == "wall"]
        assert len(walls) == 4
        inside = np.abs(np.array([b.pose()[:2, 3] for b in walls]) - 0.15).max(axis=1)
        faces = inside.min() - 0.01  # the walls are 2 cm thick
        assert faces > 0.5 * 0.26  # outside the grasp volume: nobody shall grasp the bin
        for item in scene.objects.values():
            assert np.all(np.abs(item.body.pose()[:2, 3] - 0.15) < faces)


def test_the_table_is_the_benchmarks() -> None:
    """2 x 2 x 0.02 m scaled by 0.6, its top at 5 cm, friction 0.5."""
    with World() as world:
        scene = Scene(world)
        lower, upper = world.bullet.getAABB(scene.table.uid)
        np.testing.assert_allclose(upper, (0.75, 0.75, 0.05), atol=1e-3)
        np.testing.assert_allclose(lower, (-0.45, -0.45, 0.038), atol=1e-3)
        assert world.bullet.getDynamicsInfo(scene.table.uid, -1)[:2] == (0.0, 0.5)


def test_what_leaves_the_workspace_is_removed(box_model) -> None:
    with World() as world:
        scene = Scene(world)
        model = box_model((0.04, 0.04, 0.04))
        stays = scene.add(model, transform(translation=(0.15, 0.15, 0.071)))
        scene.add(model, transform(translation=(0.32, 0.15, 0.071)))
        scene.add(model, transform(translation=(1.0, 0.15, 0.1)))
        assert not scene.all_inside()
        assert scene.settle_and_cull() == 2
        assert list(scene.objects) == [stays.body.uid] and len(world.bodies) == 2
        assert scene.settle_and_cull() == 0


def test_settling_ends_at_rest_or_at_the_time_limit(box_model) -> None:
    with World() as world:
        scene = Scene(world)
        item = scene.add(box_model((0.04, 0.04, 0.04)), transform(translation=(0.15, 0.15, 0.08)))
        assert scene.settle() and world.steps % 60 == 0 and world.steps <= 240
        assert item.body.pose()[2, 3] == pytest.approx(0.07, abs=1e-3)
        world.bullet.setGravity(0, 0, 0)
        world.bullet.resetBaseVelocity(item.body.uid, (0, 0, 1.0), (0, 0, 0))
        start_s = world.time_s
        assert not scene.settle(timeout_s=0.6)
        assert world.time_s - start_s == pytest.approx(0.75)


def test_mass_and_friction_can_be_forced_on_every_object(box_model) -> None:
    model = box_model((0.04, 0.04, 0.04), mass_kg=0.1)
    for mass_kg, friction, expected in ((None, None, (0.1, 1.0)), (0.5, 0.7, (0.5, 0.7)), (0.5, None, (0.5, 1.0))):
        with World() as world:
            scene = Scene(world, object_mass_kg=mass_kg, object_friction=friction)
            item = scene.add(model, np.eye(4))
            assert world.bullet.getDynamicsInfo(item.body.uid, -1)[:2] == expected


def test_the_grasp_volume_is_that_of_the_benchmark() -> None:
    np.testing.assert_allclose(Workspace().grasp_volume, [[0.02, 0.02, 0.055], [0.28, 0.28, 0.30]])
    np.testing.assert_allclose(Workspace().center, (0.15, 0.15, 0.05))


def test_bad_scenes_are_refused(objects: ObjectSet) -> None:
    with pytest.raises(InputError, match="table_z_m < size_m"):
        Workspace(table_z_m=0.4)
    with World() as world:
        scene = Scene(world)
        with pytest.raises(InputError, match="count of at least 1"):
            arrange(scene, objects, "pile", count=0, rng=np.random.default_rng(0))
        with pytest.raises(InputError, match="pile, packed, bin or tabletop"):
            arrange(scene, objects, "heap", count=1, rng=np.random.default_rng(0))


@pytest.mark.slow
def test_packed_scenes_of_the_benchmarks_objects_hold_three_or_four(shared_data: Path) -> None:
    """Re-running the public code gave 3.4 a round, and its placing rule 3.6 with these objects."""
    objects = load_objects(shared_data / "objects" / "packed_train")
    counts, tilts = [], []
    for seed in range(100):
        scene = made(objects, "packed", seed)
        counts.append(len(scene.objects))
        tilts += [item.body.pose()[2, 2] for item in scene.objects.values()]
        scene.world.close()
    assert 3.2 < np.mean(counts) < 4.2
    upright = np.array(tilts) > np.cos(np.deg2rad(15.0))  # scans have uneven feet, and some topple
    assert np.mean(upright) > 0.8


@pytest.mark.slow
def test_piles_of_the_benchmarks_objects_hold_nearly_all(shared_data: Path) -> None:
    objects = load_objects(shared_data / "objects" / "pile_train")
    counts = []
    for seed in range(30):
        scene = made(objects, "pile", seed)
        counts.append(len(scene.objects))
        scene.world.close()
    assert np.mean(counts) > 4.7
