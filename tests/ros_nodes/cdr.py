"""Messages written down byte by byte, as the CDR encoding of the OMG's DDS-XTypes says, without any ROS code."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import pytest
from rclpy.serialization import deserialize_message, serialize_message

_TYPESYS = pytest.importorskip("rosbags.typesys")
STORE = _TYPESYS.get_typestore(_TYPESYS.Stores.ROS2_JAZZY)
"""Reads bytes by the definitions of the `rosbags` package."""
HEADER = b"\x00\x01\x00\x00"  # plain CDR, little endian
SIZES = {"?": 1, "b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "f": 4, "q": 8, "Q": 8, "d": 8}


class Cdr:
    """Appends one member after the other; each starts at a multiple of its size, counted from the header's end."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.padding: set[int] = set()

    def put(self, kinds: str, *values: Any) -> Cdr:
        """Plain members by struct's letters: `put("Id", 3, 0.5)`."""
        for kind, value in zip(kinds, values, strict=True):
            while len(self.body) % SIZES[kind]:
                self.padding.add(len(self.body))
                self.body += b"\x00"
            self.body += struct.pack("<" + kind, value)
        return self

    def text(self, *values: str) -> Cdr:
        for value in values:
            encoded = value.encode() + b"\x00"
            self.put("I", len(encoded))
            self.body += encoded
        return self

    def array(self, kind: str, values: Iterable[Any]) -> Cdr:
        """A sequence of plain values, with its length in front."""
        listed = list(values)
        return self.put("I" + kind * len(listed), len(listed), *listed)

    def octets(self, data: bytes) -> Cdr:
        self.put("I", len(data))
        self.body += data
        return self

    def header(self, sec: int, nanosec: int, frame_id: str) -> Cdr:
        """std_msgs/Header."""
        return self.put("iI", sec, nanosec).text(frame_id)

    @property
    def data(self) -> bytes:
        return HEADER + bytes(self.body)

    def matches(self, message: Any) -> bool:
        """Whether a message is sent as these bytes, but for what fills gaps, and read from them as it was.

        Behind a message's end may stand anything: Fast DDS gives as many bytes as it had estimated.
        """
        body = serialize_message(message)[4:]
        same = len(body) >= len(self.body) and all(
            mine == body[i] for i, mine in enumerate(self.body) if i not in self.padding
        )
        return same and bool(deserialize_message(self.data, type(message)) == message)
