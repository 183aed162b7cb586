"""Whether the arm can follow a joint path without touching anything.

The checks run in a private world that holds a copy of the arm and the obstacles, so the real
world is never touched. The arm's links are their convex collision meshes. The base is not
checked: it never moves.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from envs.panda.arm import ARM_JOINTS, FINGER_JOINTS, HAND_LINK, PandaArm
from envs.panda.kinematics import grasp_pose
from envs.panda.obstacles import add_voxels, copy_body
from envs.panda.trajectory import JointTrajectory
from envs.world import Body, World
from geometry import PANDA_HAND, FloatArray, InputError, to_pos_quat

_LINK_NAMES = {**{i: f"link{i + 1}" for i in ARM_JOINTS}, HAND_LINK: "hand", 9: "left finger", 10: "right finger"}
_GRIPPER_LINKS = (HAND_LINK, *FINGER_JOINTS)
_SELF_PAIRS = [(a, b) for a in (-1, 0, 1) for b in (4, 5, 6, *_GRIPPER_LINKS)] + [(4, b) for b in _GRIPPER_LINKS]
_STEP_RAD = 0.03


class CollisionResult(NamedTuple):
    """The first collision along a path, or none."""

    free: bool
    """Whether the whole path is free."""
    where: float | None = None
    """Where the first collision is: a waypoint's index with its fraction on the way to the next, or
    seconds for a trajectory."""
    link: str | None = None
    """The link of the arm, or "attached" for what it carries."""
    obstacle: str | None = None
    """The obstacle's name, or the other link of the arm."""
    distance_m: float | None = None
    """How far apart they are; negative is how deep they overlap."""


