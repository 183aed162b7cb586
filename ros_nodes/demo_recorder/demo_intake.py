"""From messages, live or from a bag, to what the synchroniser keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.manipulation import CameraSettings
from geometry import InputError
from ros_nodes.demo_recorder.synchroniser import Synchroniser
from ros_nodes.messages.images import depth_from_image, rgb_from_image
from ros_nodes.messages.joints import trajectory_arrays
from ros_nodes.task_view.message_intake import FrameInBase, IntakeConfig, MessageIntake, stamp_or

SOURCES = ("joint_states", "objects", "goal", "goals", "action", "command", "rgb", "depth")
"""What may be recorded."""


@dataclass(frozen=True, kw_only=True)
class PictureConfig:
    """What becomes of images."""

    size: tuple[int, int] = (64, 64)
    """Height and width that they are brought to."""
    near_m: float = 0.2
    """Depth that becomes 1."""
    far_m: float = 1.5
    """Depth that becomes 255."""


class DemoIntake:
    """Understands the messages of each source, and hands them on.

    Args:
        synchroniser: takes what they say.
        config: see `MessageIntake`.
        action_names: (A,) what the numbers of an action are.
        pictures: what becomes of images.
        frame_in_base: see `MessageIntake`.
    """

    def __init__(
        self,
        synchroniser: Synchroniser,
        config: IntakeConfig,
        action_names: tuple[str, ...],
        pictures: PictureConfig,
        frame_in_base: FrameInBase,
    ) -> None:
        self._synchroniser, self._config, self._action_names = synchroniser, config, action_names
        self._pictures = pictures
        self._depths = CameraSettings(near_m=pictures.near_m, far_m=pictures.far_m)
        self._messages = MessageIntake(config, frame_in_base)
        self._readers: dict[str, Callable[[Any, float], Any]] = {
            "joint_states": self._messages.joints,
            "objects": self._messages.objects,
            "goal": lambda msg, received_s: self._messages.goal(msg),
            "goals": lambda msg, received_s: self._messages.goals(msg),
            "action": lambda msg, received_s: self._action(msg),
            "command": self._command,
            "rgb": lambda msg, received_s: self._rgb(msg),
            "depth": lambda msg, received_s: self._depth(msg),
        }

    def take(self, source: str, msg: Any, received_s: float) -> float | None:
        """Understand one message.

        Args:
            source: one of `SOURCES`.
            msg: rclpy's, or of the `rosbags` package.
            received_s: when it came.

        Returns:
            the moment that it tells of; None where it tells nothing yet.
        Raises:
            InputError: if it makes no sense.
        """
        value = self._readers[source](msg, received_s)
        if value is None:
            return None
        stamp_s = stamp_or(msg, received_s)
        self._synchroniser.push(source, stamp_s, value)
        return stamp_s

    def forget(self) -> None:
        """Drop everything, as after a jump of the clock."""
        self._synchroniser.forget()
        self._messages.forget()

    def _action(self, msg: Any) -> NDArray[np.float32]:
        """(A,) of named numbers in a JointState."""
        told = dict(zip(msg.name, msg.position, strict=False))
        missing = [name for name in self._action_names if not np.isfinite(told.get(name, np.nan))]
        if missing:
            raise InputError(
                "action", expected=f"finite numbers for {', '.join(missing)}", got=", ".join(told) or "none"
            )
        return np.array([told[name] for name in self._action_names], dtype=np.float32)

    def _command(self, msg: Any, received_s: float) -> tuple[float, Any]:
        """When a trajectory was sent, and where it ends."""
        _, q, _ = trajectory_arrays(msg, self._config.robot.joint_names)
        return stamp_or(msg, received_s), q[-1]

    def _rgb(self, msg: Any) -> NDArray[np.uint8]:
        """(3, h, w)."""
        return np.ascontiguousarray(_resized(rgb_from_image(msg), self._pictures.size).transpose(2, 0, 1))

    def _depth(self, msg: Any) -> NDArray[np.uint8]:
        """(1, h, w), 0 where there is no return."""
        return self._depths.depth_in_bytes(_resized(depth_from_image(msg), self._pictures.size))[None]


def _resized(image: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """The pixels (h, w, ...) that stand nearest to those of a smaller picture of the same whole."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(size, image.shape[:2], strict=True)
    )
    return image[rows][:, columns]
