"""Conditions of steps, on programs and layouts whose truth is plain to see."""

from __future__ import annotations

import numpy as np
import pytest

from envs.workbench.thing import Thing
from geometry import FloatArray
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
    WorldState,
    check,
    effects,
    observed_state,
    preconditions,
    unmet_effects,
)

CUBE = Thing(name="cube", category="cube", size_m=(0.04, 0.04, 0.04))
BIG = Thing(name="big", category="cube", size_m=(0.06, 0.06, 0.06))
PLATE = Thing(name="plate", category="plate", size_m=(0.17, 0.17, 0.014))
BOWL = Thing(name="bowl", category="bowl", size_m=(0.17, 0.17, 0.055))
LINE = Thing(name="line", category="line", size_m=(0.02, 0.24, 0.001))
THINGS = (CUBE, BIG, PLATE, BOWL, LINE)
OBJECTS = tuple(ProgramObject(name=each.name, category=each.category, size_m=each.size_m) for each in THINGS) + (
    ProgramObject(name="person_2", category="person"),
)


def grasp(name: str) -> Grasp:
    return Grasp(object=name, at_m=(0.0, 0.0, 0.0), approach=(0.0, 0.0, -1.0), closing=(0.0, 1.0, 0.0), width_m=0.04)


def place(name: str, to: str, relation: str) -> Place:
    return Place(object=name, to=to, relation=relation, offset_m=(0.0, 0.0, 0.03))  # type: ignore[arg-type]


def picked(name: str) -> tuple[Step, ...]:
    return Reach(object=name), grasp(name), Lift(object=name, height_m=0.1)


def put(name: str, to: str, relation: str = "on") -> tuple[Step, ...]:
    return Carry(object=name, to=to), place(name, to, relation), Release(object=name)


def program(*steps: Step) -> TaskProgram:
    return TaskProgram(steps=steps, objects=OBJECTS)


def at(x_m: float, y_m: float, z_m: float) -> FloatArray:
    T = np.eye(4)
    T[:3, 3] = x_m, y_m, z_m
    return T


APART = {
    "cube": at(0.3, 0.0, 0.02),
    "big": at(0.6, 0.0, 0.03),
    "plate": at(0.45, 0.3, 0.007),
    "bowl": at(0.45, -0.3, 0.0275),
    "line": at(0.7, 0.3, 0.0),
}


@pytest.mark.parametrize(
    "steps",
    [
        picked("cube") + put("cube", "plate"),
        picked("cube") + put("cube", "bowl", "in"),
        picked("cube") + put("cube", "big") + (Reach(object="big"),),
        (
            *picked("cube"),
            Carry(object="cube", to="person_2"),
            HandOver(object="cube", to="person_2", offset_m=(0,) * 3),
        ),
        (Reach(object="big"), Push(object="big", to="line", offset_m=(0.0, 0.0, 0.03))),
        (Reach(object="big"), Push(object="big", to="table", offset_m=(0.0, 0.1, 0.0))),
    ],
)
def test_a_sound_program_has_no_problems(steps: tuple[Step, ...]) -> None:
    assert check(program(*steps)) == []


@pytest.mark.parametrize(
    ("steps", "wrong"),
    [
        ((Lift(object="cube", height_m=0.1),), "1. Lift cube: it is not so that cube is in the hand"),
        (put("cube", "plate")[1:2], "1. Place cube: it is not so that cube is in the hand"),
        (picked("cube") + picked("big") + put("big", "plate"), "4. Reach big: it is not so that the hand is empty"),
        (picked("cube") + put("cube", "big") + (Reach(object="big"), grasp("big")), "nothing stands on big"),
        (picked("cube") + put("cube", "big", "in"), "it is not so that big can be filled"),
        ((*picked("cube"), Release(object="cube")), "4. Release cube: it is not so that cube stands on something"),
        (picked("cube"), "end: cube is still in the hand"),
        (
            picked("bowl") + 2 * (Pour(object="bowl", to="bowl", angle_rad=2.0, duration_s=1.0, offset_m=(0, 0, 0)),),
            "bowl has not been poured out",
        ),
    ],
)
def test_what_is_wrong_is_named(steps: tuple[Step, ...], wrong: str) -> None:
    assert any(wrong in line for line in check(program(*steps)))


