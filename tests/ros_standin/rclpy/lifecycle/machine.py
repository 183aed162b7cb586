"""The states of a lifecycle node and the transitions between them (design.ros2.org/articles/node_lifecycle.html).

Not a module of the real rclpy, where rcl_lifecycle does this.
"""

from __future__ import annotations

from typing import NamedTuple

from lifecycle_msgs.msg import State, Transition
from rclpy._rclpy_pybind11 import RCLError

STATES = {
    State.PRIMARY_STATE_UNKNOWN: "unknown",
    State.PRIMARY_STATE_UNCONFIGURED: "unconfigured",
    State.PRIMARY_STATE_INACTIVE: "inactive",
    State.PRIMARY_STATE_ACTIVE: "active",
    State.PRIMARY_STATE_FINALIZED: "finalized",
    State.TRANSITION_STATE_CONFIGURING: "configuring",
    State.TRANSITION_STATE_CLEANINGUP: "cleaningup",
    State.TRANSITION_STATE_SHUTTINGDOWN: "shuttingdown",
    State.TRANSITION_STATE_ACTIVATING: "activating",
    State.TRANSITION_STATE_DEACTIVATING: "deactivating",
    State.TRANSITION_STATE_ERRORPROCESSING: "errorprocessing",
}
_PRIMARY = (1, 2, 3, 4)


class Edge(NamedTuple):
    """One transition."""

    number: int
    label: str
    start: int
    goal: int


def _edges() -> list[Edge]:
    unconfigured, inactive, active, finalized = _PRIMARY
    error = State.TRANSITION_STATE_ERRORPROCESSING
    asked = [
        (Transition.TRANSITION_CONFIGURE, "configure", unconfigured, State.TRANSITION_STATE_CONFIGURING, inactive),
        (Transition.TRANSITION_CLEANUP, "cleanup", inactive, State.TRANSITION_STATE_CLEANINGUP, unconfigured),
        (Transition.TRANSITION_ACTIVATE, "activate", inactive, State.TRANSITION_STATE_ACTIVATING, active),
        (Transition.TRANSITION_DEACTIVATE, "deactivate", active, State.TRANSITION_STATE_DEACTIVATING, inactive),
    ]
    edges = []
    for number, label, start, during, goal in asked:
        edges.append(Edge(number, label, start, during))
        edges += [Edge(number * 10, "transition_success", during, goal)]
        edges += [Edge(number * 10 + 1, "transition_failure", during, start)]
        edges += [Edge(number * 10 + 2, "transition_error", during, error)]
    during = State.TRANSITION_STATE_SHUTTINGDOWN
    for number, start in zip((5, 6, 7), (unconfigured, inactive, active), strict=True):
        edges.append(Edge(number, "shutdown", start, during))
    edges += [Edge(50, "transition_success", during, finalized), Edge(51, "transition_failure", during, finalized)]
    edges += [Edge(52, "transition_error", during, error), Edge(60, "transition_success", error, unconfigured)]
    return [*edges, Edge(61, "transition_failure", error, finalized), Edge(62, "transition_error", error, finalized)]


EDGES = _edges()


class StateMachine:
    """Where a node stands."""

    def __init__(self) -> None:
        self.state: int = State.PRIMARY_STATE_UNCONFIGURED

    @property
    def label(self) -> str:
        return STATES[self.state]

    def available(self) -> list[Edge]:
        return [edge for edge in EDGES if edge.start == self.state]

    def take(self, asked: int | str) -> Edge:
        """Go along a transition given by number or label; RCLError where there is none."""
        for edge in self.available():
            if asked in (edge.number, edge.label):
                self.state = edge.goal
                return edge
        raise RCLError(
            f"Failed to trigger lifecycle state machine transition: No transition matching {asked} "
            f"found for current state {self.label}"
        )
