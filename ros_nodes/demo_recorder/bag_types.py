"""Message definitions for bags, made from the message classes themselves: any installed package will do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

_NAMES = {"boolean": "bool", "double": "float64", "float": "float32", "octet": "byte"}
"""What rosidl calls otherwise in classes than in .msg files."""
_SEQUENCE = re.compile(r"sequence<(?P<inner>.+?)(?:, (?P<bound>\d+))?>")
_ARRAY = re.compile(r"(?P<inner>.+)\[(?P<size>\d+)\]")


def type_name(message_class: Any) -> str:
    """Such as "sensor_msgs/msg/JointState"."""
    return f"{message_class.__module__.split('.')[0]}/msg/{message_class.__name__}"


def definition_of(message_class: Any) -> str:
    """The text of a .msg file with the fields of a class; without its constants and defaults."""
    fields: dict[str, str] = message_class.get_fields_and_field_types()
    return "".join(f"{_in_msg(kind)} {name}\n" for name, kind in fields.items())


def definitions_of(message_class: Any) -> Iterator[tuple[str, str]]:
    """The name and the text of a class and of all that it is made of; those may come more than once."""
    yield type_name(message_class), definition_of(message_class)
    for kind in message_class.get_fields_and_field_types().values():
        inner = _inner(kind)
        if "/" in inner:
            package, name = inner.split("/")
            yield from definitions_of(getattr(import_module(f"{package}.msg"), name))


def _inner(kind: str) -> str:
    """The type of a field, or of its entries."""
    for pattern in (_SEQUENCE, _ARRAY):
        match = pattern.fullmatch(kind)
        if match:
            return match["inner"]
    return kind


def _in_msg(kind: str) -> str:
    """A type as .msg files write it."""
    sequence, array = _SEQUENCE.fullmatch(kind), _ARRAY.fullmatch(kind)
    if sequence:
        bound = f"<={sequence['bound']}" if sequence["bound"] else ""
        return f"{_in_msg(sequence['inner'])}[{bound}]"
    if array:
        return f"{_in_msg(array['inner'])}[{array['size']}]"
    text = re.fullmatch(r"(w?string)<(\d+)>", kind)
    if text:
        return f"{text[1]}<={text[2]}"
    return _NAMES.get(kind, kind)
