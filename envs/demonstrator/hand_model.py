"""A right hand of 21 points that opens and closes between thumb and index finger.

Its frame is the grasp frame of the project: origin midway between the tips of thumb and index finger, +z the direction
in which the hand approaches, +y from the thumb to the index finger. Bones keep their lengths; the index finger is
flexed by the aperture, the thumb is bent so that its tip is where the aperture wants it.

Source of the lengths: Buchholz, Armstrong and Goldstein, "Anthropometric data for describing the kinematics of the
human hand", Ergonomics 1992, segments as shares of the hand's length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from geometry import FloatArray, InputError, invert, transform, transform_points

FINGERS = ("thumb", "index", "middle", "ring", "pinky")
HAND_POINTS = (
    "wrist",
    *(f"thumb_{part}" for part in ("cmc", "mcp", "ip", "tip")),
    *(f"{finger}_{part}" for finger in FINGERS[1:] for part in ("mcp", "pip", "dip", "tip")),
)
"""Order of the points: MediaPipe's."""
THUMB_TIP, INDEX_TIP = HAND_POINTS.index("thumb_tip"), HAND_POINTS.index("index_tip")
WIDEST_M = 0.125
"""Largest aperture of a hand of 0.19 m; others in proportion."""
HAND_LENGTH_M = 0.19
"""From the wrist to the tip of the middle finger."""

_METACARPALS = (0.463, 0.446, 0.421, 0.414)
_PHALANGES = ((0.245, 0.143, 0.097), (0.266, 0.170, 0.108), (0.244, 0.165, 0.107), (0.204, 0.117, 0.093))
_THUMB = (0.251, 0.196, 0.158)
_KNUCKLES_Y = (0.130, 0.020, -0.080, -0.170)
"""Where the knuckles lie across the palm, towards the thumb."""
_THUMB_ROOT = (0.11, 0.12, -0.06)
"""The thumb's saddle joint: along the palm, across it, and up from its back."""
_FLEXED_RAD = np.radians([(45.0, 55.0, 30.0), (10.0, 35.0, 15.0)])
"""Knuckle, middle and end joint of the index finger at aperture 0 and at the widest."""
_MORE_FLEXED_RAD = np.radians([0.0, 4.0, 9.0, 14.0])
"""What the knuckles of the other fingers are flexed beyond the index finger's."""
_CLOSING_RAD = np.radians([55.0, 25.0])
"""Angle below the palm's plane at which the thumb's tip lies behind the index finger's, at 0 and at the widest."""
_THUMB_BOW = np.array([-0.3, 0.4, -1.0])


