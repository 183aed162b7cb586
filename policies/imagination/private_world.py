"""A world of one's own with the imagined objects in it, to try grasps in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from envs.clutter import Dialect
from envs.world import Body, World
from geometry import FloatArray, transform

_TABLE_HALF_M = (1.0, 1.0, 0.05)
_SHRINK_M = 0.001
_ABOVE_TABLE_M = 0.0015
_OVERLAP_M = 0.001
_DAMPING = 20.0
_UPRIGHT_XYZW, _AT_REST = (0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 0.0)
_DIRECTIONS = 96
_MASS_KG = (0.01, 4.0)


@dataclass(frozen=True)
class ImaginedBody:
    """One object as it is put into a private world."""

    pieces: tuple[FloatArray, ...]
    """(V, 3) corners of each convex piece about the centre of mass, metres."""
    center: FloatArray
    """(3,) centre of mass in the table frame."""
    mass_kg: float
    """Its mass."""


class _Solid(NamedTuple):
    corners: FloatArray
    volume_m3: float
    centroid: FloatArray


def imagined_body(pieces: Sequence[FloatArray], density_kg_m3: float, *, on_table: bool) -> ImaginedBody | None:
    """A body of uniform density from convex pieces (V, 3) in the table frame; None if all of them are flat."""
    solids = [solid for corners in pieces if (solid := _solid(_fitted(_simplified(corners), on_table))) is not None]
    if not solids:
        return None
    volumes, centres = np.array([s.volume_m3 for s in solids]), np.array([s.centroid for s in solids])
    center = volumes @ centres / volumes.sum()
    mass = float(np.clip(density_kg_m3 * volumes.sum(), *_MASS_KG))
    return ImaginedBody(tuple(solid.corners - center for solid in solids), center, mass)


def _simplified(corners: FloatArray) -> FloatArray:
    """The corners (V, 3) that stand out farthest in one of many directions spread evenly over the sphere."""
    k = np.arange(_DIRECTIONS) + 0.5
    z, turn = 1.0 - 2.0 * k / _DIRECTIONS, np.pi * (1.0 + np.sqrt(5.0)) * k
    directions = np.stack([np.sqrt(1.0 - z**2) * np.cos(turn), np.sqrt(1.0 - z**2) * np.sin(turn), z], axis=-1)
    return np.asarray(corners[np.unique(np.argmax(corners @ directions.T, axis=0))])


def _solid(corners: FloatArray) -> _Solid | None:
    """The hull of corners (V, 3), its centroid by tetrahedra over its faces; None if it is flat."""
    try:
        hull = ConvexHull(corners)
    except QhullError:
        return None
    middle = corners.mean(axis=0)
    faces = corners[hull.simplices] - middle
    parts = np.abs(np.linalg.det(faces))
    return _Solid(corners, float(hull.volume), middle + parts @ faces.sum(axis=1) / (4.0 * parts.sum()))


def _fitted(corners: FloatArray, on_table: bool) -> FloatArray:
    """Corners drawn in by what Bullet adds around a hull, and lifted off the table by as much."""
    centre = corners.mean(axis=0)
    arm = corners - centre
    length = np.linalg.norm(arm, axis=1, keepdims=True)
    fitted = centre + arm * np.maximum(1.0 - _SHRINK_M / np.maximum(length, 1e-6), 0.5)
    if on_table:
        fitted[:, 2] = np.maximum(fitted[:, 2], _ABOVE_TABLE_M + 1e-4 * np.arange(len(fitted)) / len(fitted))
    return fitted


class PrivateWorld:
    """The imagined objects on a table at z = 0, as they were seen; free it with `close` or a `with` block.

    What is imagined need not stand by itself, so an object stays as it was seen until something that moves
    touches it, and drifts like in honey from then on. Objects that are imagined into each other do not
    collide with each other.
    """

    def __init__(self, bodies: Sequence[ImaginedBody], rules: Dialect, friction: float, *, has_table: bool) -> None:
        self.world = World(timestep_s=rules.timestep_s, solver_iterations=rules.solver_iterations)
        self._still: set[int] = set()
        if has_table:
            T_world_table = transform(translation=(0.0, 0.0, -_TABLE_HALF_M[2]))
            self._still.add(self.world.add_box(_TABLE_HALF_M, T_world_table, name="table").uid)
        self.objects: dict[int, Body] = {}
        self._pinned: dict[int, list[float]] = {}
        for number, body in enumerate(bodies):
            self._add(body, friction, f"object {number}")
        self._part_overlapping()
        self.world.on_step = self._hold_untouched

    def __enter__(self) -> PrivateWorld:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the world."""
        self.world.on_step = None
        self.world.close()

    def _add(self, body: ImaginedBody, friction: float, name: str) -> None:
        added = self.world.add_hulls(
            body.pieces, transform(translation=body.center), mass_kg=body.mass_kg, friction=friction, name=name
        )
        self.world.bullet.changeDynamics(added.uid, -1, linearDamping=_DAMPING, angularDamping=_DAMPING)
        self.objects[added.uid] = added
        self._pinned[added.uid] = body.center.tolist()

    def _part_overlapping(self) -> None:
        bullet = self.world.bullet
        bullet.performCollisionDetection()
        for body in self.objects.values():
            for contact in self.world.contacts(body):
                if contact.distance_m < -_OVERLAP_M and {contact.body_a, contact.body_b} <= set(self.objects):
                    bullet.setCollisionFilterPair(contact.body_a, contact.body_b, -1, -1, 0)

    def _hold_untouched(self) -> None:
        """After a step: let go of what a moving body touches, and put the rest back where it was seen."""
        movers = [body for uid, body in self.world.bodies.items() if uid not in self._pinned and uid not in self._still]
        for mover in movers:
            for contact in self.world.contacts(mover):
                if contact.distance_m < 0.0:
                    self._pinned.pop(contact.body_b, None)
                    self._pinned.pop(contact.body_a, None)
        bullet = self.world.bullet
        for uid, center in self._pinned.items():
            bullet.resetBasePositionAndOrientation(uid, center, _UPRIGHT_XYZW)
            bullet.resetBaseVelocity(uid, _AT_REST, _AT_REST)
