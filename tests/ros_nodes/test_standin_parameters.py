"""What the nodes rely on in rclpy's parameters; these tests hold for a real rclpy as well."""

from __future__ import annotations

import math

import pytest
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rcl_interfaces.srv import DescribeParameters, GetParameters, GetParameterTypes, ListParameters, SetParameters
from rclpy.exceptions import (
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterAlreadyDeclaredException,
    ParameterImmutableException,
    ParameterNotDeclaredException,
    ParameterUninitializedException,
)
from rclpy.node import Node
from rclpy.parameter import Parameter, parameter_value_to_python

SPEED = ParameterDescriptor(
    description="how fast", floating_point_range=[FloatingPointRange(from_value=0.0, to_value=2.0)]
)


def set_one(node, name, value):
    (result,) = node.set_parameters([Parameter(name, value=value)])
    return result


def test_declared_parameter_has_its_default_and_its_type(ros):
    node = ros.node("arm")
    assert node.declare_parameter("speed", 1.5, SPEED).value == 1.5
    assert node.get_parameter("speed").type_ == Parameter.Type.DOUBLE
    assert node.has_parameter("speed") and not node.has_parameter("other")
    described = node.describe_parameter("speed")
    assert (described.name, described.type, described.description) == ("speed", 3, "how fast")
    with pytest.raises(ParameterNotDeclaredException):
        node.get_parameter("other")
    with pytest.raises(ParameterAlreadyDeclaredException):
        node.declare_parameter("speed", 2.0)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "BOOL"), (3, "INTEGER"), (3.0, "DOUBLE"), ("x", "STRING"), ([True], "BOOL_ARRAY"),
        ([1, 2], "INTEGER_ARRAY"),
        ([1.0], "DOUBLE_ARRAY"), (["a"], "STRING_ARRAY"), ([], "BYTE_ARRAY"),
    ],
)  # fmt: skip
def test_types_of_values(ros, value, kind):
    assert Parameter("x", value=value).type_.name == kind
    node = ros.node("arm")
    node.declare_parameter("x", value)
    assert list(node.get_parameter("x").value) == value if isinstance(value, list) else True


def test_another_type_is_refused_with_a_reason(ros):
    node = ros.node("arm")
    node.declare_parameter("speed", 1.0)
    result = set_one(node, "speed", 1)
    assert not result.successful and "Wrong parameter type" in result.reason
    assert node.get_parameter("speed").value == 1.0
    with pytest.raises(ParameterNotDeclaredException):
        set_one(node, "other", 1)


@pytest.mark.parametrize("value", [-0.1, 2.1, float("nan"), float("inf")])
def test_value_out_of_range_is_refused(ros, value):
    node = ros.node("arm")
    node.declare_parameter("speed", 1.0, SPEED)
    result = set_one(node, "speed", value)
    assert not result.successful and "speed" in result.reason
    with pytest.raises(InvalidParameterValueException):
        node.declare_parameter("speed_2", value, SPEED)
    assert not node.has_parameter("speed_2")


def test_integer_steps(ros):
    node = ros.node("arm")
    even = ParameterDescriptor(integer_range=[IntegerRange(from_value=0, to_value=10, step=4)])
    node.declare_parameter("count", 4, even)
    assert [set_one(node, "count", n).successful for n in (8, 10, 6, 11)] == [True, True, False, False]


def test_read_only_and_dynamic_parameters(ros):
    node = ros.node("arm")
    node.declare_parameter("fixed", 1, ParameterDescriptor(read_only=True))
    assert "read-only" in set_one(node, "fixed", 2).reason
    node.declare_parameter("free", 1, ParameterDescriptor(dynamic_typing=True))
    assert set_one(node, "free", "text").successful
    assert node.get_parameter("free").value == "text"


def test_parameter_without_a_value(ros):
    node = ros.node("arm")
    node.declare_parameter("q", Parameter.Type.DOUBLE_ARRAY)
    with pytest.raises(ParameterUninitializedException):
        node.get_parameter("q")
    assert set_one(node, "q", [1.0, 2.0]).successful
    assert list(node.get_parameter("q").value) == [1.0, 2.0]
    with pytest.raises(ValueError):
        node.declare_parameter("nothing", None, ParameterDescriptor())


