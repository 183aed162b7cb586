"""A person's body and hand as something that cameras see: capsules along the bones."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from envs.demonstrator.hand_model import FINGERS, HAND_POINTS
from envs.demonstrator.seated_body import BODY_POINTS
from envs.world import Body, World
from geometry import FloatArray, transform

Bone = tuple[str, str, float]
"""Two points and a radius, metres."""
SKIN, SHIRT = (0.87, 0.66, 0.53, 1.0), (0.25, 0.33, 0.45, 1.0)
_ROOTS = ("thumb_cmc", *(f"{finger}_mcp" for finger in FINGERS[1:]))
_PARTS = {finger: ("mcp", "pip", "dip", "tip") for finger in FINGERS[1:]} | {"thumb": ("cmc", "mcp", "ip", "tip")}
_FINGER_RADII_M = {"thumb": 0.0095, "index": 0.0080, "middle": 0.0082, "ring": 0.0078, "pinky": 0.0070}
HAND_BONES: tuple[Bone, ...] = (
    *(("wrist", root, 0.012) for root in _ROOTS),
    *((one, other, 0.011) for one, other in zip(_ROOTS[1:], _ROOTS[2:], strict=False)),
    ("thumb_cmc", "index_mcp", 0.009),
    *(
        (f"{finger}_{one}", f"{finger}_{other}", _FINGER_RADII_M[finger])
        for finger in FINGERS
        for one, other in zip(_PARTS[finger], _PARTS[finger][1:], strict=False)
    ),
)
"""Capsules of a hand."""
BODY_BONES: tuple[Bone, ...] = (
    ("pelvis", "neck", 0.12),
    ("left_shoulder", "right_shoulder", 0.055),
    ("neck", "head", 0.05),
    *((f"{side}_shoulder", f"{side}_elbow", 0.045) for side in ("left", "right")),
    *((f"{side}_hip", f"{side}_knee", 0.07) for side in ("left", "right")),
)
"""Capsules in clothes."""
_BARE_BONES: tuple[Bone, ...] = tuple((f"{side}_elbow", f"{side}_wrist", 0.032) for side in ("left", "right"))
_HEAD_RADIUS_M = 0.10


class PersonFigure:
    """A person in a world; seen, but never touched by anything.

    Args:
        world: where.
        body_m: (18, 3) `BODY_POINTS` that give the bones their lengths.
        hand_m: (21, 3) `HAND_POINTS` of the right hand.
        shirt: colour of the clothes.
    """

    def __init__(
        self,
        world: World,
        body_m: FloatArray,
        hand_m: FloatArray,
        *,
        shirt: tuple[float, float, float, float] = SHIRT,
    ) -> None:
        self._world = world
        body, hand = dict(zip(BODY_POINTS, body_m, strict=True)), dict(zip(HAND_POINTS, hand_m, strict=True))
        self._body = self._capsules(BODY_BONES, body, shirt) + self._capsules(_BARE_BONES, body, SKIN)
        self._hand = self._capsules(HAND_BONES, hand, SKIN)
        bullet = world.bullet
        head = bullet.createVisualShape(bullet.GEOM_SPHERE, radius=_HEAD_RADIUS_M, rgbaColor=SKIN)
        self._head = world.adopt(bullet.createMultiBody(0.0, -1, head), "head")
        self.pose(body_m, hand_m)

    def pose(self, body_m: FloatArray, hand_m: FloatArray) -> None:
        """Put the person into a posture."""
        body, hand = dict(zip(BODY_POINTS, body_m, strict=True)), dict(zip(HAND_POINTS, hand_m, strict=True))
        for capsules, points in ((self._body, body), (self._hand, hand)):
            for (one, other, _), capsule in capsules:
                capsule.set_pose(_along(points[one], points[other]))
        self._head.set_pose(transform(translation=body["head"]))

    def _capsules(
        self, bones: Iterable[Bone], points: dict[str, FloatArray], rgba: tuple[float, ...]
    ) -> list[tuple[Bone, Body]]:
        bullet, made = self._world.bullet, []
        for bone in bones:
            length = float(np.linalg.norm(points[bone[1]] - points[bone[0]]))
            shape = bullet.createVisualShape(bullet.GEOM_CAPSULE, radius=bone[2], length=length, rgbaColor=rgba)
            made.append((bone, self._world.adopt(bullet.createMultiBody(0.0, -1, shape), bone[1])))
        return made


def _along(start_m: FloatArray, end_m: FloatArray) -> FloatArray:
    """(4, 4) frame in the middle of a bone, z along it."""
    z = (end_m - start_m) / np.linalg.norm(end_m - start_m)
    helper = np.array([1.0, 0.0, 0.0]) if abs(z[0]) < 0.9 else np.array([0.0, 1.0, 0.0])
    x = np.cross(helper, z)
    x /= np.linalg.norm(x)
    return transform(np.stack([x, np.cross(z, x), z], axis=-1), 0.5 * (start_m + end_m))
