"""What the robot says, and how it leaves the bench, where a program cannot be done, or goes wrong once."""

from __future__ import annotations

import numpy as np
import pytest

from envs.workbench import TAKER, Layout, Thing, Workbench
from geometry import transform
from policies.execution import ExecutionConfig, NoisySight, execute
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

CUBE = Thing(name="cube", category="cube", size_m=(0.04, 0.04, 0.04), mass_kg=0.05)
CAN = Thing(name="can", category="can", size_m=(0.058, 0.058, 0.10))
BLOCK = Thing(name="block", category="block", size_m=(0.05, 0.085, 0.05))
BOX = Thing(name="box", category="box", size_m=(0.11, 0.11, 0.055), mass_kg=0.6)
CUP = Thing(name="cup", category="cup", size_m=(0.062, 0.062, 0.085))
BOWL = Thing(name="bowl", category="bowl", size_m=(0.17, 0.17, 0.055), mass_kg=0.6)
ONCE = ExecutionConfig(tries=1)


def at(x: float, y: float, thing: Thing, *, on_m: float = 0.0) -> np.ndarray:
    return transform(translation=(x, y, on_m + 0.5 * thing.size_m[2]))


def picking(thing: Thing) -> list[Step]:
    above = thing.category == "cube"
    approach, z = ((0.0, 0.0, -1.0), 0.0) if above else ((-0.94, 0.0, -0.34), 0.15 * thing.size_m[2])
    grasp = Grasp(
        object=thing.name, at_m=(0.0, 0.0, z), approach=approach, closing=(0.0, 1.0, 0.0), width_m=thing.size_m[1]
    )
    return [Reach(object=thing.name), grasp, Lift(object=thing.name, height_m=0.1)]


def program(steps: list[Step], *things: Thing) -> TaskProgram:
    objects = [ProgramObject(name=each.name, category=each.category, size_m=each.size_m) for each in things]
    return TaskProgram(steps=tuple(steps), objects=(*objects, ProgramObject(name=TAKER, category="person")))


def test_what_finds_no_room_is_said_and_set_down_upright() -> None:
    full = {f"full {i}": Thing(name=f"full {i}", category="can", size_m=(0.045, 0.045, 0.05)) for i in range(4)}
    layout = {"cube": at(0.45, -0.15, CUBE), "box": at(0.5, 0.15, BOX)}
    for i, name in enumerate(full):
        layout[name] = at(0.5 + 0.025 * (-1) ** i, 0.15 + 0.025 * (-1) ** (i // 2), full[name], on_m=0.005)
    bench = Workbench((CUBE, BOX, *full.values()), layout, rng=np.random.default_rng(0))
    place = Place(object="cube", to="box", relation="in", offset_m=(0.0, 0.0, 0.0))
    steps = [*picking(CUBE), Carry(object="cube", to="box"), place, Release(object="cube")]
    result = execute(program(steps, CUBE, BOX), bench, rng=np.random.default_rng(1), config=ONCE)
    bench.wait(0.3)
    assert not result.completed
    assert [each.why for each in result.steps if each.status == "failed"] == ["no room for 'cube' in 'box'"]
    assert bench.held() is None
    cube = bench.layout()["cube"]
    bench.close()
    assert cube[2, 3] == pytest.approx(0.02, abs=0.003)
    assert abs(cube[2, :3]).max() > 0.99


def test_where_nobody_waits_nothing_is_picked_up() -> None:
    bench = Workbench((CAN,), {"can": at(0.45, 0.0, CAN)}, rng=np.random.default_rng(0))
    steps = [*picking(CAN), Carry(object="can", to=TAKER), HandOver(object="can", to=TAKER, offset_m=(0.0, 0.0, 0.0))]
    result = execute(program(steps, CAN), bench, rng=np.random.default_rng(1), config=ONCE)
    moved = np.linalg.norm(bench.layout()["can"][:3, 3] - (0.45, 0.0, 0.05))
    bench.close()
    assert [each.why for each in result.steps if each.status == "failed"] == [f"{TAKER!r} not seen"]
    assert moved < 0.002


class Blinking(NoisySight):
    """Sight that tells nonsense of the block at its third look."""

    looks = 0

    def __call__(self) -> Layout:
        seen = super().__call__()
        self.looks += 1
        if self.looks == 3:
            seen["block"] = np.full((4, 4), np.nan)
        return seen


def test_a_push_that_is_begun_again_goes_as_far_as_was_shown_and_no_further() -> None:
    bench = Workbench((BLOCK,), {"block": at(0.45, -0.1, BLOCK)}, rng=np.random.default_rng(0))
    steps: list[Step] = [Reach(object="block"), Push(object="block", to="table", offset_m=(0.0, 0.16, 0.0))]
    sight = Blinking(bench, np.random.default_rng(3))
    result = execute(program(steps, BLOCK), bench, rng=np.random.default_rng(1), locate=sight)
    end = bench.layout()["block"][:2, 3]
    bench.close()
    assert result.completed and result.steps[-1].status == "retried"
    assert np.linalg.norm(end - (0.45, 0.06)) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_cup_is_emptied_from_the_side_that_was_shown_with_or_without_a_scale(side: float) -> None:
    layout = {"cup": at(0.42, -0.2, CUP), "bowl": at(0.5, 0.1, BOWL)}
    bench = Workbench((CUP, BOWL), layout, rng=np.random.default_rng(0), balls={"cup": 8})
    pour = Pour(object="cup", to="bowl", angle_rad=2.1, duration_s=1.0, offset_m=(0.0, 0.05 * side, 0.12))
    steepest = [(0.0, 0.0)]

    def watch() -> None:
        T = bench.layout()["cup"]
        steepest[0] = min(steepest[0], (float(T[2, 2]), float(T[1, 3] - layout["bowl"][1, 3])))

    bench.on_step = watch
    steps = [*picking(CUP), Carry(object="cup", to="bowl"), pour]
    scale = bench.balls_in if side > 0.0 else None
    result = execute(program(steps, CUP, BOWL), bench, rng=np.random.default_rng(1), contents=scale, config=ONCE)
    arrived = bench.balls_in("bowl")
    bench.close()
    assert result.completed and arrived >= 6
    assert result.steps[-1].why == (f"{arrived} balls are in 'bowl'" if scale else "")
    assert steepest[0][1] * side > 0.005