def test_overrides_come_first_and_must_have_the_type(ros):
    overrides = [Parameter("speed", value=0.5), Parameter("count", value=1.0)]
    node = ros.node("arm", parameter_overrides=overrides)
    assert node.declare_parameter("speed", 1.0).value == 0.5
    with pytest.raises(InvalidParameterTypeException, match="DOUBLE.*INTEGER"):
        node.declare_parameter("count", 1)


def test_callbacks_may_refuse_and_see_values_before_they_hold(ros):
    node, seen = ros.node("arm"), []

    def check(parameters):
        seen.extend((one.name, one.value, node.has_parameter(one.name)) for one in parameters)
        bad = any(one.name == "speed" and one.value > 5.0 for one in parameters)
        return SetParametersResult(successful=not bad, reason="too fast" if bad else "")

    node.add_on_set_parameters_callback(check)
    node.declare_parameter("speed", 1.0)
    assert seen == [("speed", 1.0, False)]
    result = set_one(node, "speed", 6.0)
    assert (result.successful, result.reason) == (False, "too fast")
    assert node.get_parameter("speed").value == 1.0
    with pytest.raises(InvalidParameterValueException, match="too fast"):
        node.undeclare_parameter("speed")
        node.declare_parameter("speed", 7.0)
    node.remove_on_set_parameters_callback(check)
    node.declare_parameter("speed", 7.0)


def test_atomic_setting_is_all_or_nothing(ros):
    node = ros.node("arm")
    node.declare_parameters("limits", [("a", 1.0), ("b", 2.0)])
    wanted = [Parameter("limits.a", value=5.0), Parameter("limits.b", value="five")]
    assert not node.set_parameters_atomically(wanted).successful
    assert node.get_parameter("limits.a").value == 1.0
    assert {name: one.value for name, one in node.get_parameters_by_prefix("limits").items()} == {"a": 1.0, "b": 2.0}


FILE = """
/**:
  ros__parameters:
    everywhere: 1
    nested: {deep: [1.0, 2.0]}
/cell/arm:
  ros__parameters: {speed: 1e-3, word: hello}
/cell/*:
  ros__parameters: {flag: true}
/cell:
  hand:
    ros__parameters: {word: never}
"""


def test_parameters_of_a_file_and_of_the_command_line(ros, tmp_path):
    path = tmp_path / "parameters.yaml"
    path.write_text(FILE)
    arguments = ["--ros-args", "--params-file", str(path), "-p", "late:=7", "-p", "everywhere:=2", "-p", "text:='12'"]
    node = ros.node("arm", namespace="cell", cli_args=arguments, automatically_declare_parameters_from_overrides=True)
    values = {name: one.value for name, one in node.get_parameters_by_prefix("").items()}
    deep = values.pop("nested.deep")
    assert list(deep) == [1.0, 2.0]
    expected = {"everywhere": 2, "speed": 0.001, "word": "hello", "flag": True, "late": 7, "text": "12"}
    assert {name: values[name] for name in expected} == expected
    other = ros.node("arm", cli_args=arguments[:3], automatically_declare_parameters_from_overrides=True)
    assert other.has_parameter("everywhere") and not other.has_parameter("speed") and not other.has_parameter("flag")


YAML = {
    "y": True, "No": False, "oN": "oN", "'y'": "y", "!!str y": "y", "null": "null", "~": "~", "[a, ~]": ["a", "~"],
    "0x10": 16, "0777": 511, "09": 9.0, "1_000": "1_000", "1e-3": 0.001, "1e400": "1e400", "1.": 1.0,
    "-.inf": -math.inf, "inf": math.inf, "99999999999999999999": 1e20, "1:30": "1:30", "2020-01-01": "2020-01-01",
    "''": "", "[yes, no]": [True, False], "[a, 'y']": ["a", "y"], "hello world": "hello world", "0o17": "0o17",
}  # fmt: skip


@pytest.mark.parametrize("text", YAML)
def test_yaml_is_read_as_rcl_reads_it(ros, text):
    arguments = ["--ros-args", "-p", f"x:={text}"]
    node = ros.node("arm", cli_args=arguments, automatically_declare_parameters_from_overrides=True)
    value = node.get_parameter("x").value
    assert value == YAML[text] and type(value) is type(YAML[text])


@pytest.mark.parametrize("text", ["[x, y]", "[1.0, 2]", "[true, 1]", "a: b", "{a: 1}", "", "*x"])
def test_yaml_that_rcl_refuses(ros, text):
    with pytest.raises(RuntimeError, match="Couldn't parse parameter override rule: '-p x:="):
        ros.node("arm", cli_args=["--ros-args", "-p", f"x:={text}"])


