"""The topics that a task's observations are built from, and what is known from them now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from geometry_msgs.msg import PoseStamped
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import JointState
from vision_msgs.msg import Detection3DArray

from envs.manipulation.props import PropState
from geometry import FloatArray, InputError
from ros_nodes.messages.stamps import seconds_of
from ros_nodes.policy_runner.source_watch import SourceWatch
from ros_nodes.qos import COMMAND, SENSOR
from ros_nodes.task_view.arm_reading import ArmReader
from ros_nodes.task_view.joints_seen import JointsSeen
from ros_nodes.task_view.message_intake import MessageIntake, stamp_or
from ros_nodes.task_view.named_facts import Snapshot

TOPICS: dict[str, tuple[Any, Any]] = {
    "joint_states": (JointState, SENSOR),
    "objects": (Detection3DArray, SENSOR),
    "goal": (PoseStamped, COMMAND),
    "goals": (Detection3DArray, COMMAND),
}
"""Type and quality of service of each source's topic, which has the source's name."""


class TaskInputs:
    """Listens to the sources of a task.

    Args:
        node: subscribes.
        sources: some of `TOPICS`.
        intake: understands the messages.
        reader: of the arm.
        watch: told of every message that makes sense.
        constants: numbers that no source tells.
        on_problem: told of a source and why its message makes no sense, or of an empty line when one does again.
    """

    def __init__(
        self,
        node: Node,
        sources: Sequence[str],
        intake: MessageIntake,
        reader: ArmReader,
        watch: SourceWatch,
        constants: dict[str, float],
        on_problem: Callable[[str, str], None],
    ) -> None:
        self._node, self._intake, self._reader, self._watch = node, intake, reader, watch
        self._constants, self._on_problem = constants, on_problem
        self._lock = threading.Lock()
        self._joints: JointsSeen | None = None
        self._objects: dict[str, PropState] = {}
        self._goals: dict[str, FloatArray] = {}
        self._subscriptions = [
            node.create_subscription(
                kind, source, self._listener(source), qos, callback_group=MutuallyExclusiveCallbackGroup()
            )
            for source, (kind, qos) in TOPICS.items()
            if source in sources
        ]

    def look(self) -> Snapshot:
        """What is known now.

        Raises:
            InputError: if the joints are not.
        """
        with self._lock:
            joints, objects, goals = self._joints, dict(self._objects), dict(self._goals)
        if joints is None:
            raise InputError("joint_states", expected="the joints of arm and gripper", got="nothing yet")
        arm = self._reader.read(*joints)
        places = {name: place.tolist() for name, place in goals.items()}
        return Snapshot(arm, objects, places, self._constants, joints.time_s)

    def problems(self, now_s: float) -> list[str]:
        """One line for each source that is missing or stale; safe beside the listeners."""
        with self._lock:
            return self._watch.problems(now_s)

    def slow(self) -> list[str]:
        """One line for each source that comes too seldom."""
        with self._lock:
            return self._watch.slow()

    def forget(self) -> None:
        """Drop everything, as after a jump of the clock."""
        with self._lock:
            self._joints, self._objects, self._goals = None, {}, {}
            self._watch.forget()
            self._intake.forget()
            self._reader.forget()

    def close(self) -> None:
        """Listen no more."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions = []

    def _listener(self, source: str) -> Callable[[Any], None]:
        def take(msg: Any) -> None:
            received_s = seconds_of(self._node.get_clock().now())
            try:
                self._take(source, msg, received_s)
            except InputError as error:
                self._on_problem(source, str(error))
                return
            self._on_problem(source, "")

        return take

    def _take(self, source: str, msg: Any, received_s: float) -> None:
        """A pose may have to wait for TF, so what it means is found out before the lock is taken."""
        if source == "joint_states":
            joints = self._intake.joints(msg, received_s)
            if joints is None:
                return
        elif source == "objects":
            objects = self._intake.objects(msg, received_s)
        else:
            goals = self._intake.goal(msg) if source == "goal" else self._intake.goals(msg)
        with self._lock:
            if source == "joint_states":
                self._joints = joints
            elif source == "objects":
                self._objects = objects
            else:
                self._goals |= goals
            self._watch.hear(source, stamp_or(msg, received_s))