class PathCollision:
    """A private world with a copy of the arm and the obstacles that it must avoid.

    Args:
        T_world_base: (4, 4) pose of the arm's base; None is the world's origin.
        margin_m: least distance to obstacles that counts as free.
        width_m: opening of the fingers.
    """

    def __init__(
        self,
        T_world_base: ArrayLike | None = None,
        *,
        margin_m: float = 0.005,
        width_m: float = PANDA_HAND.max_width_m,
    ) -> None:
        if not margin_m >= 0.0:
            raise InputError("PathCollision", expected="margin_m >= 0", got=f"{margin_m}")
        self.margin_m = margin_m
        self._world = World()
        self._arm = PandaArm(self._world, T_world_base)
        self._arm.gripper.set_width(width_m)
        self._obstacles: dict[int, str] = {}
        self._attached: tuple[Body, FloatArray] | None = None

    def __enter__(self) -> PathCollision:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the private world."""
        self._world.close()

    def add_box(self, half_extents_m: ArrayLike, T_world_box: ArrayLike, name: str = "box") -> int:
        """Add a box and return its id."""
        return self._keep(self._world.add_box(half_extents_m, T_world_box, name=name).uid, name)

    def add_body(self, body: Body) -> int:
        """Add a fixed copy of a body of another world, where it stands now; see `envs.panda.obstacles.copy_body`."""
        return self._keep(copy_body(body, self._world), body.name)

    def add_cloud(self, points_world: ArrayLike, voxel_m: float = 0.01, name: str = "cloud") -> int | None:
        """Add observed points (n, 3) as cubes of edge `voxel_m`; None where there are none."""
        uid = add_voxels(self._world, points_world, voxel_m)
        return None if uid is None else self._keep(uid, name)

    def remove(self, obstacle: int) -> None:
        """Take an obstacle out again, by its id."""
        self._world.bullet.removeBody(obstacle)
        del self._obstacles[obstacle]

    def set_width(self, width_m: float) -> None:
        """Set the opening of the fingers for the checks to come."""
        self._arm.gripper.set_width(width_m)

    def attach_box(self, half_extents_m: ArrayLike, T_grasp_box: ArrayLike) -> None:
        """Carry a box along with the hand: it, too, must stay clear of the obstacles (not of the arm)."""
        self.detach()
        box = self._world.add_box(half_extents_m, np.eye(4), name="attached")
        self._attached = box, np.asarray(T_grasp_box, dtype=np.float64)

    def detach(self) -> None:
        """Carry nothing."""
        if self._attached is not None:
            self._world.remove(self._attached[0])
            self._attached = None

    def check(self, path: ArrayLike, *, ignore: Iterable[int] = ()) -> CollisionResult:
        """Check straight joint-space lines between waypoints.

        Args:
            path: (k, 7) rad, or (7,) for one posture.
            ignore: ids of obstacles that may be touched, for example the object to be grasped.
        """
        waypoints = np.atleast_2d(np.asarray(path, dtype=np.float64))
        if waypoints.ndim != 2 or waypoints.shape[1] != 7 or not np.all(np.isfinite(waypoints)):
            raise InputError("PathCollision.check", expected="finite path (k, 7)", got=f"shape {waypoints.shape}")
        places, postures = _densify(waypoints)
        return self._first_collision(places, postures, ignore)

    def check_trajectory(self, trajectory: JointTrajectory, *, ignore: Iterable[int] = ()) -> CollisionResult:
        """Check a trajectory where it really goes, corners rounded; `where` is in seconds."""
        travel = np.append(0.0, np.cumsum(np.abs(np.diff(trajectory.q, axis=0)).max(axis=1)))
        count = 1 + int(np.ceil(travel[-1] / _STEP_RAD))
        pick = np.unique(np.searchsorted(travel, np.linspace(0.0, travel[-1], count)))
        return self._first_collision(trajectory.times_s[pick], trajectory.q[pick], ignore)

    def _keep(self, uid: int, name: str) -> int:
        self._obstacles[uid] = name
        return uid

    def _first_collision(self, places: FloatArray, postures: FloatArray, ignore: Iterable[int]) -> CollisionResult:
        obstacles = sorted(self._obstacles.keys() - set(ignore))
        for place, q in zip(places.tolist(), postures, strict=True):
            self._pose(q)
            hit = self._hit(obstacles)
            if hit is not None:
                return CollisionResult(False, place, *hit)
        return CollisionResult(True)

    def _pose(self, q: FloatArray) -> None:
        bullet, uid = self._world.bullet, self._arm.body.uid
        for joint, angle in zip(ARM_JOINTS, q.tolist(), strict=True):
            bullet.resetJointState(uid, joint, angle)
        if self._attached is not None:
            box, T_grasp_box = self._attached
            bullet.resetBasePositionAndOrientation(
                box.uid, *to_pos_quat(self._arm.T_world_base @ grasp_pose(q) @ T_grasp_box)
            )

    def _hit(self, obstacles: list[int]) -> tuple[str, str, float] | None:
        """(link, obstacle, distance) of something too close in the present posture."""
        bullet, uid = self._world.bullet, self._arm.body.uid
        for obstacle in obstacles:
            for point in bullet.getClosestPoints(uid, obstacle, self.margin_m):
                if point[3] != -1 and point[8] < self.margin_m:
                    return _LINK_NAMES[point[3]], self._obstacles[obstacle], point[8]
            if self._attached is not None:
                near = bullet.getClosestPoints(self._attached[0].uid, obstacle, self.margin_m)
                if near and near[0][8] < self.margin_m:
                    return "attached", self._obstacles[obstacle], near[0][8]
        for a, b in _SELF_PAIRS:
            near = bullet.getClosestPoints(uid, uid, 0.0, linkIndexA=a, linkIndexB=b)
            if near and near[0][8] < 0.0:
                return _LINK_NAMES[b], _LINK_NAMES.get(a, "base"), near[0][8]
        return None


def _densify(waypoints: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Waypoint indices with fractions (m,) and postures (m, 7) at most `_STEP_RAD` apart in every joint."""
    places, postures = [np.zeros(1)], [waypoints[:1]]
    for i, (a, b) in enumerate(zip(waypoints[:-1], waypoints[1:], strict=True)):
        count = max(1, int(np.ceil(np.abs(b - a).max() / _STEP_RAD)))
        u = np.arange(1, count + 1) / count
        places.append(i + u)
        postures.append(a + u[:, None] * (b - a))
    return np.concatenate(places), np.concatenate(postures)
