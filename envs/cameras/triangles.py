"""The visible shapes of a world as triangles: what the ray casting camera sees.

Bullet tells a visual shape by its kind, its size or mesh file, and its pose in the URDF link
frame (a collision shape's is in the frame of the link's centre of mass instead). Shapes
are triangulated once per process and posed anew for every image.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import trimesh
from numpy.typing import NDArray

from envs.cameras.mesh_file import read_mesh
from envs.world import World
from geometry import FloatArray, from_pos_quat, transform_points

SEGMENTS = 64
"""Sides of a triangulated cylinder; a sphere has as many meridians."""
PLANE_HALF_M = 50.0
"""An infinite plane is drawn as a square of twice this size."""


Pose = tuple[tuple[float, ...], tuple[float, ...]]
"""Position and xyzw quaternion, as Bullet gives them."""


@dataclass(frozen=True, eq=False)
class Surface:
    """Triangles in the frame of their shape; the arrays are shared between worlds and read-only."""

    vertices: FloatArray
    """(V, 3) metres."""
    triangles: NDArray[np.uint32]
    """(F, 3) vertex numbers, counter-clockwise from outside."""
    rgb: NDArray[np.float32]
    """(F, 3) or (1, 3) colour in [0, 1] that the shape's own colour multiplies."""
    half_extents_m: tuple[float, float, float] | None = None
    """Half edge lengths if the shape is a box, or a square with one of 0."""


class VisualPart(NamedTuple):
    """One visible shape of one link of one body, where it is now."""

    body_uid: int
    link_index: int
    T_world_part: FloatArray
    surface: Surface
    rgba: tuple[float, float, float, float]


class SceneTriangles(NamedTuple):
    """All visible triangles of a world, in the world frame."""

    vertices_world: FloatArray
    """(V, 3) metres."""
    triangles: NDArray[np.uint32]
    """(F, 3) vertex numbers."""
    body_uids: NDArray[np.int32]
    """(F,) uid of the body that each triangle belongs to."""
    link_indices: NDArray[np.int32]
    """(F,) its link; -1 is the base."""


def visual_parts(world: World) -> list[VisualPart]:
    """The visible shapes of every body and link in the world, where they are now.

    A link without a usable visual shape shows its collision shapes, as in Bullet's own renderers.
    Shapes without triangles (a height field, a soft body, a mesh kept only in memory) are left out.
    """
    bullet = world.bullet
    shapes: list[tuple[int, int, Surface, tuple[float, float, float, float]]] = []
    poses: list[Pose] = []
    for uid in (bullet.getBodyUniqueId(i) for i in range(bullet.getNumBodies())):
        links = _link_poses(bullet, uid)
        seen: set[int] = set()
        for _, link, kind, size, file, position, quat, rgba, *_ in bullet.getVisualShapeData(uid) or ():
            surface = _surface(bullet, kind, size, file)
            if surface is not None:
                seen.add(link)
                shapes.append((uid, link, surface, rgba))
                poses.append(bullet.multiplyTransforms(*links[link], position, quat))
        for link in links.keys() - seen:
            for surface, pose in _collision_shapes(bullet, uid, link, links[link]):
                shapes.append((uid, link, surface, (1.0, 1.0, 1.0, 1.0)))
                poses.append(pose)
    if not shapes:
        return []
    T_world_parts = from_pos_quat([p[0] for p in poses], [p[1] for p in poses])
    return [VisualPart(uid, link, T, s, rgba) for (uid, link, s, rgba), T in zip(shapes, T_world_parts, strict=True)]


def scene_triangles(world: World) -> SceneTriangles:
    """Every visible triangle of the world with the body and link it belongs to."""
    parts = visual_parts(world)
    counts = [len(part.surface.triangles) for part in parts]
    offsets = np.cumsum([0, *(len(part.surface.vertices) for part in parts)])[:-1]
    vertices = [transform_points(part.T_world_part, part.surface.vertices) for part in parts]
    triangles = [part.surface.triangles + np.uint32(o) for part, o in zip(parts, offsets, strict=True)]
    return SceneTriangles(
        np.concatenate([np.empty((0, 3)), *vertices]),
        np.concatenate([np.empty((0, 3), np.uint32), *triangles]),
        np.repeat(np.array([part.body_uid for part in parts], np.int32), counts),
        np.repeat(np.array([part.link_index for part in parts], np.int32), counts),
    )


