"""The message packages of the stand-in: classes with rosidl's rules, and their CDR bytes."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

from .classes import make_class
from .definition import load_definitions, new_store
from .estimate import has_empty_numbers
from .packages import make_modules
from .wire import Wire

__all__ = ["deserialize", "has_empty_numbers", "message_modules", "serialize", "type_hash", "type_name"]


@cache
def message_modules() -> dict[str, ModuleType]:
    """All modules by dotted name ("sensor_msgs", "sensor_msgs.msg", ...); the same ones at every call."""
    return make_modules(_classes())


def serialize(message: Any) -> bytes:
    """CDR bytes of a message with the 4-byte header; AssertionError for what a real ROS could not write."""
    return _wire().serialize(message)


def deserialize(data: bytes, message_type: Any) -> Any:
    """The message that CDR bytes hold."""
    return _wire().deserialize(data, message_type)


def type_hash(message_type: Any) -> str:
    """The type's hash as ROS 2 computes it: equal hashes mean equal fields, all the way down."""
    return _wire().type_hash(message_type)


def type_name(interface: Any) -> str:
    """The full name of a message, service or action class, e.g. "sensor_msgs/msg/Image"."""
    name = getattr(interface, "_interface_name", None) or interface._definition.name
    return str(name)


@cache
def _store() -> tuple[Any, Any]:
    store = new_store()
    return store, load_definitions(store)


@cache
def _classes() -> dict[str, Any]:
    classes: dict[str, Any] = {}
    for name, definition in _store()[1].items():
        classes[name] = make_class(definition, classes)
    return classes


@cache
def _wire() -> Wire:
    store, definitions = _store()
    return Wire(store, _classes(), definitions)
