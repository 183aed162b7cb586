"""What a message's fields hold and accept: the rules of the Python classes that rosidl generates."""

from __future__ import annotations

import array
import copy
import math
from collections import UserList
from collections.abc import Callable, Sequence, Set
from typing import Any

import numpy as np

from .definition import Field

NUMERIC: dict[str, tuple[str, Any]] = {
    "int8": ("b", np.int8),
    "uint8": ("B", np.uint8),
    "char": ("B", np.uint8),
    "int16": ("h", np.int16),
    "uint16": ("H", np.uint16),
    "int32": ("i", np.int32),
    "uint32": ("I", np.uint32),
    "int64": ("q", np.int64),
    "uint64": ("Q", np.uint64),
    "float32": ("f", np.float32),
    "float64": ("d", np.float64),
}
"""Primitives held in array.array (sequences) and numpy arrays (fixed size): typecode and dtype."""

_FLOAT32_MAX = 3.402823466e38
Classes = dict[str, Any]
Check = Callable[[Any], Any]


def element_problem(field: Field, classes: Classes) -> Callable[[Any], str]:
    """A function that says what is wrong with one element, or "" where it is right."""
    base = field.base
    if base in ("float32", "float64"):
        return _float32_problem if base == "float32" else _float_problem
    if base == "bool":
        return lambda value: "" if isinstance(value, bool) else "of type 'bool'"
    if base in NUMERIC:
        return _integer_problem(base)
    if base == "byte":
        return lambda value: "" if _is_byte(value) else "of type 'bytes' or 'ByteString' with length 1"
    if base == "string":
        return _string_problem(field.longest)
    short = base.rsplit("/", 1)[1]
    return lambda value: "" if isinstance(value, classes[base]) else f"a sub message of type '{short}'"


def setter_of(field: Field, classes: Classes) -> Check:
    """The function that checks an assigned value and returns what the field then holds."""
    if field.shape == "one":
        return _scalar_setter(field, element_problem(field, classes))
    return _many_setter(field, element_problem(field, classes))


def default_of(field: Field, classes: Classes) -> Callable[[], Any]:
    """The function that makes the field's value of a new message."""
    if field.default is not None:
        return lambda: constructed(field, field.default)
    if field.shape == "sequence":
        return (lambda: array.array(NUMERIC[field.base][0])) if field.base in NUMERIC else list
    if field.shape == "array" and field.base in NUMERIC:
        return lambda: np.zeros(field.size, NUMERIC[field.base][1])
    one = _scalar_default(field.base, classes)
    return one if field.shape == "one" else lambda: [one() for _ in range(field.size)]


def constructed(field: Field, value: Any) -> Any:
    """A constructor's argument as the constructor passes it on: numbers in bulk are converted first."""
    if field.base not in NUMERIC or field.shape == "one":
        return value
    typecode, dtype = NUMERIC[field.base]
    if field.shape == "sequence":
        return array.array(typecode, value)
    numbers = np.array(value, dtype=dtype)
    assert numbers.shape == (field.size,), f"The '{field.name}' field must have the shape ({field.size},)"
    return numbers


def _scalar_default(base: str, classes: Classes) -> Callable[[], Any]:
    if base in ("float32", "float64"):
        return float
    if base in NUMERIC:
        return int
    simple: dict[str, Callable[[], Any]] = {"bool": bool, "string": str, "byte": lambda: b"\x00"}
    return simple.get(base) or (lambda: classes[base]())


def _scalar_setter(field: Field, problem: Callable[[Any], str]) -> Check:
    name = field.name

    def check(value: Any) -> Any:
        wrong = problem(value)
        assert not wrong, f"The '{name}' field must be {wrong}, got {type(value).__name__}: {value!r:.80}"
        return value

    return check


def _many_setter(field: Field, problem: Callable[[Any], str]) -> Check:
    name, size, is_array = field.name, field.size, field.shape == "array"

    def check_length(value: Any) -> None:
        if is_array:
            assert len(value) == size, f"The '{name}' field must have the length {size}, got {len(value)}"
        elif size:
            assert len(value) <= size, f"The '{name}' field must have a length <= {size}, got {len(value)}"

    def check(value: Any) -> Any:
        if field.base in NUMERIC and isinstance(value, np.ndarray if is_array else array.array):
            _check_kind(field, value)
            check_length(value)
            return copy.copy(value)
        is_sequence = isinstance(value, Sequence | Set | UserList) and not isinstance(value, str)
        assert is_sequence, f"The '{name}' field must be a set or sequence, got {type(value).__name__}"
        check_length(value)
        for element in value:
            wrong = problem(element)
            assert not wrong, f"The '{name}' field must hold values each {wrong}, got {type(element).__name__}"
        return constructed(field, value)

    return check


def _check_kind(field: Field, value: Any) -> None:
    typecode, dtype = NUMERIC[field.base]
    if isinstance(value, np.ndarray):
        assert value.dtype == dtype, f"The '{field.name}' numpy.ndarray() must have the dtype of '{np.dtype(dtype)}'"
        return
    assert value.typecode == typecode, f"The '{field.name}' array.array() must have the type code of '{typecode}'"


def _float_problem(value: Any) -> str:
    return "" if isinstance(value, float) else "of type 'float'"


def _float32_problem(value: Any) -> str:
    if not isinstance(value, float):
        return "of type 'float'"
    return f"a float in [-{_FLOAT32_MAX}, {_FLOAT32_MAX}]" if _FLOAT32_MAX < abs(value) < math.inf else ""


def _integer_problem(base: str) -> Callable[[Any], str]:
    limits = np.iinfo(NUMERIC[base][1])
    low, high = int(limits.min), int(limits.max)

    def problem(value: Any) -> str:
        if not isinstance(value, int):
            return "of type 'int'"
        return "" if low <= value <= high else f"an integer in [{low}, {high}]"

    return problem


def _string_problem(longest: int) -> Callable[[Any], str]:
    def problem(value: Any) -> str:
        if not isinstance(value, str):
            return "of type 'str'"
        return f"a string not longer than {longest}" if longest and len(value) > longest else ""

    return problem


def _is_byte(value: Any) -> bool:
    return isinstance(value, bytes | bytearray | memoryview) and len(value) == 1
