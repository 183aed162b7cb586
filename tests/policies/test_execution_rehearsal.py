"""Benches for programs whose task nobody has described: what is on them, and when they count as done."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.workbench import BenchScene, Layout, Outcome
from geometry import InputError, transform
from policies.execution import benchable, bind, rehearsal_scene
from policies.programs import (
    Carry,
    Grasp,
    HandOver,
    Lift,
    Place,
    Pour,
    ProgramObject,
    Push,
    Reach,
    Release,
    Step,
    TaskProgram,
)
from policies.programs.steps import Relation, Vec3

CUBE = ProgramObject(name="cube", category="cube", size_m=(0.04, 0.04, 0.04))
PLATE = ProgramObject(name="plate", category="plate", size_m=(0.16, 0.16, 0.02))
CUP = ProgramObject(name="cup", category="cup", size_m=(0.06, 0.06, 0.09))
BOWL = ProgramObject(name="bowl", category="bowl", size_m=(0.14, 0.14, 0.06))
PERSON = ProgramObject(name="person_2", category="person")


def picked(name: str) -> list[Step]:
    grasp = Grasp(object=name, at_m=(0, 0, 0), approach=(0, 0, -1), closing=(0, 1, 0), width_m=0.04)
    return [Reach(object=name), grasp, Lift(object=name, height_m=0.1)]


def put(name: str, to: str, relation: Relation, offset_m: Vec3 = (0.0, 0.0, 0.0)) -> list[Step]:
    place = Place(object=name, to=to, relation=relation, offset_m=offset_m)
    return [*picked(name), Carry(object=name, to=to), place, Release(object=name)]


def scene_of(steps: list[Step], *objects: ProgramObject, seed: int = 1_000_000) -> BenchScene:
    program = benchable(TaskProgram(steps=tuple(steps), objects=objects))
    return rehearsal_scene(program, np.random.default_rng(seed))


def met(scene: BenchScene, *, balls_in: dict[str, int] | None = None, taken: str = "", **poses: Vec3) -> bool:
    """Whether the bench is as it should be with things at other places than at first."""
    layout: Layout = scene.layout | {name: transform(translation=place) for name, place in poses.items()}
    return scene.succeeded(Outcome(layout=layout, balls_in=balls_in or {}, taken={taken} - {""}))


def spot(scene: BenchScene, name: str, *, up_m: float = 0.0, aside_m: float = 0.0) -> Vec3:
    x, y, z = scene.layout[name][:3, 3]
    return x + aside_m, y, z + up_m


def test_what_lies_untouched_is_not_done_and_what_was_put_is() -> None:
    scene = scene_of(put("cube", "plate", "on"), CUBE, PLATE)
    on = spot(scene, "plate", up_m=-0.01 + 0.004 + 0.02)
    assert not met(scene) and met(scene, cube=on)
    assert not met(scene, cube=(on[0], on[1], on[2] + 0.1))  # held above it
    assert not met(scene, cube=(on[0] + 0.12, on[1], 0.02))  # fell beside it


def test_a_place_on_the_table_is_left_free_and_must_be_come_to() -> None:
    steps = put("cube", "table", "at", (0.5, 0.1, 0.02))
    for seed in range(10):
        scene = scene_of(steps, CUBE, PLATE, seed=1_000_000 + seed)
        for thing in scene.things:
            assert np.linalg.norm(scene.layout[thing.name][:2, 3] - (0.5, 0.1)) > thing.radius_m + 0.5 * 0.0565
        assert not met(scene)
        assert met(scene, cube=(0.52, 0.08, 0.02)) and not met(scene, cube=(0.56, 0.1, 0.02))


def test_what_is_pushed_over_the_table_goes_so_far_from_where_it_lay() -> None:
    scene = scene_of([Reach(object="cube"), Push(object="cube", to="table", offset_m=(0.0, -0.12, 0.0))], CUBE)
    x, y, z = spot(scene, "cube")
    assert not met(scene) and met(scene, cube=(x, y - 0.12, z)) and not met(scene, cube=(x, y + 0.12, z))


def test_what_was_poured_is_judged_by_the_balls() -> None:
    pour = Pour(object="cup", to="bowl", angle_rad=2.0, duration_s=1.0, offset_m=(0.0, 0.0, 0.1))
    back = [Carry(object="cup", to="table"), Place(object="cup", to="table", relation="at", offset_m=(0.4, 0.2, 0.0)),
            Release(object="cup")]  # fmt: skip
    scene = scene_of([*picked("cup"), Carry(object="cup", to="bowl"), pour, *back], CUP, BOWL)
    assert scene.balls == {"cup": 8}
    there: Vec3 = (0.4, 0.2, 0.045)
    assert met(scene, cup=there, balls_in={"bowl": 6, "cup": 2})
    assert not met(scene, cup=there, balls_in={"bowl": 5, "cup": 3})
    assert not met(scene, balls_in={"bowl": 8})  # it does not stand where it was put


def test_what_is_handed_over_must_be_taken() -> None:
    give = HandOver(object="cube", to="person_2", offset_m=(0.0, 0.0, 0.0))
    scene = scene_of([*picked("cube"), Carry(object="cube", to="person_2"), give], CUBE, PLATE, PERSON)
    assert scene.taker_m is not None and [thing.name for thing in scene.things] == ["cube", "plate"]
    assert met(scene, taken="cube") and not met(scene) and not met(scene, taken="plate")


def test_what_ends_in_the_hand_must_be_off_the_table() -> None:
    scene = scene_of(picked("cube"), CUBE)
    assert not met(scene) and met(scene, cube=spot(scene, "cube", up_m=0.2))


def test_what_a_later_step_undoes_is_not_asked_for() -> None:
    steps = [*put("cube", "plate", "on"), *put("cube", "cup", "beside")]
    scene = scene_of(steps, CUBE, PLATE, CUP)
    beside = (spot(scene, "cup")[0] + 0.07, spot(scene, "cup")[1], 0.02)
    assert met(scene, cube=beside) and not met(scene, cube=spot(scene, "plate", up_m=0.014))
    later = scene_of([*put("cube", "cup", "beside"), *put("cup", "plate", "on")], CUBE, PLATE, CUP)
    on = spot(later, "plate", up_m=-0.01 + 0.004 + 0.045)
    assert met(later, cup=on) and not met(later)  # the cup has left the cube


def test_a_program_that_changes_nothing_has_no_goal() -> None:
    assert scene_of([Reach(object="cube")], CUBE).goals == ()


@pytest.mark.parametrize(("category", "known"), [("mug", "cup"), ("bottle", "can"), ("lego", "block"), ("", "block")])
def test_what_the_bench_does_not_know_is_something_like_it_and_is_found_there(category: str, known: str) -> None:
    strange = ProgramObject(name="it", category=category)
    program = benchable(TaskProgram(steps=tuple(put("it", "plate", "on")), objects=(strange, PLATE)))
    scene = rehearsal_scene(program, np.random.default_rng(0))
    assert [thing.category for thing in scene.things] == [known, "plate"]
    binding = bind(program.objects, scene.things)
    assert binding.names["it"] == "it" and not binding.missing


def test_every_seed_gives_another_bench_and_the_same_seed_the_same() -> None:
    one, same, other = (scene_of(put("cube", "plate", "on"), CUBE, PLATE, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.layout["cube"], same.layout["cube"])
    assert np.linalg.norm((one.layout["cube"] - other.layout["cube"])[:2, 3]) > 0.01


def test_what_is_too_large_or_too_much_is_named() -> None:
    with pytest.raises(InputError, match="plate: expected edges of at most 0.3 m"):
        scene_of(put("cube", "plate", "on"), CUBE, replace(PLATE, size_m=(0.5, 0.5, 0.02)))
    many = [replace(PLATE, name=f"plate {n}", size_m=(0.25, 0.25, 0.02)) for n in range(8)]
    with pytest.raises(InputError, match="8 things"):
        scene_of([Reach(object="plate 0")], *many)
    with pytest.raises(InputError, match="at least one thing"):
        scene_of([Reach(object="person_2")], PERSON)
