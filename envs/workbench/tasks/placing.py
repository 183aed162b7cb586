"""Tasks with one pick and one place: on, in, beside, stacked."""

from __future__ import annotations

import numpy as np

from envs.workbench.goals import Beside, Goal, In, On
from envs.workbench.layouts import Room, scatter, standing_pose
from envs.workbench.moves import Pick, Put
from envs.workbench.task import BenchScene
from envs.workbench.tasks.catalogue import BLUE, BOWL, CAN, PLATE, RED, cube, resized
from envs.workbench.thing import Layout, Thing

SIDE_GAP_M = 0.035
"""Gap that the person leaves beside a thing, so that a hand fits between."""


def place_on(rng: np.random.Generator) -> BenchScene:
    """The cube goes on the plate."""
    things, layout = _anywhere((cube("cube", 0.045, RED), PLATE), rng)
    return _one_move(things, layout, Put(object="cube", to="plate", relation="on"), On(object="cube", to="plate"))


def place_in(rng: np.random.Generator) -> BenchScene:
    """The cube goes into the bowl."""
    things, layout = _anywhere((cube("cube", 0.04, BLUE), BOWL), rng)
    return _one_move(things, layout, Put(object="cube", to="bowl", relation="in"), In(object="cube", to="bowl"))


def place_beside(rng: np.random.Generator) -> BenchScene:
    """The cube goes next to the can, on the robot's left; the can stands where that side is free."""
    things = resized((cube("cube", 0.045, RED), CAN), rng)
    small, can = things
    while True:
        x, y = float(rng.uniform(0.32, 0.62)), float(rng.uniform(-0.26, 0.14))
        offset = SIDE_GAP_M + 0.5 * (can.size_m[1] + small.size_m[1])
        found = scatter([small], rng, taken=(Room((x, y), can.radius_m), Room((x, y + offset), 0.08)))
        if found is not None:
            break
    layout = found | {"can": standing_pose(can, x, y)}
    move = Put(object="cube", to="can", relation="beside", offset_m=(0.0, offset))
    return _one_move(things, layout, move, Beside(object="cube", to="can", side=(0.0, 1.0)))


def stack(rng: np.random.Generator) -> BenchScene:
    """The red cube goes on the blue one."""
    things, layout = _anywhere((cube("red cube", 0.042, RED), cube("blue cube", 0.052, BLUE)), rng)
    move = Put(object="red cube", to="blue cube", relation="on")
    return _one_move(things, layout, move, On(object="red cube", to="blue cube"))


def _anywhere(things: tuple[Thing, ...], rng: np.random.Generator) -> tuple[tuple[Thing, ...], Layout]:
    sized = resized(things, rng)
    while (layout := scatter(sized, rng)) is None:
        continue
    return sized, layout


def _one_move(things: tuple[Thing, ...], layout: Layout, move: Put, goal: Goal) -> BenchScene:
    return BenchScene(things=things, layout=layout, script=(Pick(object=move.object), move), goals=(goal,))
