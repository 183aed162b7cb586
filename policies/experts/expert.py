"""What a scripted expert is: a feedback controller that plays a task from the simulator's true state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from envs.manipulation import HAND_STEP_M, YAW_STEP_RAD, ManipulationEnv
from geometry import InputError

Vec = Sequence[float]
OPEN, SHUT = 1.0, -1.0
_GAIN = 0.6
_YAW_GAIN = 0.6


class Expert(ABC):
    """Plays one task."""

    heights: float = 1.0
    """Factor on the heights at which it travels above things, for experts that do; whoever wants episodes that differ
    from each other sets it."""

    def reset(self, env: ManipulationEnv) -> None:  # noqa: B027 - most experts remember nothing
        """An episode has begun; nothing to do for an expert that looks at the present state only."""

    @abstractmethod
    def act(self, env: ManipulationEnv) -> NDArray[np.float32]:
        """The action for the state in which `env` (unwrapped) stands."""


def hand_action(
    env: ManipulationEnv, target_m: Vec, gripper: float, yaw_rad: float = 0.0, *, gain: float = _GAIN
) -> NDArray[np.float32]:
    """The action that heads for a point with a proportional law, in any action mode that moves the hand.

    Args:
        env: unwrapped.
        target_m: (3,) where the fingertips shall be.
        gripper: -1 closed to 1 open; left out where the fingers stay closed.
        yaw_rad: wanted angle about the vertical, in modes that turn.
        gain: share of the way that one step shall take.
    """
    arm = env.scene.arm
    action = [gain * (t - p) / HAND_STEP_M for t, p in zip(target_m, arm.state.position, strict=True)]
    largest = max(1.0, *map(abs, action))
    action = [a / largest for a in action]
    name = type(env.mode).__name__
    if name not in ("HandPosition", "HandPositionYaw", "HandPose"):
        raise InputError("expert", expected="an action mode that moves the hand", got=name)
    if name != "HandPosition":
        turn = (yaw_rad - arm.yaw() + np.pi / 2) % np.pi - np.pi / 2
        share = float(np.clip(_YAW_GAIN * turn / YAW_STEP_RAD, -1.0, 1.0))
        action += [share] if name == "HandPositionYaw" else [0.0, 0.0, share]
    if not env.task.closed:
        action.append(gripper)
    return np.clip(action, -1.0, 1.0).astype(np.float32)
