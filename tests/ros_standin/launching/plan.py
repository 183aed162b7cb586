"""What a launch file would start, for given arguments."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from tests.ros_standin.launching import entities as e
from tests.ros_standin.launching.modules import launch_modules


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
    sources: tuple[Path | dict[str, dict[str, Any]], ...] = ()
    """Where the parameters come from, in the order of the command line: files, and dictionaries by section."""

    def cli_args(self) -> list[str]:
        """What rclpy would get on its command line, parameters left out: those go as overrides."""
        of = f"{self.name}:" if self.name else ""
        rules = [f"{of}{a}:={b}" for a, b in self.remappings]
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
    others: dict[str, dict[str, str]] = field(default_factory=dict)
    """Launch files of other packages that are included, with their arguments; they are not read."""

    def node(self, executable: str) -> PlannedNode:
        """The one of that executable."""
        (found,) = [node for node in self.nodes if node.executable == executable]
        return found


def read_launch_file(path: str | Path, arguments: Mapping[str, str] | None = None) -> LaunchPlan:
    """Read a launch file as `ros2 launch` would, without starting anything.

    Raises:
        RuntimeError: for an argument that is not declared, or one without a default that was not given.
            Also for a value that is none of an argument's choices.
    """
    plan = LaunchPlan()
    given = dict(arguments or {})
    if unknown := sorted(given.keys() - _arguments(_load(path).entities)):
        raise RuntimeError(f"{Path(path).name} declares no argument {', '.join(unknown)}")
    _visit(_load(path).entities, e.LaunchContext(given), plan, [])
    return plan


def _load(path: str | Path) -> Any:
    with patch.dict(sys.modules, launch_modules()):  # also where there is a real one
        return runpy.run_path(str(path))["generate_launch_description"]()


def _arguments(entities: Iterable[Any]) -> set[str]:
    """Names of all arguments that a file or one of ours that it includes declares; `ros2 launch` takes any name."""
    found: set[str] = set()
    for each in entities:
        match each:
            case e.DeclareLaunchArgument():
                found.add(each.name)
            case e.GroupAction():
                found |= _arguments(each.actions)
            case e.IncludeLaunchDescription() if _is_ours(each):
                found |= _arguments(_load(_location(each, e.LaunchContext())).entities)
    return found


def _location(action: e.IncludeLaunchDescription, context: e.LaunchContext) -> str:
    return e.text_of(getattr(action.source, "location", action.source), context)


def _is_ours(action: e.IncludeLaunchDescription) -> bool:
    return _location(action, e.LaunchContext()).startswith(str(e.REPOSITORY))


def _visit(actions: Iterable[Any], context: e.LaunchContext, plan: LaunchPlan, common: list[Any]) -> None:
    for action in actions:
        if action is None or (action.condition is not None and not action.condition.evaluate(context)):
            continue
        match action:
            case e.DeclareLaunchArgument():
                _declare(action, context, plan)
            case e.IncludeLaunchDescription():
                given = {e.text_of(k, context): e.text_of(v, context) for k, v in action.launch_arguments}
                if not _is_ours(action):
                    plan.others[_location(action, context)] = given
                    continue
                context.launch_configurations.update(given)  # an include is not a scope
                _visit(_load(_location(action, context)).entities, context, plan, common)
            case e.GroupAction():
                inside = e.LaunchContext(context.launch_configurations) if action.scoped else context
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


def _declare(action: e.DeclareLaunchArgument, context: e.LaunchContext, plan: LaunchPlan) -> None:
    plan.arguments[action.name] = action
    if action.name not in context.launch_configurations:
        if action.default_value is None:
            raise RuntimeError(f"argument {action.name} is required")
        context.launch_configurations[action.name] = e.text_of(action.default_value, context)
    value = context.launch_configurations[action.name]
    if action.choices is not None and value not in action.choices:
        raise RuntimeError(f"argument {action.name}: {value!r} is none of {action.choices}")


def _planned(action: e.Node, context: e.LaunchContext, common: list[Any]) -> PlannedNode:
    given = action.given
    name, namespace = (e.text_of(given.get(each, ""), context) for each in ("name", "namespace"))
    own = (
        f"{namespace.rstrip('/')}/{name}" if namespace else "/**"
    )  # the section that launch_ros writes dictionaries to
    sections: dict[str, dict[str, Any]] = {}
    given_parameters = (*common, *given.get("parameters", ()))
    for each in given_parameters:
        for pattern, values in _sections(each, context, own, name).items():
            sections.setdefault(pattern, {}).update(values)  # rcl takes section by section, as they first came
    return PlannedNode(
        package=e.text_of(action.package, context),
        executable=e.text_of(action.executable, context),
        name=name,
        namespace=namespace,
        parameters={name: value for values in sections.values() for name, value in values.items()},
        remappings=tuple((e.text_of(a, context), e.text_of(b, context)) for a, b in given.get("remappings", ())),
        arguments=tuple(e.text_of(each, context) for each in given.get("arguments", ())),
        sources=tuple(_source(each, context, own) for each in given_parameters),
    )


def _source(given: Any, context: e.LaunchContext, own: str) -> Path | dict[str, dict[str, Any]]:
    return _sections(given, context, own, "") if isinstance(given, Mapping) else _file(given, context)


def _file(given: Any, context: e.LaunchContext) -> Path:
    return Path(e.text_of(given.param_file if isinstance(given, e.ParameterFile) else given, context))


def _sections(given: Any, context: e.LaunchContext, own: str, node: str) -> dict[str, dict[str, Any]]:
    """The parameters of a dictionary or a file by section: for all nodes, or for this one."""
    if isinstance(given, Mapping):
        return {own: {e.text_of(name, context): _value(value, context) for name, value in given.items()}}
    path = _file(given, context)
    if not path.is_file():
        return {}  # launch_ros warns, and goes on
    held = yaml.safe_load(path.read_text()) or {}
    return {f"/{key.lstrip('/')}": held[key]["ros__parameters"] for key in held if key in ("/**", node, f"/{node}")}


def _value(value: Any, context: e.LaunchContext) -> Any:
    """As launch_ros writes it into the file that the node reads: text of substitutions is read as YAML."""
    if isinstance(value, e.ParameterValue):
        text = value.value if not isinstance(value.value, e.Substitution) else e.text_of(value.value, context)
        return _typed(text, value.value_type)
    if isinstance(value, e.Substitution):
        return yaml.safe_load(e.text_of(value, context))
    if isinstance(value, list | tuple) and value and all(isinstance(each, e.Substitution | str) for each in value):
        if any(isinstance(each, e.Substitution) for each in value):
            return yaml.safe_load(e.text_of(value, context))
    return list(value) if isinstance(value, tuple) else value


def _typed(text: Any, wanted: Any) -> Any:
    if wanted in (int, float, str):
        return wanted(text)  # both 1 and 1.0 are good decimals, and 1.0 is no integer
    value = yaml.safe_load(str(text))
    if wanted is bool and not isinstance(value, bool):
        raise ValueError(f"expected bool, got {text!r}")
    return value
