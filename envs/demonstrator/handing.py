"""How a person gives a thing to another, whose hand waits, closes on it and takes it away."""

from __future__ import annotations

import numpy as np

from envs.demonstrator.grips import away_from
from envs.demonstrator.hand_path import RATE_HZ
from envs.demonstrator.minimum_jerk import minimum_jerk
from envs.demonstrator.person import Person
from envs.demonstrator.seated_body import SeatedBody
from envs.demonstrator.showing import Showing
from envs.workbench import HandTo
from geometry import FloatArray, InputError, invert, transform

_OPEN_M = 0.10
_CLOSES_S, _LEAVES_S = 0.35, 0.4
_TAKES_AWAY_M = np.array([0.10, 0.0, 0.02])
_SEAT_M = (1.05, 0.62, -0.20)
_CURLED_RAD = 0.6


class ShownTaker:
    """The second person, beside the first, on the side where the hand waits.

    Args:
        palm_m: (3,) the middle of what the hand can hold, in the world.
    """

    def __init__(self, palm_m: FloatArray) -> None:
        x, y, z = _SEAT_M
        side = 1.0 if palm_m[1] >= 0.0 else -1.0
        self.palm_m = palm_m
        self.person = Person(body=SeatedBody(pelvis_m=(x, side * y, z)))
        self.closes_s, self.leaves_s = np.inf, np.inf
        self.held_aperture_m = _OPEN_M

    def poses(self, time_s: FloatArray) -> FloatArray:
        """(T, 4, 4) the frame between the tips."""
        ahead = away_from(self.person.body.shoulder_m, self.palm_m, 0.0)
        right = np.cross(ahead, (0.0, 0.0, 1.0))
        back = 0.5 * right - np.sqrt(0.75) * np.array([0.0, 0.0, 1.0])
        closing = np.cos(_CURLED_RAD) * ahead + np.sin(_CURLED_RAD) * back
        approach = np.sin(_CURLED_RAD) * ahead - np.cos(_CURLED_RAD) * back
        away = minimum_jerk((time_s - self.leaves_s) / _LEAVES_S)[:, None] * _TAKES_AWAY_M
        return transform(np.stack([np.cross(closing, approach), closing, approach], axis=-1), self.palm_m + away)

    def hand_and_body(self, time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(T, 21, 3) hand and (T, 18, 3) body over a whole demonstration."""
        closed = minimum_jerk((time_s - self.closes_s) / _CLOSES_S)
        aperture = _OPEN_M + (self.held_aperture_m - _OPEN_M) * closed
        hand = self.person.hand.points(self.poses(time_s), aperture)
        return hand, self.person.body.points(hand[:, 0], RATE_HZ)


def hand_to(showing: Showing, move: HandTo, taker: ShownTaker | None) -> None:
    """Carry to the waiting hand, let it close, let go.

    Raises:
        InputError: if nobody waits.
    """
    if taker is None:
        raise InputError("demonstrate", expected="taker_m where a script hands something over", got="none")
    path, name = showing.path, move.object
    T_goal = showing.at(name)
    T_goal[:3, 3] = taker.palm_m + showing.rng.normal(0.0, 0.004, 3)
    start = path.now_s
    showing.carry_thing(name, T_goal, base_s=0.7, per_m_s=0.8, arch_m=0.02)
    showing.tell("carry", name, move.to, start)
    start = path.now_s
    showing.pause(0.15)
    taker.closes_s, taker.held_aperture_m = path.now_s, showing.grip.aperture_m
    path.add(_CLOSES_S + showing.lasts(0.2))
    showing.open_hand(name)
    taker.leaves_s = began_s = path.now_s
    T_hand_thing = invert(taker.poses(np.array([began_s]))[0]) @ showing.at(name)
    showing.draw_back(elsewhere=(name, lambda moments: taker.poses(began_s + moments) @ T_hand_thing))
    showing.tell("hand_over", name, move.to, start)
