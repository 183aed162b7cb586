"""The node `grasp_detector`: depth images or clouds in, ranked grasps out, by topic and on request."""

from __future__ import annotations

import time
from typing import Any

from moveit_msgs.srv import GraspPlanning
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D

from geometry import InputError
from perception.grasping import Grasps
from ros_nodes.camera_input.frame_watch import age_problem
from ros_nodes.frames import Frames, Lookup
from ros_nodes.grasp_detector.camera_frames import CameraFrame
from ros_nodes.grasp_detector.camera_intake import CameraIntake
from ros_nodes.grasp_detector.condition import Condition
from ros_nodes.grasp_detector.finding import GraspFinder, GraspPlanner, check_weights, load_finder
from ros_nodes.grasp_detector.frame_work import FrameWork, NodeParts
from ros_nodes.grasp_detector.grasp_output import GraspOutput
from ros_nodes.grasp_detector.planning_answers import error_code, target_of
from ros_nodes.grasp_detector.problems import Problem, ProblemKind
from ros_nodes.grasp_detector.settings import GraspDetectorSettings
from ros_nodes.grasp_detector.targets import TargetMemory
from ros_nodes.grasp_detector.wishes import Answer, Wishes
from ros_nodes.lifecycle import ManagedNode
from ros_nodes.messages.grasps import grasp_messages
from ros_nodes.messages.images import mask_from_image
from ros_nodes.messages.stamps import header_at, seconds_of
from ros_nodes.newest import NewestWorker
from ros_nodes.qos import COMMAND
from ros_nodes.running import run_node
from ros_nodes.steady_timer import steady_timer

_CHECK_S = 0.5
_INACTIVE = Problem(ProblemKind.INACTIVE, "grasp_detector is not active; see its lifecycle state and diagnostics")
_AT_ACTIVATION = (
    "input", "weights", "device", "threads", "finger_depth_m", "finger_thickness_m", "finger_breadth_m"
)  # fmt: skip


