"""How far estimated poses are from true ones: places, rotations, jitter and lag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry import FloatArray, InputError, rotation_angle, rotation_from_quat
from perception.pose.kinematics.body_pose import BodyPose, chained, forward_kinematics
from perception.pose.kinematics.body_shape import PARENTS, BodyShape
from perception.pose.kinematics.motion_metrics import jerk_rms, lag_s
from perception.pose.kinematics.swing_twist import twist_of
from perception.pose.skeletons import BODY18


@dataclass(frozen=True, kw_only=True, eq=False)
class IkErrors:
    """Errors of T poses. J are the joints of `BODY18` that turn something: head and toes left out, wrists too."""

    joints: tuple[str, ...]
    """(J,) names."""
    place_m: FloatArray
    """(T, 18) distance of each joint of `BODY18` from its true place."""
    rotation_rad: FloatArray
    """(T, J) angle between estimated and true rotation in the parent's frame (the pelvis's: in the reference)."""
    swing_rad: FloatArray
    """(T, J) the share of it that turns the joint's bone away: the angle between the bone as it is and as it should be,
    seen from the parent. (For pelvis and chest: their line up the back.)"""
    twist_rad: FloatArray
    """(T, J) the rest of it: the turn about the bone."""
    facing_rad: FloatArray
    """(T, J) angle between estimated and true rotation in the reference."""
    jerk: float
    """RMS of the third derivative of the estimated places, m / s^3."""
    true_jerk: float
    """The same of the true places, which the estimate cannot and need not go below."""
    lag_s: float
    """How late the estimated places follow the true ones."""


def ik_errors(
    pose: BodyPose, shape: BodyShape, *, true_m: FloatArray, true_quats_xyzw: FloatArray, time_s: FloatArray
) -> IkErrors:
    """Compare estimated poses with the truth.

    The error of a rotation Q against the true one Q* is E = Q*^-1 Q, taken apart into swing and twist about the
    joint's bone a: the swing is the angle between a and E a, the twist what is left; the squares of both sum up to
    about that of the whole.

    Args:
        pose: the estimate.
        shape: its bones.
        true_m: (T, 18, 3) true keypoints of `BODY18`, metres.
        true_quats_xyzw: (T, 18, 4) true rotations as in `BodyPose`, of the same rest pose (`body_shape`).
        time_s: (T,) growing, even.

    Raises:
        InputError: if shapes do not fit together, or there are fewer than four moments.
    """
    count = len(pose)
    wanted = {"true_m": (count, len(BODY18), 3), "true_quats_xyzw": (count, len(BODY18), 4), "time_s": (count,)}
    got = {"true_m": np.shape(true_m), "true_quats_xyzw": np.shape(true_quats_xyzw), "time_s": np.shape(time_s)}
    if wanted != got or count < 4:
        raise InputError("ik_errors", expected=f"{wanted} for 4 or more poses", got=f"{got}")
    places = forward_kinematics(pose, shape)
    true_local, local = rotation_from_quat(true_quats_xyzw), rotation_from_quat(pose.quats_xyzw)
    error = np.swapaxes(true_local, -1, -2)[:, _ROWS] @ local[:, _ROWS]
    bones = shape.rest_directions()[_BONE_ENDS]
    cosine = np.clip(((error @ bones[..., None])[..., 0] * bones).sum(axis=-1), -1.0, 1.0)
    return IkErrors(
        joints=tuple(BODY18.joints[row] for row in _ROWS),
        place_m=np.linalg.norm(places - true_m, axis=-1),
        rotation_rad=rotation_angle(true_local, local)[:, _ROWS],
        swing_rad=np.arccos(cosine),
        twist_rad=np.abs(twist_of(error, bones)),
        facing_rad=rotation_angle(chained(true_local), chained(local))[:, _ROWS],
        jerk=jerk_rms(places, time_s),
        true_jerk=jerk_rms(true_m, time_s),
        lag_s=lag_s(places, true_m, rate_hz=1.0 / float(np.median(np.diff(time_s)))),
    )


def _bone_end(row: int) -> int:
    """What a joint's bone leads to: for the pelvis the spine, for the chest the neck."""
    return next(child for child, parent in enumerate(PARENTS) if parent == row)


_ROWS = [row for row in range(len(BODY18)) if row in PARENTS and "wrist" not in BODY18.joints[row]]
_BONE_ENDS = [_bone_end(row) for row in _ROWS]
