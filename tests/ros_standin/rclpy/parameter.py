"""rclpy.parameter."""

from __future__ import annotations

import array
from enum import Enum
from typing import Any

PARAMETER_SEPARATOR_STRING = "."
_ARRAYS = {"BYTE_ARRAY": bytes, "BOOL_ARRAY": bool, "INTEGER_ARRAY": int, "DOUBLE_ARRAY": float, "STRING_ARRAY": str}


class Parameter:
    """A name with a typed value."""

    class Type(Enum):
        NOT_SET = 0
        BOOL = 1
        INTEGER = 2
        DOUBLE = 3
        STRING = 4
        BYTE_ARRAY = 5
        BOOL_ARRAY = 6
        INTEGER_ARRAY = 7
        DOUBLE_ARRAY = 8
        STRING_ARRAY = 9

        @classmethod
        def from_parameter_value(cls, value: Any) -> Parameter.Type:
            """The type of a Python value; an empty list counts as bytes, as in rclpy."""
            if value is None:
                return cls.NOT_SET
            plain = {bool: cls.BOOL, int: cls.INTEGER, float: cls.DOUBLE, str: cls.STRING}
            for kind, member in plain.items():
                if isinstance(value, kind):
                    return member
            if isinstance(value, (list, tuple, array.array)):
                for name, kind in _ARRAYS.items():
                    if all(isinstance(one, kind) for one in value):
                        return cls[name]
                raise TypeError("The given value is not a list of one of the allowed types.")
            raise TypeError("The given value is not one of the allowed types.")

        def check(self, value: Any) -> bool:
            if self is Parameter.Type.NOT_SET:
                return value is None
            if self.name in _ARRAYS:
                kind = _ARRAYS[self.name]
                return isinstance(value, (list, tuple, array.array)) and all(isinstance(one, kind) for one in value)
            kinds = {"BOOL": bool, "INTEGER": int, "DOUBLE": float, "STRING": str}
            return isinstance(value, kinds[self.name])

    @classmethod
    def from_parameter_msg(cls, param_msg: Any) -> Parameter:
        type_ = Parameter.Type(param_msg.value.type)
        return cls(param_msg.name, type_, parameter_value_to_python(param_msg.value))

    def __init__(self, name: str, type_: Any = None, value: Any = None) -> None:
        if type_ is None:
            type_ = Parameter.Type.from_parameter_value(value)
        if not isinstance(type_, Parameter.Type):
            raise TypeError("type must be an instance of 'Parameter.Type'")
        if not type_.check(value):
            raise ValueError(f"Type '{type_}' and value '{value}' do not agree")
        self._name, self._type_, self._value = name, type_, value

    @property
    def name(self) -> str:
        return self._name

    @property
    def type_(self) -> Parameter.Type:
        return self._type_

    @property
    def value(self) -> Any:
        return self._value

    def get_parameter_value(self) -> Any:
        from rcl_interfaces.msg import ParameterValue

        message = ParameterValue(type=self._type_.value)
        if self._type_ is not Parameter.Type.NOT_SET:
            value = self._value
            setattr(message, f"{self._type_.name.lower()}_value", list(value) if self._type_.name in _ARRAYS else value)
        return message

    def to_parameter_msg(self) -> Any:
        from rcl_interfaces.msg import Parameter as Message

        return Message(name=self._name, value=self.get_parameter_value())

    def __repr__(self) -> str:
        return f"Parameter(name={self._name!r}, type_={self._type_}, value={self._value!r})"


def parameter_value_to_python(parameter_value: Any) -> Any:
    """The Python value of a rcl_interfaces/ParameterValue."""
    type_ = Parameter.Type(parameter_value.type)
    if type_ is Parameter.Type.NOT_SET:
        return None
    value = getattr(parameter_value, f"{type_.name.lower()}_value")
    return list(value) if type_.name in _ARRAYS else value
