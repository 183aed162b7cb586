"""What the guard may find wrong, in words that diagnostics, logs and action results repeat."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Cause(Enum):
    """Why a command was refused or the arm was stopped; the value is what people read."""

    MALFORMED = "malformed command"
    NOT_FINITE = "not a finite number"
    WRONG_JOINTS = "wrong joints"
    TIMES = "times do not increase"
    START_TIME = "start time"
    TOO_LONG = "lasts too long"
    START_JUMP = "does not start where the arm is"
    POSITION = "joint limit"
    VELOCITY = "velocity limit"
    ACCELERATION = "acceleration limit"
    WORKSPACE = "workspace limit"
    TIP_SPEED = "tip speed limit"
    BUSY = "busy"
    UNKNOWN_ARM = "arm unknown"
    STALE = "joint states stale"
    TRACKING = "arm does not follow"
    OVERDUE = "controller overdue"
    CONTROLLER = "controller gone"
    REJECTED = "controller rejected the goal"
    HEARTBEAT = "heartbeat lost"
    DEADMAN = "deadman not held"
    STREAM = "refused points in a row"
    STOPPED = "stopped"
    REQUESTED = "stop requested"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        cause: the kind, which reset and the action's error code go by.
        detail: names, numbers, units and limits, in one line.
    """

    cause: Cause
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.cause.value}: {self.detail}" if self.detail else self.cause.value
