"""rclpy.node."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

from rcl_interfaces.msg import ParameterEvent
from rclpy.arguments import Arguments
from rclpy.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.client import Client
from rclpy.clock import Clock, ROSClock
from rclpy.constants import S_TO_NS
from rclpy.entity import Entity
from rclpy.exceptions import NotInitializedException
from rclpy.graph import NodeGraph
from rclpy.guard_condition import GuardCondition
from rclpy.logging import RcutilsLogger, get_logger
from rclpy.node_names import NodeNames
from rclpy.parameter import Parameter
from rclpy.parameter_service import ParameterService
from rclpy.parameters import NodeParameters
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, profile_of, qos_profile_parameter_events, qos_profile_services_default
from rclpy.rosout import Rosout
from rclpy.service import Service
from rclpy.subscription import Subscription
from rclpy.time_source import TimeSource
from rclpy.timer import Rate, Timer
from rclpy.utilities import get_default_context

__all__ = ["HIDDEN_NODE_PREFIX", "Node", "Parameter", "ReentrantCallbackGroup"]
HIDDEN_NODE_PREFIX = "_"


class Node(NodeNames, NodeParameters, NodeGraph):
    """A participant in the graph: makes endpoints, has parameters, a clock and a logger."""

    def __init__(
        self,
        node_name: str,
        *,
        context: Any = None,
        cli_args: list[str] | None = None,
        namespace: str | None = None,
        use_global_arguments: bool = True,
        enable_rosout: bool = True,
        start_parameter_services: bool = True,
        parameter_overrides: list[Parameter] | None = None,
        allow_undeclared_parameters: bool = False,
        automatically_declare_parameters_from_overrides: bool = False,
        enable_logger_service: bool = False,
    ) -> None:
        self._context = get_default_context() if context is None else context
        if not self._context.ok():
            raise NotInitializedException("cannot create node")
        self._executor: Callable[[], Any] = lambda: None
        self._publishers: list[Publisher] = []
        self._entities: dict[type, list[Any]] = {
            kind: [] for kind in (Timer, Subscription, GuardCondition, Client, Service)
        }
        self._waitables: list[Any] = []
        self._destroyed = False
        self._default_callback_group = MutuallyExclusiveCallbackGroup()
        arguments = [Arguments(cli_args or []), *([self._context.arguments] if use_global_arguments else [])]
        self._rules = [rule for source in arguments for rule in source.remaps]
        self._set_names(node_name, namespace or "")
        self._logger = get_logger(self.get_fully_qualified_name().strip("/").replace("/", "."))
        overrides = self._overrides(arguments, parameter_overrides or [])
        self._init_parameters(overrides, allow_undeclared_parameters)
        self._clock = ROSClock()
        self._parameter_event_publisher = self.create_publisher(
            ParameterEvent, "/parameter_events", qos_profile_parameter_events
        )
        if enable_rosout:
            self._logger.rosout = Rosout(self).publish
        if automatically_declare_parameters_from_overrides:
            self.declare_parameters("", [(name, one.value) for name, one in overrides.items()], ignore_override=True)
        self._time_source = TimeSource(self, self._clock)
        if start_parameter_services:
            self._parameter_service = ParameterService(self)
        self._context.domain.add("node", self.get_fully_qualified_name(), self)

    def _overrides(self, arguments: list[Arguments], given: list[Parameter]) -> dict[str, Parameter]:
        found: dict[str, Parameter] = {}
        for source in reversed(arguments):
            values = source.overrides_of(self.get_fully_qualified_name())
            found.update({name: Parameter(name, value=value) for name, value in values.items()})
        return {**found, **{one.name: one for one in given}}

    def get_logger(self) -> RcutilsLogger:
        return self._logger

    def get_clock(self) -> Clock:
        return self._clock

    @property
    def context(self) -> Any:
        return self._context

    @property
    def default_callback_group(self) -> CallbackGroup:
        return self._default_callback_group

    @property
    def executor(self) -> Any:
        return self._executor()

    @executor.setter
    def executor(self, new_executor: Any) -> None:
        current = self._executor()
        if current is new_executor:
            return
        if current is not None:
            current.remove_node(self)
        self._executor = (lambda: None) if new_executor is None else weakref.ref(new_executor)
        if new_executor is not None:
            new_executor.add_node(self)

    @property
    def publishers(self) -> Iterator[Publisher]:
        yield from self._publishers

    @property
    def subscriptions(self) -> Iterator[Subscription]:
        yield from self._entities[Subscription]

    @property
    def timers(self) -> Iterator[Timer]:
        yield from self._entities[Timer]

    @property
    def clients(self) -> Iterator[Client]:
        yield from self._entities[Client]

    @property
    def services(self) -> Iterator[Service]:
        yield from self._entities[Service]

    @property
    def waitables(self) -> Iterator[Any]:
        yield from self._waitables

    def entities(self) -> list[Entity]:
        """Not in rclpy: what an executor waits for, in the order in which it looks."""
        return [one for kind in self._entities.values() for one in list(kind)] + list(self._waitables)

    def timed_entities(self) -> list[Timer]:
        """Not in rclpy: what may become ready by time passing."""
        return list(self._entities[Timer])

    def add_waitable(self, waitable: Any) -> None:
        self._waitables.append(waitable)
        self._wake()

    def remove_waitable(self, waitable: Any) -> None:
        self._waitables.remove(waitable)
        self._wake()

    def _wake(self) -> None:
        executor = self._executor()
        if executor is not None:
            executor.wake()

    def _keep(self, entity: Any) -> Any:
        self._entities[type(entity)].append(entity)
        self._wake()
        return entity

    def create_publisher(
        self,
        msg_type: Any,
        topic: str,
        qos_profile: QoSProfile | int,
        *,
        callback_group: CallbackGroup | None = None,
        event_callbacks: Any = None,
        qos_overriding_options: Any = None,
        publisher_class: type[Publisher] = Publisher,
    ) -> Any:
        publisher = publisher_class(self, msg_type, self.resolve_topic_name(topic), profile_of(qos_profile))
        self._publishers.append(publisher)
        return publisher

    def create_subscription(
        self,
        msg_type: Any,
        topic: str,
        callback: Callable[..., Any],
        qos_profile: QoSProfile | int,
        *,
        callback_group: CallbackGroup | None = None,
        event_callbacks: Any = None,
        qos_overriding_options: Any = None,
        raw: bool = False,
    ) -> Subscription:
        group, name = callback_group or self._default_callback_group, self.resolve_topic_name(topic)
        return self._keep(Subscription(self, msg_type, name, callback, group, profile_of(qos_profile), raw))

    def create_client(
        self,
        srv_type: Any,
        srv_name: str,
        *,
        qos_profile: QoSProfile = qos_profile_services_default,
        callback_group: CallbackGroup | None = None,
    ) -> Client:
        group, name = callback_group or self._default_callback_group, self.resolve_service_name(srv_name)
        return self._keep(Client(self, srv_type, name, qos_profile, group))

    def create_service(
        self,
        srv_type: Any,
        srv_name: str,
        callback: Callable[..., Any],
        *,
        qos_profile: QoSProfile = qos_profile_services_default,
        callback_group: CallbackGroup | None = None,
    ) -> Service:
        group, name = callback_group or self._default_callback_group, self.resolve_service_name(srv_name)
        return self._keep(Service(self, srv_type, name, callback, group, qos_profile))

    def create_timer(
        self,
        timer_period_sec: float,
        callback: Callable[[], Any] | None,
        callback_group: CallbackGroup | None = None,
        clock: Clock | None = None,
        autostart: bool = True,
    ) -> Timer:
        group, period = callback_group or self._default_callback_group, int(float(timer_period_sec) * S_TO_NS)
        return self._keep(Timer(self, callback, group, period, clock or self._clock, autostart))  # type: ignore[arg-type]

    def create_guard_condition(
        self, callback: Callable[[], Any], callback_group: CallbackGroup | None = None
    ) -> GuardCondition:
        return self._keep(GuardCondition(self, callback, callback_group or self._default_callback_group))

    def create_rate(self, frequency: float, clock: Clock | None = None) -> Rate:
        if frequency <= 0:
            raise ValueError("frequency must be > 0")
        timer = self.create_timer(1.0 / frequency, lambda: None, MutuallyExclusiveCallbackGroup(), clock)
        return Rate(timer, context=self._context)

    def _destroy(self, known: list[Any], one: Any) -> bool:
        if one not in known:
            return False
        known.remove(one)
        one.destroy()
        self._wake()
        return True

    def destroy_publisher(self, publisher: Publisher) -> bool:
        return self._destroy(self._publishers, publisher)

    def destroy_subscription(self, subscription: Subscription) -> bool:
        return self._destroy(self._entities[Subscription], subscription)

    def destroy_client(self, client: Client) -> bool:
        return self._destroy(self._entities[Client], client)

    def destroy_service(self, service: Service) -> bool:
        return self._destroy(self._entities[Service], service)

    def destroy_timer(self, timer: Timer) -> bool:
        return self._destroy(self._entities[Timer], timer)

    def destroy_guard_condition(self, guard: GuardCondition) -> bool:
        return self._destroy(self._entities[GuardCondition], guard)

    def destroy_rate(self, rate: Rate) -> bool:
        rate.destroy()
        return True

    def destroy_node(self) -> None:
        """Take this node out of the graph with all but its actions, which have to be destroyed one by one."""
        if self._destroyed:
            return
        self._destroyed = True
        for known in (*self._entities.values(), self._publishers):
            for one in list(known):
                self._destroy(known, one)
        for waitable in self._waitables:
            self._context.leave(waitable)
        self._context.domain.remove("node", self.get_fully_qualified_name(), self)
        self._wake()

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy_node()
