"""An arm from its URDF, as a robot's driver publishes it: the chain of joints between two links."""

from __future__ import annotations

from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from envs.arms.capsules import LinkCapsule
from envs.arms.limits import CartesianLimits, JointLimits
from envs.arms.model import ArmModel
from geometry import PANDA_HAND, FloatArray, GripperSpec, InputError, invert, transform

_TURNS = ("revolute", "continuous")
_FULL_TURN = 2.0 * np.pi


class _Joint(NamedTuple):
    name: str
    kind: str
    parent: str
    T_parent_joint: FloatArray
    axis: FloatArray
    limit: dict[str, float]


def arm_from_urdf(
    urdf: str,
    *,
    base_link: str,
    tip_link: str,
    T_tip_grasp: ArrayLike,
    home_q: ArrayLike,
    acceleration: ArrayLike,
    jerk: ArrayLike,
    velocity: ArrayLike | None = None,
    gripper: GripperSpec = PANDA_HAND,
    hand: CartesianLimits | None = None,
    link_capsules: tuple[LinkCapsule, ...] = (),
    link_radius_m: float = 0.07,
    name: str | None = None,
) -> ArmModel:
    """The chain from `base_link` to `tip_link` of a URDF.

    Args:
        urdf: its text.
        base_link: link in whose frame postures are planned.
        tip_link: link that the hand is fixed to.
        T_tip_grasp: (4, 4) pose of the grasp frame in that link.
        home_q: (n,) rad.
        acceleration: largest joint accelerations, rad/s^2, one number or one a joint; a URDF does not tell them.
        jerk: largest jerks, rad/s^3, in the same way.
        velocity: largest speeds, rad/s, where they shall be below the URDF's.
        gripper: the hand's shape.
        hand: limits of the hand's motion.
        link_capsules: where the links are; empty draws them along the lines between the joints.
        link_radius_m: of those.
        name: for messages; the robot's name by default.
    Raises:
        InputError: if it is no URDF, a link is missing, or a joint between them moves otherwise than by turning.
    """
    joints = _joints(urdf)
    chain = _chain(joints, base_link, tip_link)
    origins, names, limits = [], [], []
    T = np.eye(4)
    for joint in chain:
        T = T @ joint.T_parent_joint
        if joint.kind == "fixed":
            continue
        if joint.kind not in _TURNS:
            raise InputError(f"joint {joint.name}", expected="a joint that turns or is fixed", got=joint.kind)
        to_axis = _z_along(joint.axis)
        origins.append(T @ to_axis)
        names.append(joint.name)
        limits.append(_bounds(joint))
        T = invert(to_axis)
    if not names:
        raise InputError("URDF", expected=f"joints between {base_link} and {tip_link}", got="none that turns")
    lower, upper, speed, torque = np.transpose(limits)
    if velocity is not None:
        speed = np.minimum(speed, velocity)
    n = len(names)
    rates = [tuple(np.broadcast_to(np.asarray(each, dtype=np.float64), n).tolist()) for each in (acceleration, jerk)]
    return ArmModel(
        name=name or ElementTree.fromstring(urdf).get("name") or "arm",
        joint_names=tuple(names),
        origins=np.stack(origins),
        T_last_grasp=T @ np.asarray(T_tip_grasp, dtype=np.float64),
        limits=JointLimits(
            lower_rad=tuple(lower.tolist()),
            upper_rad=tuple(upper.tolist()),
            velocity=tuple(speed.tolist()),
            acceleration=rates[0],
            jerk=rates[1],
            torque_nm=tuple(torque.tolist()),
        ),
        home_q=np.asarray(home_q, dtype=np.float64),
        hand=hand or CartesianLimits(),
        gripper=gripper,
        capsules=link_capsules,
        link_radius_m=link_radius_m,
    )


def _joints(urdf: str) -> dict[str, _Joint]:
    """Every joint by the link that it carries."""
    try:
        robot = ElementTree.fromstring(urdf)
    except ElementTree.ParseError as error:
        raise InputError("URDF", expected="XML", got=str(error)) from None
    found = {}
    for joint in robot.iter("joint"):
        parent, child = joint.find("parent"), joint.find("child")
        if parent is None or child is None:
            continue  # a joint of a <transmission> or <ros2_control> block
        origin, axis, limit = joint.find("origin"), joint.find("axis"), joint.find("limit")
        rpy = _numbers(None if origin is None else origin.get("rpy"), "0 0 0")
        xyz = _numbers(None if origin is None else origin.get("xyz"), "0 0 0")
        found[child.get("link", "")] = _Joint(
            joint.get("name", ""),
            joint.get("type", ""),
            parent.get("link", ""),
            transform(Rotation.from_euler("xyz", rpy), xyz),
            _numbers(None if axis is None else axis.get("xyz"), "1 0 0"),
            {} if limit is None else {key: float(value) for key, value in limit.attrib.items()},
        )
    return found


def _chain(joints: dict[str, _Joint], base_link: str, tip_link: str) -> list[_Joint]:
    chain: list[_Joint] = []
    link = tip_link
    while link != base_link:
        if link not in joints or len(chain) > len(joints):
            known = ", ".join(sorted({*joints, *(joint.parent for joint in joints.values())})) or "none"
            expected = f"{tip_link} somewhere beyond {base_link}"
            raise InputError("URDF", expected=expected, got=f"links {known}", remedy="set base_frame and tip_frame")
        chain.append(joints[link])
        link = joints[link].parent
    return chain[::-1]


def _bounds(joint: _Joint) -> tuple[float, float, float, float]:
    """Lower, upper, speed, torque."""
    limit = joint.limit
    if limit.get("velocity", 0.0) <= 0.0:
        raise InputError(f"joint {joint.name}", expected="a limit with a velocity above 0", got=f"{limit}")
    endless = joint.kind == "continuous" or "lower" not in limit
    lower, upper = (-_FULL_TURN, _FULL_TURN) if endless else (limit["lower"], limit["upper"])
    return lower, upper, limit["velocity"], limit.get("effort", 0.0) or 1.0


def _z_along(axis: FloatArray) -> FloatArray:
    """(4, 4) a turn after which z is the joint's axis."""
    length = np.linalg.norm(axis)
    if length < 1e-9:
        raise InputError("URDF", expected="an axis", got=f"{axis.tolist()}")
    unit = axis / length
    if np.allclose(unit, (0.0, 0.0, 1.0), atol=1e-12):
        return np.eye(4)
    return transform(Rotation.align_vectors([unit], [[0.0, 0.0, 1.0]])[0])


def _numbers(text: str | None, default: str) -> FloatArray:
    return np.array([float(part) for part in (text or default).split()])
