"""Whether the arm can follow a joint path without touching anything.

The checks run in a private world that holds a copy of the arm and the obstacles, so the real
world is never touched. See `envs.arms.shapes` for what stands for the arm.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from envs.arms.model import ArmModel
from envs.arms.obstacles import add_voxels, copy_body
from envs.arms.panda import PANDA
from envs.arms.shapes import shape_of
from envs.arms.trajectory import JointTrajectory
from envs.world import Body, World
from geometry import FloatArray, InputError, to_pos_quat

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
        width_m: opening of the fingers; None is fully open.
        arm: whose.
    """

    def __init__(
        self,
        T_world_base: ArrayLike | None = None,
        *,
        margin_m: float = 0.005,
        width_m: float | None = None,
        arm: ArmModel = PANDA,
    ) -> None:
        if not margin_m >= 0.0:
            raise InputError("PathCollision", expected="margin_m >= 0", got=f"{margin_m}")
        self.margin_m, self.arm = margin_m, arm
        self._T_world_base: FloatArray = np.eye(4) if T_world_base is None else np.array(T_world_base, dtype=np.float64)
        self._world = World()
        self._shape = shape_of(arm, self._world, self._T_world_base)
        self.set_width(arm.gripper.max_width_m if width_m is None else width_m)
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
        """Add a fixed copy of a body of another world, where it stands now; see `envs.arms.obstacles.copy_body`."""
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
        if not 0.0 <= width_m <= self.arm.gripper.max_width_m:
            raise InputError("set_width", expected=f"0 <= width_m <= {self.arm.gripper.max_width_m}", got=f"{width_m}")
        self._shape.set_width(width_m)

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
            path: (k, n) rad, or (n,) for one posture.
            ignore: ids of obstacles that may be touched, for example the object to be grasped.
        """
        waypoints = np.atleast_2d(np.asarray(path, dtype=np.float64))
        if waypoints.ndim != 2 or waypoints.shape[1] != self.arm.joints or not np.all(np.isfinite(waypoints)):
            raise InputError(
                "PathCollision.check", expected=f"finite path (k, {self.arm.joints})", got=f"shape {waypoints.shape}"
            )
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
        self._shape.pose(q)
        if self._attached is not None:
            box, T_grasp_box = self._attached
            T_world_box = self._T_world_base @ self.arm.grasp_pose(q) @ T_grasp_box
            self._world.bullet.resetBasePositionAndOrientation(box.uid, *to_pos_quat(T_world_box))

    def _hit(self, obstacles: list[int]) -> tuple[str, str, float] | None:
        """(link, obstacle, distance) of something too close in the present posture."""
        for obstacle in obstacles:
            touched = self._shape.near(obstacle, self.margin_m)
            if touched is not None:
                return touched[0], self._obstacles[obstacle], touched[1]
            if self._attached is not None:
                near = self._world.bullet.getClosestPoints(self._attached[0].uid, obstacle, self.margin_m)
                if near and near[0][8] < self.margin_m:
                    return "attached", self._obstacles[obstacle], near[0][8]
        return self._shape.self_hit()


def _densify(waypoints: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Waypoint indices with fractions (m,) and postures (m, n) at most `_STEP_RAD` apart in every joint."""
    places, postures = [np.zeros(1)], [waypoints[:1]]
    for i, (a, b) in enumerate(zip(waypoints[:-1], waypoints[1:], strict=True)):
        count = max(1, int(np.ceil(np.abs(b - a).max() / _STEP_RAD)))
        u = np.arange(1, count + 1) / count
        places.append(i + u)
        postures.append(a + u[:, None] * (b - a))
    return np.concatenate(places), np.concatenate(postures)
