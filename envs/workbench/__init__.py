"""A table with named things on it: tasks that a person can show and a robot can do.

What brings the simulator with it (`Workbench` and what belongs to it) is imported when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from envs.workbench.goals import Outcome
from envs.workbench.layouts import Room, scatter
from envs.workbench.moves import TABLE, TAKER, HandTo, Move, Pick, PourOut, PushTo, Put, signature_of
from envs.workbench.task import BenchScene, WorkbenchTask
from envs.workbench.tasks import TASKS
from envs.workbench.thing import Category, Layout, Thing

if TYPE_CHECKING:
    from envs.workbench.bench import LOOK_Q, BenchView, DepthNoise, Workbench
    from envs.workbench.bodies import add_thing

__all__ = [
    "LOOK_Q",
    "TABLE",
    "TAKER",
    "TASKS",
    "BenchScene",
    "BenchView",
    "Category",
    "DepthNoise",
    "HandTo",
    "Layout",
    "Move",
    "Outcome",
    "Pick",
    "PourOut",
    "PushTo",
    "Put",
    "Room",
    "Thing",
    "Workbench",
    "WorkbenchTask",
    "add_thing",
    "scatter",
    "signature_of",
]

_ROOMS = {"LOOK_Q": "bench", "BenchView": "bench", "DepthNoise": "bench", "Workbench": "bench", "add_thing": "bodies"}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
