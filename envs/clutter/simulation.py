"""One round's world: its scene, its camera, and the execution of a grasp by the free-flying hand."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple, Protocol

import numpy as np

from envs.cameras import RaycastCamera
from envs.clutter.noisy_depth import needs_normals, noisy_depth
from envs.clutter.observation import Observation
from envs.clutter.protocol import Dialect
from envs.free_hand import FreeHand
from envs.objects import ObjectSet
from envs.scenes import Arrangement, Scene, arrange
from envs.world import World
from geometry import PANDA_HAND, FloatArray, look_at, transform, transform_points

_PREGRASP_M = 0.05
_RETREAT_M = 0.10
_TOP_GRASP_RAD = np.pi / 3.0
_HELD_WIDTH_M = 0.1 * PANDA_HAND.max_width_m


class Execution(NamedTuple):
    """How one grasp went."""

    success: bool
    outcome: str
    """"held", or where it failed: "hit at pregrasp", "empty" (nothing touches the hand) or "closed"."""
    width_m: float
    """Gap between the fingers at the end."""
    object_name: str
    """The object that was held and removed; empty where none was."""


class Graspable(Protocol):
    """What grasps can be tried on: a world, and the ids of the loose bodies in it. A `Scene` is one."""

    @property
    def world(self) -> World:
        """The world."""

    @property
    def objects(self) -> Container[int]:
        """Ids of the bodies that may be picked."""


class ClutterSimulation:
    """A settled scene that is looked at and grasped from until it is empty."""

    def __init__(
        self, dialect: Dialect, objects: ObjectSet, arrangement: Arrangement, rng: np.random.Generator
    ) -> None:
        self.dialect = dialect
        self._rng = rng
        self.scene = _empty_scene(dialect)
        self._camera = RaycastCamera(self.scene.world, dialect.camera)
        scale_range = dialect.packed_scale if arrangement == "packed" else dialect.pile_scale
        arrange(self.scene, objects, arrangement, count=dialect.objects_per_round, rng=rng, scale_range=scale_range)

    def copy_scene(self) -> Scene:
        """The same objects at the same poses in a world of their own, to try things in."""
        copy = _empty_scene(self.dialect)
        for item in self.scene.objects.values():
            copy.add(item.model, item.body.pose(), item.scale)
        return copy

    def observe(self) -> Observation:
        """Look at the scene from the dialect's next view, with its noise."""
        d = self.dialect
        T_world_camera = self.draw_view()
        depth_m = noisy_depth(self._camera.render(T_world_camera, normals=needs_normals(d)), d, self._rng)
        points = transform_points(T_world_camera, d.camera.unproject(depth_m).reshape(-1, 3))
        if d.cloud_sigma_m > 0.0:
            points = points + self._rng.normal(0.0, d.cloud_sigma_m, points.shape)
            jitter_m = self._rng.normal(0.0, d.cloud_sigma_m, depth_m.shape)
            depth_m = np.where(depth_m > 0.0, depth_m + jitter_m, 0.0).astype(np.float32)
        volume = d.workspace.grasp_volume
        inside = np.all((points >= volume[0]) & (points <= volume[1]), axis=-1)
        return Observation(
            depth_m=depth_m,
            camera=d.camera,
            T_world_camera=T_world_camera,
            cloud_world=points[inside],
            workspace=volume,
            table_z_m=d.workspace.table_z_m,
            size_m=d.workspace.size_m,
            rng=np.random.default_rng(self._rng.integers(2**63)),
        )

    def execute(self, T_world_grasp: FloatArray) -> Execution:
        """Try a grasp; an object that is held afterwards is removed, and the scene settles."""
        result, held_uid = try_grasp(self.scene, T_world_grasp, self.dialect)
        if held_uid in self.scene.objects:
            self.scene.remove(self.scene.objects[held_uid])
        self.scene.settle_and_cull()
        return result

    def close(self) -> None:
        """Free the world."""
        self.scene.world.close()

    def draw_view(self) -> FloatArray:
        """(4, 4) `T_world_camera`: the dialect's next view, as `observe` draws it."""
        view, center = self.dialect.view, self.dialect.workspace.center
        radius = self._rng.uniform(*view.radius_m)
        polar = np.deg2rad(self._rng.uniform(*view.polar_deg))
        azimuth = np.deg2rad(self._rng.uniform(*view.azimuth_deg))
        target = np.array([center[0], center[1], view.target_height_m])
        direction = np.array([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)])
        return look_at(target + radius * direction, target)


