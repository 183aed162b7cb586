"""The shapes of a one-link URDF as meshes, equal to what Bullet shows and collides.

Bullet takes every "o" or "g" group of a collision OBJ as one convex hull, every other mesh file
as one hull, and the visual mesh as it stands. Shapes are given in the link frame, in metres.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from scipy.spatial.transform import Rotation

from envs.objects.hull import convex_hull
from geometry import FloatArray, InputError, transform


def read_visual(path: Path, scale: float = 1.0) -> trimesh.Trimesh:
    """What is to be seen of a URDF's link; where its visual meshes are missing, the collision shape.

    Results are kept in memory until the file changes, and are shared: do not alter them.

    Args:
        path: a URDF of one link.
        scale: factor on all lengths, Bullet's `globalScaling`.

    Raises:
        InputError: if the file is no such URDF, or lacks a shape that can be read.
    """
    return _visual(path, scale, *_version(path))


def read_convex_parts(path: Path, scale: float = 1.0) -> tuple[trimesh.Trimesh, ...]:
    """The convex pieces that a URDF's link collides with; otherwise like `read_visual`."""
    return _convex_parts(path, scale, *_version(path))


def parse_link(path: Path) -> tuple[ET.Element, ET.Element]:
    """The `robot` element of a URDF and its only link."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(str(path), expected="a URDF that can be read", got=f"{error.strerror}") from None
    body = text[text.find("?>") + 2 :] if text.lstrip().startswith("<?xml") else text  # some say version="0.0"
    try:
        robot = ET.fromstring(body)
    except ET.ParseError as error:
        raise InputError(str(path), expected="a URDF, which is XML", got=f"{error}") from None
    links = robot.findall("link")
    if robot.tag != "robot" or len(links) != 1:
        raise InputError(
            str(path),
            expected="a URDF of one object with one link",
            got=f"<{robot.tag}> with {len(links)} links",
            remedy="objects are rigid: move robots and articulated models out of the folder",
        )
    return robot, links[0]


def find_mesh(urdf: Path, filename: str) -> Path | None:
    """The file that a URDF's mesh name means, or None; `package://` names are sought in the folders above."""
    name = filename.split("://", 1)[-1]
    if not filename.startswith(("package://", "model://")):
        path = urdf.parent / name
        return path if path.is_file() else None
    inner = Path(*Path(name).parts[1:])
    candidates = (folder / part for folder in urdf.absolute().parents for part in (Path(name), inner))
    return next((c for c in candidates if c.is_file()), None)


def _version(path: Path) -> tuple[int, int]:
    if not path.is_file():
        raise InputError(str(path), expected="a URDF file", got="no file")
    status = path.stat()
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=4096)
def _visual(path: Path, scale: float, mtime_ns: int, size: int) -> trimesh.Trimesh:
    if scale != 1.0:
        return _scaled(_visual(path, 1.0, mtime_ns, size), scale)
    mesh = join(_shapes(path, "visual") or _collision_shapes(path))
    mesh.merge_vertices()
    return mesh


@lru_cache(maxsize=4096)
def _convex_parts(path: Path, scale: float, mtime_ns: int, size: int) -> tuple[trimesh.Trimesh, ...]:
    if scale != 1.0:
        return tuple(_scaled(part, scale) for part in _convex_parts(path, 1.0, mtime_ns, size))
    return tuple(convex_hull(shape.vertices) for shape in _collision_shapes(path))


def _collision_shapes(path: Path) -> list[trimesh.Trimesh]:
    shapes = _shapes(path, "collision")
    if not shapes:
        raise InputError(str(path), expected="a collision mesh or shape", got="none that exists")
    return shapes


def _shapes(path: Path, kind: str) -> list[trimesh.Trimesh]:
    _, link = parse_link(path)
    return [piece for element in link.findall(kind) for piece in _pieces(path, element) or ()]


