"""Recorded motion of a tree of joints: from rotations at the joints to their places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from geometry import FloatArray, InputError
from perception.pose.recordings.recording import Recording, recording_of_arrays
from perception.pose.skeletons import Skeleton

R_WORLD_Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""From axes with y up to the world's with z up: x stays, y becomes z, z becomes -y."""

_SIDED_NAMES = {
    "shoulder": ("arm", "uparm", "upperarm"),
    "elbow": ("forearm", "lowarm", "lowerarm"),
    "wrist": ("hand",),
    "hip": ("upleg", "upperleg"),
    "knee": ("leg", "lowleg", "lowerleg"),
    "ankle": ("foot",),
    "toe": ("toebase_end", "toebase"),
}
"""The project's name of a joint: what Biovision, MotionBuilder, Mixamo and CMU call it behind "Left" or "Right"."""

_BVH_NAMES = {"pelvis": ("hips", "pelvis", "root"), "neck": ("neck",), "head": ("head",)} | {
    f"{side}_{joint}": tuple(f"{side}{name}" for name in names)
    for joint, names in _SIDED_NAMES.items()
    for side in ("left", "right")
}


@dataclass(frozen=True, kw_only=True)
class JointTree:
    """Joints of a motion-capture file."""

    names: tuple[str, ...]
    """As the file calls them, parents first."""
    parents: tuple[int, ...]
    """Row of each joint's parent; -1: the root."""

    def places(self, offsets: FloatArray, R_parent_joint: FloatArray) -> FloatArray:
        """Forward kinematics: place(j) = place(parent) + R(parent) offset(j), with R(j) = R(parent) R_parent_joint(j).

        Args:
            offsets: (T, J, 3) or (J, 3) each joint in its parent's frame; the root's in the file's frame.
            R_parent_joint: (T, J, 3, 3).

        Returns:
            (T, J, 3) in the file's frame and unit.
        """
        offsets = np.broadcast_to(offsets, (*R_parent_joint.shape[:2], 3))
        places, R_file_joint = np.empty(offsets.shape), np.empty(R_parent_joint.shape)
        for joint, parent in enumerate(self.parents):
            if parent < 0:
                places[:, joint], R_file_joint[:, joint] = offsets[:, joint], R_parent_joint[:, joint]
                continue
            turned = (R_file_joint[:, parent] @ offsets[:, joint, :, None])[..., 0]
            places[:, joint] = places[:, parent] + turned
            R_file_joint[:, joint] = R_file_joint[:, parent] @ R_parent_joint[:, joint]
        return places

    def recording(self, name: str, places: FloatArray, *, unit_m: float, y_up: bool, rate_hz: float) -> Recording:
        """Joints' places (T, J, 3) of the file as a recording in metres, world z up, under the project's names.

        A joint that the project has no name for keeps its own.

        Raises:
            InputError: if the unit or the rate is not above 0, or two joints have one name.
        """
        if not (unit_m > 0.0 and rate_hz > 0.0):
            raise InputError(name, expected="unit_m and rate_hz above 0", got=f"{unit_m} and {rate_hz}")
        names = project_names(self.names)
        bones = tuple((names[parent], names[joint]) for joint, parent in enumerate(self.parents) if parent >= 0)
        metres = unit_m * (places @ R_WORLD_Y_UP.T if y_up else places)
        skeleton = Skeleton(name=name, joints=names, bones=bones)
        return recording_of_arrays(skeleton, np.arange(len(metres)) / rate_hz, metres, reference="world")


def project_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """The project's names of joints as motion-capture software calls them ("mixamorig:LeftForeArm": "left_elbow").

    CMU's ASF bones are called by the joint at their far end ("lfemur": "left_knee").
    """
    plain = [name.rsplit(":", maxsplit=1)[-1].lower() for name in names]
    renamed = list(names)
    for ours, theirs in (_BVH_NAMES | _ASF_NAMES if "lfemur" in plain else _BVH_NAMES).items():
        row = next((plain.index(name) for name in theirs if name in plain), None)
        if row is not None:
            renamed[row] = ours
    return tuple(renamed) if len(set(renamed)) == len(renamed) else names


_ASF_ENDS = {
    "hip": "hipjoint", "knee": "femur", "ankle": "tibia", "toe": "toes",
    "shoulder": "clavicle", "elbow": "humerus", "wrist": "radius", "hand": "hand",
}  # fmt: skip

_ASF_NAMES = {"pelvis": ("root",), "neck": ("thorax",), "head": ("head",)} | {
    f"{side}_{joint}": (f"{side[0]}{bone}",) for joint, bone in _ASF_ENDS.items() for side in ("left", "right")
}


def euler_rotations(order: str, angles: FloatArray, *, degrees: bool) -> FloatArray:
    """(T, 3, 3) rotations of (T, N) angles about the axes in `order` ("zxy": first about z, then the turned x, y)."""
    turns = np.radians(angles) if degrees else angles
    result = np.broadcast_to(np.eye(3), (len(angles), 3, 3))
    for column, axis in enumerate(order.lower()):
        result = result @ Rotation.from_rotvec(turns[:, column, None] * np.eye(3)["xyz".index(axis)]).as_matrix()
    return result
