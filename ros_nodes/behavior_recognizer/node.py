"""The node `behavior_recognizer`: images or keypoints of people in, what they do and why out."""

from __future__ import annotations

import time
from typing import Any

from geometry import InputError
from perception.behavior.reasoning import RuleBook
from ros_nodes.behavior_recognizer.behavior_output import BehaviorOutput
from ros_nodes.behavior_recognizer.live_watch import LiveWatch, Watched
from ros_nodes.behavior_recognizer.people_input import PeopleInput, PeopleMessages
from ros_nodes.behavior_recognizer.people_reading import PeopleReading
from ros_nodes.behavior_recognizer.pose_networks import pose_network
from ros_nodes.behavior_recognizer.pushed_images import PoseNetwork, PoseReader
from ros_nodes.behavior_recognizer.settings import BehaviorRecognizerSettings
from ros_nodes.camera_input.frame_watch import age_problem
from ros_nodes.lifecycle import ManagedNode
from ros_nodes.newest import NewestWorker
from ros_nodes.running import run_node
from ros_nodes.steady_timer import steady_timer

_CHECK_S = 0.5
_INPUT, _WATCHING = "input", "watching"


class BehaviorRecognizerNode(ManagedNode[BehaviorRecognizerSettings]):
    """See docs/ros2.md for topics and parameters.

    Args:
        network: finds people in images in place of MediaPipe.
        node_options: for rclpy's node.
    """

    def __init__(self, *, network: PoseNetwork | None = None, **node_options: Any) -> None:
        super().__init__("behavior_recognizer", BehaviorRecognizerSettings, **node_options)
        self._network = network
        self._output: BehaviorOutput | None = None
        self._input: PeopleInput | None = None
        self._reading: PeopleReading | None = None
        self._watch: LiveWatch | None = None
        self._worker: NewestWorker[PeopleMessages] | None = None
        self._timer: Any = None
        self._frames = 0
        self._restarted = ""

    def configure(self) -> None:
        """Check the rules; make publishers."""
        self._rule_book()
        self._output = BehaviorOutput(self)

    def activate(self) -> None:
        """Load the networks, begin to watch, and listen."""
        settings = self.parameters.current
        self._frames, self._restarted = 0, ""
        self._watch = LiveWatch(
            rules=self._rule_book(), settings=settings.watching, rate_hz=settings.rate_hz, lag_s=settings.lag_s
        )
        network = self._network or pose_network(settings)
        self._reading = PeopleReading(settings, PoseReader(network) if settings.input == "image" else None)
        self._worker = NewestWorker(self._look, "behavior_recognizer", on_error=self._defect)
        self._input = PeopleInput(self, settings, self._take)
        self._timer = steady_timer(self, _CHECK_S, self._check_input)

    def deactivate(self) -> None:
        """Stop listening, settle what is open, free the networks."""
        if self._timer is not None:
            self.destroy_timer(self._timer)
        if self._input is not None:
            self._input.close()
        if self._worker is not None:
            self._worker.close()
        if self._watch is not None and self._output is not None and self.context.ok():
            self._output.publish_segments(self._watch.finish())
        if self._reading is not None:
            self._reading.close()
        self._timer = self._input = self._worker = self._watch = self._reading = None

    def cleanup(self) -> None:
        """Take away what `configure` made."""
        if self._output is not None:
            self._output.close()
        self._output = None

    def _rule_book(self) -> RuleBook | None:
        file = self.parameters.current.rules_file
        return None if file is None else RuleBook.from_yaml(file)

    def _take(self, messages: PeopleMessages) -> None:
        """All messages of a moment came."""
        worker, settings = self._worker, self.parameters.current
        late = age_problem(messages.stamp_ns, self.get_clock().now().nanoseconds, settings.max_age_s)
        if late:
            self.health.report(_INPUT, "error", late)
        elif worker is not None:
            worker.put(messages)

    def _look(self, messages: PeopleMessages) -> None:
        """In the worker's thread: read, watch, publish."""
        reading, watch, output, settings = self._reading, self._watch, self._output, self.parameters.current
        if reading is None or watch is None or output is None:
            return
        try:
            watched = watch.update(reading.read(messages))
        except InputError as error:
            self.health.report(_INPUT, "error", str(error))
            return
        if watched is None:
            return
        output.publish(watched, messages.header)
        self._tell(messages, watched, reading.remark)
        output.draw(watched, messages.header, line_m=settings.line_width_m, text_m=settings.text_height_m)

    def _tell(self, messages: PeopleMessages, watched: Watched, remark: str) -> None:
        worker, watch = self._worker, self._watch
        if worker is None or watch is None:
            return
        self._frames += 1
        if watched.restarted:
            self._restarted = watched.restarted
            self.get_logger().info(f"watching begins anew: {watched.restarted}")
        self.health.report(_INPUT, "warn" if remark else "ok", remark or "frames come")
        self.health.report(
            _WATCHING,
            "ok",
            f"{len(watched.doing)} in view",
            frames=self._frames,
            dropped=worker.dropped,
            repeated=watch.repeated,
            restarts=watch.restarts,
            last_restart=self._restarted,
            processing_ms=1e3 * (time.perf_counter() - messages.arrived_s),
            latency_ms=1e-6 * (self.get_clock().now().nanoseconds - messages.stamp_ns),
        )

    def _defect(self, error: Exception) -> None:
        if self.context.ok():
            self.health.report(_WATCHING, "error", f"{type(error).__name__}: {' '.join(str(error).split())}")

    def _check_input(self) -> None:
        source = self._input
        problem = "" if source is None else source.problem(self.parameters.current.silence_s)
        if problem:
            self.health.report(_INPUT, "error", problem)


def main(args: list[str] | None = None) -> int:
    """Run the node until it is stopped."""
    return run_node(BehaviorRecognizerNode, args)
