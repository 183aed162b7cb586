"""How a person takes hold of things: from above, across flat faces; tall round things from the side.

Source of the grip aperture: Jeannerod, "The timing of natural prehension movements", J. Motor Behavior 1984 (largest at
60 to 70 % of the reach), and Smeets and Brenner, "A new view on grasping", Motor Control 1999 (it grows by 0.8 of the
object's width).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.demonstrator.hand_model import grasp_frame
from envs.workbench import Thing
from geometry import FloatArray, InputError, invert

PAD_M = 0.007
"""From the surface of a finger's tip to its keypoint."""
PEAK_SHARE = (0.60, 0.70)
"""Share of the reach at which the hand is open the most, least and largest."""
_WIDEST_GRIP_M = 0.07
_TALL_M = 0.07
_ROUND = ("can", "cup", "bowl", "plate")


@dataclass(frozen=True, eq=False)
class Grip:
    """A grasp that a person chose."""

    T_world_grasp: FloatArray
    """(4, 4)."""
    T_thing_grasp: FloatArray
    """(4, 4)."""
    width_m: float
    """Gap between the fingers' surfaces."""

    @property
    def aperture_m(self) -> float:
        """Distance of the tips' keypoints."""
        return self.width_m + 2.0 * PAD_M

    @property
    def largest_aperture_m(self) -> float:
        """What a hand opens to on the way to it, without its scatter."""
        return 0.048 + 0.8 * self.width_m + 2.0 * PAD_M


def choose_grip(thing: Thing, T_world_thing: FloatArray, shoulder_m: FloatArray, rng: np.random.Generator) -> Grip:
    """A grasp such as a right hand takes, with a person's scatter of a few millimetres and degrees.

    Raises:
        InputError: for a thing that is too wide to be taken between thumb and index finger.
    """
    heading = away_from(shoulder_m, T_world_thing[:3, 3], float(rng.normal(0.35, 0.10)))
    closing, width = _across(thing, T_world_thing, heading)
    if width > _WIDEST_GRIP_M:
        expected = f"a thing of at most {_WIDEST_GRIP_M} m between its faces"
        raise InputError("choose_grip", expected=expected, got=f"{thing.name} with {width:.3f} m")
    tall = thing.category in _ROUND and thing.size_m[2] > _TALL_M
    tilt = float(rng.normal(0.9, 0.07) if tall else rng.normal(0.15, 0.05))
    at = T_world_thing[:3, 3].copy()
    at[2] += thing.size_m[2] * float(rng.normal(0.12 if tall else 0.05, 0.02))
    T_world_grasp = grasp_frame(closing, tilt, at)
    along = T_world_grasp[:3, 0] * float(rng.normal(0.0, 0.0 if thing.category in _ROUND else 0.003))
    T_world_grasp[:3, 3] += along
    return Grip(T_world_grasp, invert(T_world_thing) @ T_world_grasp, width)


def away_from(shoulder_m: FloatArray, target_m: FloatArray, turned_rad: float) -> FloatArray:
    """(3,) horizontal unit vector from the shoulder to a place, turned to the person's left."""
    way = (target_m - shoulder_m)[:2]
    angle = np.arctan2(way[1], way[0]) + turned_rad
    return np.array([np.cos(angle), np.sin(angle), 0.0])


def _across(thing: Thing, T_world_thing: FloatArray, heading: FloatArray) -> tuple[FloatArray, float]:
    """Closing direction and width: for flat faces the one nearest to the heading, out of those that fit."""
    if thing.category in _ROUND:
        return heading, thing.size_m[0]
    axes = [(sign * T_world_thing[:3, row], thing.size_m[row]) for row in (0, 1) for sign in (-1.0, 1.0)]
    fitting = [each for each in axes if each[1] <= _WIDEST_GRIP_M] or axes
    axis, width = max(fitting, key=lambda each: float(each[0] @ heading))
    level = np.array([axis[0], axis[1], 0.0])
    return level / np.linalg.norm(level), width
