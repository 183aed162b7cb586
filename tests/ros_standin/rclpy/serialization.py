"""rclpy.serialization."""

from __future__ import annotations

from typing import Any

from tests.ros_standin.messages import deserialize, serialize


def serialize_message(message: Any) -> bytes:
    return bytes(serialize(message))


def deserialize_message(serialized_message: bytes, message_type: type) -> Any:
    return deserialize(serialized_message, message_type)
