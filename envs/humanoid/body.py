"""The humanoid that the motion clips drive: its joints, its bones, and where its keypoints sit.

Dimensions are those of pybullet_data/humanoid/humanoid.urdf, which is drawn four times too large and with y up. Here
everything is in metres and z is up: in the rest pose, with the arms hanging, x points forward, y to the person's
left, and every joint's frame is turned like the world's.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pybullet_data

from geometry import FloatArray, InputError

HUMANOID_URDF = Path(pybullet_data.getDataPath()) / "humanoid" / "humanoid.urdf"
URDF_SCALE = 0.25
"""Metres to a unit of the URDF: what the clips were recorded for, and Bullet's `globalScaling`."""
UP_FROM_FILE: FloatArray = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Rotation from the files' axes (x forward, y up, z right) to ours (x forward, y left, z up)."""

JOINTS = (
    "pelvis", "spine", "neck",
    *(f"left_{limb}" for limb in ("shoulder", "elbow", "hip", "knee", "ankle")),
    *(f"right_{limb}" for limb in ("shoulder", "elbow", "hip", "knee", "ankle")),
)  # fmt: skip
"""What turns, parents first; the pelvis is the root."""

KEYPOINTS = (
    "pelvis", "spine", "neck", "head",
    *(f"left_{limb}" for limb in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")),
    *(f"right_{limb}" for limb in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")),
)  # fmt: skip
"""What is seen: the joints, the middle of the skull, the wrists, and the middle of the foot's front edge."""

_LINK = {"pelvis": "root", "spine": "chest"}
"""The URDF's own names where they differ."""


@dataclass(frozen=True, eq=False)
class HumanoidBody:
    """The tree of joints, and the keypoints on it. Arrays are shared: do not alter them."""

    parents: tuple[int, ...]
    """Row in `JOINTS` of each joint's parent; -1 for the pelvis."""
    offsets_m: FloatArray
    """(13, 3) each joint's origin in its parent's frame; zeros for the pelvis."""
    carriers: tuple[int, ...]
    """Row in `JOINTS` of the joint that carries each keypoint."""
    points_m: FloatArray
    """(18, 3) each keypoint in its carrier's frame."""


@lru_cache(maxsize=1)
def humanoid_body() -> HumanoidBody:
    """The body, read from the URDF.

    Raises:
        InputError: if pybullet_data's URDF is not the one that the clips were made for.
    """
    robot = humanoid_urdf()
    joints = {joint.get("name", ""): joint for joint in robot.iter("joint")}
    links = {link.get("name", ""): link for link in robot.iter("link")}
    wanted = {_LINK.get(name, name) for name in (*JOINTS, "left_wrist", "right_wrist")}
    if not wanted <= joints.keys():
        raise InputError(
            str(HUMANOID_URDF), expected="the humanoid's joints", got=f"no {sorted(wanted - joints.keys())}"
        )
    parents, offsets = [], []
    for name in JOINTS:
        joint = joints[_LINK.get(name, name)]
        parent = joint.find("parent")
        link = "" if parent is None else parent.get("link", "")
        parents.append(next((row for row, other in enumerate(JOINTS) if _LINK.get(other, other) == link), -1))
        offsets.append(_vector(joint))
    carriers, points = zip(*(_keypoint(name, joints, links) for name in KEYPOINTS), strict=True)
    scale = URDF_SCALE * UP_FROM_FILE.T
    return HumanoidBody(tuple(parents), np.array(offsets) @ scale, carriers, np.array(points) @ scale)


def humanoid_urdf() -> ET.Element:
    """The URDF's `robot` element, read anew."""
    return ET.fromstring(HUMANOID_URDF.read_text(encoding="utf-8").rstrip("\0"))  # the file ends with a zero byte


def _keypoint(name: str, joints: Mapping[str, ET.Element], links: Mapping[str, ET.Element]) -> tuple[int, FloatArray]:
    """The joint that carries a keypoint, and the place in its frame, in the URDF's units and axes."""
    side = name.split("_")[0]
    if name == "head":
        return JOINTS.index("neck"), _vector(links["neck"].find("collision"))
    if name.endswith("wrist"):
        return JOINTS.index(f"{side}_elbow"), _vector(joints[name])
    if name.endswith("toe"):
        foot = links[f"{side}_ankle"].find("collision")
        box = None if foot is None else foot.find("geometry/box")
        length = float("nan") if box is None else float(box.get("size", "nan").split()[0])
        return JOINTS.index(f"{side}_ankle"), _vector(foot) + (0.5 * length, 0.0, 0.0)
    return JOINTS.index(name), np.zeros(3)


def _vector(element: ET.Element | None) -> FloatArray:
    """The `xyz` of an element's origin."""
    origin = None if element is None else element.find("origin")
    text = "" if origin is None else origin.get("xyz", "")
    return np.array(text.split() or (0.0, 0.0, 0.0), dtype=np.float64)
