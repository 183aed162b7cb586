"""Which thing stands for which, and where a thing is put: against brute force and by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from envs.workbench import TABLE, TAKER, TASKS, Thing
from geometry import transform
from policies.execution import bind
from policies.execution.binding import difference
from policies.execution.pour_path import LEAST_TILT_RAD, aside_rad, pour_paths
from policies.execution.pushing import goal_of
from policies.execution.spots import find_spot
from policies.programs import Place, ProgramObject, Push


def thing(name: str, category: str, *size_m: float) -> Thing:
    return Thing(name=name, category=category, size_m=size_m)  # type: ignore[arg-type]


def at(x: float, y: float, z: float) -> np.ndarray:
    return transform(translation=(x, y, z))


def squares(objects: Sequence[ProgramObject], things: Sequence[Thing]) -> float:
    return sum(difference(each, one) ** 2 for each, one in zip(objects, things, strict=True))


@pytest.mark.parametrize("seed", range(12))
def test_binding_is_the_best_of_all_assignments(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kinds = rng.choice(["cube", "can", "plate"], size=5)
    things = [thing(f"b{i}", kind, *rng.uniform(0.02, 0.1, 3)) for i, kind in enumerate(kinds)]
    objects = [
        ProgramObject(name=f"p{i}", category=str(kinds[i]), size_m=tuple(rng.uniform(0.02, 0.1, 3))) for i in range(3)
    ]
    bound = bind(objects, things)
    chosen = [next(t for t in things if t.name == bound.names[each.name]) for each in objects]
    got = squares(objects, chosen)
    best = min(squares(objects, order) for order in permutations(things, 3))
    assert not bound.missing
    assert got == pytest.approx(best)


def test_a_small_and_a_large_cube_are_told_by_size_and_equal_trays_by_name() -> None:
    objects = [
        ProgramObject(name="cube_3", category="cube", size_m=(0.036,) * 3),
        ProgramObject(name="cube_8", category="cube", size_m=(0.054,) * 3),
        ProgramObject(name="left tray", category="tray", size_m=(0.15, 0.15, 0.014)),
        ProgramObject(name="right tray", category="tray", size_m=(0.155, 0.155, 0.014)),
        ProgramObject(name="person_2", category="person"),
    ]
    things = [
        thing("right tray", "tray", 0.148, 0.148, 0.014),
        thing("left tray", "tray", 0.156, 0.156, 0.014),
        thing("cube_3", "cube", 0.055, 0.055, 0.055),
        thing("cube_40", "cube", 0.034, 0.034, 0.034),
    ]
    names = bind(objects, things).names
    assert names == {
        "cube_3": "cube_40", "cube_8": "cube_3", "left tray": "left tray", "right tray": "right tray",
        "person_2": TAKER, TABLE: TABLE,
    }  # fmt: skip


@pytest.mark.parametrize("name", list(TASKS))
def test_things_of_other_names_are_found_by_kind_size_and_side(name: str) -> None:
    for seed in range(30):
        rng = np.random.default_rng([seed, 1])
        shown, here = TASKS[name].draw(rng), TASKS[name].draw(rng)
        objects = [
            ProgramObject(
                name=each.name,
                category=each.category,
                size_m=each.size_m,
                stood_m=tuple(shown.layout[each.name][:3, 3] + rng.normal(0.0, 0.003, 3)),
            )
            for each in shown.things
        ]
        numbers = rng.permutation(len(here.things))
        renamed = [replace(each, name=f"item {i}") for each, i in zip(here.things, numbers, strict=True)]
        layout = {one.name: here.layout[each.name] for one, each in zip(renamed, here.things, strict=True)}
        bound = bind(objects, [renamed[i] for i in rng.permutation(len(renamed))], layout)
        assert [bound.names[each.name] for each in objects] == [each.name for each in renamed]


def test_two_that_have_both_grown_stay_the_smaller_and_the_larger() -> None:
    objects = [
        ProgramObject(name=f"p{edge}", category="cube", size_m=(0.001 * edge,) * 3, stood_m=(0.4, y, 0.02))
        for edge, y in ((40, 0.1), (50, -0.1))
    ]
    things = [thing("p40", "cube", 0.065, 0.065, 0.065), thing("p50", "cube", 0.052, 0.052, 0.052)]
    layout = {"p40": at(0.4, 0.1, 0.03), "p50": at(0.4, -0.1, 0.03)}
    names = bind(objects, things, layout).names
    assert (names["p40"], names["p50"]) == ("p50", "p40")


def test_equal_things_are_told_by_their_side_and_that_is_said() -> None:
    objects = [
        ProgramObject(name=name, category="tray", size_m=(0.15, 0.15, 0.014), stood_m=(0.5, y, 0.007))
        for name, y in (("left", 0.2), ("right", -0.2))
    ]
    things = [thing("a", "tray", 0.15, 0.15, 0.014), thing("b", "tray", 0.152, 0.152, 0.014)]
    for sign in (-1.0, 1.0):
        bound = bind(objects, things, {"a": at(0.40, -0.2 * sign, 0.007), "b": at(0.55, 0.1 * sign, 0.007)})
        assert (bound.names["left"], bound.names["right"]) == (("b", "a") if sign > 0 else ("a", "b"))
        assert any("of one size" in note for note in bound.notes)
    named = bind(objects, [replace(each, name=name) for each, name in zip(things, ("left", "right"), strict=True)])
    assert named.names["left"] == "left" and not named.notes


def test_what_is_missing_or_in_doubt_is_said() -> None:
    bound = bind(
        [ProgramObject(name="mug", category="cup", size_m=(0.06, 0.06, 0.09)), ProgramObject(name="x", category="can")],
        [thing("a", "can", 0.06, 0.06, 0.1), thing("b", "can", 0.05, 0.05, 0.1)],
    )
    assert bound.missing == ("mug",)
    assert any("'mug'" in note for note in bound.notes) and any("would do as well" in note for note in bound.notes)


def place(to: str, relation: str, *offset_m: float) -> Place:
    return Place(object="cube", to=to, relation=relation, offset_m=(*offset_m, 0.0))  # type: ignore[arg-type]


CUBE = thing("cube", "cube", 0.04, 0.04, 0.04)


def test_a_cube_shown_two_centimetres_off_goes_onto_the_middle_of_another() -> None:
    things = {"cube": CUBE, "big": thing("big", "cube", 0.05, 0.05, 0.05)}
    layout = {"cube": at(0.4, 0.2, 0.02), "big": at(0.5, 0.0, 0.025)}
    spot = find_spot(place("big", "on", 0.02, -0.01), "cube", "big", things, layout).T_world_thing
    assert spot is not None
    assert spot[:3, 3] == pytest.approx((0.5, 0.0, 0.05 + 0.02))


def test_a_wish_within_a_plate_is_kept_and_one_beyond_is_drawn_inwards() -> None:
    things = {"cube": CUBE, "plate": thing("plate", "plate", 0.2, 0.2, 0.014)}
    layout = {"cube": at(0.4, 0.2, 0.02), "plate": at(0.5, 0.0, 0.007)}
    kept = find_spot(place("plate", "on", 0.03, 0.01), "cube", "plate", things, layout).T_world_thing
    drawn = find_spot(place("plate", "on", 0.12, 0.0), "cube", "plate", things, layout).T_world_thing
    assert kept is not None and drawn is not None
    assert kept[:3, 3] == pytest.approx((0.53, 0.01, 0.004 + 0.02))
    reach = 0.1 - 0.004 - 0.006 - np.hypot(0.02, 0.02)
    assert drawn[:3, 3] == pytest.approx((0.5 + reach, 0.0, 0.024))


def test_a_full_box_has_no_room() -> None:
    others = {f"c{i}": thing(f"c{i}", "cube", 0.045, 0.045, 0.045) for i in range(4)}
    things = {"cube": CUBE, "box": thing("box", "box", 0.11, 0.11, 0.06), **others}
    corners = [(sx * 0.026, sy * 0.026) for sx in (-1, 1) for sy in (-1, 1)]
    layout = {"cube": at(0.4, 0.2, 0.02), "box": at(0.5, 0.0, 0.03)}
    layout |= {name: at(0.5 + x, y, 0.03) for name, (x, y) in zip(others, corners, strict=True)}
    spot = find_spot(place("box", "in", 0.0, 0.0), "cube", "box", things, layout)
    assert spot.T_world_thing is None and "no room" in spot.why


def test_beside_keeps_clear_of_what_it_stands_beside() -> None:
    things = {"cube": CUBE, "can": thing("can", "can", 0.06, 0.06, 0.1)}
    layout = {"cube": at(0.3, -0.2, 0.02), "can": at(0.5, 0.0, 0.05)}
    spot = find_spot(place("can", "beside", 0.0, 0.04), "cube", "can", things, layout).T_world_thing
    assert spot is not None
    gap = np.linalg.norm(spot[:2, 3] - (0.5, 0.0)) - 0.03 - 0.02
    assert 0.02 <= gap < 0.06 and spot[1, 3] > abs(spot[0, 3] - 0.5)


def test_a_pouring_cup_stays_above_the_rim_and_ends_with_its_lip_over_the_bowl() -> None:
    cup, bowl = thing("cup", "cup", 0.06, 0.06, 0.09), thing("bowl", "bowl", 0.16, 0.16, 0.05)
    T_bowl = at(0.5, 0.1, 0.025)
    paths = pour_paths(cup, bowl, T_bowl, 1.0, np.eye(4))
    turns = np.linspace(0.0, 2.0 * np.pi, 40)
    ring = np.stack([0.03 * np.cos(turns), 0.03 * np.sin(turns)], axis=-1)
    rims = [np.column_stack([ring, np.full(40, z), np.ones(40)]) for z in (-0.045, 0.045)]
    skin = paths[..., None, :, :] @ np.concatenate(rims)[..., None]
    assert skin[..., 2, 0].min() > 0.05 + 0.02
    end = paths[:, -1]
    assert end[:, 2, 2] == pytest.approx(np.cos(LEAST_TILT_RAD))
    lowest = skin[:, -1, 40:, :, 0]
    lip = np.take_along_axis(lowest, lowest[..., 2].argmin(axis=1)[:, None, None], axis=1)[:, 0]
    assert np.linalg.norm(lip[:, :2] - (0.5, 0.1), axis=1).max() < 0.03


def test_a_cup_can_be_emptied_from_the_side_that_was_shown() -> None:
    cup, bowl = thing("cup", "cup", 0.06, 0.06, 0.09), thing("bowl", "bowl", 0.16, 0.16, 0.05)
    paths = pour_paths(cup, bowl, at(0.5, 0.1, 0.025), 2.1, np.eye(4))
    aside = aside_rad(paths, (0.0, 0.04, 0.12))
    stands = paths[:, -1, :2, 3] - (0.5, 0.1)
    turned = np.abs(np.arctan2(stands[:, 0], stands[:, 1]))
    assert aside == pytest.approx(turned, abs=1e-6)
    assert np.count_nonzero(aside < np.radians(45.0)) == 3 * 6
    assert not aside_rad(paths, (0.003, -0.002, 0.12)).any()


BLOCK = thing("block", "block", 0.05, 0.08, 0.05)
LINE = thing("line", "line", 0.02, 0.24, 0.001)


def push_goal(to: str, *offset_m: float) -> np.ndarray:
    """Of a block at (0.4, 0.05) and a line along x whose middle is (0.5, 0.2)."""
    turned = transform([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], (0.5, 0.2, 0.0))
    step = Push(object="block", to=to, offset_m=(*offset_m, 0.0))  # type: ignore[arg-type]
    return goal_of(step, {"block": BLOCK, "line": LINE}, {"block": at(0.45, 0.05, 0.025), "line": turned})


def test_a_push_to_a_line_goes_straight_ahead_and_stops_beside_its_middle_where_that_was_shown() -> None:
    assert push_goal("line", 0.03, 0.004) == pytest.approx((0.45, 0.2))
    assert push_goal("line", 0.03, 0.012) == pytest.approx((0.45, 0.212))
    assert push_goal("line", 0.0, -0.03) == pytest.approx((0.45, 0.2 - 0.015))
    assert push_goal("table", 0.1, -0.2) == pytest.approx((0.55, -0.15))
