"""The parameters of a node: declared, typed, checked, and set.

Not a module of the real rclpy, where these are methods of Node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rcl_interfaces.msg import (
    ListParametersResult,
    ParameterDescriptor,
    ParameterEvent,
    ParameterValue,
    SetParametersResult,
)
from rcl_interfaces.msg import Parameter as ParameterMessage
from rclpy.exceptions import (
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterAlreadyDeclaredException,
    ParameterImmutableException,
    ParameterNotDeclaredException,
    ParameterUninitializedException,
)
from rclpy.parameter import Parameter
from rclpy.parameter_checks import declaration, problem_of

Type = Parameter.Type
BeforeSetCallback = Callable[[list[Parameter]], list[Parameter]]
SetCallback = Callable[[list[Parameter]], SetParametersResult]


class NodeParameters:
    """The part of a Node that keeps its parameters."""

    def _init_parameters(self, overrides: dict[str, Parameter], allow_undeclared: bool) -> None:
        self._parameters: dict[str, Parameter] = {}
        self._descriptors: dict[str, ParameterDescriptor] = {}
        self._parameter_overrides = overrides
        self._allow_undeclared_parameters = allow_undeclared
        self._before_set_callbacks: list[BeforeSetCallback] = []
        self._set_callbacks: list[SetCallback] = []
        self._parameter_event_publisher: Any = None

    def declare_parameter(
        self, name: str, value: Any = None, descriptor: ParameterDescriptor | None = None, ignore_override: bool = False
    ) -> Parameter:
        entry = (name,) if value is None and descriptor is None else (name, value, descriptor or ParameterDescriptor())
        return self.declare_parameters("", [entry], ignore_override)[0]

    def declare_parameters(
        self, namespace: str, parameters: list[tuple[Any, ...]], ignore_override: bool = False
    ) -> list[Parameter]:
        wanted = []
        for entry in parameters:
            name, value, descriptor = declaration(namespace, entry)
            if not ignore_override and name in self._parameter_overrides:
                value = self._parameter_overrides[name].value
            wanted.append((Parameter(name, value=value), descriptor))
        known = [parameter.name for parameter, _ in wanted if parameter.name in self._parameters]
        if known:
            raise ParameterAlreadyDeclaredException(known)
        for parameter, descriptor in wanted:
            self._declare(parameter, descriptor)
        return self.get_parameters_as_stored([parameter.name for parameter, _ in wanted])

    def get_parameters_as_stored(self, names: list[str]) -> list[Parameter]:
        """Not in rclpy: also what has no value yet."""
        return [self._parameters[name] for name in names]

    def _declare(self, parameter: Parameter, descriptor: ParameterDescriptor) -> None:
        result = self._set([parameter], {parameter.name: descriptor})
        if result.successful:
            return
        if result.reason.startswith("Wrong parameter type"):
            raise InvalidParameterTypeException(parameter, Type(descriptor.type).name)
        raise InvalidParameterValueException(parameter.name, parameter.value, result.reason)

    def _set(
        self, parameters: list[Parameter], new: dict[str, ParameterDescriptor] | None = None
    ) -> SetParametersResult:
        """Check, ask the callbacks, store and tell; `new` are the descriptors of parameters that are being declared."""
        descriptors = self._descriptors if new is None else new
        for parameter in parameters:
            descriptor = descriptors.get(parameter.name)
            if descriptor is None:
                continue
            descriptor.name = parameter.name
            declared = parameter.name in self._parameters
            problem = problem_of(parameter, descriptor, declaring=new is not None, declared=declared)
            if problem:
                return SetParametersResult(successful=False, reason=problem)
        for callback in list(self._set_callbacks):
            result = callback(parameters)
            if not result.successful:
                return result
        event = ParameterEvent(node=self.get_fully_qualified_name())  # type: ignore[attr-defined]
        for parameter in parameters:
            self._store(parameter, new, event)
        event.stamp = self.get_clock().now().to_msg()  # type: ignore[attr-defined]
        self._parameter_event_publisher.publish(event)
        return SetParametersResult(successful=True)

    def _store(self, parameter: Parameter, new: dict[str, ParameterDescriptor] | None, event: ParameterEvent) -> None:
        name = parameter.name
        if new is None and parameter.type_ == Type.NOT_SET:
            event.deleted_parameters.append(parameter.to_parameter_msg())
            self._parameters.pop(name, None)
            self._descriptors.pop(name, None)
            return
        if new is not None:
            self._descriptors[name] = new[name]
        self._descriptors.setdefault(name, ParameterDescriptor(name=name, dynamic_typing=True))
        unset = self.get_parameter_or(name).type_ == Type.NOT_SET
        (event.new_parameters if unset else event.changed_parameters).append(parameter.to_parameter_msg())
        self._parameters[name] = parameter

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

    def get_parameter_type(self, name: str) -> Any:
        if name in self._parameters:
            return self._parameters[name].type_.value
        if self._allow_undeclared_parameters:
            return Type.NOT_SET
        raise ParameterNotDeclaredException(name)

    def get_parameter_types(self, names: Iterable[str]) -> list[Any]:
        return [self.get_parameter_type(name) for name in names]

    def _check_declared(self, parameters: list[Parameter]) -> None:
        if not all(isinstance(parameter, Parameter) for parameter in parameters):
            raise TypeError(f"parameter must be instance of type '{Parameter!r}'")
        unknown = [parameter.name for parameter in parameters if parameter.name not in self._parameters]
        if unknown and not self._allow_undeclared_parameters:
            raise ParameterNotDeclaredException(unknown)

    def set_parameters(self, parameter_list: list[Parameter]) -> list[SetParametersResult]:
        results = []
        for parameter in parameter_list:
            results.append(self.set_parameters_atomically([parameter]))
        return results

    def set_parameters_atomically(self, parameter_list: list[Parameter]) -> SetParametersResult:
        if self._before_set_callbacks:
            parameter_list = [one for callback in self._before_set_callbacks for one in callback(parameter_list)]
            if not parameter_list:
                return SetParametersResult(successful=False, reason="parameter list cannot be empty")
        self._check_declared(parameter_list)
        return self._set(parameter_list)

    def add_pre_set_parameters_callback(self, callback: BeforeSetCallback) -> None:
        self._before_set_callbacks.insert(0, callback)

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

    def set_descriptor(
        self, name: str, descriptor: ParameterDescriptor, alternative_value: ParameterValue | None = None
    ) -> ParameterValue:
        if self.describe_parameter(name).read_only:
            raise ParameterImmutableException(name)
        parameter = self.get_parameter(name)
        descriptor.name = name
        problem = problem_of(parameter, descriptor, declaring=True, declared=True)
        if problem and alternative_value is not None:
            parameter = Parameter.from_parameter_msg(ParameterMessage(name=name, value=alternative_value))
            problem = problem_of(parameter, descriptor, declaring=True, declared=True)
        if problem:
            raise InvalidParameterValueException(name, parameter.value, problem)
        self._parameters[name], self._descriptors[name] = parameter, descriptor
        return parameter.get_parameter_value()

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
