"""The physics world: one owner of one PyBullet client, and the bodies in it.

Nothing else in the project imports `pybullet`. Every call goes through `World.bullet`, which
adds the client's id, so that two worlds in one process never mix.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from inspect import isbuiltin
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import ModuleType, TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import ConvexHull

from geometry import FloatArray, InputError, from_pos_quat, invert, to_pos_quat


def _import_bullet() -> ModuleType:
    """Import PyBullet without the build date that its C code writes to standard error."""
    sys.stderr.flush()
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        return import_module("pybullet")
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


pybullet: Any = _import_bullet()


class _Client:
    """One connection to Bullet: its functions with the client's id filled in, and its constants.

    PyBullet's own BulletClient does the same, but makes Bullet print "argv[0]=" for every world.
    """

    def __init__(self) -> None:
        self._id = pybullet.connect(pybullet.DIRECT)
        self._process = os.getpid()

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(pybullet, name)
        return partial(attribute, physicsClientId=self._id) if isbuiltin(attribute) else attribute

    def disconnect(self) -> None:
        """Free the connection; Bullet may give its id to the next one."""
        pybullet.disconnect(physicsClientId=self._id)
        self._id = -1

    def __del__(self) -> None:
        if self._id >= 0 and self._process == os.getpid() and pybullet.isConnected(physicsClientId=self._id):
            self.disconnect()


class Contact(NamedTuple):
    """One contact point between two bodies, as Bullet reports it."""

    body_a: int
    body_b: int
    link_a: int
    link_b: int
    position_world: tuple[float, float, float]
    normal_on_b: tuple[float, float, float]
    distance_m: float
    normal_force_n: float


@dataclass(frozen=True)
class Body:
    """A body in a world, by its Bullet id. Poses are those of the URDF's base link frame."""

    world: World
    uid: int
    name: str
    T_com_link: FloatArray

    def pose(self) -> FloatArray:
        """(4, 4) `T_world_link` of the base link (not of its centre of mass)."""
        return from_pos_quat(*self.world.bullet.getBasePositionAndOrientation(self.uid)) @ self.T_com_link

    def set_pose(self, T_world_link: ArrayLike) -> None:
        """Put the body somewhere, at rest."""
        position, quat_xyzw = to_pos_quat(np.asarray(T_world_link) @ invert(self.T_com_link))
        self.world.bullet.resetBasePositionAndOrientation(self.uid, position, quat_xyzw)
        self.world.bullet.resetBaseVelocity(self.uid, (0, 0, 0), (0, 0, 0))

    def speed(self) -> float:
        """The larger of the linear (m/s) and the angular (rad/s) speed."""
        linear, angular = self.world.bullet.getBaseVelocity(self.uid)
        return float(max(np.linalg.norm(linear), np.linalg.norm(angular)))


