"""Tasks of several moves: sorting, two steps, four steps."""

from __future__ import annotations

import numpy as np

from envs.workbench.goals import In, On, OnLine
from envs.workbench.layouts import Room, scatter, standing_pose
from envs.workbench.moves import Pick, PushTo, Put
from envs.workbench.task import BenchScene
from envs.workbench.tasks.catalogue import BLOCK, BLUE, BOX, CAN, GREEN, LINE, PLATE, RED, cube, resized, tray
from envs.workbench.tasks.other_moves import line_and_block, push_rooms


def sort_by_size(rng: np.random.Generator) -> BenchScene:
    """The small cube goes to the left tray, the large one to the right tray.

    The cubes' names and colours are drawn anew for every scene, so they tell nothing; their sizes do.
    """
    small, large = (f"cube_{number}" for number in rng.choice(np.arange(1, 100), 2, replace=False))
    first, second = ((RED, BLUE, GREEN)[row] for row in rng.permutation(3)[:2])
    cubes = (cube(small, 0.036, first), cube(large, 0.054, second))
    things = resized((*cubes, tray("left tray"), tray("right tray")), rng)
    found = None
    while found is None:
        left = (float(rng.uniform(0.38, 0.60)), float(rng.uniform(0.18, 0.28)))
        right = (float(rng.uniform(0.38, 0.60)), float(rng.uniform(-0.28, -0.18)))
        rooms = [Room(left, things[2].radius_m), Room(right, things[3].radius_m)]
        found = scatter(things[:2], rng, taken=rooms)
    layout = found | {"left tray": standing_pose(things[2], *left), "right tray": standing_pose(things[3], *right)}
    script = tuple(
        move
        for name, to in ((small, "left tray"), (large, "right tray"))
        for move in (Pick(object=name), Put(object=name, to=to, relation="on"))
    )
    goals = (On(object=small, to="left tray"), On(object=large, to="right tray"))
    return BenchScene(things=things, layout=layout, script=script, goals=goals)


def two_step(rng: np.random.Generator) -> BenchScene:
    """The cube goes into the box, then the can on the plate."""
    things = resized((cube("cube", 0.042, RED), CAN, BOX, PLATE), rng)
    layout = scatter(things, rng)
    while layout is None:
        layout = scatter(things, rng)
    script = (
        Pick(object="cube"),
        Put(object="cube", to="box", relation="in"),
        Pick(object="can"),
        Put(object="can", to="plate", relation="on"),
    )
    goals = (In(object="cube", to="box"), On(object="can", to="plate"))
    return BenchScene(things=things, layout=layout, script=script, goals=goals)


def four_step(rng: np.random.Generator) -> BenchScene:
    """Red cube into the box, blue cube on the plate, green cube on the blue one, block to the line."""
    cubes = (cube("red cube", 0.036, RED), cube("blue cube", 0.054, BLUE), cube("green cube", 0.044, GREEN))
    things = resized((*cubes, BOX, PLATE, BLOCK, LINE), rng)
    found = None
    while found is None:
        way = line_and_block(things[5], things[6], rng, line_y_m=float(rng.choice((-0.28, 0.28))))
        found = scatter(things[:5], rng, taken=push_rooms(way, "block", "line"))
    script = (
        Pick(object="red cube"),
        Put(object="red cube", to="box", relation="in"),
        Pick(object="blue cube"),
        Put(object="blue cube", to="plate", relation="on"),
        Pick(object="green cube"),
        Put(object="green cube", to="blue cube", relation="on"),
        PushTo(object="block", to="line"),
    )
    goals = (
        In(object="red cube", to="box"),
        On(object="blue cube", to="plate"),
        On(object="green cube", to="blue cube"),
        OnLine(object="block", to="line"),
    )
    return BenchScene(things=things, layout=found | way, script=script, goals=goals)
