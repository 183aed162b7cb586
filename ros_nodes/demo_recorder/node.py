"""`demo_recorder`: demonstrations on a robot, as a set that policies train on, and as bags.

In, as far as the layout needs them: `joint_states`, `objects`, `goal` or `goals`, `action` or `joint_trajectory`,
`color/image`, `depth/image`, TF. Services: `~/start`, `~/stop`, `~/discard` (Trigger), `~/success` (SetBool).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.serialization import deserialize_message
from std_srvs.srv import SetBool, Trigger

from envs.arms import ArmModel
from geometry import FloatArray, InputError
from policies.demonstrations import Episode
from ros_nodes.arm_source import ArmSource
from ros_nodes.demo_recorder.bag_session import BagSession
from ros_nodes.demo_recorder.core_of_settings import core_of_settings
from ros_nodes.demo_recorder.demo_core import DemoCore
from ros_nodes.demo_recorder.episode_store import EpisodeStore
from ros_nodes.demo_recorder.recorded_topics import RecordedTopic, topics_of, topics_of_bag
from ros_nodes.demo_recorder.settings import DemoRecorderSettings
from ros_nodes.demo_recorder.task_frame import with_task_frame
from ros_nodes.frames import Frames, Lookup
from ros_nodes.health import Health
from ros_nodes.parameters import declare_parameters
from ros_nodes.running import run_node
from ros_nodes.trigger_answers import answering
from ros_nodes.waiting import wait_until

_TF_S = 0.05
_BACK_S = 0.1
_LAST_MESSAGES_S = 2.0
_NS = 1e-9


class DemoRecorderNode(Node):
    """Records one episode after the other, each between `~/start` and `~/stop`.

    Args:
        node_options: rclpy's options for a node.
    """

    def __init__(self, **node_options: Any) -> None:
        super().__init__("demo_recorder", **node_options)
        self.parameters = declare_parameters(self, DemoRecorderSettings)
        self.health = Health(self)
        self._lock = threading.RLock()
        self._frames = Frames(self)
        self._core: DemoCore | None = None
        self._episode_store: EpisodeStore | None = None
        self._bags: BagSession | None = None
        self._problem = "robot_description: nothing yet"
        self._bag_name, self._last_ns = "", 0
        self._success: bool | None = None
        settings = self.parameters.current
        try:
            self._source = ArmSource(self, settings, self._on_arm, self._cannot)
        except InputError:
            self.destroy_node()
            raise
        group = ReentrantCallbackGroup()
        for name, job in (("start", self._start), ("stop", self._stop), ("discard", self._discard)):
            self.create_service(Trigger, f"~/{name}", answering(job), callback_group=group)
        self.create_service(SetBool, "~/success", self._on_success, callback_group=group)

    def wind_down(self) -> None:
        """Write the episode that is being recorded; called before the callbacks end."""
        with self._lock:
            if self._recording:
                self._end("the recorder was stopped")

    def destroy_node(self) -> None:
        """Finish what is open, and free everything."""
        self.wind_down()
        with self._lock:
            if self._bags is not None:
                self._bags.drop()
            self._core = self._bags = None
        self.health.close()
        self._frames.close()
        super().destroy_node()

    @property
    def _recording(self) -> bool:
        return self._core is not None and self._core.recording is not None

    def _cannot(self, why: str) -> None:
        self._problem = why
        self.health.report("recorder", "error", why)

    def _on_arm(self, arm: ArmModel) -> None:
        """The robot is known. Where TF tells the task's frame, it must be heard first."""
        settings = self.parameters.current
        with_task_frame(self, self._frames, settings, lambda T_base_task: self._begin(arm, T_base_task), self._cannot)

    def _begin(self, arm: ArmModel, T_base_task: FloatArray | None) -> None:
        """Open the set, and listen."""
        settings = self.parameters.current
        core, layout = core_of_settings(settings, arm, self._frame_in_base, T_base_task)
        store = EpisodeStore(Path(settings.folder).expanduser(), layout.info)
        topics = topics_of(core.sources)
        if settings.bag:
            topics += topics_of_bag(settings.bag_topics)
        named = {self.resolve_topic_name(topic.name): topic for topic in topics}
        with self._lock:
            self._core, self._episode_store, self._problem = core, store, ""
            self._bags = BagSession(store.folder / "bags", named) if settings.bag else None
        for name, topic in named.items():
            self.create_subscription(
                topic.kind, name, self._listener(name, topic), topic.qos,
                callback_group=MutuallyExclusiveCallbackGroup(), raw=True,
            )  # fmt: skip
        self.create_timer(0.5 / layout.info.rate_hz, self._on_timer, callback_group=MutuallyExclusiveCallbackGroup())
        self.health.report("recorder", "ok", f"idle; {store.count} episodes in {store.folder}")

    def _frame_in_base(self, frame: str, stamp: Any) -> Lookup:
        return self._frames.lookup(self.parameters.current.base_frame, frame, stamp, _TF_S)

    def _listener(self, name: str, topic: RecordedTopic) -> Callable[[bytes], None]:
        """For the serialised messages of a topic: as they are into the bag, and understood into the episode."""

        def take(data: bytes) -> None:
            received_ns = int(self.get_clock().now().nanoseconds)
            msg = deserialize_message(data, topic.kind) if topic.source else None
            with self._lock:
                if self._core is None:
                    return
                if self._bags is not None:
                    self._bags.hear(name, received_ns, bytes(data))
                if msg is None:
                    return
                try:
                    self._core.take(topic.source, msg, _NS * received_ns)
                except InputError as error:
                    self.health.report(topic.source, "error", str(error))
                    return
            self.health.report_well(topic.source)

        return take

    def _on_timer(self) -> None:
        now_ns = int(self.get_clock().now().nanoseconds)
        with self._lock:
            core, store, back = self._core, self._episode_store, now_ns < self._last_ns - int(_BACK_S / _NS)
            self._last_ns = now_ns
            if core is None or store is None:
                return
            if back:
                self._jumped()
                return
            ended = core.advance(_NS * now_ns)
            if self._recording and ended:
                self._say_ended(self._end(ended), ended)
                return
            self._report(core, store)

    def _report(self, core: DemoCore, store: EpisodeStore) -> None:
        bag_problem = "" if self._bags is None else self._bags.problem
        if bag_problem:
            self.health.report("bag", "error", bag_problem)
        if core.recording is not None:
            self.health.report("recorder", "ok", "recording", steps=core.recording.steps, episodes=store.count)
        elif store.waiting is None and self.health.level("recorder") != "warn":
            self.health.report("recorder", "ok", "idle", episodes=store.count)

    def _jumped(self) -> None:
        """The clock went back: what was heard belongs to another time."""
        assert self._core is not None
        if self._recording:
            self._say_ended(self._end("the clock went back"), "the clock went back")
        self._core.intake.forget()
        self.get_logger().warning("the clock went back: what was heard before is forgotten")

    def _say_ended(self, what: str, why: str) -> None:
        self.health.report("recorder", "warn", f"the episode ended by itself: {why}; {what}")

    def _start(self) -> str:
        now_ns = int(self.get_clock().now().nanoseconds)
        with self._lock:
            core, store = self._ready()
            if self._recording:
                raise InputError("start", expected="no running episode", got="one", remedy="stop or discard it")
            if store.waiting is not None:
                remedy = "make room and call ~/stop again, or ~/discard"
                raise InputError("start", expected="room on disk", got="an episode that waits", remedy=remedy)
            missing = core.missing(_NS * now_ns)
            if missing:
                raise InputError("start", expected="all sources", got="; ".join(missing))
            number, settings = store.next_number, self.parameters.current
            if self._bags is not None:
                self._bag_name = f"episode_{number:06d}"
                told = {"started_s": _NS * now_ns, "task": settings.task, "source": settings.source, "number": number}
                self._bags.begin(self._bag_name, now_ns, told)
            self._success = None
            core.start(_NS * now_ns)
            self.health.report("recorder", "ok", f"recording episode {number}")
            return f"recording episode {number}"

    def _ask_to_stop(self) -> None:
        """The episode ends here, but what tells of its last moments may still be on its way."""
        now_ns = int(self.get_clock().now().nanoseconds)
        with self._lock:
            core, _ = self._ready()
            if core.recording is None:
                return
            core.stop_at(_NS * now_ns)
            if self._bags is not None:
                self._bags.tell(now_ns, {"stopped_s": _NS * now_ns})
        wait_until(lambda: self._told_all(core), timeout_s=_LAST_MESSAGES_S)

    def _told_all(self, core: DemoCore) -> bool:
        with self._lock:
            return core.recording is None or core.complete(_NS * self.get_clock().now().nanoseconds)

    def _stop(self) -> str:
        self._ask_to_stop()
        with self._lock:
            _, store = self._ready()
            if self._recording:
                what = self._end("")
            elif store.waiting is not None:
                what = f"written: episode {store.retry()}"
            else:
                raise InputError("stop", expected="an episode that is being recorded, or waits", got="none")
            if store.waiting is not None:
                raise InputError("episode", expected="room on disk", got=what)
            self.health.report("recorder", "ok", f"idle; {what}")
            return what

    def _discard(self) -> str:
        with self._lock:
            core, store = self._ready()
            running = self._recording
            core.drop()
            if self._bags is not None:
                self._bags.drop()
                if store.waiting is not None:
                    self._bags.remove(self._bag_name)
            if not store.discard() and not running:
                raise InputError("discard", expected="an episode that is being recorded, or waits", got="none")
            self.health.report("recorder", "ok", "idle; the episode was discarded")
            return "discarded"

    def _end(self, why: str) -> str:
        """Finish the running episode and write it; in words what became of it."""
        assert self._core is not None and self._episode_store is not None
        now_ns, settings = int(self.get_clock().now().nanoseconds), self.parameters.current
        bag = ""
        if self._bags is not None:
            bag = self._bags.end(now_ns, {"finished_s": _NS * now_ns, "success": self._success, "ended": why})
        provenance = {"source": settings.source, "recorded_by": "demo_recorder", **({"bag": bag} if bag else {})}
        if why and self._core.recording is not None:
            self._core.recording.ended = self._core.recording.ended or why
        episode = self._core.finish(_NS * now_ns, success=self._success, task=settings.task, provenance=provenance)
        if episode is None:
            if self._bags is not None:
                self._bags.remove(self._bag_name)
            return "nothing was recorded"
        return self._written(episode)

    def _written(self, episode: Episode) -> str:
        assert self._episode_store is not None
        try:
            number = self._episode_store.keep(episode)
        except InputError as error:
            line = f"{error}; the episode waits in memory: call ~/stop again, or ~/discard"
            self.health.report("recorder", "error", line)
            return line
        success = "success" if episode.success else "no success"
        return f"written: episode {number}, {len(episode)} steps, {success}"

    def _ready(self) -> tuple[DemoCore, EpisodeStore]:
        if self._core is None or self._episode_store is None:
            raise InputError("demo_recorder", expected="a robot that is known", got=self._problem)
        return self._core, self._episode_store

    def _on_success(self, request: Any, response: Any) -> Any:
        with self._lock:
            response.success = self._recording
            if self._recording:
                self._success = bool(request.data)
        response.message = "noted" if response.success else "no episode is being recorded"
        return response


def main(args: list[str] | None = None) -> int:
    """Run the node until it is stopped."""
    return run_node(DemoRecorderNode, args)