class World:
    """One Bullet client without a window, its time step, and the bodies it holds.

    Args:
        timestep_s: length of one simulation step.
        solver_iterations: constraint solver iterations a step.
    """

    def __init__(self, *, timestep_s: float = 1.0 / 240.0, solver_iterations: int = 50) -> None:
        if not 0.0 < timestep_s <= 0.1:
            raise InputError("World", expected="0 < timestep_s <= 0.1", got=f"{timestep_s}")
        self.timestep_s = timestep_s
        self.bullet: Any = _Client()
        self.bodies: dict[int, Body] = {}
        self.steps = 0
        self.on_step: Callable[[], None] | None = None
        """Called after every step, for example to record a video."""
        self.bullet.setPhysicsEngineParameter(
            fixedTimeStep=timestep_s, numSolverIterations=solver_iterations, deterministicOverlappingPairs=1
        )
        self.bullet.setGravity(0.0, 0.0, -9.81)

    def __enter__(self) -> World:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def time_s(self) -> float:
        """Simulated time since the world was made."""
        return self.steps * self.timestep_s

    def load_urdf(
        self,
        path: str | Path,
        T_world_link: ArrayLike | None = None,
        *,
        scale: float = 1.0,
        fixed: bool = False,
        flags: int = 0,
        name: str | None = None,
    ) -> Body:
        """Load a URDF; `scale` multiplies lengths but not masses, as Bullet does.

        Raises:
            InputError: if the file is missing or Bullet cannot load it, for example for a missing mesh.
        """
        path = Path(path)
        if not path.is_file():
            raise InputError("load_urdf", expected="a URDF file", got=f"no file at {path}")
        try:
            uid = self.bullet.loadURDF(str(path), globalScaling=scale, useFixedBase=fixed, flags=flags)
        except pybullet.error as error:
            raise InputError(
                "load_urdf",
                expected=f"a URDF with meshes that Bullet can read in {path}",
                got=str(error),
                remedy="check the mesh file names and that an .obj stands beside them",
            ) from None
        return self.adopt(uid, name or path.stem, T_world_link)

    def add_box(
        self,
        half_extents_m: ArrayLike,
        T_world_link: ArrayLike,
        *,
        color: ArrayLike = (0.8, 0.8, 0.8, 1.0),
        mass_kg: float = 0.0,
        name: str = "box",
    ) -> Body:
        """Add a box body; a mass of 0 fixes it in the world."""
        half = np.asarray(half_extents_m, dtype=np.float64).tolist()
        shape = self.bullet.createCollisionShape(pybullet.GEOM_BOX, halfExtents=half)
        visual = self.bullet.createVisualShape(
            pybullet.GEOM_BOX, halfExtents=half, rgbaColor=np.asarray(color).tolist()
        )
        uid = self.bullet.createMultiBody(mass_kg, shape, visual)
        return self.adopt(uid, name, T_world_link)

    def add_hulls(
        self,
        pieces: Sequence[ArrayLike],
        T_world_link: ArrayLike,
        *,
        mass_kg: float = 0.0,
        friction: float = 1.0,
        name: str = "hulls",
    ) -> Body:
        """Add one rigid body that is the union of convex hulls; its centre of mass is its link's origin.

        Args:
            pieces: (V, 3) corners of each convex piece in the link's frame, metres, V >= 4 and not flat.
            T_world_link: (4, 4).
            mass_kg: 0 fixes it in the world.
            friction: lateral friction.
            name: name of the body.
        """
        with NamedTemporaryFile("w", suffix=".obj", encoding="ascii") as file:  # Bullet reads compounds from files only
            file.write(_obj([np.asarray(piece, dtype=np.float64) for piece in pieces]))
            file.flush()
            shape = self.bullet.createCollisionShape(pybullet.GEOM_MESH, fileName=file.name)
        uid = self.bullet.createMultiBody(mass_kg, shape)
        self.bullet.changeDynamics(uid, -1, lateralFriction=friction)
        return self.adopt(uid, name, T_world_link)

    def adopt(self, uid: int, name: str, T_world_link: ArrayLike | None = None) -> Body:
        """Take a body that was made through `bullet` into `bodies`, and put it somewhere if a pose is given."""
        info = self.bullet.getDynamicsInfo(uid, -1)
        body = Body(self, uid, name, invert(from_pos_quat(info[3], info[4])))
        self.bodies[uid] = body
        if T_world_link is not None:
            body.set_pose(T_world_link)
        return body

    def remove(self, body: Body) -> None:
        """Take a body out of the world."""
        self.bullet.removeBody(body.uid)
        del self.bodies[body.uid]

    def step(self, count: int = 1) -> None:
        """Advance the simulation by `count` steps."""
        advance = self.bullet.stepSimulation
        if self.on_step is None:
            for _ in range(count):
                advance()
            self.steps += count
            return
        for _ in range(count):
            advance()
            self.steps += 1
            if self.on_step is not None:
                self.on_step()

    def contacts(self, body: Body, other: Body | None = None) -> list[Contact]:
        """Contact points of `body` after the last step; `other` limits them to one partner."""
        found = (
            self.bullet.getContactPoints(body.uid)
            if other is None
            else self.bullet.getContactPoints(body.uid, other.uid)
        )
        return [Contact(p[1], p[2], p[3], p[4], p[5], p[7], p[8], p[9]) for p in found or ()]

    def contacts_now(self, body: Body) -> list[Contact]:
        """Contact points of `body` where it stands, by a collision pass without a time step."""
        self.bullet.performCollisionDetection()
        return self.contacts(body)

    def moving(self) -> Iterator[Body]:
        """The bodies that are free to move (base mass above 0)."""
        return (b for b in self.bodies.values() if self.bullet.getDynamicsInfo(b.uid, -1)[0] > 0.0)

    def close(self) -> None:
        """Free the client; closing twice is harmless."""
        if self.bullet.isConnected():
            self.bullet.disconnect()
        self.bodies.clear()


def _obj(pieces: Sequence[FloatArray]) -> str:
    """The text of a Wavefront file with one group for each convex piece (V, 3)."""
    lines, before = [], 1
    for number, corners in enumerate(pieces):
        faces = ConvexHull(corners).simplices + before
        lines.append(f"o piece{number}")
        lines += [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in corners]
        lines += [f"f {a} {b} {c}" for a, b, c in faces]
        before += len(corners)
    return "\n".join(lines) + "\n"
