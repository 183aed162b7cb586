"""What a parameter's descriptor makes of a value.

Not a module of the real rclpy, where these are methods of Node.
"""

from __future__ import annotations

import math
import re
import warnings
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.exceptions import InvalidParameterException
from rclpy.parameter import Parameter

Type = Parameter.Type
_NAME = re.compile(r"[A-Za-z0-9_\-./~]+")
_CLOSE = 1e-6


def declaration(namespace: str, entry: Any) -> tuple[str, Any, ParameterDescriptor]:
    """Full name, default value and typed descriptor of one entry of declare_parameters."""
    if not 1 <= len(entry) <= 3:
        raise TypeError(f"Invalid parameter tuple length: {entry}; expecting length between 1 and 3")
    name, value = entry[0], entry[1] if len(entry) > 1 else None
    descriptor = entry[2] if len(entry) > 2 else ParameterDescriptor()
    if not isinstance(name, str):
        raise TypeError(f"First element {name} is not a str.")
    name = f"{namespace}.{name}" if namespace else name
    if not _NAME.fullmatch(name):
        raise InvalidParameterException(name)
    if not isinstance(descriptor, ParameterDescriptor):
        raise TypeError(f"Third element {descriptor} is not a ParameterDescriptor.")
    if len(entry) == 1:
        warnings.warn(f"declaring a parameter only providing its name is deprecated: '{name}'", stacklevel=4)
        descriptor.dynamic_typing = True
    if isinstance(value, Type):
        if value == Type.NOT_SET or descriptor.dynamic_typing:
            raise ValueError(f"Cannot declare parameter {{{name}}} with a type if it is NOT_SET or dynamically typed")
        descriptor.type, value = value.value, None
    elif not descriptor.dynamic_typing:
        descriptor.type = Type.from_parameter_value(value).value
        if descriptor.type == Type.NOT_SET.value:
            raise ValueError("Cannot declare a statically typed parameter with default value of type PARAMETER_NOT_SET")
    return name, value, descriptor


def problem_of(parameter: Parameter, descriptor: ParameterDescriptor, *, declaring: bool, declared: bool) -> str:
    """Why a value is refused; empty if it is not. A dynamically typed parameter takes the type of the value."""
    if not declaring and descriptor.read_only:
        return f"Trying to set a read-only parameter: {parameter.name}."
    if descriptor.dynamic_typing:
        descriptor.type = parameter.type_.value
    elif declared and parameter.type_ == Type.NOT_SET:
        return "Static parameter cannot be undeclared"
    elif parameter.type_ not in (Type.NOT_SET, Type(descriptor.type)):
        return f"Wrong parameter type, expected '{Type(descriptor.type)}' got '{parameter.type_}'"
    if parameter.type_ == Type.INTEGER and descriptor.integer_range:
        return _outside_integers(parameter, descriptor.integer_range[0])
    if parameter.type_ == Type.DOUBLE and descriptor.floating_point_range:
        return _outside_floats(parameter, descriptor.floating_point_range[0])
    return ""


def _out_of_range(parameter: Parameter, low: float, high: float) -> str:
    return f"Parameter {parameter.name} out of range. Min: {low}, Max: {high}, value: {parameter.value}"


def _bad_step(parameter: Parameter, low: float, high: float, step: float) -> str:
    return (
        f"The parameter value for {parameter.name} is not a valid step. "
        f"Min: {low}, max: {high}, value: {parameter.value}, step: {step}"
    )


def _outside_integers(parameter: Parameter, limits: Any) -> str:
    low, high = sorted((limits.from_value, limits.to_value))
    value = parameter.value
    if value in (low, high):
        return ""
    if not low < value < high:
        return _out_of_range(parameter, low, high)
    return _bad_step(parameter, low, high, limits.step) if limits.step and (value - low) % limits.step else ""


def _outside_floats(parameter: Parameter, limits: Any) -> str:
    low, high = sorted((limits.from_value, limits.to_value))
    value = parameter.value
    if math.isclose(value, low, rel_tol=_CLOSE) or math.isclose(value, high, rel_tol=_CLOSE):
        return ""
    if not low < value < high:
        return _out_of_range(parameter, low, high)
    if limits.step:
        nearest = low + round((value - low) / limits.step) * limits.step
        if not math.isclose(nearest, value, rel_tol=_CLOSE):
            return _bad_step(parameter, low, high, limits.step)
    return ""
