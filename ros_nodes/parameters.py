"""A node's parameters: declared from a frozen dataclass, kept as one, and never left half changed.

For example:

    @dataclass(frozen=True, kw_only=True)
    class Settings:
        rate_hz: float = setting(5.0, "How often to look, Hz.", low=0.1, high=30.0)

    self.parameters = declare_parameters(self, Settings)
    self.parameters.current.rate_hz
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from geometry import InputError
from ros_nodes.setting import Setting, check_settings, settings_of

S = TypeVar("S")
_ARRAYS = {
    bool: Parameter.Type.BOOL_ARRAY,
    int: Parameter.Type.INTEGER_ARRAY,
    float: Parameter.Type.DOUBLE_ARRAY,
    str: Parameter.Type.STRING_ARRAY,
}
_EMPTY_TYPES = (*_ARRAYS.values(), Parameter.Type.BYTE_ARRAY)
_LARGEST_INT = 2**63 - 1
_REFUSED_TYPE = re.compile(r"to '(?P<value>.*)' of type '\w+'", re.DOTALL)


class ParameterSet(Generic[S]):
    """The node's settings as they are now. A change is checked as a whole and comes whole, or not at all."""

    def __init__(self, node: Node, current: S) -> None:
        self._current = current
        self._known = settings_of(type(current))
        self._lock = threading.RLock()
        self._listeners: list[Callable[[S, S], None]] = []
        self._where = node.get_name()
        if hasattr(node, "add_pre_set_parameters_callback"):  # not on Humble
            node.add_pre_set_parameters_callback(self._with_types)
        node.add_on_set_parameters_callback(self._on_set)

    @property
    def current(self) -> S:
        """The newest settings; immutable, so one read gives values that belong together. From any thread."""
        return self._current

    def on_change(self, callback: Callable[[S, S], None]) -> None:
        """Have `callback(old, new)` called on every change, in the thread that sets the parameter.

        It may raise InputError to refuse the change; those that were called before it are then called again
        with (new, old).
        """
        with self._lock:
            self._listeners.append(callback)

    def _with_types(self, parameters: list[Parameter]) -> list[Parameter]:
        """Give empty lists the type that was declared; `ros2 param set` and `load` send empty lists of bools."""
        return [self._typed(parameter) for parameter in parameters]

    def _typed(self, parameter: Parameter) -> Parameter:
        known = self._known.get(parameter.name)
        is_empty = parameter.type_ in _EMPTY_TYPES and not parameter.value
        if known is None or not known.is_array or not is_empty:
            return parameter
        return Parameter(parameter.name, _ARRAYS[known.scalar], [])

    def _on_set(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        """Answer rclpy: accept and take over, or refuse with the reason."""
        with self._lock:
            old = self._current
            try:
                changes = {p.name: _value_of(self._known[p.name], p) for p in parameters if p.name in self._known}
                new = replace(old, **changes)  # type: ignore[type-var]
                check_settings(new)
                self._tell(old, new)
            except InputError as error:
                return SetParametersResult(successful=False, reason=str(error))
            self._current = new
        return SetParametersResult(successful=True)

    def _tell(self, old: S, new: S) -> None:
        if new == old:
            return
        for count, listener in enumerate(self._listeners):
            try:
                listener(old, new)
            except InputError:
                for told in self._listeners[:count]:
                    told(new, old)
                raise


def declare_parameters(node: Node, settings: type[S]) -> ParameterSet[S]:
    """Declare every field of a settings dataclass as a parameter of the node, and read what was given.

    ROS knows no type of an empty list: `[]` in a file or on the command line comes as a parameter without a value. It
    becomes an empty array of the declared type here, as does an array that is empty by default. A parameter left
    without a value would hide all others from tools that ask for several at once.

    Args:
        node: the node that shall have the parameters.
        settings: a frozen dataclass whose fields are all made by `setting`; the defaults come from there.
    Returns:
        The settings, which follow the parameters from now on.
    Raises:
        InputError: for a given value of the wrong type or out of range, with what to write instead.
    """
    defaults = settings()
    values: dict[str, Any] = {}
    for name, known in settings_of(settings).items():
        values[name] = _value_of(known, _declare(node, name, known, getattr(defaults, name)))
    current = settings(**values)
    check_settings(current)
    return ParameterSet(node, current)


def _declare(node: Node, name: str, known: Setting, default: Any) -> Parameter:
    """Declare one parameter; the value that was given on the command line or in a file, or the default."""
    empty = known.is_array and not default
    descriptor = _descriptor(known)
    descriptor.read_only = known.read_only and not known.is_array
    try:
        declared: Parameter = node.declare_parameter(
            name, _ARRAYS[known.scalar] if empty else _for_ros(default), descriptor
        )
    except InvalidParameterTypeException as error:
        said = _REFUSED_TYPE.search(str(error))
        raise InputError(
            f"parameter {name}",
            expected=known.allowed(),
            got=said["value"] if said else str(error),
            remedy=f"write it like {_example(known, default)}",
        ) from None
    except InvalidParameterValueException as error:
        raise InputError(f"parameter {name}", expected=known.allowed(), got=str(error)) from None
    return _completed(node, declared, known) if known.is_array else _given(declared, known)


def _given(declared: Parameter, known: Setting) -> Parameter:
    if declared.type_ == Parameter.Type.NOT_SET:
        raise InputError(f"parameter {declared.name}", expected=known.allowed(), got="an empty list")
    return declared


def _completed(node: Node, declared: Parameter, known: Setting) -> Parameter:
    """An array with its value, which may be an empty one, and fixed only then if it is to be."""
    if declared.type_ == Parameter.Type.NOT_SET:
        declared = Parameter(declared.name, _ARRAYS[known.scalar], [])
        node.set_parameters([declared])
    if known.read_only:
        final = _descriptor(known)
        final.type = _ARRAYS[known.scalar].value
        node.set_descriptor(declared.name, final)
    return declared


def _descriptor(known: Setting) -> ParameterDescriptor:
    """What `ros2 param describe` shows, and rclpy checks."""
    descriptor = ParameterDescriptor(description=known.description, read_only=known.read_only)
    if known.is_array or known.choices is not None:
        descriptor.additional_constraints = known.allowed()
    elif known.scalar is float and (known.low, known.high) != (None, None):
        low = -sys.float_info.max if known.low is None else float(known.low)
        high = sys.float_info.max if known.high is None else float(known.high)
        descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high, step=0.0)]
    elif known.scalar is int and (known.low, known.high) != (None, None):
        low_int = -_LARGEST_INT if known.low is None else int(known.low)
        high_int = _LARGEST_INT if known.high is None else int(known.high)
        descriptor.integer_range = [IntegerRange(from_value=low_int, to_value=high_int, step=0)]
    return descriptor


def _value_of(known: Setting, parameter: Parameter) -> Any:
    """A parameter's value as the dataclass holds it: tuples for lists and arrays."""
    return tuple(parameter.value) if known.is_array else parameter.value


def _for_ros(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _example(known: Setting, default: Any) -> str:
    """A value in YAML that would be right."""
    if not known.is_array:
        return repr(default)
    entries = list(default) or [{bool: True, int: 1, float: 0.5, str: "name"}[known.scalar]] * 2
    text = ", ".join(repr(entry) for entry in entries)
    return f"[{text}]"
