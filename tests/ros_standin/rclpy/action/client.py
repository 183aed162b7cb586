"""rclpy.action.client."""

from __future__ import annotations

import threading
import uuid
import weakref
from collections.abc import Callable
from typing import Any

from action_msgs.msg import GoalStatus, GoalStatusArray
from action_msgs.srv import CancelGoal
from rclpy.action.goal import ACTIVE
from rclpy.action.graph import action_names
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.client import Client
from rclpy.entity import Entity, await_or_execute
from rclpy.qos import QoSProfile, qos_profile_action_status_default, qos_profile_services_default
from rclpy.subscription import Subscription
from rclpy.task import Future
from unique_identifier_msgs.msg import UUID

_ACTIVE_OR_UNKNOWN = (*ACTIVE, GoalStatus.STATUS_UNKNOWN)


class ClientGoalHandle:
    """A goal on the client's side."""

    def __init__(self, action_client: ActionClient, goal_id: Any, goal_response: Any) -> None:
        self._action_client, self._goal_id, self._goal_response = action_client, goal_id, goal_response
        self.last_status = GoalStatus.STATUS_UNKNOWN

    @property
    def goal_id(self) -> Any:
        return self._goal_id

    @property
    def stamp(self) -> Any:
        return self._goal_response.stamp

    @property
    def accepted(self) -> bool:
        return bool(self._goal_response.accepted)

    @property
    def status(self) -> int:
        return self.last_status

    def cancel_goal_async(self) -> Future:
        return self._action_client._cancel_goal_async(self)

    def cancel_goal(self) -> Any:
        return _wait(self.cancel_goal_async())

    def get_result_async(self) -> Future:
        return self._action_client._get_result_async(self)

    def get_result(self) -> Any:
        return _wait(self.get_result_async())


def _wait(future: Future) -> Any:
    """Block; some other thread must spin the client's node."""
    done = threading.Event()
    future.when_done(done.set)
    done.wait()
    return future.result()


class ActionClient(Entity):
    """Sends goals; answers, feedback and states arrive while its node is spun.

    As in rclpy 7.1 a question is sent before it is noted that its answer is expected: an answer that another thread
    takes in between is lost.
    """

    def __init__(
        self,
        node: Any,
        action_type: Any,
        action_name: str,
        *,
        callback_group: Any = None,
        goal_service_qos_profile: QoSProfile = qos_profile_services_default,
        result_service_qos_profile: QoSProfile = qos_profile_services_default,
        cancel_service_qos_profile: QoSProfile = qos_profile_services_default,
        feedback_sub_qos_profile: QoSProfile | None = None,
        status_sub_qos_profile: QoSProfile = qos_profile_action_status_default,
    ) -> None:
        super().__init__(node, callback_group or node.default_callback_group)
        self._action_type = action_type
        self._context = node.context
        self._goal_handles: dict[bytes, weakref.ref[ClientGoalHandle]] = {}
        self._feedback_callbacks: dict[bytes, Callable[[Any], Any]] = {}
        names, impl, group = action_names(node, action_name), action_type.Impl, ReentrantCallbackGroup()
        self._goal = Client(node, impl.SendGoalService, names.send_goal, goal_service_qos_profile, group)
        self._cancel = Client(node, CancelGoal, names.cancel_goal, cancel_service_qos_profile, group)
        self._result = Client(node, impl.GetResultService, names.get_result, result_service_qos_profile, group)
        feedback_qos = feedback_sub_qos_profile or QoSProfile(depth=10)
        self._feedback = Subscription(
            node, impl.FeedbackMessage, names.feedback, self._on_feedback, group, feedback_qos, False
        )
        self._status = Subscription(
            node, GoalStatusArray, names.status, self._on_status, group, status_sub_qos_profile, False
        )
        self._parts: tuple[Entity, ...] = (self._goal, self._cancel, self._result, self._feedback, self._status)
        node.add_waitable(self)

    def is_ready(self) -> bool:
        return any(part.is_ready() for part in self._parts)

    def take(self) -> Any:
        taken = [(part, part.take()) for part in self._parts if part.is_ready()]
        return [(part, data) for part, data in taken if data is not None] or None

    async def run(self, taken: Any) -> None:
        await self.execute(taken)

    async def execute(self, taken: Any) -> None:
        for part, data in taken:
            await part.run(data)

    async def _on_feedback(self, message: Any) -> None:
        callback = self._feedback_callbacks.get(bytes(message.goal_id.uuid))
        if callback is not None:
            await await_or_execute(callback, message)

    def _on_status(self, message: Any) -> None:
        for status in message.status_list:
            goal_id = bytes(status.goal_info.goal_id.uuid)
            handle = self._goal_handles.get(goal_id, lambda: None)()
            if handle is not None:
                handle.last_status = status.status
            if handle is None or status.status not in _ACTIVE_OR_UNKNOWN:
                self._goal_handles.pop(goal_id, None)

    def send_goal_async(
        self, goal: Any, feedback_callback: Callable[[Any], Any] | None = None, goal_uuid: Any = None
    ) -> Future:
        if not isinstance(goal, self._action_type.Goal):
            raise TypeError()
        request = self._action_type.Impl.SendGoalService.Request()
        request.goal_id = UUID(uuid=list(uuid.uuid4().bytes)) if goal_uuid is None else goal_uuid
        request.goal = goal
        goal_id = bytes(request.goal_id.uuid)
        sequence = self._goal.send(request)
        if feedback_callback is not None:
            self._feedback_callbacks[goal_id] = feedback_callback
        future, asked = Future(), Future()

        def answered(response: Future) -> None:
            handle = ClientGoalHandle(self, request.goal_id, response.result())
            if handle.accepted:
                self._goal_handles[goal_id] = weakref.ref(handle)
            node = self.node
            if node is not None and node.executor is not None:
                future.set_executor(node.executor)
            future.set_result(handle)

        asked.when_done(lambda: answered(asked))
        self._goal.expect(sequence, asked)
        return future

    def send_goal(self, goal: Any, **kwargs: Any) -> Any:
        """Block until the result is there; some other thread must spin the client's node."""
        handle = _wait(self.send_goal_async(goal, **kwargs))
        return handle.get_result() if handle.accepted else None

    def _cancel_goal_async(self, goal_handle: ClientGoalHandle) -> Future:
        request = CancelGoal.Request()
        request.goal_info.goal_id = goal_handle.goal_id
        return self._cancel.expect(self._cancel.send(request), Future())

    def _get_result_async(self, goal_handle: ClientGoalHandle) -> Future:
        request = self._action_type.Impl.GetResultService.Request(goal_id=goal_handle.goal_id)
        future = self._result.expect(self._result.send(request), Future())
        goal_id = bytes(goal_handle.goal_id.uuid)
        future.add_done_callback(lambda _: self._feedback_callbacks.pop(goal_id, None))
        return future

    def server_is_ready(self) -> bool:
        services = all(client.service_is_ready() for client in (self._goal, self._cancel, self._result))
        return services and self._feedback.get_publisher_count() > 0 and self._status.get_publisher_count() > 0

    def wait_for_server(self, timeout_sec: float | None = None) -> bool:
        changed = self._context.domain.changed
        with changed:
            changed.wait_for(lambda: self.server_is_ready() or not self._context.ok(), timeout_sec)
        return self._context.ok() and self.server_is_ready()

    def destroy(self) -> None:
        for part in self._parts:
            part.destroy()  # type: ignore[attr-defined]
        node = self.node
        if node is not None and self in node.waitables:
            node.remove_waitable(self)
