"""Seconds and nanoseconds <-> builtin_interfaces/Time and Duration, and headers of a time."""

from __future__ import annotations

import math
from typing import Any

from builtin_interfaces.msg import Duration, Time
from std_msgs.msg import Header

from geometry import InputError

_NS = 1_000_000_000
_LARGEST_SEC = 2**31 - 1


def nanoseconds_of(stamp: Any) -> int:
    """Exact nanoseconds of a Time or a Duration message, or of rclpy's own Time or Duration."""
    whole = getattr(stamp, "nanoseconds", None)
    return int(whole) if whole is not None else int(stamp.sec) * _NS + int(stamp.nanosec)


def seconds_of(stamp: Any) -> float:
    """Seconds of a Time or a Duration; good to about a quarter of a microsecond for today's dates."""
    return nanoseconds_of(stamp) / _NS


def stamp_of(seconds: float) -> Time:
    """Time message of seconds.

    Raises:
        InputError: where they are no number, or more than the message holds.
    """
    sec, nanosec = _split("stamp_of", seconds)
    return Time(sec=sec, nanosec=nanosec)


def stamp_at(time_ns: int) -> Time:
    """Time message of nanoseconds, exact."""
    return Time(sec=time_ns // _NS, nanosec=time_ns % _NS)


def header_at(time_ns: int, frame: str) -> Header:
    """Header of something that is so at a time, nanoseconds, in a frame."""
    return Header(stamp=stamp_at(time_ns), frame_id=frame)


def duration_of(seconds: float) -> Duration:
    """Duration message of seconds, to the nanosecond; see `stamp_of`."""
    sec, nanosec = _split("duration_of", seconds)
    return Duration(sec=sec, nanosec=nanosec)


def _split(where: str, seconds: float) -> tuple[int, int]:
    if not math.isfinite(seconds) or abs(seconds) > _LARGEST_SEC:
        raise InputError(where, expected=f"finite seconds within {_LARGEST_SEC}", got=f"{seconds}")
    whole = math.floor(seconds)
    nanosec = round((seconds - whole) * _NS)
    return (whole + 1, 0) if nanosec == _NS else (whole, nanosec)
