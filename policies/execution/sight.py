"""Where the robot believes things to be: their poses as a tracker would tell them, with its errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from envs.workbench import TAKER, Layout, Workbench
from geometry import FloatArray, InputError, transform

Locate = Callable[[], Layout]
"""Tells where everything is now, as well as it can: `T_world_thing` by the bench's names, and of a person's hand that
waits to take something, as `TAKER`, the middle of what it can hold."""
_LEVEL_RAD = np.radians(10.0)
_LEVEL_M = 0.012
_FALLEN_M = -0.1


@dataclass(frozen=True, kw_only=True)
class SightConfig:
    """Errors of a thing tracker; each look draws new ones. The defaults are a stand-in, not a measured tracker."""

    position_m: float = 0.003
    """Standard deviation along each axis."""
    angle_rad: float = float(np.radians(2.0))
    """Standard deviation of the turn about each axis."""

    def __post_init__(self) -> None:
        if not (self.position_m >= 0.0 and self.angle_rad >= 0.0):
            raise InputError("SightConfig", expected="errors of at least 0", got=f"{self}")


class NoisySight:
    """The simulator's poses with a tracker's errors.

    Args:
        bench: what is looked at.
        rng: draws the errors.
        config: their sizes.
    """

    def __init__(self, bench: Workbench, rng: np.random.Generator, config: SightConfig | None = None) -> None:
        self.bench, self._rng, self._config = bench, rng, config or SightConfig()

    def __call__(self) -> Layout:
        """One look."""
        seen = {name: self._seen(T) for name, T in self.bench.layout().items() if T[2, 3] > _FALLEN_M}
        if self.bench.taker is not None:
            seen[TAKER] = self._seen(transform(translation=self.bench.taker.palm_m))
        return seen

    def _seen(self, T_world_thing: FloatArray) -> FloatArray:
        turn = Rotation.from_rotvec(self._rng.normal(0.0, self._config.angle_rad, 3)).as_matrix()
        place = T_world_thing[:3, 3] + self._rng.normal(0.0, self._config.position_m, 3)
        return transform(turn @ T_world_thing[:3, :3], place)


def levelled(T_world_thing: FloatArray, size_m: tuple[float, float, float]) -> FloatArray:
    """The pose of a thing that stands on a face, without a tracker's errors in tilt and, on the table, in height."""
    T = T_world_thing.copy()
    R = T[:3, :3]
    axis = int(np.abs(R[2]).argmax())
    up = R[:, axis] * np.sign(R[2, axis])
    tilt = float(np.arccos(np.clip(up[2], -1.0, 1.0)))
    if tilt > _LEVEL_RAD:
        return T
    turn = np.cross(up, (0.0, 0.0, 1.0))
    length = float(np.linalg.norm(turn))
    if length > 1e-9:
        T[:3, :3] = Rotation.from_rotvec(turn / length * tilt).as_matrix() @ R
    if abs(T[2, 3] - 0.5 * size_m[axis]) < _LEVEL_M:
        T[2, 3] = 0.5 * size_m[axis]
    return T