def join(meshes: Sequence[trimesh.Trimesh]) -> trimesh.Trimesh:
    """Several meshes in one, geometry only."""
    offsets = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    faces = np.vstack([mesh.faces + offset for mesh, offset in zip(meshes, offsets, strict=True)])
    return trimesh.Trimesh(np.vstack([mesh.vertices for mesh in meshes]), faces, process=False)


def _scaled(mesh: trimesh.Trimesh, scale: float) -> trimesh.Trimesh:
    return trimesh.Trimesh(mesh.vertices * scale, mesh.faces, process=False)


def _pieces(urdf: Path, element: ET.Element) -> list[trimesh.Trimesh] | None:
    """The meshes of a `visual` or `collision` element in the link frame; None if its file is missing."""
    geometry = element.find("geometry")
    if geometry is None or len(geometry) == 0:
        raise InputError(str(urdf), expected=f"a <geometry> in each <{element.tag}>", got="none")
    shape, T_link_shape = geometry[0], _origin(urdf, element)
    if shape.tag != "mesh":
        return [_primitive(urdf, shape).apply_transform(T_link_shape)]
    file = find_mesh(urdf, shape.get("filename", ""))
    if file is None:
        return None
    scale = np.diag([*_numbers(urdf, shape.get("scale", "1 1 1")), 1.0])
    return [piece.apply_transform(T_link_shape @ scale) for piece in read_groups(file)]


def read_groups(path: Path) -> list[trimesh.Trimesh]:
    """The groups of a mesh file, each one mesh; files other than OBJ are one group.

    Raises:
        InputError: if the file cannot be read, or holds no faces or coordinates that are not finite.
    """
    options: dict[str, Any] = (
        {"split_objects": True, "split_groups": True, "group_material": False, "skip_materials": True}
        if path.suffix.lower() == ".obj"
        else {}
    )
    try:
        scene = trimesh.load_scene(path, process=False, **options)
        meshes = [m for m in scene.dump() if isinstance(m, trimesh.Trimesh) and len(m.faces)]
    except Exception as error:  # trimesh's readers raise whatever their formats make them raise
        raise InputError(str(path), expected="a mesh file", got=f"{type(error).__name__}: {error}") from None
    if not meshes:
        raise InputError(str(path), expected="a mesh with faces", got="none (a point cloud or an empty file)")
    if not all(np.isfinite(m.vertices).all() for m in meshes):
        raise InputError(str(path), expected="finite vertices", got="NaN or infinite coordinates")
    return [trimesh.Trimesh(m.vertices, m.faces, process=False) for m in meshes]


def _primitive(urdf: Path, shape: ET.Element) -> trimesh.Trimesh:
    if shape.tag == "box":
        return trimesh.creation.box(_numbers(urdf, shape.get("size", "")))
    radius, length = (float(_numbers(urdf, shape.get(key, "0"), 1)[0]) for key in ("radius", "length"))
    if shape.tag == "sphere":
        return trimesh.creation.icosphere(subdivisions=3, radius=radius)
    if shape.tag == "cylinder":
        return trimesh.creation.cylinder(radius, length, sections=32)
    if shape.tag == "capsule":
        return trimesh.creation.capsule(length, radius, count=[32, 16])
    raise InputError(str(urdf), expected="mesh, box, sphere, cylinder or capsule", got=f"<{shape.tag}>")


def _origin(urdf: Path, element: ET.Element) -> FloatArray:
    origin = element.find("origin")
    if origin is None:
        return np.eye(4)
    rpy = _numbers(urdf, origin.get("rpy", "0 0 0"))
    return transform(Rotation.from_euler("xyz", rpy), _numbers(urdf, origin.get("xyz", "0 0 0")))


def _numbers(urdf: Path, text: str, count: int = 3) -> FloatArray:
    try:
        numbers = np.array([float(word) for word in text.split()], dtype=np.float64)
    except ValueError:
        numbers = np.empty(0)
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise InputError(str(urdf), expected=f"{count} numbers", got=f"{text!r}")
    return numbers