def test_observed_things_stand_where_they_stand() -> None:
    layout = APART | {"cube": at(0.45, 0.3, 0.024), "big": at(0.45, -0.3, 0.034)}
    state = observed_state(THINGS, layout)
    assert state.on == {"cube": "plate", "plate": "table", "bowl": "table"} and state.inside == {"big": "bowl"}
    assert observed_state(THINGS, APART | {"cube": at(0.6, 0.0, 0.2)}).on.get("cube") is None
    assert observed_state(THINGS, APART | {"cube": at(0.61, 0.01, 0.08)}).on["cube"] == "big"
    assert observed_state(THINGS, APART | {"cube": at(0.69, 0.0, 0.02)}).beside == {frozenset(("cube", "big"))}
    assert not observed_state(THINGS, APART | {"cube": at(0.725, 0.0, 0.02)}).beside  # a gap of 75 mm
    assert observed_state(THINGS, APART | {"cube": at(0.71, 0.2, 0.02)}).beside == {frozenset(("cube", "line"))}


def test_nothing_lies_on_the_rim_of_a_wide_vessel() -> None:
    """A cube at the height of the bowl's rim, over its middle, is in somebody's hand; on the floor inside it is in."""
    for height, inside in ((0.075, {}), (0.024, {"cube": "bowl"})):
        state = observed_state(THINGS, APART | {"cube": at(0.45, -0.3, height)})
        assert "cube" not in state.on and state.inside == inside
    board = Thing(name="board", category="block", size_m=(0.2, 0.05, 0.02))
    state = observed_state((*THINGS, board), APART | {"board": at(0.45, -0.3, 0.065)})
    assert state.on["board"] == "bowl"


def test_an_effect_that_did_not_come_is_named() -> None:
    step = place("cube", "plate", "on")
    assert unmet_effects(step, observed_state(THINGS, APART | {"cube": at(0.47, 0.31, 0.024)}, "cube")) == ()
    missed = unmet_effects(step, observed_state(THINGS, APART, "cube"))
    assert [str(fact) for fact in missed] == ["cube is on plate"]
    dropped = unmet_effects(Lift(object="cube", height_m=0.1), observed_state(THINGS, APART, "cube"))
    assert [str(fact) for fact in dropped] == ["cube is off what it stood on"]
    pushed = Push(object="big", to="line", offset_m=(0.0, 0.0, 0.03))
    assert unmet_effects(pushed, observed_state(THINGS, APART | {"big": at(0.68, 0.3, 0.03)})) == ()
    assert [str(fact) for fact in unmet_effects(pushed, observed_state(THINGS, APART))] == ["big is at line"]


def test_what_nobody_looked_at_is_not_held_against_a_step() -> None:
    pour = Pour(object="bowl", to="plate", angle_rad=2.0, duration_s=1.0, offset_m=(0.0, 0.0, 0.1))
    seen = observed_state(THINGS, APART, "bowl")
    assert seen.content is None and unmet_effects(pour, seen) == ()
    assert unmet_effects(pour, observed_state(THINGS, APART, "bowl", content={})) != ()


def test_predicted_effects_meet_the_promises_of_every_step() -> None:
    state = observed_state(THINGS, APART, persons=("person_2",))
    before: WorldState = state
    for step in picked("cube") + put("cube", "plate") + picked("big") + put("big", "cube", "beside"):
        assert preconditions(step, before) == ()
        before = effects(step, before)
        assert unmet_effects(step, before) == ()
    assert before.on["cube"] == "plate" and state.on["cube"] == "table"


def test_a_thing_out_of_sight_is_not_there() -> None:
    state = observed_state(THINGS, {name: T for name, T in APART.items() if name != "cube"})
    assert [str(fact) for fact in preconditions(Reach(object="cube"), state)] == ["cube is there"]
