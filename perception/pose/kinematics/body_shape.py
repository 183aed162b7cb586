"""A person's bones: how the joints of `BODY18` hang on each other, and where each sits on its parent.

In the rest pose the person stands upright and faces x, with y to the left and z up; arms and legs are straight, the
arms hang, the feet point forward, the thumbs too. Every joint has a frame, turned like the body's in the rest pose.
The shoulders hang on the spine joint, not on the neck as the drawn bones do: they move with the chest, and the neck
carries the head alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry import FloatArray, InputError
from perception.pose.kinematics.swing_twist import cross, unit
from perception.pose.person_track import PersonTrack
from perception.pose.skeletons import BODY18, convert

_PARENT_OF = {"spine": "pelvis", "neck": "spine", "head": "neck"} | {
    f"{side}_{joint}": parent if parent in ("spine", "pelvis") else f"{side}_{parent}"
    for side in ("left", "right")
    for joint, parent in (
        ("shoulder", "spine"), ("elbow", "shoulder"), ("wrist", "elbow"),
        ("hip", "pelvis"), ("knee", "hip"), ("ankle", "knee"), ("toe", "ankle"),
    )
}  # fmt: skip

PARENTS: tuple[int, ...] = tuple(
    BODY18.index(_PARENT_OF[joint]) if joint in _PARENT_OF else -1 for joint in BODY18.joints
)
"""Row in `BODY18` of what carries each joint; -1 for the pelvis."""

_FOOT_DROP_RAD = 0.33
"""Of the line from ankle to toe below the level: ankle height 0.039 of the stature, three quarters of a foot of 0.152
before the ankle (Drillis and Contini 1966, as in Winter 2009, figure 4.1)."""
_MIRROR = np.array([1.0, -1.0, 1.0])
_LEFT = [row for row, joint in enumerate(BODY18.joints) if joint.startswith("left_")]
_RIGHT = [BODY18.mirror[row] for row in _LEFT]
_MIDDLE = [row for row, other in enumerate(BODY18.mirror) if row == other]


@dataclass(frozen=True, kw_only=True, eq=False)
class BodyShape:
    """Where each joint of `BODY18` sits in its parent's frame."""

    offsets_m: FloatArray
    """(18, 3) metres, along the body's axes in the rest pose; zeros for the pelvis."""

    def __post_init__(self) -> None:
        offsets = np.asarray(self.offsets_m, dtype=float)
        short = offsets.shape == (len(BODY18), 3) and not (np.linalg.norm(offsets[1:], axis=1) > 1e-3).all()
        if offsets.shape != (len(BODY18), 3) or not np.isfinite(offsets).all() or short:
            raise InputError(
                "BodyShape",
                expected="offsets_m (18, 3), finite, every bone longer than a millimetre",
                got="a shorter one" if short else f"{offsets.shape}",
            )
        object.__setattr__(self, "offsets_m", offsets)

    @classmethod
    def from_track(cls, track: PersonTrack) -> BodyShape:
        """The person's own bones from any motion, without labels: see `from_keypoints`.

        Raises:
            InputError: if the track is in pixels, or too little of the body is ever seen.
        """
        if track.keypoints.shape[-1] != 3:
            raise InputError("BodyShape.from_track", expected="keypoints in metres", got="pixels", remedy="lift first")
        return cls.from_keypoints(convert(track.keypoints, track.scores, track.skeleton, BODY18)[0])

    @classmethod
    def from_keypoints(cls, keypoints_m: FloatArray) -> BodyShape:
        """Bones from keypoints (T, 18, 3) of `BODY18` in metres, NaN where unseen.

        Lengths are medians over time less the noise's share: keypoint noise of s on a bone's ends makes it longer by
        s^2 / length in the mean (Rice distribution), with s taken from the spread of the length itself. Places on the
        pelvis and on the chest are medians in the frames that hips and spine, shoulders and neck span. Left and right
        are made equal. Bones never seen take their partner's length, or that of a body of average proportions.

        Raises:
            InputError: for another shape, or if neither the trunk nor any limb is ever seen.
        """
        points = np.asarray(keypoints_m, dtype=float)
        if points.ndim != 3 or points.shape[1:] != (len(BODY18), 3):
            raise InputError("BodyShape", expected="keypoints_m (T, 18, 3) of body18", got=f"{points.shape}")
        bones = np.linalg.norm(points - points[:, np.maximum(PARENTS, 0)], axis=-1)
        lengths = np.array([_length(bone[np.isfinite(bone)]) for bone in bones.T])
        lengths[_LEFT] = lengths[_RIGHT] = _mean_seen(lengths[_LEFT], lengths[_RIGHT])
        average = np.linalg.norm(_AVERAGE_M, axis=1)
        known = np.isfinite(lengths[1:])
        if not known.any():
            raise InputError("BodyShape", expected="a bone that is seen in some frame", got="none")
        size = float(np.median(lengths[1:][known] / average[1:][known]))
        lengths = np.where(np.isfinite(lengths), lengths, size * average)
        offsets = _AVERAGE_M * (lengths / np.where(average > 0.0, average, 1.0))[:, None]
        for rows in (_PELVIS, _CHEST):
            _place(offsets, points, rows)
        return cls(offsets_m=offsets)

    def rest_directions(self) -> FloatArray:
        """(18, 3) unit vectors of the offsets; zeros for the pelvis."""
        return np.nan_to_num(unit(self.offsets_m))


