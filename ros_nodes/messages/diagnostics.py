"""What a part of a node says of itself <-> diagnostic_msgs/DiagnosticStatus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from geometry import InputError

Level = Literal["ok", "warn", "error", "stale"]
_LEVELS: tuple[Level, ...] = get_args(Level)  # in the order of the message's numbers


def diagnostic_status(
    name: str, level: Level, message: str, *, hardware_id: str = "", values: Mapping[str, Any] | None = None
) -> DiagnosticStatus:
    """Status of one component; `values` are written as text, floats with six digits."""
    if level not in _LEVELS:
        raise InputError("diagnostic_status: level", expected=" or ".join(_LEVELS), got=repr(level))
    return DiagnosticStatus(
        level=bytes([_LEVELS.index(level)]),
        name=name,
        message=message,
        hardware_id=hardware_id,
        values=[KeyValue(key=key, value=_text(value)) for key, value in (values or {}).items()],
    )


def diagnostic_array(statuses: Sequence[DiagnosticStatus], stamp: Any) -> DiagnosticArray:
    """Message for /diagnostics."""
    message = DiagnosticArray(status=list(statuses))
    message.header.stamp = stamp
    return message


def level_of(status: Any) -> Level:
    """The level of a status in words; rclpy holds it as one byte, a bag's reader as a number."""
    level = status.level
    return _LEVELS[level[0] if isinstance(level, bytes) else int(level)]


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
