"""Demonstrations by a person at the keyboard or a gamepad, in a window of the simulator.

The window needs pygame (extra `teleop`). Names are loaded when they are first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policies.demonstrations.teleoperation.drive import Device, Drive, InputEvent, Request, action_of
    from policies.demonstrations.teleoperation.gamepad import Gamepad
    from policies.demonstrations.teleoperation.keyboard import Keyboard
    from policies.demonstrations.teleoperation.plan import teleoperation_plan
    from policies.demonstrations.teleoperation.session import Screen, SessionResult, SessionSettings, run_session
    from policies.demonstrations.teleoperation.window import Status, Window

__all__ = [
    "Device",
    "Drive",
    "Gamepad",
    "InputEvent",
    "Keyboard",
    "Request",
    "Screen",
    "SessionResult",
    "SessionSettings",
    "Status",
    "Window",
    "action_of",
    "run_session",
    "teleoperation_plan",
]

_ROOMS = {
    "Device": "drive",
    "Drive": "drive",
    "Gamepad": "gamepad",
    "InputEvent": "drive",
    "Keyboard": "keyboard",
    "Request": "drive",
    "Screen": "session",
    "SessionResult": "session",
    "SessionSettings": "session",
    "Status": "window",
    "Window": "window",
    "action_of": "drive",
    "run_session": "session",
    "teleoperation_plan": "plan",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
