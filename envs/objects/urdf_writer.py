"""Write an object as a URDF with two OBJ files: what is seen, and the convex pieces that collide."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation

from envs.objects.material import Color, Material
from envs.objects.urdf_shapes import join
from geometry import FloatArray

URDF_NAME = "object.urdf"
SMOOTH_BELOW_RAD = np.deg2rad(40.0)
"""Faces that meet at less than this angle are shaded as one curved surface."""


def write_object(
    folder: Path,
    visual: trimesh.Trimesh,
    convex_parts: Sequence[trimesh.Trimesh],
    material: Material,
    color: Color,
    *,
    solid: trimesh.Trimesh | None = None,
) -> None:
    """Write `object.urdf`, `visual.obj` and `collision.obj`; the link frame is the frame of the meshes.

    Args:
        folder: an empty folder.
        visual: what is to be seen, in metres.
        convex_parts: the pieces that collide, in metres.
        material: density and friction.
        color: of the whole object.
        solid: closed surface whose volume has the mass; None is the convex pieces, overlaps counted twice.
    """
    (folder / "visual.obj").write_text(_obj_visual(visual))
    (folder / "collision.obj").write_text(_obj_parts(convex_parts))
    robot = ET.Element("robot", name="object")
    link = ET.SubElement(robot, "link", name="object")
    contact = ET.SubElement(link, "contact")
    ET.SubElement(contact, "lateral_friction", value=f"{material.friction:g}")
    _add_inertia(link, join(convex_parts) if solid is None else solid, material.density_kg_m3)
    for tag in ("visual", "collision"):
        element = ET.SubElement(link, tag)
        geometry = ET.SubElement(element, "geometry")
        ET.SubElement(geometry, "mesh", filename=f"{tag}.obj")
        if tag == "visual":
            paint = ET.SubElement(element, "material", name="paint")
            ET.SubElement(paint, "color", rgba=_text([*color, 1.0]))
    ET.indent(robot)
    ET.ElementTree(robot).write(folder / URDF_NAME)


def mass_properties(solid: trimesh.Trimesh, density_kg_m3: float) -> tuple[float, FloatArray, FloatArray, FloatArray]:
    """Mass in kg, centre (3,) in metres, principal inertias (3,) in kg m^2, and their axes (3, 3) as columns."""
    found = trimesh.triangles.mass_properties(solid.triangles, density=density_kg_m3)
    tensor = np.asarray(found.inertia)
    # Rounded, lest the last bit of a sum turn the axes of a round body: it differs between processors.
    inertias, axes = np.linalg.eigh(np.round(tensor / np.trace(tensor), 9) * np.trace(tensor))
    _, order = linear_sum_assignment(-np.abs(axes))  # the axis nearest to x first: a small rotation, no gimbal lock
    axes = axes[:, order] * np.where(np.diag(axes[:, order]) < 0.0, -1.0, 1.0)
    if np.linalg.det(axes) < 0.0:
        axes[:, 2] *= -1.0
    return float(found.mass), np.asarray(found.center_mass), inertias[order], axes


def _add_inertia(link: ET.Element, solid: trimesh.Trimesh, density_kg_m3: float) -> None:
    mass, center, inertias, axes = mass_properties(solid, density_kg_m3)
    rpy = Rotation.from_matrix(axes).as_euler("xyz")
    inertial = ET.SubElement(link, "inertial")
    ET.SubElement(inertial, "origin", xyz=_text(center), rpy=_text(rpy))
    ET.SubElement(inertial, "mass", value=f"{mass:.9g}")
    ixx, iyy, izz = (f"{value:.9g}" for value in inertias)
    ET.SubElement(inertial, "inertia", ixx=ixx, iyy=iyy, izz=izz, ixy="0", ixz="0", iyz="0")


def _obj_visual(mesh: trimesh.Trimesh) -> str:
    """An OBJ with normals; without them Bullet would show every facet."""
    shaded = trimesh.graph.smooth_shade(mesh, angle=SMOOTH_BELOW_RAD)
    lines = [f"v {_text(vertex)}" for vertex in shaded.vertices]
    lines += [f"vn {_text(normal)}" for normal in shaded.vertex_normals]
    lines += ["f " + " ".join(f"{i}//{i}" for i in face) for face in shaded.faces + 1]
    return "\n".join(lines) + "\n"


def _obj_parts(parts: Sequence[trimesh.Trimesh]) -> str:
    lines: list[str] = []
    count = 1
    for index, part in enumerate(parts):
        lines.append(f"o part_{index}")
        lines += [f"v {_text(vertex)}" for vertex in part.vertices]
        lines += ["f " + " ".join(str(i) for i in face) for face in part.faces + count]
        count += len(part.vertices)
    return "\n".join(lines) + "\n"


def _text(values: ArrayLike) -> str:
    """Numbers with nine digits; what is below 1e-12 is noise of the arithmetic and written as 0."""
    return " ".join(f"{value:.9g}" for value in np.round(np.asarray(values), 12) + 0.0)
