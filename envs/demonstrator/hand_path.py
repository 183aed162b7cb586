"""The path of a hand in pieces: each begins where the last one ended, and may carry a thing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from envs.demonstrator.minimum_jerk import between, minimum_jerk
from geometry import FloatArray, invert

RATE_HZ = 30.0
"""Frames a second."""

Way = Callable[[FloatArray], FloatArray]
"""Poses (T, 4, 4) at moments (T,) of a piece, seconds from its beginning; what it gives at the end stays."""


class HandPath:
    """Poses and apertures of one hand, and of the things that it moves, put together piece by piece.

    Every piece lasts a whole number of frames, so that what moves it never depends on where frames fall.

    Args:
        T_world_grasp: (4, 4) where the hand begins.
        aperture_m: how far it is open then.
        T_world_things: (4, 4) where the things stand, by name.
    """

    def __init__(self, T_world_grasp: FloatArray, aperture_m: float, T_world_things: dict[str, FloatArray]) -> None:
        self.T_world_grasp, self.aperture_m = T_world_grasp, aperture_m
        self.T_world_things = {name: T.copy() for name, T in T_world_things.items()}
        self._hands, self._apertures = [T_world_grasp[None]], [np.array([aperture_m])]
        self._things = {name: [T.copy()[None]] for name, T in T_world_things.items()}
        self._frames = 0

    @property
    def now_s(self) -> float:
        """How long the path is."""
        return self._frames / RATE_HZ

    def add(
        self,
        duration_s: float,
        way: Way | None = None,
        *,
        aperture: Way | float | None = None,
        moves: str | None = None,
        elsewhere: tuple[str, Way] | None = None,
    ) -> None:
        """Go on.

        Args:
            duration_s: how long.
            way: of the hand; None: it stays.
            aperture: at the end, reached by minimum jerk, or over time; None: as it is.
            moves: name of a thing that goes with the hand as one body.
            elsewhere: a thing that somebody else moves meanwhile, and how.
        """
        count = max(1, round(duration_s * RATE_HZ))
        moments = duration_s * np.arange(1, count + 1) / count
        hands = np.repeat(self.T_world_grasp[None], count, axis=0) if way is None else way(moments)
        self._apertures.append(self._opened(moments, duration_s, aperture))
        for name, pieces in self._things.items():
            track = np.repeat(self.T_world_things[name][None], count, axis=0)
            if name == moves:
                track = hands @ invert(self.T_world_grasp) @ self.T_world_things[name]
            elif elsewhere is not None and name == elsewhere[0]:
                track = elsewhere[1](moments)
            pieces.append(track)
            self.T_world_things[name] = track[-1]
        self._hands.append(hands)
        self.T_world_grasp, self.aperture_m = hands[-1], float(self._apertures[-1][-1])
        self._frames += count

    def finished(self) -> tuple[FloatArray, FloatArray, FloatArray, dict[str, FloatArray]]:
        """Times (T,), hand poses (T, 4, 4), apertures (T,), and poses (T, 4, 4) of each thing."""
        things = {name: np.concatenate(pieces) for name, pieces in self._things.items()}
        times = np.arange(self._frames + 1) / RATE_HZ
        return times, np.concatenate(self._hands), np.concatenate(self._apertures), things

    def _opened(self, moments: FloatArray, duration_s: float, aperture: Way | float | None) -> FloatArray:
        if callable(aperture):
            return aperture(moments)
        goal = self.aperture_m if aperture is None else aperture
        return self.aperture_m + (goal - self.aperture_m) * minimum_jerk(moments / duration_s)


def arched(T_start: FloatArray, T_end: FloatArray, duration_s: float, height_m: float = 0.0) -> Way:
    """A minimum-jerk move between two poses whose middle is raised."""

    def way(moments: FloatArray) -> FloatArray:
        share = minimum_jerk(moments / duration_s)
        poses = between(T_start, T_end, share)
        poses[:, 2, 3] += height_m * 4.0 * share * (1.0 - share)
        return poses

    return way


def by_way_of(T_start: FloatArray, T_via: FloatArray, T_end: FloatArray, duration_s: float) -> Way:
    """Two minimum-jerk moves that overlap: past one pose, without a stop, to another.

    Source: Flash and Henis, "Arm trajectory modifications during reaching", J. Cognitive Neuroscience 1991: moves
    that follow each other closely are summed.
    """
    first, second = 0.72 * duration_s, 0.62 * duration_s

    def way(moments: FloatArray) -> FloatArray:
        poses = between(T_start, T_via, minimum_jerk(moments / first))
        late = minimum_jerk((moments - (duration_s - second)) / second)
        poses[:, :3, 3] += late[:, None] * (T_end - T_via)[:3, 3]
        if not np.allclose(T_via[:3, :3], T_end[:3, :3]):
            poses[:, :3, :3] = between(T_start, T_end, minimum_jerk(moments / duration_s))[:, :3, :3]
        return poses

    return way
