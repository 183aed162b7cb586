"""A table with loose objects on it: adding, settling, and removing what left the workspace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from envs.objects import ObjectModel
from envs.world import Body, World
from geometry import FloatArray, InputError, transform, transform_points

_REST_SPEED = 0.01
_REST_CHECK_STEPS = 60
_TABLE_COLOR = (0.93, 0.91, 0.88, 1.0)


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """A cube above a table; x and y run from 0 to `size_m`, z from 0, the table inside it."""

    size_m: float = 0.30
    """Edge of the cube."""
    table_z_m: float = 0.05
    """Height of the table's top."""
    table_size_m: float = 1.2
    """Edge of the square table, centred below the cube."""
    open_top: bool = False
    """Whether objects may rise above the cube; otherwise they are removed."""

    def __post_init__(self) -> None:
        if not (self.size_m > 0 and self.table_size_m >= self.size_m and 0 <= self.table_z_m < self.size_m):
            raise InputError("Workspace", expected="0 <= table_z_m < size_m <= table_size_m", got=f"{self}")

    @property
    def center(self) -> FloatArray:
        """(3,) the middle of the table's top inside the workspace."""
        return np.array([0.5 * self.size_m, 0.5 * self.size_m, self.table_z_m])

    @property
    def grasp_volume(self) -> FloatArray:
        """(2, 3) lower and upper corner of where grasps are looked for: 2 cm inside, 5 mm above the table."""
        return np.array([[0.02, 0.02, self.table_z_m + 0.005], [self.size_m - 0.02, self.size_m - 0.02, self.size_m]])


@dataclass(frozen=True)
class SceneObject:
    """An object in a scene: its body, and what it was made from."""

    body: Body
    model: ObjectModel
    scale: float


class Scene:
    """A table in a world and the loose objects on it, by body id.

    Args:
        world: where it stands.
        workspace: the cube above the table that counts.
        object_mass_kg: mass that every object gets; None leaves its own.
        object_friction: lateral friction that every object gets; None leaves its own.
    """

    def __init__(
        self,
        world: World,
        workspace: Workspace | None = None,
        *,
        object_mass_kg: float | None = None,
        object_friction: float | None = None,
    ) -> None:
        self.world = world
        self._overrides = {
            name: value
            for name, value in (("mass", object_mass_kg), ("lateralFriction", object_friction))
            if value is not None
        }
        self.workspace = workspace or Workspace()
        self.objects: dict[int, SceneObject] = {}
        half = 0.5 * self.workspace.table_size_m
        T_world_table = transform(translation=self.workspace.center - (0.0, 0.0, 0.006))
        self.table = world.add_box((half, half, 0.006), T_world_table, color=_TABLE_COLOR, name="table")

    def add(self, model: ObjectModel, T_world_object: FloatArray, scale: float = 1.0) -> SceneObject:
        """Load an object at a pose; nothing settles yet."""
        added = SceneObject(model.load(self.world, T_world_object, scale=scale), model, scale)
        if self._overrides:
            self.world.bullet.changeDynamics(added.body.uid, -1, **self._overrides)
        self.objects[added.body.uid] = added
        return added

    def remove(self, item: SceneObject) -> None:
        """Take an object out of the world."""
        self.world.remove(item.body)
        del self.objects[item.body.uid]

    def lower_to_table(self, item: SceneObject, gap_m: float = 0.005) -> None:
        """Lift or lower an object so that its collision shape ends `gap_m` above the table.

        The default is the benchmark's 2 mm below the bounding box, which in Bullet is 3 mm too large
        on each side (and of no use at all for bodies whose principal axes are not those of the link).
        """
        T = item.body.pose()
        vertices = item.scale * np.asarray(item.model.collision_mesh().vertices)
        T[2, 3] += self.workspace.table_z_m + gap_m - transform_points(T, vertices)[:, 2].min()
        item.body.set_pose(T)

    def settle(self, timeout_s: float = 2.0) -> bool:
        """Step, 60 steps at a time, until every object rests or the time is over; True if they rest."""
        end_s = self.world.time_s + timeout_s
        while self.world.time_s < end_s:
            self.world.step(_REST_CHECK_STEPS)
            if all(self._speed(item) < _REST_SPEED for item in self.objects.values()):
                return True
        return False

    def settle_and_cull(self, spared: Callable[[SceneObject], bool] | None = None) -> int:
        """Settle, remove the objects whose base left the workspace, and repeat; returns how many left.

        Args:
            spared: objects that may be outside, because a hand holds them.
        """
        culled = 0
        while True:
            self.settle()
            outside = [o for o in self.objects.values() if not self._inside(o) and not (spared and spared(o))]
            for item in outside:
                self.remove(item)
            culled += len(outside)
            if not outside:
                return culled

    def all_inside(self) -> bool:
        """Whether every object's base is inside the workspace."""
        return all(self._inside(item) for item in self.objects.values())

    def _speed(self, item: SceneObject) -> float:
        return float(np.linalg.norm(self.world.bullet.getBaseVelocity(item.body.uid)))

    def _inside(self, item: SceneObject) -> bool:
        position = np.array(self.world.bullet.getBasePositionAndOrientation(item.body.uid)[0])
        bounded = position[:2] if self.workspace.open_top else position
        return bool(np.all(position >= 0.0) and np.all(bounded <= self.workspace.size_m))
