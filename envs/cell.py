"""A robot cell: a Panda at a table with a scene on it, a depth camera, and a bin to place things in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from envs.clutter import ClutterSimulation, Dialect, Observation, View
from envs.objects import ObjectSet
from envs.panda import PandaArm, PathCollision, solve_grasp_ik
from envs.scenes import Arrangement, SceneObject
from envs.world import Body
from geometry import FloatArray, invert, transform

T_WORLD_BASE = transform(translation=(-0.35, 0.15, 0.05))
"""The arm stands on the table, half a metre from the middle of the workspace."""
_BIN_CENTER = np.array([0.12, 0.56, 0.05])
_BIN_CENTER_MIRRORED = np.array([0.12, -0.26, 0.05])
_BIN_INNER_M, _BIN_HEIGHT_M, _BIN_WALL_M = 0.32, 0.12, 0.01
_DROP_HEIGHT_M = 0.30
_DOWNWARDS = np.diag([-1.0, 1.0, -1.0])
_BIN_COLOR = (0.36, 0.45, 0.55, 1.0)


class RobotCell:
    """The clutter benchmark's scene with a whole arm in place of the free-flying hand.

    Args:
        dialect: scene, camera and physics; its hand is not used.
        objects: what the scene is made from.
        arrangement: how the objects lie.
        rng: draws the scene and the noise; the same as for the free-flying hand gives the same scene.
    """

    def __init__(
        self, dialect: Dialect, objects: ObjectSet, arrangement: Arrangement, rng: np.random.Generator
    ) -> None:
        self.simulation = ClutterSimulation(dialect, objects, arrangement, rng)
        self.scene = self.simulation.scene
        self.world = self.scene.world
        self.placed: list[str] = []
        """Names of the objects that lie in the bin, in order."""
        self.lost = 0
        """Objects that left the workspace and are not in the bin; they are taken away."""
        self.bin_center = _away_from(dialect.view)
        """(3,) the middle of the bin's floor; the bin stands across the table from the camera."""
        self._walls = self._add_bin()
        T_world_drop = transform(_DOWNWARDS, self.bin_center + (0.0, 0.0, _DROP_HEIGHT_M))
        self.q_drop: FloatArray = solve_grasp_ik(invert(T_WORLD_BASE) @ T_world_drop)[0].q
        """(7,) posture above the bin, rad; a camera that does not stand behind the arm sees the whole workspace."""
        self.arm = PandaArm(self.world, T_WORLD_BASE, q=self.q_drop)

    def observe(self) -> Observation:
        """Look at the scene from the dialect's next view."""
        return self.simulation.observe()

    def obstacles(self, margin_m: float = 0.005) -> PathCollision:
        """Table and bin, for collision checks in a private world; the caller adds what the camera saw."""
        collision = PathCollision(T_WORLD_BASE, margin_m=margin_m)
        for body in (self.scene.table, *self._walls):
            collision.add_body(body)
        return collision

    def sort_out(self, spared: Callable[[SceneObject], bool] | None = None) -> int:
        """Let the scene settle, count what lies in the bin, and take away what fell elsewhere.

        Args:
            spared: objects to leave alone wherever they are, where the arm may have taken one meanwhile.
        Returns:
            How many objects have come to the bin since the last call.
        """
        self.scene.settle()
        before = len(self.placed)
        for item in list(self.scene.objects.values()):
            if self._in_bin(item) and not (spared and spared(item)):
                self.placed.append(item.model.name)
                del self.scene.objects[item.body.uid]
        self.lost += self.scene.settle_and_cull(spared)
        return len(self.placed) - before

    def close(self) -> None:
        """Free the world."""
        self.simulation.close()

    def _in_bin(self, item: SceneObject) -> bool:
        offset = item.body.pose()[:3, 3] - self.bin_center
        half = 0.5 * _BIN_INNER_M
        return bool(np.all(np.abs(offset[:2]) < half) and -0.01 < offset[2] < 2.0 * _BIN_HEIGHT_M)

    def _add_bin(self) -> list[Body]:
        reach, tall, thin = 0.5 * (_BIN_INNER_M + _BIN_WALL_M), 0.5 * _BIN_HEIGHT_M, 0.5 * _BIN_WALL_M
        long = reach + thin
        sides = [((sign * reach, 0.0, tall), (thin, long, tall)) for sign in (-1, 1)]
        sides += [((0.0, sign * reach, tall), (long, thin, tall)) for sign in (-1, 1)]
        return [
            self.world.add_box(half, transform(translation=self.bin_center + at), color=_BIN_COLOR, name="bin")
            for at, half in sides
        ]


def _away_from(view: View) -> FloatArray:
    """The place for the bin on the side of the table that the camera does not look from."""
    middle_rad = np.deg2rad(0.5 * sum(view.azimuth_deg))
    return (_BIN_CENTER if np.sin(middle_rad) <= 0.0 else _BIN_CENTER_MIRRORED).copy()
