"""Which thing stands for which, and where a thing is put: against brute force and by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from envs.workbench import TABLE, TAKER, Thing
from geometry import transform
from policies.execution import bind
from policies.execution.binding import difference
from policies.execution.pour_path import LEAST_TILT_RAD, pour_paths
from policies.execution.spots import find_spot
from policies.programs import Place, ProgramObject


def thing(name: str, category: str, *size_m: float) -> Thing:
    return Thing(name=name, category=category, size_m=size_m)  # type: ignore[arg-type]


def at(x: float, y: float, z: float) -> np.ndarray:
    return transform(translation=(x, y, z))


@pytest.mark.parametrize("seed", range(12))
def test_binding_is_the_best_of_all_assignments(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kinds = rng.choice(["cube", "can", "plate"], size=5)
    things = [thing(f"b{i}", kind, *rng.uniform(0.02, 0.1, 3)) for i, kind in enumerate(kinds)]
    objects = [
        ProgramObject(name=f"p{i}", category=str(kinds[i]), size_m=tuple(rng.uniform(0.02, 0.1, 3))) for i in range(3)
    ]
    bound = bind(objects, things)
    got = sum(difference(each, next(t for t in things if t.name == bound.names[each.name])) for each in objects)
    best = min(sum(map(difference, objects, order)) for order in permutations(things, 3))
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
