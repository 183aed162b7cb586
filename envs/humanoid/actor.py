"""The humanoid as a body in a physics world: dressed, so that a camera sees a person, and put into any pose."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from tempfile import NamedTemporaryFile

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from envs.humanoid.body import JOINTS, UP_FROM_FILE, URDF_SCALE, humanoid_urdf
from envs.world import World
from geometry import FloatArray, transform

Colour = tuple[float, float, float]
SHIRT: Colour = (0.20, 0.36, 0.62)
_SKIN, _HAIR, _TROUSERS, _SHOES = (0.86, 0.66, 0.54), (0.22, 0.15, 0.11), (0.24, 0.24, 0.30), (0.12, 0.10, 0.10)
_ROW = {"chest": JOINTS.index("spine")}
"""Links that `JOINTS` calls otherwise."""

_Part = tuple[str, tuple[float, float, float], tuple[float, float, float], float, Colour]
_PARTS: tuple[_Part, ...] = (
    ("root", (0.0, -0.07, 0.02), (0.0, 0.07, 0.02), 0.105, _TROUSERS),
    ("root", (0.0, -0.03, 0.12), (0.0, 0.03, 0.12), 0.105, SHIRT),
    ("chest", (0.0, -0.05, 0.02), (0.0, 0.05, 0.02), 0.11, SHIRT),
    ("chest", (-0.01, -0.10, 0.14), (-0.01, 0.10, 0.14), 0.105, SHIRT),
    ("chest", (-0.02, -0.15, 0.225), (-0.02, 0.15, 0.225), 0.06, SHIRT),
    ("neck", (0.0, 0.0, -0.02), (0.01, 0.0, 0.08), 0.05, _SKIN),
    ("neck", (0.02, 0.0, 0.13), (0.02, 0.0, 0.13), 0.075, _SKIN),
    ("neck", (0.005, 0.0, 0.18), (0.005, 0.0, 0.18), 0.09, _SKIN),
    ("neck", (-0.015, 0.0, 0.20), (-0.015, 0.0, 0.20), 0.09, _HAIR),
    ("neck", (0.095, 0.0, 0.155), (0.095, 0.0, 0.155), 0.014, _SKIN),
    *(part for side in ("left", "right") for part in (
        (f"{side}_shoulder", (0.0, 0.0, -0.01), (0.0, 0.0, -0.24), 0.05, SHIRT),
        (f"{side}_elbow", (0.0, 0.0, 0.0), (0.0, 0.0, -0.24), 0.038, _SKIN),
        (f"{side}_elbow", (0.0, 0.0, -0.27), (0.01, 0.0, -0.33), 0.04, _SKIN),
        (f"{side}_hip", (0.0, 0.0, -0.02), (0.0, 0.0, -0.20), 0.085, _TROUSERS),
        (f"{side}_hip", (0.0, 0.0, -0.18), (0.0, 0.0, -0.42), 0.068, _TROUSERS),
        (f"{side}_knee", (-0.01, 0.0, -0.02), (-0.01, 0.0, -0.22), 0.058, _TROUSERS),
        (f"{side}_knee", (0.0, 0.0, -0.18), (0.0, 0.0, -0.38), 0.045, _TROUSERS),
        (f"{side}_ankle", (-0.03, 0.0, -0.02), (0.10, 0.0, -0.025), 0.035, _SHOES),
        (f"{side}_wrist", (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0.03, _SKIN),
    )),
)  # fmt: skip
"""What is to be seen: link, the ends of a capsule in its frame (our axes, metres), radius in metres, colour.

A capsule without length is a ball."""


class HumanoidActor:
    """The humanoid in a world. It does not fall: nothing is simulated.

    Args:
        world: where it stands.
        shirt: colour in 0..1.
    """

    def __init__(self, world: World, *, shirt: Colour = SHIRT) -> None:
        with NamedTemporaryFile("w", suffix=".urdf", encoding="utf-8") as file:
            file.write(_dressed_urdf(shirt))
            file.flush()
            self.body = world.load_urdf(file.name, scale=URDF_SCALE, fixed=True, name="person")
        self._bullet = world.bullet
        self._joints: list[tuple[int, int, bool]] = []
        for joint in range(self._bullet.getNumJoints(self.body.uid)):
            info = self._bullet.getJointInfo(self.body.uid, joint)
            link = info[12].decode()
            if info[2] != self._bullet.JOINT_FIXED:
                row = _ROW[link] if link in _ROW else JOINTS.index(link)
                self._joints.append((joint, row, info[2] == self._bullet.JOINT_REVOLUTE))

    def pose(self, root_m: ArrayLike, quats_xyzw: FloatArray) -> None:
        """Put the pelvis (3,) and the rotations of `JOINTS` (13, 4), as in `BodyMotion`."""
        axes = Rotation.from_matrix(UP_FROM_FILE)
        self.body.set_pose(transform(Rotation.from_quat(quats_xyzw[0]) * axes, root_m))
        local = axes.inv() * Rotation.from_quat(quats_xyzw) * axes
        quats, turns = local.as_quat(), local.as_rotvec()
        for joint, row, hinge in self._joints:
            value = [float(turns[row, 2])] if hinge else quats[row].tolist()
            self._bullet.resetJointStateMultiDof(self.body.uid, joint, targetValue=value)


def _dressed_urdf(shirt: Colour) -> str:
    """The humanoid's URDF with something to see, and with axes for the ball joints, which Bullet misses aloud."""
    robot = humanoid_urdf()
    for joint in robot.iter("joint"):
        if joint.find("axis") is None:
            ET.SubElement(joint, "axis", xyz="1 0 0")
    links = {link.get("name", ""): link for link in robot.iter("link")}
    for number, (link, start, end, radius, colour) in enumerate(_PARTS):
        a, b = (np.array(point) @ UP_FROM_FILE / URDF_SCALE for point in (start, end))
        length, size = float(np.linalg.norm(b - a)), {"radius": f"{radius / URDF_SCALE:.6f}"}
        way = (b - a) / length if length else np.array([0.0, 0.0, 1.0])
        pitch, yaw = np.arccos(np.clip(way[2], -1.0, 1.0)), np.arctan2(way[1], way[0])
        visual = ET.SubElement(links[link], "visual")
        ET.SubElement(visual, "origin", xyz=_words((a + b) / 2.0), rpy=_words(np.array([0.0, pitch, yaw])))
        geometry = ET.SubElement(visual, "geometry")
        if length:
            size["length"] = f"{length:.6f}"
        ET.SubElement(geometry, "capsule" if length else "sphere", size)
        material = ET.SubElement(visual, "material", name=f"part{number}")
        ET.SubElement(material, "color", rgba=_words(np.array([*(shirt if colour == SHIRT else colour), 1.0])))
    return ET.tostring(robot, encoding="unicode")


def _words(numbers: FloatArray) -> str:
    return " ".join(f"{number:.6f}" for number in numbers)