def try_grasp(scene: Graspable, T_world_grasp: FloatArray, dialect: Dialect) -> tuple[Execution, int]:
    """Execute one grasp as the benchmark lays down, and take the hand away again.

    The hand appears fully open 5 cm behind the grasp; any contact there is a failure. It goes
    straight to the grasp, closes, and retreats 10 cm: along its own axis where the approach is
    within 60 degrees of straight down, else straight up. Success is a contact with the hand and a
    gap between the fingers above 8 mm.

    Returns:
        The outcome, and the id of the body that was held (-1 where none was).
    """
    return _try(scene, T_world_grasp, dialect, shaken=False)[:2]


def try_and_shake(scene: Graspable, T_world_grasp: FloatArray, dialect: Dialect) -> tuple[Execution, int, bool | None]:
    """As `try_grasp`, but shakes what is held: fast moves of some cm back and forth, and a turn each way.

    Returns:
        The outcome and the body's id before the shake, and whether that body was still held after it
        (None where nothing was held).
    """
    return _try(scene, T_world_grasp, dialect, shaken=True)


def _try(
    scene: Graspable, T_world_grasp: FloatArray, dialect: Dialect, *, shaken: bool
) -> tuple[Execution, int, bool | None]:
    hand = FreeHand(scene.world, T_world_grasp @ transform(translation=(0.0, 0.0, -_PREGRASP_M)), dialect.hand)
    try:
        if scene.world.contacts_now(hand.body):
            return Execution(False, "hit at pregrasp", hand.width_m, ""), -1, None
        hand.move_to(T_world_grasp, stop_on_contact=dialect.stop_on_contact)
        hand.close_fingers()
        hand.move_to(_retreat(T_world_grasp), stop_on_contact=False)
        execution, uid = _judge(scene, hand)
        if not (shaken and execution.success):
            return execution, uid, None
        hand.shake()
        return execution, uid, _judge(scene, hand)[1] == uid
    finally:
        hand.remove()


def _retreat(T_world_grasp: FloatArray) -> FloatArray:
    """Where the hand lifts what it holds, from where the grasp was planned."""
    angle_to_down = np.arccos(np.clip(-T_world_grasp[2, 2], -1.0, 1.0))
    if angle_to_down > _TOP_GRASP_RAD:
        return transform(translation=(0.0, 0.0, _RETREAT_M)) @ T_world_grasp
    return T_world_grasp @ transform(translation=(0.0, 0.0, -_RETREAT_M))


def _judge(scene: Graspable, hand: FreeHand) -> tuple[Execution, int]:
    """Success, and the first object that touches the hand.

    The source would count a contact with the table as well; here only an object can be held.
    """
    partners = [c.body_b if c.body_a == hand.body.uid else c.body_a for c in scene.world.contacts(hand.body)]
    uid = next((p for p in partners if p in scene.objects), -1)
    width_m = hand.width_m
    if uid < 0:
        return Execution(False, "empty", width_m, ""), -1
    if width_m <= _HELD_WIDTH_M:
        return Execution(False, "closed", width_m, ""), -1
    return Execution(True, "held", width_m, scene.world.bodies[uid].name), uid


def _empty_scene(dialect: Dialect) -> Scene:
    world = World(timestep_s=dialect.timestep_s, solver_iterations=dialect.solver_iterations)
    return Scene(
        world, dialect.workspace, object_mass_kg=dialect.object_mass_kg, object_friction=dialect.object_friction
    )
