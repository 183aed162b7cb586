"""Where the later steps will take the thing, so that a grasp is chosen that can do them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from envs.workbench import TABLE, Layout, Thing
from geometry import FloatArray, transform
from policies.execution.pour_path import TILTS, aside_rad, pour_paths
from policies.execution.robot import BenchRobot
from policies.execution.spots import find_spot
from policies.programs import HandOver, Place, Pour, Step

TURNS_RAD: FloatArray = np.radians([0.0, 45.0, -45.0, 90.0, -90.0, 135.0, -135.0, 180.0])
"""Turns about the vertical in which a thing may be put down or handed over, the least first."""
_LOWEST_M = 0.004
_BATCH = 4
_ABOUT_RAD = np.radians(45.0)


class Ways(NamedTuple):
    """How one of the later steps can be done."""

    T_world_thing: FloatArray
    """(ways, moments, 4, 4) poses of the thing; every moment of one way must be within reach."""
    clear: bool
    """Whether the arm must keep clear of everything at those moments, too."""


def turned(T_world_thing: FloatArray) -> FloatArray:
    """(8, 4, 4) the same place in all turns about the vertical."""
    spins = transform(Rotation.from_rotvec(TURNS_RAD[:, None] * (0.0, 0.0, 1.0)))
    result: FloatArray = np.broadcast_to(T_world_thing, (len(spins), 4, 4)).copy()
    result[:, :3, :3] = spins[:, :3, :3] @ T_world_thing[:3, :3]
    return result


def ways_ahead(
    steps: Sequence[Step], things: dict[str, Thing], layout: Layout, *, as_shown: bool = False
) -> list[Ways]:
    """The poses that the coming steps ask for, one entry for each that asks for any.

    Args:
        steps: those until the thing is let go.
        things: on the bench.
        layout: where they are.
        as_shown: what is poured must come from about the side that was shown.
    """
    ways = []
    for step in steps:
        name, to = step.object, getattr(step, "to", TABLE)
        heading = upright(layout[name])
        if isinstance(step, Place):
            spot = find_spot(step, name, to, things, layout).T_world_thing
            if spot is not None:
                ways.append(Ways(turned(spot @ heading)[:, None], False))
        elif isinstance(step, Pour):
            paths = pour_paths(things[name], things[to], layout[to], step.angle_rad, heading)
            if as_shown:
                paths = paths[aside_rad(paths, step.offset_m) < _ABOUT_RAD]
            ways.append(Ways(paths[:, :: TILTS // 3], True))
        elif isinstance(step, HandOver) and to in layout:
            ways.append(Ways(turned(transform(translation=layout[to][:3, 3]) @ heading)[:, None], False))
    return ways


def upright(T_world_thing: FloatArray) -> FloatArray:
    """(4, 4) the rotation of a thing, without its place."""
    return transform(T_world_thing[:3, :3])


def first_able(robot: BenchRobot, T_thing_grasp: FloatArray, ways: Sequence[Ways], count: int) -> NDArray[np.intp]:
    """Indices of the first grasps (n, 4, 4) with which every later step has a way within the arm's reach.

    Args:
        robot: whose collision checks leave the thing out.
        T_thing_grasp: best first.
        ways: of the later steps.
        count: how many are enough.
    """
    found: list[int] = []
    for begin in range(0, len(T_thing_grasp), _BATCH):
        batch = np.arange(begin, min(begin + _BATCH, len(T_thing_grasp)))
        for each in ways:
            batch = batch[_able(robot, T_thing_grasp[batch], each)]
        found += batch.tolist()
        if len(found) >= count:
            break
    return np.array(found, dtype=np.intp)


def _able(robot: BenchRobot, T_thing_grasp: FloatArray, ways: Ways) -> NDArray[np.bool_]:
    """(n,) for which of the grasps (n, 4, 4) there is a way."""
    if not len(T_thing_grasp):
        return np.zeros(0, dtype=bool)
    hands = ways.T_world_thing[None] @ T_thing_grasp[:, None, None]
    q, reached = robot.ik(hands)
    good: NDArray[np.bool_] = np.all(reached & (hands[..., 2, 3] > _LOWEST_M), axis=2)
    if not ways.clear:
        return np.asarray(good.any(axis=1))
    return np.array([any(robot.are_free(q[i, way]) for way in np.flatnonzero(row)) for i, row in enumerate(good)])
