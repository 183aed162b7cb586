"""The body of a person who sits at the bench: 18 points that follow the right wrist.

The trunk leans and turns no further than the arm needs; elbows hang outwards. Bones keep their lengths. The person
looks towards -x.

Source of the lengths: Drillis and Contini, "Body segment parameters" (1966), segments as shares of a person's height.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d
from scipy.spatial.transform import Rotation

from geometry import FloatArray, InputError

BODY_POINTS = (
    "pelvis", "spine", "neck", "head",
    *(f"left_{limb}" for limb in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")),
    *(f"right_{limb}" for limb in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")),
)  # fmt: skip
"""Order of the points: perception's body18."""

_UPPER_ARM, _FOREARM, _THIGH, _SHANK, _FOOT = 0.186, 0.146, 0.245, 0.246, 0.10
_TRUNK, _HEAD, _HALF_SHOULDERS, _HALF_HIPS = 0.288, 0.10, 0.115, 0.055
_STRETCH = 0.94
"""Share of the arm's length beyond which the trunk comes along."""
_CRAMPED = 0.45
"""Share of the arm's length nearer than which the trunk does not come to the hand."""
_LEAN_RAD = np.radians(70.0)
_LEAN_WINDOW_S, _LEAN_SMOOTH_S = 0.8, 0.2
_LEFT_HAND = np.array([-0.16, -0.20, 0.22])
"""Where the left wrist rests, from the pelvis."""
_RIGHT_ELBOW, _LEFT_ELBOW = np.array([0.15, 0.7, -0.8]), np.array([0.15, -0.7, -0.8])