@dataclass(frozen=True)
class HandModel:
    """A hand of one person."""

    length_m: float = HAND_LENGTH_M
    """From the wrist to the tip of the middle finger."""

    def __post_init__(self) -> None:
        if not 0.1 < self.length_m < 0.3:
            raise InputError("HandModel", expected="length_m of 0.1 to 0.3", got=f"{self.length_m}")

    @property
    def widest_m(self) -> float:
        """Largest aperture."""
        return WIDEST_M * self.length_m / HAND_LENGTH_M

    def points(self, T_world_grasp: FloatArray, aperture_m: FloatArray) -> FloatArray:
        """The hand's points.

        Args:
            T_world_grasp: (T, 4, 4) the frame between the tips.
            aperture_m: (T,) distance of the tips of thumb and index finger, above 0.

        Returns:
            (T, 21, 3) `HAND_POINTS` in the world, metres.

        Raises:
            InputError: for an aperture that the hand does not reach.
        """
        aperture = np.asarray(aperture_m, dtype=np.float64)
        if not ((aperture > 0.0) & (aperture <= self.widest_m + 1e-9)).all():
            got = f"{aperture.min():.3f} to {aperture.max():.3f}"
            raise InputError("HandModel.points", expected=f"apertures above 0, up to {self.widest_m:.3f} m", got=got)
        points_palm, T_palm_grasp = self._in_palm(aperture)
        return transform_points(T_world_grasp @ invert(T_palm_grasp), points_palm)

    def _in_palm(self, aperture: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Points (T, 21, 3) and grasp frame (T, 4, 4) in the palm's: x to the fingers, y to the thumb, z the back."""
        share = (aperture / self.widest_m)[:, None]
        flexed = (1.0 - share) * _FLEXED_RAD[0] + share * _FLEXED_RAD[1]
        points = np.zeros((len(aperture), len(HAND_POINTS), 3))
        for row in range(4):
            points[:, 5 + 4 * row : 9 + 4 * row] = self._finger(row, flexed)
        below = (1.0 - share[:, 0]) * _CLOSING_RAD[0] + share[:, 0] * _CLOSING_RAD[1]
        closing = np.stack([np.cos(below), np.zeros_like(below), np.sin(below)], axis=-1)
        index_tip = points[:, INDEX_TIP]
        thumb_tip = index_tip - aperture[:, None] * closing
        points[:, 1:5] = self._thumb(thumb_tip)
        approach = np.stack([np.sin(below), np.zeros_like(below), -np.cos(below)], axis=-1)
        rotation = np.stack([np.cross(closing, approach), closing, approach], axis=-1)
        return points, transform(rotation, 0.5 * (index_tip + thumb_tip))

    def _finger(self, row: int, flexed: FloatArray) -> FloatArray:
        """(T, 4, 3) knuckle to tip of a finger, in the palm's frame."""
        across = _KNUCKLES_Y[row] * self.length_m
        knuckle = np.array([np.sqrt((_METACARPALS[row] * self.length_m) ** 2 - across**2), across, 0.0])
        angles = np.cumsum(flexed, axis=1) + _MORE_FLEXED_RAD[row]
        bones = np.stack([np.cos(angles), np.zeros_like(angles), -np.sin(angles)], axis=-1)
        along = np.cumsum(bones * (self.length_m * np.array(_PHALANGES[row]))[:, None], axis=1)
        return knuckle + np.concatenate([np.zeros_like(along[:, :1]), along], axis=1)

    def _thumb(self, tip: FloatArray) -> FloatArray:
        """(T, 4, 3) the thumb's joints and tip: both its end joints are bent alike, as far as the tip's place asks."""
        root, bones = self.length_m * np.array(_THUMB_ROOT), self.length_m * np.array(_THUMB)
        bends = np.linspace(0.0, 2.0, 4000)
        chains = np.cumsum(bones * np.exp(1j * bends[:, None] * np.arange(3)), axis=1)
        way = tip - root
        distance = np.linalg.norm(way, axis=-1)
        if (distance > bones.sum()).any():
            raise InputError("HandModel", expected=f"a thumb within {bones.sum():.3f} m", got=f"{distance.max():.3f} m")
        bend = np.interp(-distance, -np.abs(chains[:, 2]), bends)
        chain = np.cumsum(bones * np.exp(1j * bend[:, None] * np.arange(3)), axis=1)
        chain = chain * np.exp(-1j * np.angle(chain[:, 2:]))
        ahead = way / distance[:, None]
        bow = _THUMB_BOW - (ahead @ _THUMB_BOW)[:, None] * ahead
        bow /= np.linalg.norm(bow, axis=-1, keepdims=True)
        along = chain.real[..., None] * ahead[:, None] - chain.imag[..., None] * bow[:, None]
        return root + np.concatenate([np.zeros_like(along[:, :1]), along], axis=1)


def wrist_of(points_m: FloatArray) -> FloatArray:
    """(T, 3) the wrist of hands (T, 21, 3)."""
    return points_m[:, HAND_POINTS.index("wrist")]


def grasp_frame(closing: FloatArray, tilt_rad: float, at_m: FloatArray) -> FloatArray:
    """(4, 4) a grasp frame that comes from above.

    Args:
        closing: (3,) horizontal unit vector from the thumb to the index finger.
        tilt_rad: 0 comes straight down, pi / 2 comes level, towards the left of `closing`.
        at_m: (3,) the middle between the tips.
    """
    turn = Rotation.from_rotvec(tilt_rad * closing)
    approach = turn.apply((0.0, 0.0, -1.0))
    return transform(np.stack([np.cross(closing, approach), closing, approach], axis=-1), at_m)
