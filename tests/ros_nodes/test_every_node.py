"""What holds for every node: parameters that explain themselves, and changes that are checked."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters, SetParameters

from tests.ros_standin.launching import node_class

REPOSITORY = Path(__file__).resolve().parents[2]
GIVEN_BY_RCLPY = ("use_sim_time", "start_type_description_service", "qos_overrides")
NUMBERS = (ParameterType.PARAMETER_INTEGER, ParameterType.PARAMETER_DOUBLE)


def executables() -> list[str]:
    tree = ast.parse((REPOSITORY / "setup.py").read_text())
    (found,) = [n for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "NODES"]
    return list(ast.literal_eval(found.value))


def started(ros: Any, executable: str, tmp_path: Path) -> str:
    """Start a node idle; its name."""
    from rclpy.parameter import Parameter

    quiet = {"autostart": False, "folder": str(tmp_path / "folder"), "real_time_factor": 1.0}
    kind = node_class(executable)
    module = sys.modules[kind.__module__]
    known = {name for each in vars(module).values() for name in getattr(each, "__dataclass_fields__", ())}
    overrides = [Parameter(name, value=value) for name, value in quiet.items() if name in known]
    return str(ros.start(kind, parameter_overrides=overrides).get_name())


@pytest.mark.parametrize("executable", executables())
def test_parameters_explain_themselves_and_refuse_what_is_out_of_range(ros, executable: str, tmp_path: Path) -> None:
    name = started(ros, executable, tmp_path)
    listed = ros.call(ListParameters, f"{name}/list_parameters", ListParameters.Request()).result.names
    names = [each for each in listed if not each.startswith(GIVEN_BY_RCLPY)]
    assert names
    described = ros.call(DescribeParameters, f"{name}/describe_parameters", DescribeParameters.Request(names=names))
    values = ros.call(GetParameters, f"{name}/get_parameters", GetParameters.Request(names=names)).values
    assert [each.name for each in described.descriptors] == names
    for each in described.descriptors:
        assert len(each.description) > 10, f"{each.name} has no description"
        if each.type in NUMBERS:
            ranges = list(each.floating_point_range) + list(each.integer_range)
            assert ranges or each.additional_constraints or each.read_only, f"{each.name} has no range"
    for each, value in zip(described.descriptors, values, strict=True):
        if each.read_only or value.type == ParameterType.PARAMETER_NOT_SET:
            continue
        same = ParameterMessage(name=each.name, value=value)
        (answer,) = ros.call(SetParameters, f"{name}/set_parameters", SetParameters.Request(parameters=[same])).results
        assert answer.successful, f"{each.name} cannot be set to what it is: {answer.reason}"
    changeable = [each for each in described.descriptors if each.floating_point_range and not each.read_only]
    for each in changeable[:3]:
        beyond = ParameterValue(
            type=ParameterType.PARAMETER_DOUBLE, double_value=each.floating_point_range[0].to_value * 2.0 + 1.0
        )
        bad = ParameterMessage(name=each.name, value=beyond)
        (answer,) = ros.call(SetParameters, f"{name}/set_parameters", SetParameters.Request(parameters=[bad])).results
        assert not answer.successful and answer.reason, each.name
