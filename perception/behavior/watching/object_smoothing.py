"""Objects' places are as noisy as people's joints: smooth them the same way before speeds are taken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geometry import FloatArray
from perception.behavior.features import ObjectTrack
from perception.pose import PoseFrame, SeenObject
from perception.pose.smoothing import OneEuro, RtsSettings, rts_smooth

_DRIVE = 20.0
"""Things in hands change their motion less abruptly than limbs."""


def smooth_object(thing: ObjectTrack, time_s: FloatArray, body_size: float) -> ObjectTrack:
    """An object's way through a recording, smoothed with past and future.

    Args:
        thing: (T, D) places.
        time_s: (T,) seconds.
        body_size: size of the person in the same unit.
    """
    if len(time_s) < 2:
        return thing
    seen = np.isfinite(thing.positions).all(axis=-1, keepdims=True).astype(float)
    points = rts_smooth(time_s, thing.positions[:, None], seen, RtsSettings(drive=_DRIVE), body_size=body_size)
    return replace(thing, positions=points[:, 0])


class ObjectSmoother:
    """Smooths the objects of frames one by one.

    Args:
        body_size: size of a person in the objects' unit.
        metres: whether poses in metres count, or else boxes in pixels.
    """

    def __init__(self, body_size: float, *, metres: bool) -> None:
        self._size, self._metres = body_size, metres
        self._filters: dict[str, OneEuro] = {}

    def update(self, frame: PoseFrame) -> tuple[SeenObject, ...]:
        """The frame's objects with smooth places."""
        return tuple(self._smooth(frame.time_s, thing) for thing in frame.objects)

    def _smooth(self, time_s: float, thing: SeenObject) -> SeenObject:
        pose, box = thing.T_reference_object, thing.box_px
        if (pose if self._metres else box) is None:
            return thing
        if thing.name not in self._filters:
            self._filters[thing.name] = OneEuro(body_size=self._size)
        if self._metres and pose is not None:
            moved = np.array(pose, dtype=float)
            moved[:3, 3] = self._filters[thing.name].update(time_s, moved[None, :3, 3])[0]
            return replace(thing, T_reference_object=moved)
        corners = np.asarray(box, dtype=float).reshape(2, 2)
        return replace(thing, box_px=self._filters[thing.name].update(time_s, corners).reshape(4))
