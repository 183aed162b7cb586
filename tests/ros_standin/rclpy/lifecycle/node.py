"""rclpy.lifecycle.node."""

from __future__ import annotations

from typing import Any, NamedTuple

from lifecycle_msgs.msg import State, Transition, TransitionDescription, TransitionEvent
from lifecycle_msgs.srv import ChangeState, GetAvailableStates, GetAvailableTransitions, GetState
from rclpy.lifecycle.machine import EDGES, STATES, Edge, StateMachine
from rclpy.lifecycle.managed_entity import ManagedEntity, TransitionCallbackReturn
from rclpy.lifecycle.publisher import LifecyclePublisher
from rclpy.node import Node

__all__ = ["LifecycleNode", "LifecycleNodeMixin", "LifecycleState", "TransitionCallbackReturn"]
_CALLBACKS = {
    State.TRANSITION_STATE_CONFIGURING: "on_configure",
    State.TRANSITION_STATE_CLEANINGUP: "on_cleanup",
    State.TRANSITION_STATE_SHUTTINGDOWN: "on_shutdown",
    State.TRANSITION_STATE_ACTIVATING: "on_activate",
    State.TRANSITION_STATE_DEACTIVATING: "on_deactivate",
    State.TRANSITION_STATE_ERRORPROCESSING: "on_error",
}


class LifecycleState(NamedTuple):
    label: str
    state_id: int


def _description(edge: Edge) -> TransitionDescription:
    return TransitionDescription(
        transition=Transition(id=edge.number, label=edge.label),
        start_state=State(id=edge.start, label=STATES[edge.start]),
        goal_state=State(id=edge.goal, label=STATES[edge.goal]),
    )


class LifecycleNodeMixin(ManagedEntity):
    """The transitions of a node, its services for them, and what follows them."""

    def __init__(self, *, enable_communication_interface: bool = True, callback_group: Any = None) -> None:
        self._managed_entities: set[Any] = set()
        self._state_machine = StateMachine()
        # The methods of this moment are the callbacks, as in rclpy.
        self._callbacks = {state: getattr(self, name) for state, name in _CALLBACKS.items()}
        self._transition_event: Any = None
        if not enable_communication_interface:
            return
        node: Any = self
        self._transition_event = node.create_publisher(TransitionEvent, "~/transition_event", 10)
        for srv_type, name, callback in (
            (ChangeState, "change_state", self._on_change_state),
            (GetState, "get_state", self._on_get_state),
            (GetAvailableStates, "get_available_states", self._on_get_available_states),
            (GetAvailableTransitions, "get_available_transitions", self._on_get_available_transitions),
            (GetAvailableTransitions, "get_transition_graph", self._on_get_transition_graph),
        ):
            node.create_service(srv_type, f"~/{name}", callback, callback_group=callback_group)

    def trigger_configure(self) -> TransitionCallbackReturn:
        return self._change_state(Transition.TRANSITION_CONFIGURE)

    def trigger_cleanup(self) -> TransitionCallbackReturn:
        return self._change_state(Transition.TRANSITION_CLEANUP)

    def trigger_activate(self) -> TransitionCallbackReturn:
        return self._change_state(Transition.TRANSITION_ACTIVATE)

    def trigger_deactivate(self) -> TransitionCallbackReturn:
        return self._change_state(Transition.TRANSITION_DEACTIVATE)

    def trigger_shutdown(self) -> TransitionCallbackReturn | None:
        numbers = {
            "unconfigured": Transition.TRANSITION_UNCONFIGURED_SHUTDOWN,
            "inactive": Transition.TRANSITION_INACTIVE_SHUTDOWN,
            "active": Transition.TRANSITION_ACTIVE_SHUTDOWN,
        }
        number = numbers.get(self._state_machine.label)
        return None if number is None else self._change_state(number)

    def add_managed_entity(self, entity: ManagedEntity) -> None:
        self._managed_entities.add(entity)

    def _tell_entities(self, name: str, state: LifecycleState) -> TransitionCallbackReturn:
        for entity in list(self._managed_entities):
            answer = getattr(entity, name)(state)
            if answer != TransitionCallbackReturn.SUCCESS:
                return answer
        return TransitionCallbackReturn.SUCCESS

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._tell_entities("on_configure", state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._tell_entities("on_cleanup", state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._tell_entities("on_shutdown", state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._tell_entities("on_activate", state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._tell_entities("on_deactivate", state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._tell_entities("on_error", state)

    def create_lifecycle_publisher(self, *args: Any, **kwargs: Any) -> LifecyclePublisher:
        if "publisher_class" in kwargs:
            raise TypeError("create_publisher() got an unexpected keyword argument 'publisher_class'")
        publisher = Node.create_publisher(self, *args, **kwargs, publisher_class=LifecyclePublisher)  # type: ignore[arg-type]
        self._managed_entities.add(publisher)
        return publisher

    def destroy_lifecycle_publisher(self, publisher: LifecyclePublisher) -> bool:
        self._managed_entities.discard(publisher)
        return Node.destroy_publisher(self, publisher)  # type: ignore[arg-type]

    def _go(self, asked: int | str) -> None:
        edge = self._state_machine.take(asked)
        if self._transition_event is not None:
            description = _description(edge)
            node: Any = self
            event = TransitionEvent(timestamp=node.get_clock().now().nanoseconds, transition=description.transition)
            event.start_state, event.goal_state = description.start_state, description.goal_state
            self._transition_event.publish(event)

    def _call(self, before: LifecycleState) -> TransitionCallbackReturn:
        callback = self._callbacks.get(self._state_machine.state)
        if callback is None:
            return TransitionCallbackReturn.SUCCESS
        try:
            return callback(before)
        except Exception:  # rclpy swallows it as well: the node goes to error processing
            return TransitionCallbackReturn.ERROR

    def _change_state(self, number: int) -> TransitionCallbackReturn:
        before = LifecycleState(self._state_machine.label, self._state_machine.state)
        self._go(number)
        answer = self._call(before)
        self._go(f"transition_{answer.name.lower()}")
        if answer == TransitionCallbackReturn.ERROR:
            self._go(f"transition_{self._call(before).name.lower()}")
        return answer

    def _on_change_state(self, request: Any, response: Any) -> Any:
        number = request.transition.id
        if request.transition.label:
            labelled = [e.number for e in self._state_machine.available() if e.label == request.transition.label]
            if not labelled:
                response.success = False
                return response
            number = labelled[0]
        response.success = self._change_state(number) == TransitionCallbackReturn.SUCCESS
        return response

    def _on_get_state(self, request: Any, response: Any) -> Any:
        response.current_state = State(id=self._state_machine.state, label=self._state_machine.label)
        return response

    def _on_get_available_states(self, request: Any, response: Any) -> Any:
        response.available_states = [State(id=number, label=label) for number, label in STATES.items()]
        return response

    def _on_get_available_transitions(self, request: Any, response: Any) -> Any:
        response.available_transitions = [_description(edge) for edge in self._state_machine.available()]
        return response

    def _on_get_transition_graph(self, request: Any, response: Any) -> Any:
        response.available_transitions = [_description(edge) for edge in EDGES]
        return response


class LifecycleNode(LifecycleNodeMixin, Node):
    """A node with managed states."""

    def __init__(
        self, node_name: str, *, enable_communication_interface: bool = True, callback_group: Any = None, **kwargs: Any
    ) -> None:
        Node.__init__(self, node_name, **kwargs)
        LifecycleNodeMixin.__init__(
            self, enable_communication_interface=enable_communication_interface, callback_group=callback_group
        )
