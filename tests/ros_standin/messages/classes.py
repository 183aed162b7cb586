"""Message classes made from definitions; they behave as the ones that rosidl generates for Jazzy.

With one difference: Jazzy checks what is assigned only where ROS_PYTHON_CHECK_FIELDS=1 is set (Humble always does) and
else writes nonsense or dies in C; these classes always check. As on Jazzy, bulk numbers are copied when they are set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .checks import Classes, constructed, default_of, setter_of
from .definition import Definition, Field


class MessageType(type):
    """Metaclass of all messages: constants cannot be assigned."""

    def __setattr__(cls, name: str, value: Any) -> None:
        """Refuse to change a class: constants are read-only properties of rosidl's metaclasses."""
        raise AttributeError(f"property {name!r} of {cls.__name__!r} has no setter")


def make_class(definition: Definition, classes: Classes) -> Any:
    """The class of one definition; `classes` holds the classes of its nested types by the time it is used."""
    package, kind, name = definition.name.split("/")
    fields = definition.fields
    namespace: dict[str, Any] = {
        "__slots__": [*(f"_{field.name}" for field in fields), "_check_fields"],
        "__module__": f"{package}.{kind}",
        "__doc__": f"Message class '{name}'.",
        "__init__": _initialiser(fields, classes),
        "__repr__": _describe,
        "__eq__": _equal,
        "__hash__": None,
        "_definition": definition,
        "_fields_and_field_types": {field.name: _type_text(field) for field in fields},
        "get_fields_and_field_types": classmethod(lambda cls: dict(cls._fields_and_field_types)),
    }
    for constant, base, value in definition.constants:
        namespace[constant] = bytes([value]) if base == "byte" else value
    for field in fields:
        namespace[field.name] = _property(field, classes)
        if field.default is not None:
            namespace[f"{field.name.upper()}__DEFAULT"] = field.default
    return MessageType(name, (), namespace)


def _initialiser(fields: tuple[Field, ...], classes: Classes) -> Callable[..., None]:
    known = {field.name: field for field in fields}
    defaults = [(field.name, f"_{field.name}", default_of(field, classes)) for field in fields]

    def __init__(self: Any, **kwargs: Any) -> None:
        unknown = sorted(kwargs.keys() - known.keys())
        assert not unknown, f"Invalid arguments passed to constructor: {', '.join(unknown)}"
        self._check_fields = True
        for name, slot, default in defaults:
            if name in kwargs:
                setattr(self, name, constructed(known[name], kwargs[name]))
            else:
                setattr(self, slot, default())

    return __init__


def _property(field: Field, classes: Classes) -> property:
    slot = f"_{field.name}"
    check = setter_of(field, classes)

    def read(self: Any) -> Any:
        return getattr(self, slot)

    def write(self: Any, value: Any) -> None:
        setattr(self, slot, check(value))

    return property(read, write, doc=f"Message field '{field.name}'.")


def _describe(self: Any) -> str:
    package, kind, name = self._definition.name.split("/")
    values = []
    for field in self._definition.fields:
        value = getattr(self, field.name)
        text = repr(value)
        if text.startswith("array('"):
            text = text[len("array('X', ") : -1] if len(value) else "[]"
        values.append(f"{field.name}={text}")
    return f"{package}.{kind}.{name}({', '.join(values)})"


def _equal(self: Any, other: object) -> bool:
    """Exact, also for fixed arrays, of which Humble calls two equal that differ in part only."""
    if not isinstance(other, type(self)):
        return False
    for field in self._definition.fields:
        mine, theirs = getattr(self, field.name), getattr(other, field.name)
        if not (np.array_equal(mine, theirs) if isinstance(mine, np.ndarray) else mine == theirs):
            return False
    return True


def _type_text(field: Field) -> str:
    words = {"float64": "double", "float32": "float", "bool": "boolean", "byte": "octet", "char": "uint8"}
    base = words.get(field.base, field.base)
    if "/" in base:
        package, _, name = base.split("/")
        base = f"{package}/{name}"
    if field.longest:
        base = f"{base}<{field.longest}>"
    if field.shape == "array":
        return f"{base}[{field.size}]"
    if field.shape == "sequence":
        return f"sequence<{base}, {field.size}>" if field.size else f"sequence<{base}>"
    return base
