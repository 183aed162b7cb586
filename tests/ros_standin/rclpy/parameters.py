"""The parameters of a node: declared, typed, checked, and set.

Not a module of the real rclpy, where these are methods of Node.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from typing import Any

from rcl_interfaces.msg import ListParametersResult, ParameterDescriptor, ParameterEvent, SetParametersResult
from rclpy.exceptions import (
    InvalidParameterException,
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterAlreadyDeclaredException,
    ParameterImmutableException,
    ParameterNotDeclaredException,
    ParameterUninitializedException,
)
from rclpy.parameter import Parameter

Type = Parameter.Type
SetCallback = Callable[[list[Parameter]], SetParametersResult]


def range_problem(parameter: Parameter, descriptor: ParameterDescriptor) -> str:
    """Why a value is outside its declared range; empty if it is not."""
    if parameter.type_ == Type.INTEGER and descriptor.integer_range:
        (limits,) = descriptor.integer_range
        low, high, value = limits.from_value, limits.to_value, parameter.value
        if not low <= value <= high:
            return f"Parameter {parameter.name} out of range. Min: {low}, Max: {high}, value: {value}"
        if value != high and limits.step != 0 and (value - low) % limits.step != 0:
            return (
                f"The parameter value for {parameter.name} is not a valid step. Min: {low}, max: {high}, value: {value}"
            )
    if parameter.type_ == Type.DOUBLE and descriptor.floating_point_range:
        (limits,) = descriptor.floating_point_range
        low, high, value = limits.from_value, limits.to_value, parameter.value
        if math.isclose(value, low) or math.isclose(value, high):
            return ""
        if not low <= value <= high:
            return f"Parameter {parameter.name} out of range. Min: {low}, Max: {high}, value: {value}"
        if limits.step != 0.0:
            steps = round((value - low) / limits.step)
            if not math.isclose(low + steps * limits.step, value, rel_tol=1e-9, abs_tol=1e-9):
                return f"The parameter value for {parameter.name} is not close enough to a valid step. Value: {value}"
    return ""


def _declaration(entry: tuple[Any, ...]) -> tuple[str, Any, ParameterDescriptor]:
    """Name, default and descriptor with its type set, of what declare_parameters takes."""
    if not isinstance(entry, tuple) or not 1 <= len(entry) <= 3:
        raise TypeError(f"Invalid parameter tuple length: {entry}")
    name, value = entry[0], entry[1] if len(entry) > 1 else None
    descriptor = entry[2] if len(entry) > 2 and entry[2] is not None else ParameterDescriptor()
    if not isinstance(descriptor, ParameterDescriptor):
        raise TypeError(f"Third element {descriptor} of {entry} is not a ParameterDescriptor")
    if isinstance(value, Type):
        if value == Type.NOT_SET or descriptor.dynamic_typing:
            raise ValueError("Trying to declare a statically typed parameter as not set, or as dynamically typed")
        descriptor.type, value = value.value, None
    elif not descriptor.dynamic_typing:
        if value is None:
            if len(entry) > 1 and entry[1] is None and descriptor.type == Type.NOT_SET.value or len(entry) == 1:
                descriptor.dynamic_typing = True
        else:
            descriptor.type = Type.from_parameter_value(value).value
    descriptor.name = name
    return name, value, descriptor


class NodeParameters:
    """The part of a Node that keeps its parameters."""

    def _init_parameters(self, overrides: dict[str, Parameter], allow_undeclared: bool) -> None:
        self._parameters: dict[str, Parameter] = {}
        self._descriptors: dict[str, ParameterDescriptor] = {}
        self._parameter_overrides = overrides
        self._allow_undeclared_parameters = allow_undeclared
        self._set_callbacks: list[SetCallback] = []
        self._parameter_lock = threading.RLock()
        self._parameter_event_publisher: Any = None

    def declare_parameter(
        self, name: str, value: Any = None, descriptor: ParameterDescriptor | None = None, ignore_override: bool = False
    ) -> Parameter:
        entry = (name,) if value is None and descriptor is None else (name, value, descriptor)
        return self.declare_parameters("", [entry], ignore_override)[0]

    def declare_parameters(
        self, namespace: str, parameters: list[tuple[Any, ...]], ignore_override: bool = False
    ) -> list[Parameter]:
        declared = []
        for entry in parameters:
            name, value, descriptor = _declaration(entry)
            name = f"{namespace}.{name}" if namespace else name
            descriptor.name = name
            if not name or any(not part for part in name.split(".")):
                raise InvalidParameterException(name)
            if name in self._parameters:
                raise ParameterAlreadyDeclaredException(name)
            if not ignore_override and name in self._parameter_overrides:
                value = self._parameter_overrides[name].value
            parameter = Parameter(name, value=value)
            self._descriptors[name] = descriptor
            self._parameters[name] = Parameter(name)
            try:
                self._accept(parameter, declaring=True)
            except Exception:
                del self._descriptors[name], self._parameters[name]
                raise
            declared.append(self._parameters[name])
        return declared

    def _accept(self, parameter: Parameter, *, declaring: bool = False) -> SetParametersResult:
        result = self._checked([parameter], declaring)
        if not result.successful and declaring:
            raise InvalidParameterValueException(parameter.name, parameter.value, result.reason)
        return result

    def _checked(self, parameters: list[Parameter], declaring: bool = False) -> SetParametersResult:
        with self._parameter_lock:
            for parameter in parameters:
                problem = self._problem(parameter, declaring)
                if problem:
                    return SetParametersResult(successful=False, reason=problem)
            for callback in list(self._set_callbacks):
                result = callback(parameters)
                if not isinstance(result, SetParametersResult):
                    raise TypeError("Callback should return a SetParametersResult")
                if not result.successful:
                    return result
            for parameter in parameters:
                self._store(parameter)
        self._tell(parameters, declaring)
        return SetParametersResult(successful=True)

    def _store(self, parameter: Parameter) -> None:
        descriptor = self._descriptors.setdefault(
            parameter.name, ParameterDescriptor(name=parameter.name, dynamic_typing=True)
        )
        if descriptor.dynamic_typing:
            descriptor.type = parameter.type_.value
        self._parameters[parameter.name] = parameter

    def _problem(self, parameter: Parameter, declaring: bool) -> str:
        descriptor = self._descriptors.get(parameter.name)
        if descriptor is None:
            return ""
        if descriptor.read_only and not declaring:
            return f"Trying to set a read-only parameter: {parameter.name}."
        if not descriptor.dynamic_typing and descriptor.type != parameter.type_.value:
            if declaring and parameter.type_ == Type.NOT_SET:
                return ""
            error = InvalidParameterTypeException(parameter, Type(descriptor.type))
            if declaring:
                raise error
            return f"Wrong parameter type, expected '{Type(descriptor.type)}' got '{parameter.type_}'"
        return range_problem(parameter, descriptor)

    def _tell(self, parameters: list[Parameter], declaring: bool) -> None:
        if self._parameter_event_publisher is None:
            return
        event = ParameterEvent(node=self.get_fully_qualified_name(), stamp=self.get_clock().now().to_msg())  # type: ignore[attr-defined]
        messages = [parameter.to_parameter_msg() for parameter in parameters]
        setattr(event, "new_parameters" if declaring else "changed_parameters", messages)
        self._parameter_event_publisher.publish(event)

    def undeclare_parameter(self, name: str) -> None:
        if name not in self._parameters:
            raise ParameterNotDeclaredException(name)
        if self._descriptors[name].read_only:
            raise ParameterImmutableException(name)
        del self._parameters[name], self._descriptors[name]

    def has_parameter(self, name: str) -> bool:
        return name in self._parameters

    def get_parameter(self, name: str) -> Parameter:
        if name not in self._parameters:
            if self._allow_undeclared_parameters:
                return Parameter(name, Type.NOT_SET, None)
            raise ParameterNotDeclaredException(name)
        parameter = self._parameters[name]
        if parameter.type_ == Type.NOT_SET and not self._descriptors[name].dynamic_typing:
            raise ParameterUninitializedException(name)
        return parameter

    def get_parameters(self, names: Iterable[str]) -> list[Parameter]:
        return [self.get_parameter(name) for name in names]

    def get_parameter_or(self, name: str, alternative_value: Parameter | None = None) -> Parameter:
        known = self._parameters.get(name)
        if known is not None and known.type_ != Type.NOT_SET:
            return known
        return Parameter(name, Type.NOT_SET) if alternative_value is None else alternative_value

    def get_parameters_by_prefix(self, prefix: str) -> dict[str, Parameter]:
        start = f"{prefix}." if prefix else ""
        return {name[len(start) :]: one for name, one in self._parameters.items() if name.startswith(start)}

    def get_parameter_type(self, name: str) -> Parameter.Type:
        if name in self._parameters:
            return Type(self._descriptors[name].type)
        if self._allow_undeclared_parameters:
            return Type.NOT_SET
        raise ParameterNotDeclaredException(name)

    def get_parameter_types(self, names: Iterable[str]) -> list[Parameter.Type]:
        return [self.get_parameter_type(name) for name in names]

    def _known(self, parameter_list: Iterable[Any]) -> list[Parameter]:
        wanted = [one if isinstance(one, Parameter) else Parameter.from_parameter_msg(one) for one in parameter_list]
        unknown = [one.name for one in wanted if one.name not in self._parameters]
        if unknown and not self._allow_undeclared_parameters:
            raise ParameterNotDeclaredException(unknown)
        return wanted

    def set_parameters(self, parameter_list: Iterable[Any]) -> list[SetParametersResult]:
        return [self._checked([parameter]) for parameter in self._known(parameter_list)]

    def set_parameters_atomically(self, parameter_list: Iterable[Any]) -> SetParametersResult:
        return self._checked(self._known(parameter_list))

    def add_on_set_parameters_callback(self, callback: SetCallback) -> None:
        self._set_callbacks.insert(0, callback)

    def remove_on_set_parameters_callback(self, callback: SetCallback) -> None:
        self._set_callbacks.remove(callback)

    def describe_parameter(self, name: str) -> ParameterDescriptor:
        if name in self._descriptors:
            return self._descriptors[name]
        if self._allow_undeclared_parameters:
            return ParameterDescriptor()
        raise ParameterNotDeclaredException(name)

    def describe_parameters(self, names: Iterable[str]) -> list[ParameterDescriptor]:
        return [self.describe_parameter(name) for name in names]

    def list_parameters(self, prefixes: list[str], depth: int = 0) -> ListParametersResult:
        found = ListParametersResult()
        for name in self._parameters:
            below = (
                [name[len(p) + 1 :] for p in prefixes if name == p or name.startswith(f"{p}.")] if prefixes else [name]
            )
            if below and (depth == 0 or min(one.count(".") for one in below) < depth):
                found.names.append(name)
                prefix = name.rpartition(".")[0]
                if prefix and prefix not in found.prefixes:
                    found.prefixes.append(prefix)
        return found
