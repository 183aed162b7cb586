"""What a person wants of the hand at this moment, whatever is in their hands, and the action that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from geometry import InputError

OPEN, SHUT = 1.0, -1.0


class InputEvent(NamedTuple):
    """One thing that a key, a stick or the window did."""

    control: str
    """Name of the key ("w", "space"), of the gamepad's part ("pad left x", "pad a"), or one of `CLOSED`, `LEFT`."""
    value: float
    """1 pressed, 0 released; of a stick -1 to 1, of a trigger 0 to 1."""


CLOSED, LEFT = "window closed", "window left"
"""The window is to close; the window no longer gets the keys, so none counts as held."""


class Request(Enum):
    """What a person may ask for beside motion."""

    NOTHING = "nothing"
    SAVE = "save"
    """Keep this episode; the next begins."""
    DISCARD = "discard"
    """Forget it, and begin the same scene again."""
    STOP = "stop"
    """Enough."""


class Drive(NamedTuple):
    """Wanted motion, as shares of the largest, seen from the front of the table, where the camera stands."""

    right: float = 0.0
    """To the right in the picture: world +y."""
    away: float = 0.0
    """Away from the camera, towards the robot: world -x."""
    up: float = 0.0
    """World +z."""
    turn: float = 0.0
    """Anticlockwise about the vertical, seen from above."""
    shut: bool = False
    """Whether the fingers shall be closed."""


class Device(Protocol):
    """Something to drive with; a value, which never changes."""

    @property
    def drive(self) -> Drive:
        """What is wanted as things are held."""

    @property
    def legend(self) -> Sequence[tuple[str, str]]:
        """What does what."""

    def after(self, events: Sequence[InputEvent]) -> tuple[Device, Request]:
        """The device when these events have happened, and what they asked for."""

    def renewed(self) -> Device:
        """As it is when an episode begins: fingers open; what is held stays held."""


def action_of(drive: Drive, names: Sequence[str], speed: float) -> NDArray[np.float32]:
    """(A,) the action of an environment in a mode that moves the hand.

    Args:
        drive: what is wanted.
        names: of the actions' numbers, from `SetInfo.action_names`.
        speed: share of the largest motion that a full deflection asks for.

    Raises:
        InputError: if the action mode moves joints.
    """
    wanted = {
        "hand displacement x": -drive.away * speed,
        "hand displacement y": drive.right * speed,
        "hand displacement z": drive.up * speed,
        "hand yaw": drive.turn * speed,
        "hand rotation x": 0.0,
        "hand rotation y": 0.0,
        "hand rotation z": drive.turn * speed,
    }
    fingers = SHUT if drive.shut else OPEN
    action = [fingers if name.startswith("gripper") else wanted.get(name, np.nan) for name in names]
    unknown = [name for name, number in zip(names, action, strict=True) if np.isnan(number)]
    if unknown:
        raise InputError(
            "teleoperation",
            expected="an action mode that moves the hand: position, position_yaw or pose",
            got=f"one with {unknown[0]!r}",
        )
    return np.clip(action, -1.0, 1.0).astype(np.float32)


def is_idle(drive: Drive, before: Drive) -> bool:
    """Whether nothing moves the hand, and the fingers are wanted as before."""
    return not (drive.right or drive.away or drive.up or drive.turn) and drive.shut == before.shut
