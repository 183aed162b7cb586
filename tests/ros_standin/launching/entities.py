"""What launch files are written in: substitutions, conditions, arguments, nodes; they keep what they are given."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]
TRUE, FALSE = ("true", "1"), ("false", "0")


class LaunchContext:
    """What a launch file has declared and been given so far."""

    def __init__(self, given: Mapping[str, str] | None = None) -> None:
        self.launch_configurations: dict[str, str] = dict(given or {})


class Substitution:
    """Text that is known once the arguments are."""

    def perform(self, context: LaunchContext) -> str:
        raise NotImplementedError


def text_of(value: Any, context: LaunchContext) -> str:
    """A substitution, a string or a path, or a list of them, as text."""
    if isinstance(value, Substitution):
        return value.perform(context)
    if isinstance(value, str | Path):
        return str(value)
    if isinstance(value, Iterable):
        return "".join(text_of(each, context) for each in value)
    raise TypeError(f"expected text or a substitution, got {value!r}")


class TextSubstitution(Substitution):
    def __init__(self, *, text: str) -> None:
        self.text = text

    def perform(self, context: LaunchContext) -> str:
        return self.text


class LaunchConfiguration(Substitution):
    def __init__(self, variable_name: Any, *, default: Any = None) -> None:
        self.variable_name, self.default = variable_name, default

    def perform(self, context: LaunchContext) -> str:
        name = text_of(self.variable_name, context)
        if name in context.launch_configurations:
            return context.launch_configurations[name]
        if self.default is None:
            raise RuntimeError(f"launch configuration '{name}' does not exist")
        return text_of(self.default, context)


class PathJoinSubstitution(Substitution):
    def __init__(self, substitutions: Iterable[Any]) -> None:
        self.parts = list(substitutions)

    def perform(self, context: LaunchContext) -> str:
        return os.path.join(*(text_of(part, context) for part in self.parts))


class EnvironmentVariable(Substitution):
    def __init__(self, name: Any, *, default_value: Any = None) -> None:
        self.name, self.default_value = name, default_value

    def perform(self, context: LaunchContext) -> str:
        name = text_of(self.name, context)
        if name not in os.environ and self.default_value is None:
            raise RuntimeError(f"environment variable '{name}' does not exist")
        return os.environ[name] if name in os.environ else text_of(self.default_value, context)


class FindPackageShare(Substitution):
    """The repository stands for the installed share folder: both hold `launch/`."""

    def __init__(self, package: Any) -> None:
        self.package = package

    def perform(self, context: LaunchContext) -> str:
        name = text_of(self.package, context)
        return str(REPOSITORY) if name == "graspmimic" else f"/opt/ros/jazzy/share/{name}"


class PythonExpression(Substitution):
    def __init__(self, expression: Any) -> None:
        self.expression = expression

    def perform(self, context: LaunchContext) -> str:
        return str(eval(text_of(self.expression, context), {}))  # noqa: S307  (that is what the real one does)


class IfCondition:
    wanted = True

    def __init__(self, predicate: Any) -> None:
        self.predicate = predicate

    def evaluate(self, context: LaunchContext) -> bool:
        text = text_of(self.predicate, context).strip().lower()
        if text not in TRUE + FALSE:
            raise RuntimeError(f"a condition got {text!r}, neither true nor false")
        return (text in TRUE) == self.wanted


class UnlessCondition(IfCondition):
    wanted = False


class Action:
    def __init__(self, *, condition: IfCondition | None = None) -> None:
        self.condition = condition


class DeclareLaunchArgument(Action):
    def __init__(
        self,
        name: str,
        *,
        default_value: Any = None,
        description: str | None = None,
        choices: Iterable[str] | None = None,
        condition: IfCondition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        self.name, self.default_value = name, default_value
        self.description, self.choices = description, None if choices is None else list(choices)


class SetParameter(Action):
    def __init__(self, name: Any, value: Any, *, condition: IfCondition | None = None) -> None:
        super().__init__(condition=condition)
        self.name, self.value = name, value


class SetEnvironmentVariable(Action):
    def __init__(self, name: Any, value: Any, *, condition: IfCondition | None = None) -> None:
        super().__init__(condition=condition)
        self.name, self.value = name, value


class LogInfo(Action):
    def __init__(self, *, msg: Any, condition: IfCondition | None = None) -> None:
        super().__init__(condition=condition)
        self.msg = msg


class GroupAction(Action):
    def __init__(
        self,
        actions: Iterable[Any],
        *,
        scoped: bool = True,
        forwarding: bool = True,
        condition: IfCondition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        self.actions, self.scoped = list(actions), scoped


class OpaqueFunction(Action):
    def __init__(self, *, function: Callable[..., Any], args: Iterable[Any] = (), condition: IfCondition | None = None):
        super().__init__(condition=condition)
        self.function, self.args = function, tuple(args)


class PythonLaunchDescriptionSource:
    def __init__(self, location: Any) -> None:
        self.location = location


class IncludeLaunchDescription(Action):
    def __init__(
        self, source: Any, *, launch_arguments: Iterable[tuple[Any, Any]] = (), condition: IfCondition | None = None
    ) -> None:
        super().__init__(condition=condition)
        self.source, self.launch_arguments = source, list(launch_arguments)


class Node(Action):
    _KNOWN = (
        "name namespace parameters remappings arguments ros_arguments output emulate_tty respawn respawn_delay on_exit "
        "additional_env sigterm_timeout sigkill_timeout"
    ).split()

    def __init__(self, *, package: Any, executable: Any, condition: IfCondition | None = None, **given: Any) -> None:
        super().__init__(condition=condition)
        if unknown := sorted(given.keys() - set(self._KNOWN)):
            raise TypeError(f"Node got unexpected {', '.join(unknown)}")
        self.package, self.executable, self.given = package, executable, given


class ParameterValue:
    """A parameter's value with its type: text from the command line becomes a number, a truth, a list."""

    def __init__(self, value: Any, *, value_type: Any = None) -> None:
        self.value, self.value_type = value, value_type


class ParameterFile:
    def __init__(self, param_file: Any, *, allow_substs: Any = False) -> None:
        self.param_file = param_file


class LaunchDescription:
    def __init__(self, initial_entities: Iterable[Any] = ()) -> None:
        self.entities = list(initial_entities)

    def add_action(self, action: Any) -> None:
        self.entities.append(action)

    def get_launch_arguments(self) -> list[DeclareLaunchArgument]:
        """The arguments that are declared in the file itself."""
        return [each for each in self.entities if isinstance(each, DeclareLaunchArgument)]