class GraspDetectorNode(ManagedNode[GraspDetectorSettings]):
    """See docs/ros2.md for topics, services and parameters.

    Args:
        planner: finds grasps in place of the learned detector; see `GraspPlanner`.
        node_options: for rclpy's node.
    """

    def __init__(self, *, planner: GraspPlanner | None = None, **node_options: Any) -> None:
        super().__init__("grasp_detector", GraspDetectorSettings, **node_options)
        self._planner = planner
        self._wishes = Wishes()
        self._targets = TargetMemory(self.parameters.current.target_max_age_s)
        self._condition = Condition(self.health)
        self._endpoints: list[Any] = []
        self._frames: Frames | None = None
        self._output: GraspOutput | None = None
        self._intake: CameraIntake | None = None
        self._work: FrameWork | None = None
        self._worker: NewestWorker[CameraFrame] | None = None
        self._timer: Any = None
        self._newest: CameraFrame | None = None
        self._late = 0
        self.parameters.on_change(self._changed)

    def configure(self) -> None:
        """Check the weights' files; make publishers, the service and TF's listener."""
        if self._planner is None:
            check_weights(self.parameters.current.weights_file)
        self._output = GraspOutput(self)
        self._frames = Frames(self)
        self._endpoints = [
            self.create_service(
                GraspPlanning, "~/plan_grasps", self._plan_grasps, callback_group=ReentrantCallbackGroup()
            )
        ]

    def activate(self) -> None:
        """Load the network, and listen to the camera."""
        assert self._output is not None
        settings = self.parameters.current
        node = NodeParts(
            settings=lambda: self.parameters.current,
            where_is=self._where_is,
            now_ns=lambda: int(self.get_clock().now().nanoseconds),
            output=self._output,
            condition=self._condition,
        )
        self._late, self._newest = 0, None
        self._work = FrameWork(self._load(settings), self._targets, self._wishes, node)
        self._worker = NewestWorker(self._detect, "grasp_detector", on_error=self._defect)
        group = MutuallyExclusiveCallbackGroup()
        self._endpoints += [
            self.create_subscription(Detection2D, "target/box", self._take_box, COMMAND, callback_group=group),
            self.create_subscription(Image, "target/mask", self._take_mask, COMMAND, callback_group=group),
        ]
        self._intake = CameraIntake(self, settings.input, on_frame=self._take_frame, on_jump=self._clock_jumped)
        self._timer = steady_timer(self, _CHECK_S, self._check_camera, group)

    def deactivate(self) -> None:
        """Refuse who waits, stop listening, end the thread, free the network."""
        self._wishes.refuse_all(_INACTIVE)
        if self._timer is not None:
            self.destroy_timer(self._timer)
        if self._intake is not None:
            self._intake.close()
        for subscription in self._endpoints[1:]:
            self.destroy_subscription(subscription)
        self._endpoints = self._endpoints[:1]
        if self._worker is not None:
            self._worker.close()
        self._timer = self._intake = self._worker = self._work = self._newest = None
        self._targets.clear()

    def cleanup(self) -> None:
        """Take away what `configure` made."""
        for service in self._endpoints:
            self.destroy_service(service)
        if self._output is not None:
            self._output.close()
        if self._frames is not None:
            self._frames.close()
        self._endpoints, self._output, self._frames = [], None, None

    def _load(self, settings: GraspDetectorSettings) -> GraspFinder:
        if self._planner is not None:
            return GraspFinder(self._planner, gripper=settings.gripper, threads=settings.threads)
        return load_finder(
            settings.weights_file, device=settings.device, gripper=settings.gripper, threads=settings.threads
        )

    def _where_is(self, frame_id: str, stamp: Any) -> Lookup:
        frames, settings = self._frames, self.parameters.current
        if frames is None:
            return Lookup(None, _INACTIVE.text)
        return frames.lookup(settings.world_frame, frame_id, stamp, settings.tf_timeout_s)

    def _take_frame(self, frame: CameraFrame) -> None:
        """A whole frame came: hand it on where somebody wants it."""
        intake, worker, work, settings = self._intake, self._worker, self._work, self.parameters.current
        if intake is None or worker is None or work is None:
            return
        late = age_problem(frame.stamp_ns, self.get_clock().now().nanoseconds, settings.max_age_s)
        if late:
            work.refuse(frame, Problem(ProblemKind.NO_FRAME, late))
            return
        self._condition.frame_came()
        self._newest = frame
        if self._wishes.for_frame(frame.stamp_ns):
            worker.put(frame)
        elif settings.mode == "continuous" and intake.watch.may_take(time.monotonic(), settings.max_rate_hz):
            worker.put(frame)

    def _detect(self, frame: CameraFrame) -> None:
        """In the worker's thread."""
        intake, worker, work = self._intake, self._worker, self._work
        if intake is None or worker is None or work is None:
            return
        waited_s = time.perf_counter() - frame.arrived_s
        if intake.watch.is_stale(waited_s, 1e-3 * self.parameters.current.max_wait_ms) and frame is self._newest:
            self._late += 1
            return
        work.run(frame, dropped=worker.dropped + self._late, unmatched=intake.unmatched)

    def _defect(self, error: Exception) -> None:
        if not self.context.ok():  # the end of everything, in which nothing can be published any more
            return
        self._condition.failed(Problem(ProblemKind.DEFECT, f"{type(error).__name__}: {error}"))

    def _clock_jumped(self, now_ns: int) -> None:
        self.get_logger().warning("the clock went back: images and targets from before are forgotten")
        self._wishes.clock_jumped(now_ns)
        self._targets.clear()
        self._newest = None

    def _check_camera(self) -> None:
        intake, work = self._intake, self._work
        if intake is None or work is None:
            return
        silent = intake.silence(self.parameters.current.silence_s)
        if silent is None:
            return
        self._condition.failed(silent)
        if self._newest is not None:  # what was seen may long be gone
            work.refuse(self._newest, silent)
            self._newest = None

    def _take_box(self, message: Detection2D) -> None:
        center, box = message.bbox.center.position, message.bbox
        try:
            self._targets.set_box(self._stamp_s(message.header), (center.x, center.y), (box.size_x, box.size_y))
        except InputError as error:
            self._condition.failed(Problem(ProblemKind.BAD_TARGET, str(error)))

    def _take_mask(self, message: Image) -> None:
        try:
            self._targets.set_mask(self._stamp_s(message.header), mask_from_image(message))
        except InputError as error:
            self._condition.failed(Problem(ProblemKind.BAD_TARGET, str(error)))

    def _stamp_s(self, header: Header) -> float:
        """A target's time; now where it has none."""
        return seconds_of(header.stamp) or seconds_of(self.get_clock().now())

    def _plan_grasps(self, request: Any, response: Any) -> Any:
        """Answer with grasps of a frame newer than the request; waits in this thread."""
        answer = self._answer(request)
        settings = self.parameters.current
        if len(answer.grasps):
            header = header_at(answer.stamp_ns, settings.world_frame)
            response.grasps = grasp_messages(answer.grasps, header, settings)
        response.error_code = error_code(answer.problem)
        answer.sent.set()
        return response

    def _answer(self, request: Any) -> Answer:
        settings = self.parameters.current
        try:
            target = target_of(request.target)
        except InputError as error:
            return Answer(Grasps(), problem=Problem(ProblemKind.BAD_TARGET, str(error)))
        if not self.active:
            return Answer(Grasps(), problem=_INACTIVE)
        now_ns = int(self.get_clock().now().nanoseconds)
        if settings.request_fresh:
            return self._wishes.ask(target, now_ns, settings.request_timeout_s, then=self._refuse_if_inactive)
        after_ns = now_ns - int(1e9 * settings.max_age_s)
        return self._wishes.ask(target, after_ns, settings.request_timeout_s, then=self._look_again)

    def _refuse_if_inactive(self) -> None:
        """For a request that came while the node was being deactivated."""
        if not self.active:
            self._wishes.refuse_all(_INACTIVE)

    def _look_again(self) -> None:
        """Search the newest frame once more, for a request that takes it."""
        self._refuse_if_inactive()
        frame, worker = self._newest, self._worker
        if frame is not None and worker is not None:
            worker.put(frame)

    def _changed(self, old: GraspDetectorSettings, new: GraspDetectorSettings) -> None:
        self._targets.max_age_s = new.target_max_age_s
        later = [name for name in _AT_ACTIVATION if getattr(old, name) != getattr(new, name)]
        if later and self.active:
            self.get_logger().info(f"takes effect at the next activation: {', '.join(later)}")


def main(args: list[str] | None = None) -> int:
    """Run the node until it is stopped."""
    return run_node(GraspDetectorNode, args)
