"""What may keep a frame from becoming grasps, as a result and never a crash: a kind and one line for a person."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ProblemKind(Enum):
    """Why there are no grasps."""

    NO_FRAME = "no frame"
    """The camera is silent, or its frames are too old."""
    BAD_FRAME = "bad frame"
    """The image, cloud or camera information makes no sense."""
    NO_TRANSFORM = "no transform"
    """Where the camera stood is not known."""
    BAD_TARGET = "bad target"
    """What shall be grasped makes no sense."""
    NO_GRASP = "no grasp"
    """All is well, but nothing was found."""
    INACTIVE = "inactive"
    """The node is not active."""
    DEFECT = "defect"
    """The planner failed in a way that it should not."""


@dataclass(frozen=True)
class Problem:
    """One reason, for diagnostics, for the log and for whoever asked."""

    kind: ProblemKind
    """What sort of reason."""
    text: str
    """One line."""

    def __str__(self) -> str:
        return self.text
