"""A body's pose as joint rotations, and forward kinematics back to keypoints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError, rotation_from_quat
from perception.pose.kinematics.body_shape import PARENTS, BodyShape
from perception.pose.skeletons import BODY18


@dataclass(frozen=True, kw_only=True, eq=False)
class BodyPose:
    """T poses of one body. With all rotations at identity it is in the rest pose (`body_shape`), facing x."""

    root_m: FloatArray
    """(T, 3) the pelvis in the keypoints' reference."""
    quats_xyzw: FloatArray
    """(T, 18, 4) rotations of `BODY18`'s joints: the pelvis's in the reference, every other's in its parent's frame
    (`PARENTS`). Head and toes carry nothing and keep the identity, so do wrists without hands."""
    residual_m: FloatArray
    """(T, 18) distance of each rebuilt joint from its keypoint; NaN where the keypoint was not seen."""
    filled: NDArray[np.bool_]
    """(T, 18) rotations that no keypoint of the frame told: those of the frame before, or of the rest pose."""

    def __post_init__(self) -> None:
        count = len(self.root_m)
        if np.shape(self.root_m) != (count, 3) or np.shape(self.quats_xyzw) != (count, len(BODY18), 4):
            raise InputError(
                "BodyPose",
                expected=f"root_m (T, 3) and quats_xyzw (T, {len(BODY18)}, 4)",
                got=f"{np.shape(self.root_m)} and {np.shape(self.quats_xyzw)}",
            )

    def __len__(self) -> int:
        """Number of moments."""
        return len(self.root_m)

    def rotations(self) -> FloatArray:
        """(T, 18, 3, 3) of the joints' frames in the reference."""
        return chained(rotation_from_quat(self.quats_xyzw))


def forward_kinematics(pose: BodyPose, shape: BodyShape) -> FloatArray:
    """(T, 18, 3) keypoints of a pose: p(j) = p(parent) + R(parent) offset(j), R(j) = R(parent) Q(j)."""
    return joint_places(pose.root_m, pose.rotations(), shape)


def chained(local: FloatArray) -> FloatArray:
    """Rotations (T, 18, 3, 3) in the reference, of those in the parents' frames."""
    rotations = local.copy()
    for row, parent in enumerate(PARENTS):
        if parent >= 0:
            rotations[:, row] = rotations[:, parent] @ local[:, row]
    return rotations


def joint_places(root_m: FloatArray, rotations: FloatArray, shape: BodyShape) -> FloatArray:
    """(T, 18, 3) joints of frames (T, 18, 3, 3) turned as told, the pelvis at `root_m`."""
    places = np.empty(rotations.shape[:3])
    for row, parent in enumerate(PARENTS):
        places[:, row] = root_m if parent < 0 else places[:, parent] + rotations[:, parent] @ shape.offsets_m[row]
    return places
