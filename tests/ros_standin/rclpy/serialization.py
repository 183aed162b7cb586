"""rclpy.serialization."""

from __future__ import annotations

from typing import Any

from tests.ros_standin.messages import deserialize, has_empty_numbers, serialize

_STALE_MEMORY = b"\xcd" * 8


def serialize_message(message: Any) -> bytes:
    """CDR bytes, with bytes at the end that mean nothing where Fast DDS expects too many.

    It counts the gap before numbers of eight bytes even where a sequence has none of them.
    """
    return bytes(serialize(message)) + (_STALE_MEMORY if has_empty_numbers(message) else b"")


def deserialize_message(serialized_message: bytes, message_type: type) -> Any:
    return deserialize(serialized_message, message_type)
