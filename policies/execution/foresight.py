"""Where the later steps will take the thing, so that a grasp is chosen that can do them all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from envs.workbench import TABLE, Layout, Thing
from geometry import FloatArray, transform
from policies.execution.pour_path import TILTS, pour_paths
from policies.execution.robot import BenchRobot
from policies.execution.spots import find_spot
from policies.programs import HandOver, Place, Pour, Step

TURNS_RAD: FloatArray = np.radians([0.0, 45.0, -45.0, 90.0, -90.0, 135.0, -135.0, 180.0])
"""Turns about the vertical in which a thing may be put down or handed over, the least first."""
_LOWEST_M = 0.004
Ways = list[FloatArray]
"""For each later step, (ways, moments, 4, 4) poses of the thing; every moment of one way must be within reach."""


def turned(T_world_thing: FloatArray) -> FloatArray:
    """(8, 4, 4) the same place in all turns about the vertical."""
    spins = transform(Rotation.from_rotvec(TURNS_RAD[:, None] * (0.0, 0.0, 1.0)))
    result: FloatArray = np.broadcast_to(T_world_thing, (len(spins), 4, 4)).copy()
    result[:, :3, :3] = spins[:, :3, :3] @ T_world_thing[:3, :3]
    return result


def ways_ahead(steps: Sequence[Step], names: dict[str, str], things: dict[str, Thing], layout: Layout) -> Ways:
    """The poses that the coming steps ask for.

    Args:
        steps: those until the thing is let go.
        names: the bench's names by the program's.
        things: on the bench.
        layout: where they are.
    """
    ways: Ways = []
    for step in steps:
        name, to = names[step.object], names.get(getattr(step, "to", TABLE), TABLE)
        heading = upright(layout[name])
        if isinstance(step, Place):
            spot = find_spot(step, name, to, things, layout).T_world_thing
            if spot is not None:
                ways.append(turned(spot @ heading)[:, None])
        elif isinstance(step, Pour):
            paths = pour_paths(things[name], things[to], layout[to], step.angle_rad, heading)
            ways.append(paths[:, :: TILTS // 3])
        elif isinstance(step, HandOver) and to in layout:
            ways.append(turned(transform(translation=layout[to][:3, 3]) @ heading)[:, None])
    return ways


def upright(T_world_thing: FloatArray) -> FloatArray:
    """(4, 4) the rotation of a thing, without its place."""
    return transform(T_world_thing[:3, :3])


def can_all(robot: BenchRobot, T_thing_grasp: FloatArray, ways: Ways) -> FloatArray:
    """(n,) bool, for which of the grasps (n, 4, 4) every later step has a way within the arm's reach."""
    able = np.ones(len(T_thing_grasp), dtype=bool)
    for poses in ways:
        here = np.flatnonzero(able)
        if not here.size:
            break
        hands = poses[None] @ T_thing_grasp[here, None, None]
        _, reached = robot.ik(hands)
        reached &= hands[..., 2, 3] > _LOWEST_M
        able[here] = reached.all(axis=2).any(axis=1)
    return able