@dataclass(frozen=True, kw_only=True)
class SeatedBody:
    """A person on a chair."""

    height_m: float = 1.75
    """Standing height."""
    pelvis_m: tuple[float, float, float] = (1.10, 0.0, -0.20)
    """Where the pelvis stays, in the world; the table's top is z = 0."""

    def __post_init__(self) -> None:
        if not 1.2 < self.height_m < 2.3 or not np.isfinite(self.pelvis_m).all():
            raise InputError("SeatedBody", expected="height_m of 1.2 to 2.3 and a place", got=f"{self}")

    @property
    def shoulder_m(self) -> FloatArray:
        """(3,) the right shoulder when the person sits upright."""
        h = self.height_m
        return np.array(self.pelvis_m) + (0.0, _HALF_SHOULDERS * h, _TRUNK * h)

    def points(self, right_wrist_m: FloatArray, rate_hz: float) -> FloatArray:
        """The body's points while the right wrist moves.

        Args:
            right_wrist_m: (T, 3) in the world.
            rate_hz: frames a second.

        Returns:
            (T, 18, 3) `BODY_POINTS` in the world, metres.

        Raises:
            InputError: if the wrist goes where the person cannot reach.
        """
        trunk = self._trunk(right_wrist_m, rate_hz)
        h, pelvis = self.height_m, np.array(self.pelvis_m)

        def at(*local: float) -> FloatArray:
            placed: FloatArray = pelvis + trunk.apply(np.array(local) * h)
            return placed

        shoulders = {side: at(0.0, sign * _HALF_SHOULDERS, _TRUNK) for side, sign in (("left", -1), ("right", 1))}
        wrists = {"left": np.broadcast_to(pelvis + _LEFT_HAND * h / 1.75, right_wrist_m.shape), "right": right_wrist_m}
        hints = {"left": _LEFT_ELBOW, "right": _RIGHT_ELBOW}
        rows = [np.broadcast_to(pelvis, right_wrist_m.shape), at(0, 0, 0.5 * _TRUNK), at(0, 0, _TRUNK)]
        rows.append(at(0, 0, _TRUNK + _HEAD))
        for side, sign in (("left", -1.0), ("right", 1.0)):
            elbow, wrist = _elbow(shoulders[side], wrists[side], _UPPER_ARM * h, _FOREARM * h, hints[side])
            rows += [shoulders[side], elbow, wrist]
            rows += [np.broadcast_to(point, right_wrist_m.shape) for point in self._leg(sign)]
        return np.stack(rows, axis=1)

    def _leg(self, sign: float) -> list[FloatArray]:
        """Hip, knee, ankle and toe, which stay where they are."""
        h, hip = self.height_m, np.array(self.pelvis_m) + (0.0, sign * _HALF_HIPS * self.height_m, 0.0)
        knee = hip + (-_THIGH * h, 0.0, 0.0)
        ankle = knee + (0.0, 0.0, -_SHANK * h)
        return [hip, knee, ankle, ankle + (-_FOOT * h, 0.0, 0.0)]

    def _trunk(self, wrist: FloatArray, rate_hz: float) -> Rotation:
        """T rotations of the trunk: it leans as far as the wrist asks, and begins well before."""
        arm = (_UPPER_ARM + _FOREARM) * self.height_m
        way = wrist[:, :2] - self.shoulder_m[:2]
        heading = gaussian_filter1d(np.arctan2(way[:, 1], -way[:, 0]), _LEAN_SMOOTH_S * rate_hz, mode="nearest")
        leans = np.linspace(0.0, _LEAN_RAD, 141)
        distance = self._distance(leans, heading, wrist)
        far = distance > _STRETCH * arm
        if far.all(axis=1).any():
            expected, got = "a wrist that the arm reaches", f"{(distance.min(axis=1) - arm).max():.2f} m too far"
            raise InputError("SeatedBody.points", expected=expected, got=got, remedy="move things closer to the person")
        least = leans[np.argmin(far, axis=1)]
        cramped = (distance < _CRAMPED * arm) & (leans > least[:, None])
        most = np.where(cramped.any(axis=1), leans[np.argmax(cramped, axis=1)], _LEAN_RAD)
        wide = max(1, int(_LEAN_WINDOW_S * rate_hz))
        wanted = maximum_filter1d(least, wide, mode="nearest")
        lean = gaussian_filter1d(np.minimum(wanted, most), _LEAN_SMOOTH_S * rate_hz, mode="nearest")
        return _leaning(np.clip(lean, least, np.maximum(most, least)), heading)

    def _distance(self, leans: FloatArray, heading: FloatArray, wrist: FloatArray) -> FloatArray:
        """(T, L) distance of the wrist from the shoulder of a trunk that leans by each of L angles.

        The shoulder turns about `_axis` by Rodrigues' formula.
        """
        shoulder, axis = np.array([0.0, _HALF_SHOULDERS, _TRUNK]) * self.height_m, _axis(heading)
        cos, sin = np.cos(leans)[:, None], np.sin(leans)[:, None]
        along = (axis @ shoulder)[:, None] * axis
        turned = cos * shoulder + sin * np.cross(axis, shoulder)[:, None] + (1.0 - cos) * along[:, None]
        distance: FloatArray = np.linalg.norm((wrist - np.array(self.pelvis_m))[:, None] - turned, axis=-1)
        return distance


def _leaning(lean: FloatArray, heading: FloatArray) -> Rotation:
    """Rotations of an upright trunk towards -x, or to the right of that by `heading`."""
    return Rotation.from_rotvec(lean[:, None] * _axis(heading))


def _axis(heading: FloatArray) -> FloatArray:
    """(T, 3) axes about which the trunk leans."""
    return np.stack([-np.sin(heading), -np.cos(heading), np.zeros_like(heading)], axis=-1)


def _elbow(
    shoulder: FloatArray, wrist: FloatArray, upper_m: float, fore_m: float, hint: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(T, 3) elbows, on the side of the hint, and wrists: those asked for, or the nearest that the arm reaches."""
    way = wrist - shoulder
    asked = np.linalg.norm(way, axis=-1, keepdims=True)
    ahead = way / asked
    distance = np.clip(asked, abs(upper_m - fore_m) + 1e-6, upper_m + fore_m - 1e-6)
    along = (upper_m**2 - fore_m**2 + distance**2) / (2.0 * distance)
    out = hint - (ahead @ hint)[:, None] * ahead
    out /= np.linalg.norm(out, axis=-1, keepdims=True)
    elbow = shoulder + along * ahead + np.sqrt(np.maximum(upper_m**2 - along**2, 0.0)) * out
    return elbow, shoulder + distance * ahead
