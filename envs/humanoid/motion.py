"""How the humanoid moves: joint rotations over time, and where that puts its keypoints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from envs.humanoid.body import JOINTS, humanoid_body
from geometry import FloatArray, InputError, rotation_from_quat, transform_points


@dataclass(frozen=True, kw_only=True, eq=False)
class BodyMotion:
    """Poses of one humanoid at T moments, in a world with z up.

    With all rotations at identity the person stands upright, faces x, has y to the left, and lets the arms hang.
    """

    time_s: FloatArray
    """(T,) seconds."""
    root_m: FloatArray
    """(T, 3) where the pelvis is in the world."""
    quats_xyzw: FloatArray
    """(T, 13, 4) rotations of `JOINTS`: the pelvis's in the world, every other one's in its parent's frame."""

    def __post_init__(self) -> None:
        count = len(self.time_s)
        if np.shape(self.root_m) != (count, 3) or np.shape(self.quats_xyzw) != (count, len(JOINTS), 4):
            raise InputError(
                "BodyMotion",
                expected=f"root_m ({count}, 3) and quats_xyzw ({count}, {len(JOINTS)}, 4)",
                got=f"{np.shape(self.root_m)} and {np.shape(self.quats_xyzw)}",
            )

    def __len__(self) -> int:
        """Number of moments."""
        return len(self.time_s)

    def joint_frames(self) -> tuple[FloatArray, FloatArray]:
        """Origins (T, 13, 3) in metres and rotations (T, 13, 3, 3) of the joints' frames in the world."""
        body = humanoid_body()
        local = rotation_from_quat(self.quats_xyzw)
        rotations, origins = np.empty_like(local), np.empty((len(self), len(JOINTS), 3))
        for row, parent in enumerate(body.parents):
            if parent < 0:
                origins[:, row], rotations[:, row] = self.root_m, local[:, row]
                continue
            origins[:, row] = origins[:, parent] + rotations[:, parent] @ body.offsets_m[row]
            rotations[:, row] = rotations[:, parent] @ local[:, row]
        return origins, rotations

    def keypoints_m(self) -> FloatArray:
        """(T, 18, 3) the `KEYPOINTS` in the world, metres."""
        body = humanoid_body()
        origins, rotations = self.joint_frames()
        carriers = list(body.carriers)
        return origins[:, carriers] + np.einsum("tkij,kj->tki", rotations[:, carriers], body.points_m)

    def moved(self, T_world_old: ArrayLike) -> BodyMotion:
        """The same motion elsewhere: what was the world becomes a frame with this pose, (4, 4) or (T, 4, 4)."""
        T = np.asarray(T_world_old, dtype=np.float64)
        quats = self.quats_xyzw.copy()
        turn = Rotation.from_matrix(np.broadcast_to(T[..., :3, :3], (len(self), 3, 3)))
        quats[:, 0] = (turn * Rotation.from_quat(quats[:, 0])).as_quat()
        root = transform_points(np.broadcast_to(T, (len(self), 4, 4)), self.root_m[:, None])[:, 0]
        return BodyMotion(time_s=self.time_s, root_m=root, quats_xyzw=quats)

    def blended(self, other: BodyMotion, share: ArrayLike) -> BodyMotion:
        """Between two motions at the same moments: `share` (T,) of the other, joint by joint the shorter way."""
        weight = np.clip(np.asarray(share, dtype=np.float64), 0.0, 1.0)
        return BodyMotion(
            time_s=self.time_s,
            root_m=self.root_m + weight[:, None] * (other.root_m - self.root_m),
            quats_xyzw=slerp(self.quats_xyzw, other.quats_xyzw, weight[:, None]),
        )


def slerp(quats_a: FloatArray, quats_b: FloatArray, share: FloatArray) -> FloatArray:
    """Quaternions (..., 4) at `share` (...) of the shorter way from a to b, at constant speed."""
    a = Rotation.from_quat(quats_a.reshape(-1, 4))
    way = (a.inv() * Rotation.from_quat(quats_b.reshape(-1, 4))).as_rotvec().reshape(quats_a.shape[:-1] + (3,))
    part = Rotation.from_rotvec((way * np.asarray(share)[..., None]).reshape(-1, 3))
    return (a * part).as_quat().reshape(quats_a.shape)
