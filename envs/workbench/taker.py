"""A person's open hand that waits at a place and takes what is brought to it."""

from __future__ import annotations

import numpy as np

from envs.world import Body, World
from geometry import FloatArray, InputError, invert, to_pos_quat, transform

REACH_M = 0.05
"""The hand closes on a thing whose middle is this near to the middle of the palm."""
GRIP_N = 25.0
"""Force of its grip along each axis."""
_NOTICES_S = 0.25
_SKIN, _SLEEVE = (0.87, 0.66, 0.53, 1.0), (0.25, 0.33, 0.45, 1.0)
_BOXES_M = (
    ((0.0, 0.0, -0.045), (0.045, 0.042, 0.010), _SKIN),
    ((-0.060, -0.030, -0.040), (0.035, 0.009, 0.009), _SKIN),
    ((-0.065, -0.010, -0.040), (0.040, 0.009, 0.009), _SKIN),
    ((-0.065, 0.010, -0.040), (0.040, 0.009, 0.009), _SKIN),
    ((-0.060, 0.030, -0.040), (0.035, 0.009, 0.009), _SKIN),
    ((0.005, 0.055, -0.030), (0.035, 0.010, 0.010), _SKIN),
    ((0.085, 0.0, -0.045), (0.045, 0.028, 0.022), _SKIN),
    ((0.240, 0.0, -0.045), (0.120, 0.042, 0.040), _SLEEVE),
)
"""Middle, half edges and colour of palm, fingers, thumb, wrist and sleeve; the fingers point along -x."""


class Taker:
    """The hand in one world. It is seen, but gives way to whatever it meets: only its grip holds things.

    Args:
        world: where it lives.
        palm_m: (3,) where it waits, in the world: the middle of what it can hold.
        heading_rad: direction about the vertical in which its forearm lies; 0 is along +x.
    """

    def __init__(self, world: World, palm_m: FloatArray, heading_rad: float = 0.0) -> None:
        place = np.asarray(palm_m, dtype=np.float64)
        if place.shape != (3,) or not np.isfinite(place).all():
            raise InputError("Taker", expected="palm_m of three numbers", got=f"{palm_m}")
        self.world, self.palm_m = world, place
        self.holding: str | None = None
        """Name of the thing that it has closed on."""
        c, s = np.cos(heading_rad), np.sin(heading_rad)
        self.body = _hand(world, transform([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]], place))
        self._since_s: float | None = None

    def watch(self, offered: Body | None) -> None:
        """Close on a thing that somebody holds within reach; to be called after every step of the world.

        Args:
            offered: what the robot holds now; None where it holds nothing.
        """
        if self.holding is not None:
            return
        near = offered is not None and float(np.linalg.norm(offered.pose()[:3, 3] - self.palm_m)) < REACH_M
        if not near:
            self._since_s = None
            return
        assert offered is not None
        if self._since_s is None:
            self._since_s = self.world.time_s
        if self.world.time_s - self._since_s >= _NOTICES_S:
            self._close_on(offered)

    def _close_on(self, thing: Body) -> None:
        bullet = self.world.bullet
        position, quat_xyzw = to_pos_quat(thing.pose() @ invert(thing.T_com_link))
        grip = bullet.createConstraint(
            thing.uid, -1, -1, -1, bullet.JOINT_FIXED, (0, 0, 0), (0, 0, 0), position, (0, 0, 0, 1), quat_xyzw
        )
        bullet.changeConstraint(grip, maxForce=GRIP_N)
        self.holding = thing.name


def _hand(world: World, T_world_palm: FloatArray) -> Body:
    """A body that is only seen."""
    bullet, count = world.bullet, len(_BOXES_M)
    visual = bullet.createVisualShapeArray(
        shapeTypes=[bullet.GEOM_BOX] * count,
        halfExtents=[half for _, half, _ in _BOXES_M],
        visualFramePositions=[middle for middle, _, _ in _BOXES_M],
        rgbaColors=[color for _, _, color in _BOXES_M],
    )
    return world.adopt(bullet.createMultiBody(0.0, -1, visual), "taker's hand", T_world_palm)
