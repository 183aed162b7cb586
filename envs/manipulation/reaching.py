"""How a person's hand moves: from anywhere to rest somewhere else with the least jerk, never quite still."""

from __future__ import annotations

import numpy as np

from geometry import FloatArray


class ReachingMotion:
    """The path of a point that is sent to one place after another.

    The minimum-jerk path between two states is a polynomial of degree five (Flash and Hogan, "The coordination
    of arm movements", Journal of Neuroscience 1985). A new order takes position, speed and acceleration
    over from the running one, so that changing one's mind is smooth as well.

    Args:
        start_m: (3,) where it rests at time 0.
        sway_m: (3,) amplitude of the sway about the path, along each axis.
        sway_hz: (3,) its frequency.
        sway_phase_rad: (3,) its phase at time 0.
    """

    def __init__(
        self, start_m: FloatArray, sway_m: FloatArray, sway_hz: FloatArray, sway_phase_rad: FloatArray
    ) -> None:
        self._coefficients = np.zeros((6, 3))
        self._coefficients[0] = start_m
        self._began_s, self._takes_s = 0.0, 0.0
        self._sway_m, self._pulse, self._phase = sway_m, 2.0 * np.pi * sway_hz, sway_phase_rad

    def go_to(self, goal_m: FloatArray, now_s: float, takes_s: float) -> None:
        """Head for a place from now on, to rest there after `takes_s`."""
        p, v, a = self._path(now_s)
        T = takes_s
        off = goal_m - p - v * T - 0.5 * a * T**2
        slow, weak = -(v + a * T), -a
        self._coefficients = np.array(
            [
                p,
                v,
                0.5 * a,
                (20.0 * off - 8.0 * slow * T + weak * T**2) / (2.0 * T**3),
                (-30.0 * off + 14.0 * slow * T - 2.0 * weak * T**2) / (2.0 * T**4),
                (12.0 * off - 6.0 * slow * T + weak * T**2) / (2.0 * T**5),
            ]
        )
        self._began_s, self._takes_s = now_s, takes_s

    def at(self, time_s: float) -> tuple[FloatArray, FloatArray]:
        """(3,) position and (3,) velocity."""
        position, velocity, _ = self._path(time_s)
        angle = self._pulse * time_s + self._phase
        return position + self._sway_m * np.sin(angle), velocity + self._sway_m * self._pulse * np.cos(angle)

    def _path(self, time_s: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Position, velocity and acceleration without the sway."""
        t = min(max(time_s - self._began_s, 0.0), self._takes_s)
        powers = t ** np.arange(6)
        c = self._coefficients
        speeds, jerks = np.arange(1, 6), np.arange(2, 6)
        velocity = (speeds * powers[:5]) @ c[1:]
        acceleration = (jerks * (jerks - 1) * powers[:4]) @ c[2:]
        return powers @ c, velocity, acceleration
