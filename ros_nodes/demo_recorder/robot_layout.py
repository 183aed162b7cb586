"""Demonstrations of no task's environment: the robot's own numbers, things by name, and pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from envs.manipulation.action_modes import GRIPPER, HandPosition
from envs.manipulation.quaternion import two_columns
from geometry import FloatArray, InputError
from policies.demonstrations import SetInfo
from ros_nodes.demo_recorder.recorded_row import RecordedRow
from ros_nodes.demo_recorder.synchroniser import Sample
from ros_nodes.task_view.joints_seen import JointSpeeds, JointsSeen

_KEY = "observation"


@dataclass(frozen=True, kw_only=True)
class RobotLayoutConfig:
    """What rows hold."""

    rate_hz: float
    """Moments a second."""
    joints: int = 7
    """Of the arm."""
    objects: tuple[str, ...] = ()
    """Things whose poses are written, by name."""
    goal: str = ""
    """Name of the thing whose goal is written; empty for none."""
    images: tuple[str, ...] = ()
    """Some of "rgb" and "depth"."""
    image_size: tuple[int, int] = (64, 64)
    """Height and width that pictures are brought to."""


class RobotLayout:
    """Builds rows of joints, hand, gripper, things and pictures; actions are those of the mode "position".

    Args:
        config: what rows hold.
        hand_at: the grasp frame (4, 4) in the robot's base, at joint positions.
    """

    gripper = True
    """Actions tell the gripper."""

    def __init__(self, config: RobotLayoutConfig, hand_at: Callable[[FloatArray], FloatArray]) -> None:
        if unknown := set(config.images) - {"rgb", "depth"}:
            raise InputError("images", expected="some of rgb, depth", got=", ".join(sorted(unknown)))
        self._config, self._pose_at = config, hand_at
        self._speeds = JointSpeeds()
        goal = (config.goal,) if config.goal else ()
        self.sources: tuple[str, ...] = (
            "joint_states", *(("objects",) if config.objects else ()), *(("goal",) if goal else ()), *config.images
        )  # fmt: skip
        names = self._names()
        height, width = config.image_size
        pictures = {"rgb": (3, height, width), "depth": (1, height, width)}
        keys = {_KEY: (len(names),)} | {key: pictures[key] for key in config.images}
        actions = (*HandPosition.entries, GRIPPER)
        self.info = SetInfo(
            rate_hz=config.rate_hz,
            action_names=tuple(entry.name for entry in actions),
            action_low=tuple(entry.low for entry in actions),
            action_high=tuple(entry.high for entry in actions),
            observation_names={key: names if key == _KEY else () for key in keys},
            observation_shapes=keys,
            observation_dtypes={key: "float32" if key == _KEY else "uint8" for key in keys},
        )

    def begin(self) -> None:
        """An episode begins."""
        self._speeds.forget()

    def hand_at(self, q: FloatArray) -> FloatArray:
        """(3,) the grasp point in the robot's base, at joint positions."""
        return self._pose_at(q)[:3, 3]

    def row(self, sample: Sample) -> RecordedRow:
        """One moment.

        Raises:
            InputError: if a number is not told or not finite.
        """
        joints: JointsSeen = sample.values["joint_states"]
        speeds = self._speeds.of(joints.q, joints.dq, joints.time_s)
        T = self._pose_at(joints.q)
        hand = T[:3, 3]
        numbers = [*joints.q, *speeds, joints.opening_m, *hand, *T[:3, 0], *T[:3, 1]]
        objects = sample.values.get("objects", {})
        for name in self._config.objects:
            if name not in objects:
                raise InputError("objects", expected=name, got=", ".join(objects) or "none")
            numbers += [*objects[name].position, *two_columns(objects[name].quat_xyzw)]
        if self._config.goal:
            numbers += [*sample.values["goal"][self._config.goal]]
        vector = np.array(numbers, dtype=np.float32)
        if not np.isfinite(vector).all():
            bad = [name for name, number in zip(self._names(), vector, strict=True) if not np.isfinite(number)]
            raise InputError("observation", expected="finite numbers", got=f"none for {', '.join(bad)}")
        seen = {_KEY: vector} | {key: sample.values[key] for key in self._config.images}
        return RecordedRow(sample.time_s, seen, np.array(hand), joints.opening_m, joints.q, None)

    def _names(self) -> tuple[str, ...]:
        joints = range(1, self._config.joints + 1)
        names = [f"joint {n}" for n in joints] + [f"joint {n} speed" for n in joints] + ["gripper opening"]
        names += _pose_names("hand")
        for name in self._config.objects:
            names += _pose_names(name)
        return (*names, *([f"goal {self._config.goal} {axis}" for axis in "xyz"] if self._config.goal else []))


def _pose_names(name: str) -> Sequence[str]:
    columns = [f"{name} R{row}{column}" for column in (0, 1) for row in range(3)]
    return [f"{name} position {axis}" for axis in "xyz"] + columns
