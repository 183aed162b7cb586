"""Stamps of simulated time."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

_NS = 1_000_000_000


def stamp_at(time_ns: int) -> Time:
    """Time message of nanoseconds, exact."""
    return Time(sec=time_ns // _NS, nanosec=time_ns % _NS)


def header_at(time_ns: int, frame: str) -> Header:
    """Header of something that is so at a time, in a frame."""
    return Header(stamp=stamp_at(time_ns), frame_id=frame)
