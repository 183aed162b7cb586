"""Object models from a folder of URDFs and meshes, searched with all its subfolders."""

from __future__ import annotations

import copy
import os
import xml.etree.ElementTree as ET
from pathlib import Path

from envs.objects.asset_cache import cached_folder
from envs.objects.model import ObjectModel
from envs.objects.urdf_shapes import find_mesh, parse_link
from geometry import InputError

MESH_SUFFIXES = frozenset({".obj", ".stl", ".ply", ".glb", ".gltf", ".off", ".dae", ".3mf"})


def object_files(folder: Path) -> dict[str, Path]:
    """The files in a folder that are objects, by the name that each gets, sorted; a file is one by itself.

    Every URDF is an object. So is every mesh that has no URDF in its own folder or in one above
    it (up to `folder`); the other meshes belong to those URDFs.

    Raises:
        InputError: if the folder is missing, cannot be read, or holds no object.
    """
    if folder.is_file():
        return {folder.stem: folder}
    if not folder.is_dir():
        kinds = '"procedural", "random_urdfs", or a URDF, a mesh or a folder of them'
        raise InputError("load_objects", expected=kinds, got=f"{str(folder)!r}, which does not exist")
    urdfs: list[Path] = []
    meshes: list[Path] = []
    with_urdf: set[Path] = set()
    for root, subfolders, names in os.walk(folder, onerror=_unreadable):
        subfolders.sort()
        here = Path(root)
        found = [here / name for name in sorted(names) if not name.startswith(".")]
        own = [file for file in found if file.suffix.lower() == ".urdf"]
        urdfs += own
        if own or here.parent in with_urdf:
            with_urdf.add(here)
        else:
            meshes += [file for file in found if file.suffix.lower() in MESH_SUFFIXES]
    if not urdfs and not meshes:
        kinds = ", ".join(sorted({".urdf", *MESH_SUFFIXES}))
        raise InputError("load_objects", expected=f"files of kind {kinds}", got=f"none in {folder}")
    return _named(folder, urdfs + meshes)


def urdf_model(name: str, urdf: Path, scale: float = 1.0) -> ObjectModel:
    """A model of a URDF, which is used as it stands unless its visual mesh is missing.

    Bullet refuses a URDF without its visual mesh. A copy that shows the collision shape instead
    is then written into the cache.

    Raises:
        InputError: if the file is no URDF of one link or its collision mesh is missing.
    """
    robot, link = parse_link(urdf)
    collisions = link.findall("collision")
    if not collisions:
        raise InputError(str(urdf), expected="a <collision> element", got="none")
    for element in collisions:
        missing = _missing_mesh(urdf, element)
        if missing is not None:
            raise InputError(
                str(urdf), expected=f"the collision mesh {missing}", got="no such file", remedy="put it beside the URDF"
            )
    lost = [element for element in link.findall("visual") if _missing_mesh(urdf, element) is not None]
    return ObjectModel(name, _with_collision_shown(urdf, robot, lost) if lost else urdf, scale)


def _with_collision_shown(urdf: Path, robot: ET.Element, lost: list[ET.Element]) -> Path:
    """A copy of a URDF in which the collision shapes stand for the visual ones that are lost."""
    link = robot.findall("link")[0]
    material = next((m for element in lost if (m := element.find("material")) is not None), None)
    for element in lost:
        link.remove(element)
    for collision in link.findall("collision"):
        shown = ET.SubElement(link, "visual")
        shown.extend(copy.deepcopy(child) for child in collision if child.tag in ("origin", "geometry"))
        if material is not None:
            shown.append(copy.deepcopy(material))
    for mesh in robot.iter("mesh"):
        file = find_mesh(urdf, mesh.get("filename", ""))
        mesh.set("filename", str(file.absolute()) if file is not None else "")
    text = ET.tostring(robot)

    def write(made: Path) -> None:
        (made / "object.urdf").write_bytes(text)

    return cached_folder("urdf-v1", text, write) / "object.urdf"


def _missing_mesh(urdf: Path, element: ET.Element) -> str | None:
    """The name of the mesh that a `visual` or `collision` element asks for in vain, or None."""
    mesh = element.find("geometry/mesh")
    if mesh is None:
        return None
    name = mesh.get("filename", "")
    return name if find_mesh(urdf, name) is None else None


def _named(folder: Path, files: list[Path]) -> dict[str, Path]:
    """Name each file by its stem, or by its folder where stems repeat, or by its path where those do too."""
    stems, parents = [file.stem for file in files], [file.parent.name for file in files]
    paths = [file.relative_to(folder).as_posix() for file in files]
    names = next((names for names in (stems, parents) if len(set(names)) == len(files)), paths)
    return dict(sorted(zip(names, files, strict=True)))


def _unreadable(error: OSError) -> None:
    raise InputError(
        "load_objects",
        expected="a readable folder",
        got=f"{error.strerror}: {error.filename}",
        remedy="check its rights",
    )
