"""Our nodes keep their hands off the attributes that rclpy's own nodes live by."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from rclpy.lifecycle import LifecycleNode
from rclpy.node import Node

ROOM = Path(__file__).resolve().parents[2] / "ros_nodes"
FILES = [*sorted(ROOM.glob("*/node.py")), ROOM / "lifecycle.py"]
OF_JAZZY = {
    "_allow_undeclared_parameters", "_callbacks", "_clients", "_clock", "_context", "_default_callback_group",
    "_descriptors", "_guards", "_logger", "_logger_service", "_managed_entities", "_on_set_parameters_callbacks",
    "_parameter_event_publisher", "_parameter_overrides", "_parameter_service", "_parameters",
    "_post_set_parameters_callbacks", "_pre_set_parameters_callbacks", "_publishers", "_rate_group", "_services",
    "_state_machine", "_subscriptions", "_time_source", "_timers", "_type_description_service",
}  # fmt: skip


def assigned(path: Path) -> set[str]:
    """Names X of every `self.X = ...` in a file."""
    targets: list[ast.expr] = []
    for statement in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.Assign):
            targets += [each for target in statement.targets for each in getattr(target, "elts", [target])]
        elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
            targets.append(statement.target)
    return {
        target.attr
        for target in targets
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self"
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_no_attribute_of_rclpys_own_is_set(ros, path: Path) -> None:
    plain = ros.node("plain")
    taken = OF_JAZZY | vars(plain).keys() | set(dir(Node)) | set(dir(LifecycleNode))
    assert assigned(path), path
    hidden = sorted(assigned(path) & taken)
    assert not hidden, hidden


def test_a_node_answers_for_its_parameters(ros) -> None:
    """The pick server once hid rclpy's own store of parameters."""
    from rcl_interfaces.srv import DescribeParameters, SetParameters
    from rclpy.parameter import Parameter

    from ros_nodes.pick_server.node import PickServerNode

    ros.start(PickServerNode)
    asked = DescribeParameters.Request(names=["speed"])
    (told,) = ros.call(DescribeParameters, "/pick_server/describe_parameters", asked).descriptors
    assert told.floating_point_range[0].to_value == 1.0
    given = [Parameter("speed", value=value).to_parameter_msg() for value in (0.5, 5.0)]
    answer = ros.call(SetParameters, "/pick_server/set_parameters", SetParameters.Request(parameters=given))
    assert [result.successful for result in answer.results] == [True, False]
