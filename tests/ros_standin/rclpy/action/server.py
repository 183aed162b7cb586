"""rclpy.action.server."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from enum import Enum
from typing import Any

from action_msgs.msg import GoalInfo, GoalStatus, GoalStatusArray
from rclpy._rclpy_pybind11 import RCLError
from rclpy.action.goal import GoalEvent, ServerGoalHandle
from rclpy.action.graph import action_names
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.entity import Entity, await_or_execute
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, qos_profile_action_status_default, qos_profile_services_default
from rclpy.service import Service
from rclpy.time import Time

__all__ = ["ActionServer", "CancelResponse", "GoalEvent", "GoalResponse", "ServerGoalHandle"]


class GoalResponse(Enum):
    REJECT = 1
    ACCEPT = 2


class CancelResponse(Enum):
    REJECT = 1
    ACCEPT = 2


def default_handle_accepted_callback(goal_handle: ServerGoalHandle) -> None:
    goal_handle.execute()


def default_goal_callback(goal_request: Any) -> GoalResponse:
    return GoalResponse.ACCEPT


def default_cancel_callback(cancel_request: Any) -> CancelResponse:
    return CancelResponse.REJECT


class ActionServer(Entity):
    """Three services and two topics; goals are executed as tasks of the executor, outside of any callback group."""

    def __init__(
        self,
        node: Any,
        action_type: Any,
        action_name: str,
        execute_callback: Callable[[ServerGoalHandle], Any],
        *,
        callback_group: Any = None,
        goal_callback: Callable[[Any], Any] = default_goal_callback,
        handle_accepted_callback: Callable[[ServerGoalHandle], Any] = default_handle_accepted_callback,
        cancel_callback: Callable[[Any], Any] = default_cancel_callback,
        goal_service_qos_profile: QoSProfile = qos_profile_services_default,
        result_service_qos_profile: QoSProfile = qos_profile_services_default,
        cancel_service_qos_profile: QoSProfile = qos_profile_services_default,
        feedback_pub_qos_profile: QoSProfile | None = None,
        status_pub_qos_profile: QoSProfile = qos_profile_action_status_default,
        result_timeout: float = 900,
    ) -> None:
        super().__init__(node, callback_group or node.default_callback_group)
        self.action_type = action_type
        self.register_execute_callback(execute_callback)
        self.register_goal_callback(goal_callback)
        self.register_handle_accepted_callback(handle_accepted_callback)
        self.register_cancel_callback(cancel_callback)
        self._handles: dict[bytes, ServerGoalHandle] = {}
        self._ended: dict[bytes, float] = {}
        self._result_timeout = result_timeout
        self._lock = threading.RLock()
        self._logger = node.get_logger()
        names, impl, group = action_names(node, action_name), action_type.Impl, ReentrantCallbackGroup()
        self._services = [
            Service(node, impl.SendGoalService, names.send_goal, self._on_goal, group, goal_service_qos_profile),
            Service(
                node, impl.CancelGoalService, names.cancel_goal, self._on_cancel, group, cancel_service_qos_profile
            ),
            Service(node, impl.GetResultService, names.get_result, self._on_result, group, result_service_qos_profile),
        ]
        feedback_qos = feedback_pub_qos_profile or QoSProfile(depth=10)
        self._feedback = Publisher(node, impl.FeedbackMessage, names.feedback, feedback_qos)
        self._status = Publisher(node, GoalStatusArray, names.status, status_pub_qos_profile)
        node.add_waitable(self)

    def register_execute_callback(self, execute_callback: Any) -> None:
        if not callable(execute_callback):
            raise TypeError("Failed to register goal execution callback: not callable")
        self._execute_callback = execute_callback

    def register_goal_callback(self, goal_callback: Any) -> None:
        self._goal_callback = goal_callback or default_goal_callback

    def register_handle_accepted_callback(self, handle_accepted_callback: Any) -> None:
        self._handle_accepted_callback = handle_accepted_callback or default_handle_accepted_callback

    def register_cancel_callback(self, cancel_callback: Any) -> None:
        self._cancel_callback = cancel_callback or default_cancel_callback

    def is_ready(self) -> bool:
        return any(service.is_ready() for service in self._services)

    def take(self) -> Any:
        taken = [(service, service.take()) for service in self._services if service.is_ready()]
        return [(service, *one) for service, one in taken if one is not None] or None

    async def run(self, taken: Any) -> None:
        for service, header, request in taken:
            await service.callback(service, header, request)

    async def _on_goal(self, service: Service, header: Any, request: Any) -> None:
        self._forget_old()
        goal_id = bytes(request.goal_id.uuid)
        accepted = False
        if goal_id not in self._handles:
            answer = await await_or_execute(self._goal_callback, request.goal)
            accepted = answer == GoalResponse.ACCEPT
            if not isinstance(answer, GoalResponse):
                self._logger.warning("Goal request callback did not return a GoalResponse type. Rejecting goal.")
        info = GoalInfo(goal_id=request.goal_id)
        response = self.action_type.Impl.SendGoalService.Response(accepted=accepted)
        if accepted:
            info.stamp = response.stamp = self.node.get_clock().now().to_msg()
            handle = ServerGoalHandle(self, info, request.goal)
            with self._lock:
                self._handles[goal_id] = handle
        service.send_response(response, header)
        if accepted:
            self.publish_status()
            await await_or_execute(self._handle_accepted_callback, handle)

    async def _on_cancel(self, service: Service, header: Any, request: Any) -> None:
        response = self.action_type.Impl.CancelGoalService.Response()
        candidates, response.return_code = self._wanted(request.goal_info)
        for handle in candidates:
            answer = await await_or_execute(self._cancel_callback, handle)
            if answer != CancelResponse.ACCEPT:
                continue
            try:
                handle.update(GoalEvent.CANCEL_GOAL)
            except RCLError as error:  # it ended while the callback decided
                self._logger.debug(f"Failed to cancel goal: {error}")
                continue
            response.goals_canceling.append(handle.goal_info)
        service.send_response(response, header)

    def _wanted(self, info: Any) -> tuple[list[ServerGoalHandle], int]:
        """The goals that a cancel request is about (its id, and all up to its time), and the return code."""
        goal_id, until = bytes(info.goal_id.uuid), Time.from_msg(info.stamp).nanoseconds
        with self._lock:
            handles = dict(self._handles)
        found = handles.get(goal_id)
        if any(goal_id) and not until:
            if found is None:
                return [], 2  # ERROR_UNKNOWN_GOAL_ID
            if not found.is_active:
                return [], 3  # ERROR_GOAL_TERMINATED
        every = not any(goal_id) and not until
        chosen = [
            one
            for one in handles.values()
            if one is found or every or (until and Time.from_msg(one.goal_info.stamp).nanoseconds <= until)
        ]
        return [one for one in chosen if one.is_active and not one.is_cancel_requested], 0

    async def _on_result(self, service: Service, header: Any, request: Any) -> None:
        handle = self._handles.get(bytes(request.goal_id.uuid))
        if handle is None:
            response = self.action_type.Impl.GetResultService.Response(status=GoalStatus.STATUS_UNKNOWN)
            service.send_response(response, header)
            return
        future = handle.result_future
        future.add_done_callback(lambda done: service.send_response(done.result(), header))

    def _forget_old(self) -> None:
        now = time.monotonic()
        for goal_id, ended in list(self._ended.items()):
            if now - ended > self._result_timeout:
                del self._ended[goal_id]
                with self._lock:
                    self._handles.pop(goal_id).destroy()

    def notify_execute(self, goal_handle: ServerGoalHandle, execute_callback: Any) -> None:
        self.node.executor.create_task(self._execute, execute_callback or self._execute_callback, goal_handle)

    async def _execute(self, callback: Any, handle: ServerGoalHandle) -> None:
        try:
            result = await await_or_execute(callback, handle)
        except Exception as error:
            result = self.action_type.Result()
            self._logger.error(f"Error raised in execute callback: {error}")
            traceback.print_exc()
        if handle.is_active:
            self._logger.warning(f"Goal state not set, assuming aborted. Goal ID: {handle.goal_id.uuid}")
            handle.abort()
        response = self.action_type.Impl.GetResultService.Response()
        response.status = handle.status
        response.result = result
        self._ended[bytes(handle.goal_id.uuid)] = time.monotonic()
        handle.result_future.set_result(response)

    def publish_status(self) -> None:
        message = GoalStatusArray()
        with self._lock:
            for handle in self._handles.values():
                message.status_list.append(GoalStatus(goal_info=handle.goal_info, status=handle.status))
        self._status.publish(message)

    def publish_feedback(self, goal_id: Any, feedback: Any) -> None:
        message = self.action_type.Impl.FeedbackMessage()
        message.goal_id, message.feedback = goal_id, feedback
        self._feedback.publish(message)

    def destroy(self) -> None:
        for handle in self._handles.values():
            handle.destroy()
        endpoints: list[Any] = [*self._services, self._feedback, self._status]
        for endpoint in endpoints:
            endpoint.destroy()
        node = self.node
        if node is not None and self in node.waitables:
            node.remove_waitable(self)
