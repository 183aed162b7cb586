"""What a launch file would start, for given arguments."""

from __future__ import annotations

import runpy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.ros_standin.launching import entities as e


@dataclass(frozen=True)
class PlannedNode:
    """One node."""

    package: str
    executable: str
    name: str
    namespace: str
    parameters: dict[str, Any]
    """Of its own and of all, the later ones over the earlier; files are read."""
    remappings: tuple[tuple[str, str], ...]
    arguments: tuple[str, ...]

    def cli_args(self) -> list[str]:
        """What rclpy would get on its command line, parameters left out: those go as overrides."""
        rules = [f"{a}:={b}" for a, b in self.remappings]
        rules += [f"__node:={self.name}"] if self.name else []
        rules += [f"__ns:={self.namespace}"] if self.namespace else []
        return ["--ros-args", *(part for rule in rules for part in ("-r", rule))]


@dataclass
class LaunchPlan:
    """All of it."""

    nodes: list[PlannedNode] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, e.DeclareLaunchArgument] = field(default_factory=dict)
    """Every declared argument, those of included files too."""

    def node(self, executable: str) -> PlannedNode:
        """The one of that executable."""
        (found,) = [node for node in self.nodes if node.executable == executable]
        return found


def read_launch_file(path: str | Path, arguments: Mapping[str, str] | None = None) -> LaunchPlan:
    """Read a launch file as `ros2 launch` would, without starting anything.

    Raises:
        RuntimeError: for an argument that is not declared, or one without a default that was not given.
        ValueError: for a value that is none of an argument's choices.
    """
    plan = LaunchPlan()
    given = dict(arguments or {})
    own = {each.name for each in _load(path).get_launch_arguments()}
    if unknown := sorted(given.keys() - own):
        raise RuntimeError(f"{Path(path).name} declares no argument {', '.join(unknown)}")
    _visit(_load(path).entities, e.Context(given), plan, [])
    return plan


def _load(path: str | Path) -> Any:
    return runpy.run_path(str(path))["generate_launch_description"]()


def _visit(actions: Iterable[Any], context: e.Context, plan: LaunchPlan, common: list[Any]) -> None:
    for action in actions:
        if action is None or (action.condition is not None and not action.condition.evaluate(context)):
            continue
        match action:
            case e.DeclareLaunchArgument():
                _declare(action, context, plan)
            case e.IncludeLaunchDescription():
                location = getattr(action.source, "location", action.source)
                inner = e.Context(context.launch_configurations)
                given = {e.text_of(k, context): e.text_of(v, context) for k, v in action.launch_arguments}
                inner.launch_configurations.update(given)
                _visit(_load(e.text_of(location, context)).entities, inner, plan, list(common))
                context.launch_configurations.update(inner.launch_configurations)  # an include is not a scope
            case e.GroupAction():
                inside = e.Context(context.launch_configurations) if action.scoped else context
                _visit(action.actions, inside, plan, list(common) if action.scoped else common)
            case e.OpaqueFunction():
                _visit(action.function(context, *action.args) or (), context, plan, common)
            case e.SetParameter():
                common.append({action.name: action.value})
            case e.SetEnvironmentVariable():
                plan.environment[e.text_of(action.name, context)] = e.text_of(action.value, context)
            case e.Node():
                plan.nodes.append(_planned(action, context, common))
            case e.LogInfo():
                pass
            case _:
                raise TypeError(f"{type(action).__name__} in a launch file")


def _declare(action: e.DeclareLaunchArgument, context: e.Context, plan: LaunchPlan) -> None:
    plan.arguments[action.name] = action
    if action.name not in context.launch_configurations:
        if action.default_value is None:
            raise RuntimeError(f"argument {action.name} is required")
        context.launch_configurations[action.name] = e.text_of(action.default_value, context)
    value = context.launch_configurations[action.name]
    if action.choices is not None and value not in action.choices:
        raise ValueError(f"argument {action.name}: {value!r} is none of {action.choices}")


def _planned(action: e.Node, context: e.Context, common: list[Any]) -> PlannedNode:
    given = action.given
    parameters: dict[str, Any] = {}
    for each in (*common, *given.get("parameters", ())):
        parameters |= _parameters(each, context, e.text_of(given.get("name", ""), context))
    return PlannedNode(
        package=e.text_of(action.package, context),
        executable=e.text_of(action.executable, context),
        name=e.text_of(given.get("name", ""), context),
        namespace=e.text_of(given.get("namespace", ""), context),
        parameters=parameters,
        remappings=tuple((e.text_of(a, context), e.text_of(b, context)) for a, b in given.get("remappings", ())),
        arguments=tuple(e.text_of(each, context) for each in given.get("arguments", ())),
    )


def _parameters(given: Any, context: e.Context, node: str) -> dict[str, Any]:
    """Of a file (what it says for all nodes, and for this one) or a dictionary."""
    if isinstance(given, Mapping):
        return {e.text_of(name, context): _value(value, context) for name, value in given.items()}
    path = e.text_of(given.param_file if isinstance(given, e.ParameterFile) else given, context)
    held = yaml.safe_load(Path(path).read_text()) or {}
    parts = [held.get(name, {}).get("ros__parameters", {}) for name in ("/**", node, f"/{node}")]
    return {name: value for part in parts for name, value in part.items()}


def _value(value: Any, context: e.Context) -> Any:
    """As launch_ros writes it into the file that the node reads: text of substitutions is read as YAML."""
    if isinstance(value, e.ParameterValue):
        text = value.value if not isinstance(value.value, e.Substitution) else e.text_of(value.value, context)
        return str(text) if value.value_type is str else _typed(yaml.safe_load(str(text)), value.value_type)
    if isinstance(value, e.Substitution):
        return yaml.safe_load(e.text_of(value, context))
    if isinstance(value, list | tuple) and value and all(isinstance(each, e.Substitution | str) for each in value):
        if any(isinstance(each, e.Substitution) for each in value):
            return yaml.safe_load(e.text_of(value, context))
    return list(value) if isinstance(value, tuple) else value


def _typed(value: Any, wanted: Any) -> Any:
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if wanted in (bool, int, float) and not isinstance(value, wanted):
        raise ValueError(f"expected {wanted.__name__}, got {value!r}")
    return value
