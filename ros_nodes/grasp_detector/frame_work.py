"""What is done with a frame, in the detector's own thread: look, find, answer, publish, take the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from geometry import InputError
from perception.grasping import DepthView, Grasps
from ros_nodes.grasp_detector.camera_frames import CameraFrame, WhereIs, look_of, point_in_world
from ros_nodes.grasp_detector.condition import Condition
from ros_nodes.grasp_detector.finding import Found, GraspFinder, Wanted
from ros_nodes.grasp_detector.grasp_output import GraspOutput
from ros_nodes.grasp_detector.problems import Problem, ProblemKind
from ros_nodes.grasp_detector.settings import GraspDetectorSettings
from ros_nodes.grasp_detector.targets import TargetMemory
from ros_nodes.grasp_detector.timings import Timings
from ros_nodes.grasp_detector.wishes import Answer, Wish, Wishes
from ros_nodes.messages.stamps import seconds_of

_ANSWER_FIRST_S = 0.02
"""Who asked waits with a robot; topics come after the answers, which Python's one lock would slow down otherwise."""


@dataclass(frozen=True, kw_only=True)
class NodeParts:
    """What the work needs of the node."""

    settings: Callable[[], GraspDetectorSettings]
    """The newest settings."""
    where_is: WhereIs
    """Asks TF for a frame's pose in the world."""
    now_ns: Callable[[], int]
    """The robot's clock."""
    output: GraspOutput
    """Where grasps go."""
    condition: Condition
    """Where problems and figures go."""


class FrameWork:
    """Turns frames into grasps, one at a time.

    Args:
        finder: finds them.
        targets: what topics want grasped.
        wishes: requests that wait for a frame.
        node: what is needed of the node.
    """

    def __init__(self, finder: GraspFinder, targets: TargetMemory, wishes: Wishes, node: NodeParts) -> None:
        self._finder, self._targets, self._wishes, self._node = finder, targets, wishes, node
        self._timings = Timings()
        self._image_ms = 0.0
        self.frames = 0
        """Frames that were searched."""

    def refuse(self, frame: CameraFrame, problem: Problem) -> None:
        """A frame comes to nothing: say so, show no grasps, and leave requests to the next."""
        self._wishes.not_by_this_frame(frame.stamp_ns, problem)
        empty = Grasps(frame=self._node.settings().world_frame, note=problem.text)
        self._node.output.publish(empty, frame.stamp)
        self._node.output.draw(empty, frame.stamp, self._node.settings().gripper)
        self._node.condition.failed(problem)

    def run(self, frame: CameraFrame, **counts: Any) -> None:
        """Search a frame, for everybody who wants something of it.

        Args:
            frame: as it came.
            counts: more figures for the diagnostics.
        """
        settings = self._node.settings()
        if settings.mode == "on_request" and not self._wishes.for_frame(frame.stamp_ns):
            return  # it came while another frame was searched, which gave the answer
        start_s = time.perf_counter()
        view = look_of(frame, self._node.where_is, settings.place, rectified=settings.rectified)
        if isinstance(view, Problem):
            self.refuse(frame, view)
            return
        # making an image of a cloud is a part of detecting in clouds, as in `GraspDetector.detect_cloud`
        self._image_ms = 1e3 * (time.perf_counter() - start_s) if frame.info is None else 0.0
        asked = self._wishes.for_frame(frame.stamp_ns)
        anything = [wish for wish in asked if wish.target is None]
        if anything or settings.mode == "continuous":
            self._search(frame, view, self._topics_target(frame, view), anything, counts)
        for wish in asked:
            if wish.target is not None:
                self._search(frame, view, point_in_world(wish.target, frame.stamp, self._node.where_is), [wish], counts)
        self._node.output.publish_cloud(view, settings.world_frame, frame.stamp)

    def _topics_target(self, frame: CameraFrame, view: DepthView) -> Any:
        """Mask, box, None for anything, or why the target cannot be."""
        target = self._targets.at(seconds_of(frame.stamp))
        try:
            return None if target is None else target.in_image(view.camera)
        except InputError as error:
            return Problem(ProblemKind.BAD_TARGET, str(error))

    def _search(
        self, frame: CameraFrame, view: DepthView, target: Any, wishes: Sequence[Wish], counts: dict[str, Any]
    ) -> None:
        """Find grasps on one target, answer, publish."""
        settings = self._node.settings()
        found = target if isinstance(target, Problem) else self._find(view, replace(settings.wanted, target=target))
        if isinstance(found, Problem):
            for wish in wishes:
                wish.answer(Answer(Grasps(note=found.text), frame.stamp_ns, found))
            self.refuse(frame, found)
            return
        grasps = replace(found.grasps, frame=settings.world_frame)
        nothing = None if len(grasps) else Problem(ProblemKind.NO_GRASP, grasps.note or "nothing to grasp was found")
        answers = [Answer(grasps, frame.stamp_ns, nothing) for _ in wishes]
        for wish, answer in zip(wishes, answers, strict=True):
            wish.answer(answer)
        for answer in answers:
            answer.sent.wait(_ANSWER_FIRST_S)
        self._node.output.publish(grasps, frame.stamp)
        self._tell(frame, found, counts)
        self._node.output.draw(grasps, frame.stamp, settings.gripper)

    def _find(self, view: DepthView, wanted: Wanted) -> Found | Problem:
        try:
            return self._finder.find(view, wanted)
        except InputError as error:
            return Problem(ProblemKind.BAD_FRAME if wanted.target is None else ProblemKind.BAD_TARGET, str(error))
        except Exception as error:  # of the network's own: the node goes on with the next frame
            line = " ".join(str(error).split())
            return Problem(ProblemKind.DEFECT, f"the planner failed: {type(error).__name__}: {line}")

    def _tell(self, frame: CameraFrame, found: Found, counts: dict[str, Any]) -> None:
        self.frames += 1
        whole_ms = 1e3 * (time.perf_counter() - frame.arrived_s)
        detection_ms = found.detection_ms + self._image_ms
        self._timings.add(
            detection=detection_ms,
            added=whole_ms - detection_ms,
            latency=1e-6 * (self._node.now_ns() - frame.stamp_ns),
        )
        count = len(found.grasps)
        best = f"{count} grasps, the best {found.grasps.scores[0]:.2f}" if count else f"no grasp: {found.grasps.note}"
        target = self._targets.state(seconds_of(frame.stamp))
        self._node.condition.worked(best, target=target, frames=self.frames, **counts, **self._timings.summary())
