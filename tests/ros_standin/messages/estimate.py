"""Where Fast DDS expects a message to be longer than it is."""

from __future__ import annotations

from typing import Any

_EIGHT_BYTES = ("int64", "uint64", "float64")


def has_empty_numbers(message: Any) -> bool:
    """Whether there is an empty sequence of eight-byte numbers anywhere in a message."""
    for field in message._definition.fields:
        value = getattr(message, field.name)
        if field.shape == "sequence" and field.base in _EIGHT_BYTES and len(value) == 0:
            return True
        if "/" in field.base and any(map(has_empty_numbers, (value,) if field.shape == "one" else value)):
            return True
    return False