@pytest.mark.parametrize("line", ["x:", "x: [1.0, 2]", "x: &a [1.0]\n    z: *a", "x: [[1], [2]]"])
def test_a_file_that_rcl_refuses(ros, tmp_path, line):
    path = tmp_path / "parameters.yaml"
    path.write_text(f"/**:\n  ros__parameters:\n    {line}\n")
    with pytest.raises(RuntimeError, match="Couldn't parse params file: '--params-file .*parameters.yaml'"):
        ros.node("arm", cli_args=["--ros-args", "--params-file", str(path)])


def test_a_files_keys_are_text(ros, tmp_path):
    path = tmp_path / "parameters.yaml"
    path.write_text("/**:\n  ros__parameters: {y: 1, on.off: 2, empty: [], 3: {null: 4}}\n")
    arguments = ["--ros-args", "--params-file", str(path)]
    node = ros.node("arm", cli_args=arguments)
    assert [node.declare_parameter(name, 0).value for name in ("y", "on.off", "3.null")] == [1, 2, 4]
    assert node.declare_parameter("empty", [1.0]).type_ == Parameter.Type.NOT_SET


def test_one_parameter_without_a_value_hides_the_others(ros):
    node = ros.node("arm")
    node.declare_parameter("speed", 1.0)
    node.declare_parameter("q", Parameter.Type.DOUBLE_ARRAY)
    names = ["speed", "q"]
    assert not ros.call(GetParameters, "/arm/get_parameters", GetParameters.Request(names=names)).values
    request = DescribeParameters.Request(names=["speed", "other"])
    assert not ros.call(DescribeParameters, "/arm/describe_parameters", request).descriptors
    request = GetParameterTypes.Request(names=["speed", "other"])
    assert not ros.call(GetParameterTypes, "/arm/get_parameter_types", request).types
    assert set_one(node, "q", [2.0]).successful
    assert len(ros.call(GetParameters, "/arm/get_parameters", GetParameters.Request(names=names)).values) == 2


def test_an_array_may_be_empty_and_keep_its_type(ros):
    node = ros.node("arm")
    node.declare_parameter("q", Parameter.Type.DOUBLE_ARRAY)
    (result,) = node.set_parameters([Parameter("q", Parameter.Type.DOUBLE_ARRAY, [])])
    assert result.successful and list(node.get_parameter("q").value) == []
    node.set_descriptor("q", ParameterDescriptor(type=Parameter.Type.DOUBLE_ARRAY.value, read_only=True))
    assert "read-only" in set_one(node, "q", [1.0]).reason
    with pytest.raises(ParameterImmutableException):
        node.set_descriptor("q", ParameterDescriptor(type=Parameter.Type.DOUBLE_ARRAY.value))


@pytest.mark.skipif(not hasattr(Node, "add_pre_set_parameters_callback"), reason="not on Humble")
def test_values_may_be_changed_before_they_are_checked(ros):
    node = ros.node("arm")
    node.declare_parameter("speed", 1.0)
    node.add_pre_set_parameters_callback(lambda given: [Parameter(one.name, value=float(one.value)) for one in given])
    assert set_one(node, "speed", 2).successful and node.get_parameter("speed").value == 2.0


def test_parameter_services_are_what_ros2_param_needs(ros):
    node = ros.node("arm")
    node.declare_parameter("speed", 1.0, SPEED)
    (described,) = ros.call(
        DescribeParameters, "/arm/describe_parameters", DescribeParameters.Request(names=["speed"])
    ).descriptors
    assert described.description == "how fast" and described.floating_point_range[0].to_value == 2.0
    listed = ros.call(ListParameters, "/arm/list_parameters").result.names
    assert {"speed", "use_sim_time"} <= set(listed)

    def set_remotely(name, value):
        request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
        return ros.call(SetParameters, "/arm/set_parameters", request).results[0]

    assert set_remotely("speed", 0.25).successful
    assert not set_remotely("speed", 9.0).successful
    assert not set_remotely("unknown", 9.0).successful
    values = ros.call(GetParameters, "/arm/get_parameters", GetParameters.Request(names=["speed"])).values
    assert [parameter_value_to_python(one) for one in values] == [0.25]
