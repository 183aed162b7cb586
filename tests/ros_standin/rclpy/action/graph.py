"""rclpy.action.graph, and the names under an action's name."""

from __future__ import annotations

from typing import Any, NamedTuple

_FEEDBACK = "/_action/feedback"


class ActionNames(NamedTuple):
    """The three services and two topics of an action."""

    send_goal: str
    cancel_goal: str
    get_result: str
    feedback: str
    status: str


def action_names(node: Any, action_name: str) -> ActionNames:
    """Full names; as on Humble and Jazzy, remap rules apply to each of the five, and not to the action's own name."""
    full = node.resolve_service_name(action_name, only_expand=True)
    services = [node.resolve_service_name(f"{full}/_action/{part}") for part in ActionNames._fields[:3]]
    topics = [node.resolve_topic_name(f"{full}/_action/{part}") for part in ActionNames._fields[3:]]
    return ActionNames(*services, *topics)


def get_action_names_and_types(node: Any) -> list[tuple[str, list[str]]]:
    return [
        (name.removesuffix(_FEEDBACK), [one.removesuffix("_FeedbackMessage") for one in types])
        for name, types in node.get_topic_names_and_types()
        if name.endswith(_FEEDBACK)
    ]
