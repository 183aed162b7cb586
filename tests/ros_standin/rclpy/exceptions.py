"""rclpy.exceptions."""

from __future__ import annotations

from typing import Any

from rclpy._rclpy_pybind11 import InvalidHandle

__all__ = ["InvalidHandle"]


class NotInitializedException(Exception):
    """Raised when the context is not initialised, or already shut down."""

    def __init__(self, *args: object) -> None:
        super().__init__("rclpy.init() has not been called", *args)


class NoTypeSupportImportedException(Exception):
    """Raised when a class is not a ROS interface."""


class NameValidationException(Exception):
    """Raised for a name that ROS does not take."""

    def __init__(self, name_type: str, name: str, error_msg: str, invalid_index: int) -> None:
        super().__init__(f"Invalid {name_type}: {error_msg}:\n  '{name}'\n   {' ' * invalid_index}^\n")
        self.name_type, self.name, self.error_msg, self.invalid_index = name_type, name, error_msg, invalid_index


class InvalidNamespaceException(NameValidationException):
    """Raised for an invalid namespace."""

    def __init__(self, name: str, error_msg: str, invalid_index: int) -> None:
        super().__init__("namespace", name, error_msg, invalid_index)


class InvalidNodeNameException(NameValidationException):
    """Raised for an invalid node name."""

    def __init__(self, name: str, error_msg: str, invalid_index: int) -> None:
        super().__init__("node name", name, error_msg, invalid_index)


class InvalidTopicNameException(NameValidationException):
    """Raised for an invalid topic name."""

    def __init__(self, name: str, error_msg: str, invalid_index: int) -> None:
        super().__init__("topic name", name, error_msg, invalid_index)


class InvalidServiceNameException(NameValidationException):
    """Raised for an invalid service name."""

    def __init__(self, name: str, error_msg: str, invalid_index: int) -> None:
        super().__init__("service name", name, error_msg, invalid_index)


class ParameterException(Exception):
    """Base of the exceptions about parameters."""

    def __init__(self, error_msg: str, parameters: Any, *args: object) -> None:
        super().__init__(error_msg, *args)
        self.error_msg, self.parameters = error_msg, parameters

    def __str__(self) -> str:
        return f"{self.error_msg}: {self.parameters}"


class ParameterNotDeclaredException(ParameterException):
    """Raised when an undeclared parameter is asked for."""

    def __init__(self, parameters: Any, *args: object) -> None:
        super().__init__("Invalid access to undeclared parameter(s)", parameters, *args)


class ParameterAlreadyDeclaredException(ParameterException):
    """Raised when a parameter is declared a second time."""

    def __init__(self, parameters: Any, *args: object) -> None:
        super().__init__("Parameter(s) already declared", parameters, *args)


class InvalidParameterException(ParameterException):
    """Raised for an invalid parameter name."""

    def __init__(self, parameter: Any, *args: object) -> None:
        super().__init__("Invalid parameter name", parameter, *args)


class InvalidParameterTypeException(ParameterException):
    """Raised when a declared parameter's value has another type than the parameter."""

    def __init__(self, parameter: Any, expected_type: Any, *args: object) -> None:
        expected = getattr(expected_type, "name", expected_type)
        super().__init__(
            f"Trying to set parameter '{parameter.name}' to '{parameter.value}' of type "
            f"'{parameter.type_.name}', expecting type '{expected}'",
            parameter.name,
            *args,
        )


class InvalidParameterValueException(ParameterException):
    """Raised when the first value of a parameter is refused."""

    def __init__(self, parameter: Any, value: Any, reason: str, *args: object) -> None:
        super().__init__(f"Invalid parameter value ({value}) for parameter. Reason: {reason}", parameter, *args)


class ParameterImmutableException(ParameterException):
    """Raised when a read-only parameter is undeclared."""

    def __init__(self, parameter: Any, *args: object) -> None:
        super().__init__("Attempted to modify read-only parameter", parameter, *args)


class ParameterUninitializedException(ParameterException):
    """Raised when a parameter with a type but without a value is read."""

    def __init__(self, parameter: Any, *args: object) -> None:
        super().__init__("The parameter is not initialized", parameter, *args)


class ROSInterruptException(Exception):
    """Raised out of a rate's sleep when the context is shut down."""

    def __init__(self) -> None:
        super().__init__("rclpy.shutdown() has been called")


class TimerCancelledError(Exception):
    """Raised when a cancelled timer is asked for its next call."""


class ROSNoDiscoveryException(Exception):
    """Kept for its name."""
