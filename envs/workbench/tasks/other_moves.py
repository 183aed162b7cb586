"""Tasks with one move of another kind: pour, push, hand over."""

from __future__ import annotations

import numpy as np

from envs.workbench.goals import OnLine, Poured, Taken
from envs.workbench.layouts import Room, rooms_along, scatter, standing_pose
from envs.workbench.moves import TABLE, HandTo, Pick, PourOut, PushTo, Put
from envs.workbench.task import BenchScene
from envs.workbench.tasks.catalogue import BLOCK, BOWL, CAN, CUP, LINE, resized
from envs.workbench.thing import Layout, Thing
from geometry import FloatArray

BALLS = 12
"""How many are in the cup."""
PUSHER_M = 0.10
"""Half the width of the way that a pushed block and the hand behind it take."""


def pour(rng: np.random.Generator) -> BenchScene:
    """The balls in the cup go into the bowl, and the cup back to where it stood."""
    things = resized((CUP, BOWL), rng)
    layout = scatter(things, rng)
    while layout is None or np.linalg.norm((layout["cup"] - layout["bowl"])[:2, 3]) < 0.2:
        layout = scatter(things, rng)
    x, y = (float(value) for value in layout["cup"][:2, 3])
    script = (
        Pick(object="cup"),
        PourOut(object="cup", to="bowl"),
        Put(object="cup", to=TABLE, relation="at", offset_m=(x, y)),
    )
    goal = Poured(object="cup", to="bowl", balls=BALLS)
    return BenchScene(things=things, layout=layout, script=script, goals=(goal,), balls={"cup": BALLS})


def push_to_line(rng: np.random.Generator) -> BenchScene:
    """The block is pushed until it covers the line."""
    things = resized((BLOCK, LINE), rng)
    side = float(rng.choice((-1.0, 1.0)))
    layout = line_and_block(things[0], things[1], rng, line_y_m=side * float(rng.uniform(0.15, 0.22)))
    script = (PushTo(object="block", to="line"),)
    return BenchScene(things=things, layout=layout, script=script, goals=(OnLine(object="block", to="line"),))


def hand_over(rng: np.random.Generator) -> BenchScene:
    """The can goes to the second person's waiting hand."""
    things = resized((CAN,), rng)
    side = float(rng.choice((-1.0, 1.0)))
    x, y, z = rng.uniform((0.52, 0.12, 0.20), (0.60, 0.22, 0.26))
    taker_m = (float(x), side * float(y), float(z))
    layout = None
    while layout is None:
        layout = scatter(things, rng, taken=(Room(taker_m[:2], 0.10),))
    script = (Pick(object="can"), HandTo(object="can"))
    return BenchScene(things=things, layout=layout, script=script, goals=(Taken(object="can"),), taker_m=taker_m)


def line_and_block(block: Thing, line: Thing, rng: np.random.Generator, *, line_y_m: float) -> Layout:
    """A line that runs away from the robot, and a block beside it on the side of the bench's middle."""
    x, yaw = float(rng.uniform(0.44, 0.52)), 0.5 * np.pi + float(rng.uniform(-0.2, 0.2))
    T_line = standing_pose(line, x, line_y_m, yaw)
    T_line[2, 3] = 0.0
    across = T_line[:2, 0] * -np.sign(T_line[1, 0] * line_y_m)
    start = T_line[:2, 3] + float(rng.uniform(0.16, 0.22)) * across + float(rng.uniform(-0.03, 0.03)) * T_line[:2, 1]
    turn = float(rng.uniform(-0.12, 0.12))
    return {
        block.name: standing_pose(block, float(start[0]), float(start[1]), yaw + turn),
        line.name: T_line,
    }


def push_rooms(layout: Layout, block: str, line: str) -> list[Room]:
    """Rooms that keep the way of a pushed block free, and the place of the hand behind it."""
    start, T_line = layout[block][:2, 3], layout[line]
    end: FloatArray = start - T_line[:2, 0] * float((start - T_line[:2, 3]) @ T_line[:2, 0])
    forward = (end - start) / np.linalg.norm(end - start)
    return rooms_along(start - 0.09 * forward, end + 0.03 * forward, PUSHER_M - 0.03)
