"""A table with named things on it: tasks that a person can show and a robot can do.

The physics is in `envs.workbench.bench`, which is imported by its own name, for it brings the simulator with it.
"""

from envs.workbench.goals import Outcome
from envs.workbench.moves import TABLE, TAKER, HandTo, Move, Pick, PourOut, PushTo, Put, signature_of
from envs.workbench.task import BenchScene, WorkbenchTask
from envs.workbench.tasks import TASKS
from envs.workbench.thing import Layout, Thing

__all__ = [
    "TABLE",
    "TAKER",
    "TASKS",
    "BenchScene",
    "HandTo",
    "Layout",
    "Move",
    "Outcome",
    "Pick",
    "PourOut",
    "PushTo",
    "Put",
    "Thing",
    "WorkbenchTask",
    "signature_of",
]