def _rows(*joints: str) -> list[int]:
    return [BODY18.index(joint) for joint in joints]


_PELVIS = _rows("pelvis", "spine", "left_hip", "right_hip")
_CHEST = _rows("spine", "neck", "left_shoulder", "right_shoulder")
"""What carries, what is above it, and left and right of it."""


def _average_m() -> FloatArray:
    """Offsets of a body 1.75 m tall (segment lengths of Drillis and Contini 1966, as in Winter 2009, figure 4.1)."""
    stature = 1.75
    place = {
        "spine": (0.0, 0.0, 0.144), "neck": (0.0, 0.0, 0.144), "head": (0.0, 0.0, 0.118),
        "shoulder": (0.0, 0.129, 0.144), "elbow": (0.0, 0.0, -0.186), "wrist": (0.0, 0.0, -0.146),
        "hip": (0.0, 0.0955, 0.0), "knee": (0.0, 0.0, -0.245), "ankle": (0.0, 0.0, -0.246),
        "toe": (0.12 * np.cos(_FOOT_DROP_RAD), 0.0, -0.12 * np.sin(_FOOT_DROP_RAD)),
    }  # fmt: skip
    offsets = np.zeros((len(BODY18), 3))
    for row, joint in enumerate(BODY18.joints):
        side, _, limb = joint.rpartition("_")
        offsets[row] = np.array(place.get(limb, (0.0, 0.0, 0.0))) * (_MIRROR if side == "right" else 1.0)
    return stature * offsets


_AVERAGE_M = _average_m()


def _length(lengths: FloatArray) -> float:
    """Median of the lengths seen, less the mean surplus that isotropic noise gives; NaN where none was."""
    if not len(lengths):
        return float("nan")
    middle = float(np.median(lengths))
    spread = 1.4826 * float(np.median(np.abs(lengths - middle)))
    return middle - spread**2 / max(middle, 1e-9)


def _mean_seen(a: FloatArray, b: FloatArray) -> FloatArray:
    both = 0.5 * (a + b)
    return np.where(np.isfinite(both), both, np.where(np.isfinite(a), a, b))


def _place(offsets: FloatArray, points: FloatArray, rows: list[int]) -> None:
    """Medians of the places of `rows` in the frame they span, of length as known; kept as they are if never seen."""
    base, above, left, right = (points[:, row] for row in rows)
    up, y = above - base, unit(left - right)
    z = unit(up - (up * y).sum(axis=-1, keepdims=True) * y)
    axes = np.stack([cross(y, z), y, z], axis=-2)
    seen = np.isfinite(axes).all(axis=(-1, -2))
    if not seen.any():
        return
    for row, side in ((rows[1], 0.0), (rows[2], 1.0), (rows[3], -1.0)):
        local = np.median((axes[seen] @ (points[seen, row] - base[seen])[..., None])[..., 0], axis=0)
        length = np.linalg.norm(offsets[row])
        offsets[row] = local if side else (0.0, 0.0, length)
    mean = 0.5 * (offsets[rows[2]] + _MIRROR * offsets[rows[3]])
    offsets[rows[2]], offsets[rows[3]] = mean, _MIRROR * mean
