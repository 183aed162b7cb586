"""Parameters of a node from a settings dataclass, through rclpy's own services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterDescriptor, ParameterValue
from rcl_interfaces.srv import DescribeParameters, GetParameters, SetParameters, SetParametersAtomically
from rclpy.node import Node
from rclpy.parameter import Parameter, parameter_value_to_python

from geometry import InputError
from ros_nodes.parameters import declare_parameters
from ros_nodes.robot_settings import RobotSettings
from ros_nodes.setting import setting, settings_of

if TYPE_CHECKING:
    from tests.ros_nodes.session import RosSession

DOUBLE, INTEGER, STRING, BOOL_ARRAY = 3, 2, 4, 6  # rcl_interfaces/ParameterType


@dataclass(frozen=True, kw_only=True)
class Settings:
    rate_hz: float = setting(5.0, "How often, Hz.", low=0.1, high=30.0)
    low: float = setting(0.0, "Lower end.")
    high: float = setting(1.0, "Upper end.", low=0.0)
    count: int = setting(3, "How many.", low=1, high=10)
    mode: str = setting("near", "Which.", choices=("near", "far"))
    device: str = setting("cpu", "Where.", read_only=True)
    box_m: tuple[float, float, float] = setting((0.1, 0.2, 0.3), "Size, m.", low=0.0, high=2.0)
    names: tuple[str, ...] = setting((), "Names.")
    fixed_names: tuple[str, ...] = setting((), "More names.", read_only=True)
    words: tuple[str, ...] = setting(("near",), "Words.")

    def __post_init__(self) -> None:
        if self.low >= self.high:
            raise InputError("parameter low", expected=f"below high, {self.high}", got=f"{self.low}")


class Owner(Node):
    def __init__(self, **options: Any) -> None:
        super().__init__("owner", **options)
        try:
            self.parameters = declare_parameters(self, Settings)
        except InputError:
            self.destroy_node()
            raise


class Robot(Node):
    def __init__(self, **options: Any) -> None:
        super().__init__("robot", **options)
        self.parameters = declare_parameters(self, RobotSettings)


def start(ros: RosSession, **values: Any) -> Owner:
    return ros.start(Owner, parameter_overrides=[Parameter(name, value=value) for name, value in values.items()])


def refused(node: Node, **values: Any) -> str:
    """Why a node does not take values that are set at once; empty where it does."""
    result = node.set_parameters_atomically([Parameter(name, value=value) for name, value in values.items()])
    assert result.successful == (not result.reason)
    return str(result.reason)


def test_defaults_and_given_values(ros: RosSession) -> None:
    assert start(ros).parameters.current == Settings()


def test_given_values(ros: RosSession) -> None:
    node = start(ros, rate_hz=2.5, box_m=[1.0, 1.0, 0.5], names=["a", "b"], mode="far", device="cuda")
    current = node.parameters.current
    assert current == Settings(rate_hz=2.5, box_m=(1.0, 1.0, 0.5), names=("a", "b"), mode="far", device="cuda")
    assert isinstance(current.box_m, tuple) and isinstance(current.names, tuple)


def test_values_from_the_command_line(ros: RosSession) -> None:
    words = ["--ros-args", "-p", "rate_hz:=1.5", "-p", "box_m:=[0.5, 0.5, 0.5]", "-p", "names:=[left, right]"]
    current = ros.start(Owner, cli_args=words).parameters.current
    assert current == Settings(rate_hz=1.5, box_m=(0.5, 0.5, 0.5), names=("left", "right"))


def test_an_empty_list_is_a_value(ros: RosSession) -> None:
    """ROS gives it no type, rclpy a parameter without a value, which hides all others from `get_parameters`."""
    node = ros.start(Owner, cli_args=["--ros-args", "-p", "words:=[]"])
    assert node.parameters.current.words == () and node.parameters.current.names == ()
    for name in ("words", "names", "fixed_names"):
        assert node.get_parameter(name).type_ == Parameter.Type.STRING_ARRAY
    names = list(settings_of(Settings))
    values = ros.call(GetParameters, "/owner/get_parameters", GetParameters.Request(names=names)).values
    found = dict(zip(names, (parameter_value_to_python(value) for value in values), strict=True))
    assert found == {name: list(v) if isinstance(v, tuple) else v for name, v in vars(node.parameters.current).items()}
    assert "read-only" in refused(node, fixed_names=["x"])
    assert refused(node, names=["a"]) == "" and node.parameters.current.names == ("a",)


@pytest.mark.skipif(not hasattr(Node, "add_pre_set_parameters_callback"), reason="Humble's rclpy cannot")
def test_a_list_can_be_emptied(ros: RosSession) -> None:
    """`ros2 param set /owner words []` sends an empty list of bools."""
    node = start(ros)
    request = SetParameters.Request(parameters=[message("words", BOOL_ARRAY, bool_array_value=[])])
    assert ros.call(SetParameters, "/owner/set_parameters", request).results[0].successful
    assert node.parameters.current.words == () and list(node.get_parameter("words").value) == []
    request = SetParameters.Request(parameters=[message("box_m", BOOL_ARRAY, bool_array_value=[])])
    (result,) = ros.call(SetParameters, "/owner/set_parameters", request).results
    assert not result.successful and "parameter box_m: expected 3 numbers" in result.reason


@pytest.mark.parametrize(
    ("rule", "said"),
    [("rate_hz:=[]", "rate_hz: expected a decimal number"), ("box_m:=[]", "box_m: expected 3 numbers")],
)
def test_an_empty_list_where_none_can_be(ros: RosSession, rule: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        ros.start(Owner, cli_args=["--ros-args", "-p", rule])


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("rate_hz", 5, ["parameter rate_hz: expected a decimal number from 0.1 to 30.0", "got 5", "like 5.0"]),
        ("box_m", [1, 1, 1], ["parameter box_m", "write it like [0.1, 0.2, 0.3]"]),
        ("names", "a", ["parameter names: expected a list, each text", "like ['name', 'name']"]),
        ("count", 3.0, ["parameter count: expected a whole number from 1 to 10", "like 3"]),
        ("rate_hz", 31.0, ["parameter rate_hz: expected a decimal number from 0.1 to 30.0", "31.0"]),
        ("rate_hz", float("nan"), ["parameter rate_hz", "nan"]),
        ("low", float("inf"), ["parameter low", "inf"]),
        ("count", 11, ["parameter count", "11"]),
        ("mode", "elsewhere", ["parameter mode: expected one of 'near', 'far'", "'elsewhere'"]),
        ("box_m", [1.0, 1.0], ["parameter box_m: expected 3 numbers", "(1.0, 1.0)"]),
        ("box_m", [1.0, 1.0, 2.5], ["parameter box_m", "from 0.0 to 2.0", "(1.0, 1.0, 2.5)"]),
        ("low", 1.0, ["parameter low: expected below high, 1.0, got 1.0"]),
    ],
)
def test_bad_values_at_start_are_told_in_one_line(ros: RosSession, name: str, value: Any, said: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        start(ros, **{name: value})
    line = str(caught.value)
    assert [part for part in said if part not in line] == [] and "\n" not in line


def test_a_change_is_taken_whole_and_told(ros: RosSession) -> None:
    node = start(ros)
    changes: list[tuple[Settings, Settings]] = []
    node.parameters.on_change(lambda old, new: changes.append((old, new)))
    assert refused(node, low=2.0, high=3.0) == ""
    assert changes == [(Settings(), Settings(low=2.0, high=3.0))]
    assert node.parameters.current == Settings(low=2.0, high=3.0)
    assert node.get_parameter("high").value == 3.0
    assert refused(node, high=3.0) == "" and len(changes) == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"low": 1.5}, "parameter low: expected below high, 1.0, got 1.5"),
        ({"rate_hz": 2.0, "mode": "elsewhere"}, "one of 'near', 'far', got 'elsewhere'"),
        ({"box_m": [0.0, 0.0, 3.0]}, "parameter box_m: expected 3 numbers"),
        ({"low": float("nan")}, "parameter low: expected a decimal number, got nan"),
        ({"rate_hz": 0.05}, "rate_hz"),
        ({"rate_hz": 5}, "type"),
        ({"device": "cuda"}, "read-only"),
    ],
)
def test_a_bad_change_is_refused_with_a_reason(ros: RosSession, values: dict[str, Any], said: str) -> None:
    node = start(ros)
    changes: list[Any] = []
    node.parameters.on_change(lambda old, new: changes.append(new))
    assert said in refused(node, **values)
    assert node.parameters.current == Settings() and changes == []
    assert node.get_parameter("rate_hz").value == 5.0 and node.get_parameter("mode").value == "near"


def test_a_listener_may_refuse_and_the_others_are_told_back(ros: RosSession) -> None:
    node = start(ros)
    rates: list[float] = []
    node.parameters.on_change(lambda old, new: rates.append(new.rate_hz))

    def too_fast(old: Settings, new: Settings) -> None:
        raise InputError("camera", expected="at most 5 Hz", got=f"{new.rate_hz}")

    node.parameters.on_change(too_fast)
    assert refused(node, rate_hz=6.0) == "camera: expected at most 5 Hz, got 6.0"
    assert rates == [6.0, 5.0] and node.parameters.current.rate_hz == 5.0


def test_parameters_of_others_are_left_alone(ros: RosSession) -> None:
    node = start(ros)
    node.declare_parameter("elsewhere", 1)
    assert refused(node, elsewhere=2) == "" and node.get_parameter("elsewhere").value == 2


def message(name: str, kind: int, **value: Any) -> ParameterMessage:
    return ParameterMessage(name=name, value=ParameterValue(type=kind, **value))


def test_through_the_services_that_ros2_param_uses(ros: RosSession) -> None:
    node = start(ros)
    request = SetParameters.Request(parameters=[message("rate_hz", DOUBLE, double_value=7.5)])
    assert ros.call(SetParameters, "/owner/set_parameters", request).results[0].successful
    assert node.parameters.current.rate_hz == 7.5
    request = SetParameters.Request(parameters=[message("mode", STRING, string_value="x")])
    (result,) = ros.call(SetParameters, "/owner/set_parameters", request).results
    assert not result.successful and "one of 'near', 'far'" in result.reason
    both = [message("rate_hz", DOUBLE, double_value=9.0), message("count", INTEGER, integer_value=99)]
    request = SetParametersAtomically.Request(parameters=both)
    answer = ros.call(SetParametersAtomically, "/owner/set_parameters_atomically", request)
    assert not answer.result.successful and node.parameters.current.rate_hz == 7.5


def described(ros: RosSession, names: list[str], node: str = "owner") -> dict[str, ParameterDescriptor]:
    request = DescribeParameters.Request(names=names)
    answer = ros.call(DescribeParameters, f"/{node}/describe_parameters", request)
    return dict(zip(names, answer.descriptors, strict=True))


def test_every_parameter_is_described(ros: RosSession) -> None:
    start(ros)
    found = described(ros, ["rate_hz", "high", "count", "mode", "device", "box_m", "names"])
    assert all(entry.description for entry in found.values())
    (rate,) = found["rate_hz"].floating_point_range
    assert (rate.from_value, rate.to_value) == (0.1, 30.0)
    (high,) = found["high"].floating_point_range
    assert high.from_value == 0.0 and high.to_value > 1e300
    (count,) = found["count"].integer_range
    assert (count.from_value, count.to_value) == (1, 10)
    assert found["mode"].additional_constraints == "one of 'near', 'far'"
    assert "3 numbers" in found["box_m"].additional_constraints
    assert [name for name, entry in found.items() if entry.read_only] == ["device"]
    assert found["names"].type == Parameter.Type.STRING_ARRAY.value


def test_a_whole_robot_by_its_parameters(ros: RosSession) -> None:
    node = ros.start(Robot)
    assert node.parameters.current == RobotSettings()
    found = described(ros, list(settings_of(RobotSettings)), "robot")
    assert all(entry.description for entry in found.values())
    assert "expected panda_joint4 within" in refused(node, home_q=[0.0] * 7)
    assert refused(node, home_q=list(RobotSettings().drop_q)) == ""
    assert node.parameters.current.home_q == RobotSettings().drop_q
