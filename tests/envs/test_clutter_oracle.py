"""The oracle: what it proposes holds, what cannot be grasped it leaves, and looking changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from envs.clutter import (
    DIALECT_A,
    DIALECT_B,
    ClutterSimulation,
    OracleConfig,
    OraclePlanner,
    PrivilegedPlanner,
    run_clutter_removal,
)
from envs.objects import ObjectSet, load_objects
from geometry import InputError, PinholeCamera, invert

SMALL = PinholeCamera(width=80, height=60, fx=67.5, fy=67.5, cx=40.0, cy=30.0)
FAST = OracleConfig(contact_pairs=300, approaches=8, trials=30)


def bound(dialect, objects: ObjectSet, arrangement: str, seed: int = 0) -> tuple[ClutterSimulation, OraclePlanner]:
    simulation = ClutterSimulation(replace(dialect, camera=SMALL), objects, arrangement, np.random.default_rng(seed))
    planner = OraclePlanner(FAST)
    planner.bind(simulation)
    return simulation, planner


def state(simulation: ClutterSimulation) -> list:
    bullet = simulation.scene.world.bullet
    return [
        (uid, bullet.getBasePositionAndOrientation(uid), bullet.getBaseVelocity(uid), len(bullet.getContactPoints(uid)))
        for uid in sorted(simulation.scene.world.bodies)
    ]


@pytest.mark.parametrize("dialect", [DIALECT_A, DIALECT_B], ids=("A", "B"))
def test_looking_leaves_the_world_bit_for_bit(dialect) -> None:
    simulation, planner = bound(dialect, load_objects("procedural", limit=7), "pile")
    look, before, steps = simulation.observe(), state(simulation), simulation.scene.world.steps
    grasps = planner(look)
    assert len(grasps.poses) == 1
    assert state(simulation) == before and simulation.scene.world.steps == steps
    assert simulation.scene.world.bullet.getNumBodies() == len(before)
    simulation.close()


def test_a_grasp_on_a_box_stands_between_its_faces(box_model: Callable) -> None:
    simulation, planner = bound(DIALECT_A, ObjectSet("box", (box_model((0.04, 0.12, 0.06)),)), "packed")
    grasps = planner(simulation.observe())
    items = list(simulation.scene.objects.values())
    local = [invert(item.body.pose()) @ grasps.poses[0] for item in items]
    item, T = min(zip(items, local, strict=True), key=lambda pair: np.linalg.norm(pair[1][:3, 3]))
    half = 0.5 * item.scale * np.array([0.04, 0.12, 0.06])
    assert np.all(np.abs(T[:3, 3]) < half + 0.031)
    closing = np.abs(T[:3, 1])
    assert closing.max() > 0.8 and grasps.widths_m[0] == pytest.approx(2 * half[np.argmax(closing)], rel=0.25)
    assert grasps.poses[0][2, 2] < 0.2
    assert simulation.execute(grasps.poses[0]).success
    simulation.close()


def test_what_does_not_fit_between_the_fingers_is_left(box_model: Callable) -> None:
    simulation, planner = bound(DIALECT_A, ObjectSet("big", (box_model((0.2, 0.2, 0.2), mass_kg=1.0),)), "packed")
    assert len(simulation.scene.objects) == 1
    grasps = planner(simulation.observe())
    assert grasps.poses.shape == (0, 4, 4) and len(grasps.widths_m) == len(grasps.scores) == 0
    simulation.close()


def test_a_plate_flat_on_the_table_is_left(box_model: Callable) -> None:
    simulation, planner = bound(DIALECT_A, ObjectSet("plate", (box_model((0.12, 0.12, 0.004)),)), "packed")
    assert len(planner(simulation.observe()).poses) == 0
    simulation.close()


def test_an_empty_table_gives_nothing(box_model: Callable) -> None:
    simulation, planner = bound(DIALECT_A, ObjectSet("box", (box_model((0.04, 0.04, 0.04)),)), "packed")
    for item in list(simulation.scene.objects.values()):
        simulation.scene.remove(item)
    assert len(planner(simulation.observe()).poses) == 0
    simulation.close()


def test_it_must_be_bound() -> None:
    assert isinstance(OraclePlanner(), PrivilegedPlanner)
    with pytest.raises(InputError, match="bound by `bind`"):
        OraclePlanner()(None)


@pytest.mark.parametrize(
    "bad", [{"trials": 0}, {"contact_pairs": 0}, {"approaches": 0}, {"max_cone_rad": 2.0}], ids=str
)
def test_bad_settings_are_refused(bad: dict) -> None:
    with pytest.raises(InputError, match="OracleConfig"):
        OracleConfig(**bad)


@pytest.mark.slow
@pytest.mark.parametrize("dialect", [DIALECT_A, DIALECT_B], ids=("A", "B"))
def test_what_it_proposes_holds(dialect) -> None:
    """It has just seen the grasp succeed; only what a copy of the world does not copy may differ."""
    objects = load_objects("procedural", limit=28)
    for arrangement in ("pile", "packed"):
        result = run_clutter_removal(
            OraclePlanner(), objects, dialect=dialect, arrangement=arrangement, rounds=8, seeds=(0,), processes=2
        )
        assert sum(len(r.attempts) for r in result.rounds) > 20
        assert result.gsr.mean >= 0.95, (dialect.name, arrangement, result.gsr)
        assert result.dr.mean >= 0.85, (dialect.name, arrangement, result.dr)
