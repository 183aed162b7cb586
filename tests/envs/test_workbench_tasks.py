"""Tasks of the workbench: scenes in which nothing touches, and goals that judge by where things are."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from envs.workbench import TASKS, BenchScene, Outcome, Thing
from envs.workbench.bodies import pieces_of
from envs.workbench.layouts import REACH_M, standing_pose
from envs.workbench.tasks.catalogue import BOWL, BOX, CAN, CUP, PLATE, tray
from geometry import FloatArray

SEEDS = range(200)
CLOSING_M = 0.07


@cache
def scene_of(name: str, seed: int) -> BenchScene:
    return TASKS[name].draw(np.random.default_rng(1_000_000 + seed))


def outline(thing: Thing, T: FloatArray) -> FloatArray:
    """(N, 2) points along the edge of a thing seen from above."""
    half = 0.5 * np.array(thing.size_m[:2])
    if thing.category in ("can", "cup", "bowl", "plate"):
        angles = np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False)
        local = half[0] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    else:
        side = np.linspace(-1.0, 1.0, 13)
        ones = np.ones_like(side)
        square = np.concatenate([np.stack([side, s * ones], -1) for s in (-1, 1)] +
                                [np.stack([s * ones, side], -1) for s in (-1, 1)])  # fmt: skip
        local = square * half
    return local @ T[:2, :2].T + T[:2, 3]


@pytest.mark.parametrize("name", TASKS)
def test_things_stand_apart_and_within_reach(name: str) -> None:
    for seed in SEEDS:
        scene = scene_of(name, seed)
        solid = [thing for thing in scene.things if not thing.fixed]
        for row, thing in enumerate(solid):
            T = scene.layout[thing.name]
            assert np.all(T[:2, 3] >= REACH_M[0]) and np.all(T[:2, 3] <= REACH_M[1])
            assert T[2, 3] == pytest.approx(0.5 * thing.size_m[2])
            one = outline(thing, T)
            for other in solid[:row]:
                gaps = np.linalg.norm(one[:, None] - outline(other, scene.layout[other.name]), axis=-1)
                assert gaps.min() > 0.03


@pytest.mark.parametrize("name", TASKS)
def test_no_scene_is_done_before_it_begins(name: str) -> None:
    for seed in SEEDS:
        scene = scene_of(name, seed)
        assert not scene.succeeded(Outcome(layout=scene.layout, balls_in=scene.balls))


@pytest.mark.parametrize("name", TASKS)
def test_scenes_differ_in_places_and_sizes_by_a_tenth(name: str) -> None:
    scenes = [scene_of(name, seed) for seed in SEEDS]
    for row, thing in enumerate(scenes[0].things):
        if thing.fixed:
            continue
        edges = np.array([scene.things[row].size_m[0] for scene in scenes])
        middle = 0.5 * (edges.min() + edges.max())
        assert 0.05 < (edges.max() - middle) / middle <= 0.1 / 1.0 + 1e-9
        places = np.array([scene.layout[scene.things[row].name][:2, 3] for scene in scenes])
        assert places.std(axis=0).min() > 0.02


def test_what_is_picked_fits_between_the_fingers() -> None:
    for name in TASKS:
        for seed in SEEDS:
            scene = scene_of(name, seed)
            for words in scene.signature:
                if words[0] == "Grasp":
                    assert min(scene.thing(words[1]).size_m[:2]) <= CLOSING_M


def test_signatures_are_the_steps_in_order() -> None:
    assert scene_of("place_on", 0).signature == (
        ("Reach", "cube"),
        ("Grasp", "cube"),
        ("Lift", "cube"),
        ("Carry", "cube", "plate"),
        ("Place", "cube", "plate", "on"),
        ("Release", "cube"),
    )
    assert scene_of("hand_over", 0).signature[-2:] == (("Carry", "can", "person_2"), ("HandOver", "can", "person_2"))
    assert scene_of("push_to_line", 0).signature == (("Reach", "block"), ("Push", "block", "line"))
    assert len(scene_of("four_step", 0).signature) == 3 * 6 + 2


def test_small_cube_goes_left_whatever_it_is_called() -> None:
    names = set()
    for seed in SEEDS:
        scene = scene_of("sort_by_size", seed)
        small, large = sorted((t for t in scene.things if t.category == "cube"), key=lambda t: t.size_m[0])
        assert large.size_m[0] > 1.3 * small.size_m[0]
        places = [words for words in scene.signature if words[0] == "Place"]
        assert places == [("Place", small.name, "left tray", "on"), ("Place", large.name, "right tray", "on")]
        assert scene.layout["left tray"][1, 3] > scene.layout["right tray"][1, 3]
        names.add(small.name)
    assert len(names) > 50


def moved(scene: BenchScene, name: str, to: FloatArray) -> Outcome:
    return Outcome(layout=scene.layout | {name: to}, balls_in=scene.balls)


def test_on_is_on_and_not_above_or_off_the_edge() -> None:
    scene = scene_of("place_on", 1)
    cube, plate = scene.thing("cube"), scene.thing("plate")
    x, y, _ = scene.layout["plate"][:3, 3]
    assert scene.succeeded(moved(scene, "cube", standing_pose(cube, x, y, z_m=0.004)))
    assert not scene.succeeded(moved(scene, "cube", standing_pose(cube, x, y, z_m=0.03)))
    edge = 0.5 * plate.size_m[0] + 0.01
    assert not scene.succeeded(moved(scene, "cube", standing_pose(cube, x + edge, y, z_m=0.004)))


def test_in_is_within_the_walls() -> None:
    scene = scene_of("place_in", 1)
    cube, bowl = scene.thing("cube"), scene.thing("bowl")
    x, y, _ = scene.layout["bowl"][:3, 3]
    assert scene.succeeded(moved(scene, "cube", standing_pose(cube, x, y, z_m=0.004)))
    assert not scene.succeeded(moved(scene, "cube", standing_pose(cube, x, y, z_m=bowl.size_m[2])))
    assert not scene.succeeded(moved(scene, "cube", standing_pose(cube, x + 0.12, y)))


def test_beside_is_on_the_shown_side_only() -> None:
    scene = scene_of("place_beside", 1)
    cube = scene.thing("cube")
    x, y, _ = scene.layout["can"][:3, 3]
    assert scene.succeeded(moved(scene, "cube", standing_pose(cube, x, y + 0.08)))
    for dx, dy in ((0.0, -0.08), (0.08, 0.0), (-0.08, 0.0), (0.0, 0.2)):
        assert not scene.succeeded(moved(scene, "cube", standing_pose(cube, x + dx, y + dy)))
    fallen = scene.layout["can"] @ np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])
    outcome = moved(scene, "cube", standing_pose(cube, x, y + 0.08))
    assert not scene.succeeded(replace(outcome, layout=dict(outcome.layout) | {"can": fallen}))


def test_a_tower_the_other_way_round_does_not_count() -> None:
    scene = scene_of("stack", 1)
    red, blue = scene.thing("red cube"), scene.thing("blue cube")
    x, y, _ = scene.layout["blue cube"][:3, 3]
    assert scene.succeeded(moved(scene, "red cube", standing_pose(red, x, y, z_m=blue.size_m[2])))
    x, y, _ = scene.layout["red cube"][:3, 3]
    assert not scene.succeeded(moved(scene, "blue cube", standing_pose(blue, x, y, z_m=red.size_m[2])))


def test_pouring_needs_three_quarters_and_a_cup_that_stands() -> None:
    scene = scene_of("pour", 1)
    assert scene.balls == {"cup": 12}
    assert scene.succeeded(Outcome(layout=scene.layout, balls_in={"bowl": 9}))
    assert not scene.succeeded(Outcome(layout=scene.layout, balls_in={"bowl": 8}))
    lying = scene.layout["cup"] @ np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])
    assert not scene.succeeded(Outcome(layout=scene.layout | {"cup": lying}, balls_in={"bowl": 12}))


def test_the_line_is_reached_when_the_block_covers_it() -> None:
    scene = scene_of("push_to_line", 1)
    block, T_line = scene.thing("block"), scene.layout["line"]
    for across, done in ((0.0, True), (0.02, True), (-0.02, True), (0.035, False), (-0.035, False)):
        x, y, _ = T_line[:3, 3] + across * T_line[:3, 0]
        assert scene.succeeded(moved(scene, "block", standing_pose(block, x, y))) is done


def test_a_hand_over_is_done_when_the_other_holds_it() -> None:
    scene = scene_of("hand_over", 1)
    assert scene.taker_m is not None
    assert scene.succeeded(Outcome(layout=scene.layout, taken=("can",)))
    assert not scene.succeeded(Outcome(layout=scene.layout))


@pytest.mark.parametrize("thing", [CUP, BOWL, BOX, PLATE, CAN, tray("tray")], ids=lambda thing: thing.name)
def test_what_carries_is_where_the_solid_body_has_its_floor(thing: Thing) -> None:
    floor = next(piece for piece in pieces_of(thing) if piece.middle_m[:2] == (0.0, 0.0))
    assert thing.carries_at_m == pytest.approx(floor.middle_m[2] + floor.half_m[2])
