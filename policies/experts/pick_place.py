"""Experts that grasp cubes: PickPlace, Lift and the towers.

They look at the present state only, so a network that sees that state can imitate them, and they recover
from whatever happens: a cube that slips is grasped again.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from envs.manipulation import ManipulationEnv, PropBody
from policies.experts.expert import OPEN, SHUT, Expert, Vec, hand_action

_HOVER_M = 0.06
_GRASP_BELOW_M = 0.010
"""The fingertips go this far below a cube's middle."""
_ALIGNED_M = 0.010
_CLOSE_M = 0.06
_GRIP_SLACK_M = 0.003
_FREE_M = 0.012
"""What is let go is free of the fingers when they are this much wider."""


class PickPlaceExpert(Expert):
    """Grasps the cube and brings it to the goal."""

    def act(self, env: ManipulationEnv) -> NDArray[np.float32]:
        """See `Expert.act`."""
        cube = env.scene.props[0]
        if not gripped(env, cube):
            return grasp(env, cube, self.heights * _HOVER_M)
        return carry(env, cube, env.task.goal.tolist(), over_m=self.heights * 0.03)


class LiftExpert(Expert):
    """Grasps the cube and raises it."""

    def act(self, env: ManipulationEnv) -> NDArray[np.float32]:
        """See `Expert.act`."""
        cube = env.scene.props[0]
        if not gripped(env, cube):
            return grasp(env, cube, self.heights * _HOVER_M)
        x, y, _ = cube.state.position
        return carry(env, cube, (x, y, cube.prop.half_height_m + 0.15), over_m=0.0)


class StackExpert(Expert):
    """Builds the tower from below; a cube that is in its place is let go."""

    def act(self, env: ManipulationEnv) -> NDArray[np.float32]:
        """See `Expert.act`."""
        goals = env.task.goal.reshape(-1, 3).tolist()
        hand = env.scene.arm.state.position
        for cube, goal in zip(env.scene.props, goals, strict=True):
            x, y, z = cube.state.position
            in_place = math.hypot(goal[0] - x, goal[1] - y) < 0.012 and abs(goal[2] - z) < 0.006
            around = math.hypot(hand[0] - x, hand[1] - y) < 0.05 and hand[2] < z + 0.5 * _HOVER_M
            if in_place and around:
                free = env.scene.arm.state.opening_m > cube.prop.size_m[1] + _FREE_M
                up = (x, y, z + _HOVER_M + 0.02)
                return hand_action(env, up if free else hand, OPEN, yaw_of(cube) if free else env.scene.arm.yaw())
            if not in_place:
                if not gripped(env, cube):
                    return grasp(env, cube, self.heights * _HOVER_M)
                return carry(env, cube, goal, over_m=self.heights * 0.06, careful=True)
        return hand_action(env, (hand[0], hand[1], max(hand[2], goals[-1][2] + 0.08)), OPEN)


def gripped(env: ManipulationEnv, cube: PropBody) -> bool:
    """Whether the fingers have closed about the cube."""
    state, hand = env.scene.arm.state, env.scene.arm.state.position
    x, y, z = cube.state.position
    near = math.hypot(hand[0] - x, hand[1] - y) < 0.02 and abs(hand[2] + _GRASP_BELOW_M - z) < 0.016
    return near and state.opening_m < cube.prop.size_m[1] + _GRIP_SLACK_M


def grasp(env: ManipulationEnv, cube: PropBody, hover_m: float = _HOVER_M) -> NDArray[np.float32]:
    """Come from `hover_m` above with open fingers, go down around the cube, close."""
    x, y, z = cube.state.position
    hx, hy, hz = env.scene.arm.state.position
    aside = math.hypot(hx - x, hy - y)
    wanted = z - _GRASP_BELOW_M
    if aside > _ALIGNED_M and hz < z + 0.03 and not _around(aside, hz, z):
        return hand_action(env, (hx, hy, z + hover_m), OPEN, yaw_of(cube))
    if aside > _ALIGNED_M:
        return hand_action(env, (x, y, z + hover_m if aside > 0.02 else hz), OPEN, yaw_of(cube))
    low = abs(hz - wanted) < 0.008
    return hand_action(env, (x, y, wanted), SHUT if low else OPEN, yaw_of(cube))


def carry(
    env: ManipulationEnv, cube: PropBody, goal: Vec, *, over_m: float, careful: bool = False
) -> NDArray[np.float32]:
    """Bring the held cube to a place, over the table by a margin while it is still far from above it.

    Args:
        env: unwrapped.
        cube: what is held.
        goal: (3,) where its middle shall be.
        over_m: height above the goal at which it travels.
        careful: rise before travelling, and come down slowly.
    """
    x, y, z = cube.state.position
    hx, hy, hz = env.scene.arm.state.position
    gx, gy, gz = goal
    aside = math.hypot(gx - x, gy - y)
    height = gz + over_m if aside > (0.01 if careful else 0.05) else gz
    if careful and aside > 0.03 and z < height - 0.02:
        gx, gy = x, y
    target = (hx + gx - x, hy + gy - y, hz + height - z)
    return hand_action(env, target, SHUT, env.scene.arm.yaw(), gain=0.35 if careful and aside < 0.03 else 0.6)


def yaw_of(cube: PropBody) -> float:
    """Angle about the vertical to which the fingers fit the cube best, within 45 degrees."""
    x, y, z, w = cube.state.quat_xyzw
    yaw = math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
    return (yaw + math.pi / 4) % (math.pi / 2) - math.pi / 4


def _around(aside_m: float, hand_z: float, cube_z: float) -> bool:
    """Whether the cube already stands between the fingers."""
    return aside_m < 0.015 and hand_z < cube_z
