"""What of an arm can touch something: the Panda's own meshes, or capsules along the links of any arm."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from envs.arms.model import ArmModel
from envs.arms.panda import ARM_JOINTS, FINGER_JOINTS, HAND_LINK, PANDA, PANDA_URDF
from envs.world import World
from geometry import FloatArray, to_pos_quat, transform

_LINK_NAMES = {**{i: f"link{i + 1}" for i in ARM_JOINTS}, HAND_LINK: "hand", 9: "left finger", 10: "right finger"}
_GRIPPER_LINKS = (HAND_LINK, *FINGER_JOINTS)
_SELF_PAIRS = [(a, b) for a in (-1, 0, 1) for b in (4, 5, 6, *_GRIPPER_LINKS)] + [(4, b) for b in _GRIPPER_LINKS]
_HAND_PARTS = ("left finger", "right finger", "left finger", "right finger", "hand")
_LINKS_BETWEEN = 3


class ArmShape(Protocol):
    """An arm in a world of its own, put from posture to posture."""

    def pose(self, q: FloatArray) -> None:
        """Put it into a posture (n,)."""
        ...

    def set_width(self, width_m: float) -> None:
        """Set the opening of the fingers."""
        ...

    def near(self, obstacle: int, margin_m: float) -> tuple[str, float] | None:
        """The first link nearer than `margin_m` to a body, and how near."""
        ...

    def self_hit(self) -> tuple[str, str, float] | None:
        """(link, other link, distance) where the arm overlaps itself."""
        ...


def shape_of(arm: ArmModel, world: World, T_world_base: ArrayLike) -> ArmShape:
    """The best shape that is known of an arm: a Panda with other limits still has a Panda's meshes."""
    is_panda = arm.origins is PANDA.origins and arm.gripper == PANDA.gripper
    return MeshShape(world, T_world_base) if is_panda else CapsuleShape(arm, world, T_world_base)


class MeshShape:
    """The Panda's convex collision meshes. The base is not checked: it never moves."""

    def __init__(self, world: World, T_world_base: ArrayLike) -> None:
        self._bullet = world.bullet
        self._uid = world.load_urdf(PANDA_URDF, T_world_base, fixed=True, name="panda").uid

    def pose(self, q: FloatArray) -> None:
        """See `ArmShape`."""
        for joint, angle in zip(ARM_JOINTS, q.tolist(), strict=True):
            self._bullet.resetJointState(self._uid, joint, angle)

    def set_width(self, width_m: float) -> None:
        """See `ArmShape`."""
        for joint in FINGER_JOINTS:
            self._bullet.resetJointState(self._uid, joint, 0.5 * width_m)

    def near(self, obstacle: int, margin_m: float) -> tuple[str, float] | None:
        """See `ArmShape`."""
        for point in self._bullet.getClosestPoints(self._uid, obstacle, margin_m):
            if point[3] != -1 and point[8] < margin_m:
                return _LINK_NAMES[point[3]], point[8]
        return None

    def self_hit(self) -> tuple[str, str, float] | None:
        """See `ArmShape`."""
        for a, b in _SELF_PAIRS:
            near = self._bullet.getClosestPoints(self._uid, self._uid, 0.0, linkIndexA=a, linkIndexB=b)
            if near and near[0][8] < 0.0:
                return _LINK_NAMES[b], _LINK_NAMES.get(a, "base"), near[0][8]
        return None


class CapsuleShape:
    """Capsules in the moving links, and the gripper's boxes.

    Links four or more apart must not overlap each other; nearer ones are kept apart by the joints' limits.
    """

    def __init__(self, arm: ArmModel, world: World, T_world_base: ArrayLike) -> None:
        self._arm, self._world = arm, world
        self._T_world_base = np.asarray(T_world_base, dtype=np.float64)
        self._parts = [(each.link, each.T_link_capsule, self._capsule(*each.size)) for each in arm.link_capsules]
        self._hand: list[int] = []
        self._T_world_grasp: FloatArray = self._T_world_base @ arm.grasp_pose(arm.home_q)
        self.set_width(arm.gripper.max_width_m)
        self.pose(arm.home_q)

    def pose(self, q: FloatArray) -> None:
        """See `ArmShape`."""
        frames = self._arm.joint_frames(q)
        for link, T_link_capsule, uid in self._parts:
            self._put(uid, self._T_world_base @ frames[link] @ T_link_capsule)
        self._T_world_grasp = self._T_world_base @ frames[-1] @ self._arm.T_last_grasp
        self._pose_hand()

    def set_width(self, width_m: float) -> None:
        """See `ArmShape`."""
        for uid in self._hand:
            self._world.bullet.removeBody(uid)
        bullet, boxes = self._world.bullet, self._arm.gripper.boxes(width_m)
        halves = (0.5 * (boxes[:, 1] - boxes[:, 0])).tolist()
        self._centres = transform(translation=0.5 * (boxes[:, 0] + boxes[:, 1]))
        shapes = [bullet.createCollisionShape(bullet.GEOM_BOX, halfExtents=half) for half in halves]
        self._hand = [int(bullet.createMultiBody(0.0, shape)) for shape in shapes]
        self._pose_hand()

    def near(self, obstacle: int, margin_m: float) -> tuple[str, float] | None:
        """See `ArmShape`."""
        for name, uid in self._named():
            distance = self._distance(uid, obstacle, margin_m)
            if distance is not None and distance < margin_m:
                return name, distance
        return None

    def self_hit(self) -> tuple[str, str, float] | None:
        """See `ArmShape`."""
        numbered = [(link, uid) for link, _, uid in self._parts]
        numbered += [(self._arm.joints, uid) for uid in self._hand]
        names = dict((uid, name) for name, uid in self._named())
        for a, uid_a in numbered:
            for b, uid_b in numbered:
                distance = self._distance(uid_a, uid_b, 0.0) if b - a > _LINKS_BETWEEN else None
                if distance is not None and distance < 0.0:
                    return names[uid_b], names[uid_a], distance
        return None

    def _named(self) -> list[tuple[str, int]]:
        links = [(f"link{link + 1}", uid) for link, _, uid in self._parts]
        return links + list(zip(_HAND_PARTS, self._hand, strict=True))

    def _distance(self, a: int, b: int, within_m: float) -> float | None:
        points = self._world.bullet.getClosestPoints(a, b, within_m)
        return min(point[8] for point in points) if points else None

    def _capsule(self, radius_m: float, length_m: float) -> int:
        bullet = self._world.bullet
        if length_m < 1e-3:
            shape = bullet.createCollisionShape(bullet.GEOM_SPHERE, radius=radius_m)
        else:
            shape = bullet.createCollisionShape(bullet.GEOM_CAPSULE, radius=radius_m, height=length_m)
        return int(bullet.createMultiBody(0.0, shape))

    def _pose_hand(self) -> None:
        for uid, T_grasp_box in zip(self._hand, self._centres, strict=True):
            self._put(uid, self._T_world_grasp @ T_grasp_box)

    def _put(self, uid: int, T_world_body: FloatArray) -> None:
        self._world.bullet.resetBasePositionAndOrientation(uid, *to_pos_quat(T_world_body))
