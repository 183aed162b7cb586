"""How the detector is, told part by part: camera, transform, target, detection."""

from __future__ import annotations

from typing import Any

from ros_nodes.grasp_detector.problems import Problem, ProblemKind
from ros_nodes.health import Health

CAMERA, TRANSFORM, TARGET, DETECTION = "camera", "transform", "target", "detection"
_PART = {
    ProblemKind.NO_FRAME: CAMERA,
    ProblemKind.BAD_FRAME: CAMERA,
    ProblemKind.NO_TRANSFORM: TRANSFORM,
    ProblemKind.BAD_TARGET: TARGET,
    ProblemKind.NO_GRASP: DETECTION,
    ProblemKind.INACTIVE: DETECTION,
    ProblemKind.DEFECT: DETECTION,
}
_ORDER = (CAMERA, TRANSFORM, TARGET, DETECTION)


class Condition:
    """Diagnostics of the detector's parts. What comes before a part that fails is well.

    Args:
        health: of the node.
    """

    def __init__(self, health: Health) -> None:
        self._health = health
        self._without_frames = False

    def failed(self, problem: Problem, **values: Any) -> None:
        """A frame came to nothing, or none comes."""
        part = _PART[problem.kind]
        self._without_frames = problem.kind is ProblemKind.NO_FRAME
        if not self._without_frames:
            for before in _ORDER[: _ORDER.index(part)]:
                self._health.report_well(before, "well again")
        self._health.report(part, "warn" if part == TARGET else "error", problem.text, **values)

    def frame_came(self) -> None:
        """A frame came in time, whether anybody wants it or not."""
        if self._without_frames:
            self._without_frames = False
            self._health.report(CAMERA, "ok", "frames come again")

    def worked(self, message: str, *, target: str, **values: Any) -> None:
        """A frame was searched for grasps, with or without finding any.

        Args:
            message: what was found.
            target: what was to be grasped.
            values: figures for the diagnostics.
        """
        self._without_frames = False
        self._health.report(CAMERA, "ok", "frames come")
        self._health.report(TRANSFORM, "ok", "the camera's place is known")
        self._health.report(TARGET, "ok", target)
        self._health.report(DETECTION, "ok", message, **values)
