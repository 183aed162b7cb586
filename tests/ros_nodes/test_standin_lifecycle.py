"""What the nodes rely on in rclpy.lifecycle; these tests hold for a real rclpy, too: so the stand-in follows it."""

from __future__ import annotations

import pytest
from lifecycle_msgs.msg import State, Transition, TransitionEvent
from lifecycle_msgs.srv import ChangeState, GetAvailableTransitions, GetState
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.lifecycle import State as LifecycleState
from std_msgs.msg import String

SUCCESS, FAILURE, ERROR = (
    TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE, TransitionCallbackReturn.ERROR,
)  # fmt: skip


class Watched(LifecycleNode):
    """Writes down its transitions; `answers` says what a callback returns, or raises."""

    def __init__(self, answers=None, **options):
        self.calls = []
        self.answers = answers or {}
        super().__init__("watched", **options)
        self.publisher = self.create_lifecycle_publisher(String, "words", 10)

    def _answer(self, name, state):
        assert isinstance(state, LifecycleState)
        self.calls.append((name, state.label))
        given = self.answers.get(name, SUCCESS)
        if isinstance(given, Exception):
            raise given
        if given is not SUCCESS:
            return given
        return getattr(LifecycleNode, name)(self, state)

    def on_configure(self, state):
        return self._answer("on_configure", state)

    def on_activate(self, state):
        return self._answer("on_activate", state)

    def on_deactivate(self, state):
        return self._answer("on_deactivate", state)

    def on_cleanup(self, state):
        return self._answer("on_cleanup", state)

    def on_shutdown(self, state):
        return self._answer("on_shutdown", state)

    def on_error(self, state):
        return self._answer("on_error", state)


def state_of(ros):
    return ros.call(GetState, "/watched/get_state").current_state.label


def change(ros, number):
    return ros.call(ChangeState, "/watched/change_state", ChangeState.Request(transition=Transition(id=number))).success


def test_the_whole_life(ros):
    node = ros.start(Watched)
    assert state_of(ros) == "unconfigured"
    life = [
        (node.trigger_configure, "inactive"), (node.trigger_activate, "active"),
        (node.trigger_deactivate, "inactive"), (node.trigger_cleanup, "unconfigured"),
        (node.trigger_configure, "inactive"), (node.trigger_shutdown, "finalized"),
    ]  # fmt: skip
    for trigger, label in life:
        assert trigger() == SUCCESS
        assert state_of(ros) == label
    assert node.calls == [
        ("on_configure", "unconfigured"), ("on_activate", "inactive"), ("on_deactivate", "active"),
        ("on_cleanup", "inactive"), ("on_configure", "unconfigured"), ("on_shutdown", "inactive"),
    ]  # fmt: skip


def test_services_drive_the_node(ros):
    ros.start(Watched)
    offered = ros.call(GetAvailableTransitions, "/watched/get_available_transitions").available_transitions
    assert {(one.transition.id, one.transition.label) for one in offered} == {(1, "configure"), (5, "shutdown")}
    assert change(ros, Transition.TRANSITION_CONFIGURE)
    assert change(ros, Transition.TRANSITION_ACTIVATE)
    state = ros.call(GetState, "/watched/get_state").current_state
    assert (state.id, state.label) == (State.PRIMARY_STATE_ACTIVE, "active")
    named = ChangeState.Request(transition=Transition(label="deactivate"))
    assert ros.call(ChangeState, "/watched/change_state", named).success
    assert state_of(ros) == "inactive"
    assert not ros.call(ChangeState, "/watched/change_state", named).success


def test_publisher_is_silent_unless_active(ros):
    node = ros.start(Watched)
    received = ros.collect(String, "words")
    assert ros.wait_until(lambda: node.publisher.get_subscription_count() == 1)

    def say(word):
        node.publisher.publish(String(data=word))

    say("unconfigured")
    node.trigger_configure()
    say("inactive")
    assert not node.publisher.is_activated
    node.trigger_activate()
    assert node.publisher.is_activated
    say("active")
    node.trigger_deactivate()
    say("inactive again")
    assert ros.wait_until(lambda: received)
    assert not ros.wait_until(lambda: len(received) > 1, 0.2)
    assert received[0].data == "active"


@pytest.mark.parametrize(
    ("name", "transitions", "label"),
    [
        ("on_configure", (1,), "unconfigured"),
        ("on_activate", (1, 3), "inactive"),
        ("on_deactivate", (1, 3, 4), "active"),
    ],
)
def test_failure_leaves_the_node_where_it_was(ros, name, transitions, label):
    ros.start(Watched, answers={name: FAILURE})
    assert [change(ros, number) for number in transitions][-1] is False
    assert state_of(ros) == label


@pytest.mark.parametrize("problem", [ERROR, ValueError("no weights")])
@pytest.mark.parametrize(("answer", "label"), [(SUCCESS, "unconfigured"), (FAILURE, "finalized"), (ERROR, "finalized")])
def test_error_goes_through_error_processing(ros, problem, answer, label):
    node = ros.start(Watched, answers={"on_configure": problem, "on_error": answer})
    assert node.trigger_configure() == ERROR
    assert state_of(ros) == label
    assert node.calls == [("on_configure", "unconfigured"), ("on_error", "unconfigured")]


def test_illegal_transition_raises(ros):
    node = ros.start(Watched)
    with pytest.raises(RuntimeError):
        node.trigger_activate()
    assert state_of(ros) == "unconfigured"


def test_transitions_are_told(ros):
    node = ros.start(Watched)
    events = ros.collect(TransitionEvent, "/watched/transition_event")
    assert ros.wait_until(lambda: node.count_subscribers("/watched/transition_event") == 1)
    ros.wait_until(lambda: False, 0.0 if ros.standin else 0.5)
    node.trigger_configure()
    assert ros.wait_until(lambda: len(events) == 2)
    assert [(one.start_state.label, one.goal_state.label) for one in events] == [
        ("unconfigured", "configuring"), ("configuring", "inactive"),
    ]  # fmt: skip


def test_a_one_shot_timer_may_start_the_node(ros):
    class Starting(Watched):
        def __init__(self, **options):
            super().__init__(**options)
            self.start = self.create_timer(0.01, self.begin)

        def begin(self):
            self.destroy_timer(self.start)
            self.trigger_configure()
            self.trigger_activate()

    ros.start(Starting)
    assert ros.wait_until(lambda: state_of(ros) == "active")
