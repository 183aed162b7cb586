"""The Panda's description for ROS, and its links' transforms, both from pybullet_data's URDF.

A grasp frame is added below the hand; meshes are named by their files, since pybullet_data is no ROS package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
from scipy.spatial.transform import Rotation

from envs.arms.panda import PANDA_URDF
from geometry import FloatArray, transform

_ARM_JOINTS = tuple(f"panda_joint{i}" for i in range(1, 8))
_FINGER_JOINTS = ("panda_finger_joint1", "panda_finger_joint2")
_BASE, _HAND = "panda_link0", "panda_hand"
_LEFT_OUT = "panda_grasptarget"
_PACKAGE = "package://"


class LinkTransform(NamedTuple):
    """Where a link is in its parent's frame."""

    parent: str
    child: str
    T_parent_child: FloatArray


class _Joint(NamedTuple):
    name: str
    kind: str
    parent: str
    child: str
    T_origin: FloatArray
    axis: FloatArray


class RobotModel:
    """The arm as `robot_state_publisher` would tell of it.

    Args:
        joint_names: (7,) names for the arm's joints.
        finger_names: (2,) names for the finger joints, +y first.
        base_frame: name for the base link.
        tip_frame: name for the hand link.
        T_tip_grasp: (4, 4) pose of the grasp frame in the hand link.
    """

    def __init__(
        self,
        joint_names: Sequence[str],
        finger_names: Sequence[str],
        *,
        base_frame: str,
        tip_frame: str,
        T_tip_grasp: FloatArray,
    ) -> None:
        joints = dict(zip((*_ARM_JOINTS, *_FINGER_JOINTS), (*joint_names, *finger_names), strict=True))
        links = {_BASE: base_frame, _HAND: tip_frame}
        root = _description(joints, links, f"{tip_frame}_tcp", T_tip_grasp)
        self.urdf: str = ElementTree.tostring(root, encoding="unicode")
        """The description."""
        self._joints = [_read(joint) for joint in root.iter("joint")]

    def fixed(self) -> list[LinkTransform]:
        """The links that never move in their parents."""
        return [LinkTransform(j.parent, j.child, j.T_origin) for j in self._joints if j.kind == "fixed"]

    def moving(self, positions: Mapping[str, float]) -> list[LinkTransform]:
        """The other links.

        Args:
            positions: of each joint by name, rad or m.
        """
        return [
            LinkTransform(j.parent, j.child, j.T_origin @ _motion(j, positions[j.name]))
            for j in self._joints
            if j.kind != "fixed"
        ]


def _description(
    joints: Mapping[str, str], links: Mapping[str, str], tcp: str, T_tip_grasp: FloatArray
) -> ElementTree.Element:
    root = ElementTree.fromstring(PANDA_URDF.read_text(encoding="utf-8"))
    for element in list(root):
        child = element.find("child")
        if _LEFT_OUT in (element.get("name"), child.get("link") if child is not None else None):
            root.remove(element)
        for old, names in (("joint", joints), ("link", links)):
            if element.tag == old and element.get("name") in names:
                element.set("name", names[str(element.get("name"))])
    for end in (*root.iter("parent"), *root.iter("child")):
        end.set("link", links.get(str(end.get("link")), str(end.get("link"))))
    for mimic in root.iter("mimic"):
        mimic.set("joint", joints[str(mimic.get("joint"))])
    for mesh in root.iter("mesh"):
        file = PANDA_URDF.parent / str(mesh.get("filename")).removeprefix(_PACKAGE)
        mesh.set("filename", file.resolve().as_uri())
    _add_frame(root, links[_HAND], tcp, T_tip_grasp)
    return root


def _add_frame(root: ElementTree.Element, parent: str, name: str, T_parent_frame: FloatArray) -> None:
    ElementTree.SubElement(root, "link", name=name)
    joint = ElementTree.SubElement(root, "joint", name=f"{name}_joint", type="fixed")
    rpy = Rotation.from_matrix(T_parent_frame[:3, :3]).as_euler("xyz")
    ElementTree.SubElement(joint, "origin", xyz=_words(T_parent_frame[:3, 3]), rpy=_words(rpy))
    ElementTree.SubElement(joint, "parent", link=parent)
    ElementTree.SubElement(joint, "child", link=name)


def _words(numbers: FloatArray) -> str:
    return " ".join(f"{number:.12g}" for number in numbers)


def _read(joint: ElementTree.Element) -> _Joint:
    origin, axis = joint.find("origin"), joint.find("axis")
    parent, child = joint.find("parent"), joint.find("child")
    assert parent is not None and child is not None
    T_origin = np.eye(4)
    if origin is not None:
        rpy = _numbers(origin.get("rpy", "0 0 0"))
        T_origin = transform(Rotation.from_euler("xyz", rpy).as_matrix(), _numbers(origin.get("xyz", "0 0 0")))
    direction = _numbers(axis.get("xyz", "1 0 0")) if axis is not None else np.array([1.0, 0.0, 0.0])
    return _Joint(
        str(joint.get("name")),
        str(joint.get("type")),
        str(parent.get("link")),
        str(child.get("link")),
        T_origin,
        direction,
    )


def _numbers(words: str) -> FloatArray:
    return np.array([float(word) for word in words.split()])


def _motion(joint: _Joint, position: float) -> FloatArray:
    if joint.kind == "prismatic":
        return transform(translation=position * joint.axis)
    return transform(Rotation.from_rotvec(position * joint.axis).as_matrix())
