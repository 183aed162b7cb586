"""What sensors tell, number by number, under the names that the environments give to their observations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from envs.manipulation.arm import ArmState
from envs.manipulation.props import PropState
from envs.manipulation.quaternion import two_columns

FINGERTIPS = "fingertips"
"""How goals call the hand."""
GOAL = "goal "
"""Stands before the name of a number of a goal; an achieved goal has the bare name."""
_AXES = "xyz"
Vec = Sequence[float]


class Snapshot(NamedTuple):
    """What is known at one moment, in the environment's world."""

    arm: ArmState
    """The arm."""
    objects: Mapping[str, PropState]
    """Things on the table, by the names that the task has for them."""
    goals: Mapping[str, Vec]
    """(3,) where each thing shall be, m, by its name."""
    constants: Mapping[str, float]
    """Numbers that no sensor tells and an operator vouches for, by their names."""
    joints_s: float | None = None
    """When the joints were measured, ROS time; None where it is now."""


def facts_of(seen: Snapshot) -> dict[str, float]:
    """Every number that can be told, by its name."""
    arm = seen.arm
    facts = {"gripper opening": arm.opening_m}
    facts |= _vector("hand position", arm.position) | _vector("hand velocity", arm.velocity)
    facts |= _rotation("hand", arm.quat_xyzw) | _vector(FINGERTIPS, arm.position)
    for number, (q, dq) in enumerate(zip(arm.q, arm.dq, strict=True), start=1):
        facts |= {f"joint {number}": q, f"joint {number} speed": dq}
    for name, thing in seen.objects.items():
        facts |= _vector(f"{name} position", thing.position) | _rotation(name, thing.quat_xyzw)
        facts |= _vector(f"{name} velocity", thing.velocity) | _vector(
            f"{name} angular velocity", thing.angular_velocity
        )
        offset = [p - h for p, h in zip(thing.position, arm.position, strict=True)]
        facts |= _vector(f"{name} from the hand", offset) | _vector(name, thing.position)
    for name, place in seen.goals.items():
        facts |= _vector(GOAL + name, place)
    return facts | dict(seen.constants)


def units_told(
    *, joints: bool, objects: Sequence[str], goals: Sequence[str], constants: Sequence[str]
) -> dict[str, str]:
    """The name and unit of every number that `facts_of` gives where these sources are there.

    Args:
        joints: whether the joint states are.
        objects: names of the things whose poses are told.
        goals: names of the things whose goals are told.
        constants: names of constants.
    """
    units: dict[str, str] = dict(_arm_units()) if joints else {}
    for name in objects:
        units |= dict.fromkeys((*_axes(f"{name} position"), *_axes(name)), "m")
        units |= dict.fromkeys((*_rotation(name, (0.0, 0.0, 0.0, 1.0)),), "-")
        units |= dict.fromkeys(_axes(f"{name} velocity"), "m/s")
        units |= dict.fromkeys(_axes(f"{name} angular velocity"), "rad/s")
        units |= dict.fromkeys(_axes(f"{name} from the hand"), "m") if joints else {}
    units |= dict.fromkeys((axis for name in goals for axis in _axes(GOAL + name)), "m")
    return units | dict.fromkeys(constants, "-")


def _arm_units() -> Iterator[tuple[str, str]]:
    yield "gripper opening", "m"
    for name, unit in (("hand position", "m"), ("hand velocity", "m/s"), (FINGERTIPS, "m")):
        yield from dict.fromkeys(_axes(name), unit).items()
    yield from dict.fromkeys(_rotation("hand", (0.0, 0.0, 0.0, 1.0)), "-").items()
    for number in range(1, 8):
        yield f"joint {number}", "rad"
        yield f"joint {number} speed", "rad/s"


def _axes(name: str) -> tuple[str, ...]:
    return tuple(f"{name} {axis}" for axis in _AXES)


def _vector(name: str, values: Vec) -> dict[str, float]:
    return dict(zip(_axes(name), map(float, values), strict=True))


def _rotation(name: str, quat_xyzw: Vec) -> dict[str, float]:
    """The first two columns of the rotation matrix, as `envs.manipulation.entries.rotation` names them."""
    names = (f"{name} R{row}{column}" for column in (0, 1) for row in range(3))
    return dict(zip(names, two_columns(quat_xyzw), strict=True))