def _link_poses(bullet: Any, uid: int) -> dict[int, Pose]:
    """Link number to the pose of its URDF link frame in the world; -1 is the base."""
    com = bullet.getBasePositionAndOrientation(uid)
    T_com_link = bullet.invertTransform(*bullet.getDynamicsInfo(uid, -1)[3:5])
    poses: dict[int, Pose] = {-1: bullet.multiplyTransforms(*com, *T_com_link)}
    links = range(bullet.getNumJoints(uid))
    if links:
        states = bullet.getLinkStates(uid, list(links), computeForwardKinematics=1)
        poses.update((link, (state[4], state[5])) for link, state in zip(links, states, strict=True))
    return poses


def _collision_shapes(bullet: Any, uid: int, link: int, T_world_link: Pose) -> list[tuple[Surface, Pose]]:
    """The collision shapes of a link and their poses in the world."""
    T_world_com = bullet.multiplyTransforms(*T_world_link, *bullet.getDynamicsInfo(uid, link)[3:5])
    found = []
    for _, _, kind, size, file, position, quat in bullet.getCollisionShapeData(uid, link) or ():
        surface = _surface(bullet, kind, size, file)
        if surface is not None:
            found.append((surface, bullet.multiplyTransforms(*T_world_com, position, quat)))
    return found


def _surface(bullet: Any, kind: int, size: tuple[float, float, float], file: bytes) -> Surface | None:
    """The triangles of a shape as Bullet describes it, or None where it has none."""
    if kind == bullet.GEOM_MESH:
        path = Path(file.decode())
        return _mesh_surface(path, path.stat().st_mtime_ns, size) if file and path.is_file() else None
    names = {
        bullet.GEOM_BOX: "box",
        bullet.GEOM_SPHERE: "sphere",
        bullet.GEOM_CYLINDER: "cylinder",
        bullet.GEOM_CAPSULE: "capsule",
        bullet.GEOM_PLANE: "plane",
    }
    return _primitive_surface(names[kind], size) if kind in names else None


@lru_cache(maxsize=1024)
def _mesh_surface(path: Path, mtime_ns: int, scale: tuple[float, float, float]) -> Surface | None:
    mesh = read_mesh(path, mtime_ns)
    if mesh is None:
        return None
    flip = bool(np.prod(scale) < 0.0)
    triangles = mesh.triangles[:, ::-1] if flip else mesh.triangles
    return Surface(_frozen(mesh.vertices * np.array(scale)), _frozen(triangles), mesh.rgb)


@lru_cache(maxsize=1024)
def _primitive_surface(name: str, size: tuple[float, float, float]) -> Surface:
    """Triangles of a primitive; `size` as Bullet reports it: edges, (radius, ...) or (length, radius, ...)."""
    half: tuple[float, float, float] | None = None
    if name == "box":
        mesh = trimesh.creation.box(extents=size)
        half = size[0] / 2, size[1] / 2, size[2] / 2
    elif name == "sphere":
        mesh = trimesh.creation.uv_sphere(radius=size[0], count=(SEGMENTS, SEGMENTS))
    elif name == "cylinder":
        mesh = trimesh.creation.cylinder(radius=size[1], height=size[0], sections=SEGMENTS)
    elif name == "capsule":
        mesh = trimesh.creation.capsule(radius=size[1], height=size[0], count=(SEGMENTS, SEGMENTS))
        mesh.apply_translation(-mesh.bounds.mean(axis=0))
    else:
        x = PLANE_HALF_M
        half = x, x, 0.0
        mesh = trimesh.Trimesh([[-x, -x, 0], [x, -x, 0], [x, x, 0], [-x, x, 0]], [[0, 1, 2], [0, 2, 3]])
    return Surface(
        _frozen(np.asarray(mesh.vertices, np.float64)),
        _frozen(np.asarray(mesh.faces, np.uint32)),
        _frozen(np.ones((1, 3), np.float32)),
        half,
    )


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array
