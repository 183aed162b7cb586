"""`setting`: a dataclass field that is also a ROS parameter, with its description and what it may be.

Plain Python: settings are made, checked and tested without ROS; `ros_nodes.parameters` declares them.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, get_args, get_origin, get_type_hints

from geometry import InputError

_KEY = "ros_parameter"
_SCALARS = (bool, int, float, str)
_WORDS = {bool: "true or false", int: "a whole number", float: "a decimal number", str: "text"}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is known of one parameter besides its name and its value."""

    description: str
    """One line for a person: what it does, its unit."""
    low: float | None
    """Smallest allowed number, inclusive; for an array, of each entry."""
    high: float | None
    """Largest allowed number, inclusive."""
    choices: tuple[Any, ...] | None
    """What is allowed, where there are only a few."""
    read_only: bool
    """Whether it is fixed once the node has started."""
    scalar: type = float
    """bool, int, float or str: the type, or that of each entry of an array."""
    is_array: bool = False
    """Whether it is a tuple."""
    length: int | None = None
    """Number of entries, where the tuple's type fixes it."""

    def allowed(self) -> str:
        """In words: `a decimal number from 0.0 to 1.0`, `one of 'a', 'b'`."""
        if self.choices is not None:
            each = "one of " + ", ".join(repr(choice) for choice in self.choices)
        else:
            each = _WORDS[self.scalar] + _span(self.low, self.high)
        if not self.is_array:
            return each
        return f"{'a list' if self.length is None else f'{self.length} numbers'}, each {each}"


def setting(
    default: Any,
    description: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[Any] | None = None,
    read_only: bool = False,
) -> Any:
    """A field of a frozen dataclass that becomes a ROS parameter of the same name.

    Args:
        default: bool, int, float, str or a tuple of one of them, as the field's annotation says.
        description: one line for `ros2 param describe`: what it does, and the unit.
        low: smallest allowed number, inclusive; for a tuple, of each entry.
        high: largest allowed number, inclusive.
        choices: the allowed values, where there are only a few.
        read_only: whether it is fixed once the node has started.
    """
    known = Setting(
        description=description,
        low=low,
        high=high,
        choices=None if choices is None else tuple(choices),
        read_only=read_only,
    )
    return field(default=default, metadata={_KEY: known})


def autostart_setting(default: bool = True) -> Any:
    """The field `autostart` of a lifecycle node's settings."""
    return setting(default, "Configure and activate at start, without a lifecycle manager.", read_only=True)


def settings_of(cls: type) -> Mapping[str, Setting]:
    """Every setting of a dataclass by its field's name, inherited ones first.

    Raises:
        TypeError: where a field was not made by `setting`, or has a type that no ROS parameter has.
    """
    return _settings_of(cls)


@lru_cache(maxsize=64)
def _settings_of(cls: Hashable) -> Mapping[str, Setting]:
    assert isinstance(cls, type)
    hints = get_type_hints(cls)
    found: dict[str, Setting] = {}
    for entry in fields(cls):
        known = entry.metadata.get(_KEY)
        if not isinstance(known, Setting):
            raise TypeError(f"{cls.__name__}.{entry.name}: every field is made by `setting(default, description)`")
        found[entry.name] = _typed(f"{cls.__name__}.{entry.name}", known, hints[entry.name])
    return found


def check_settings(settings: Any) -> None:
    """Check every field of a settings object against its type, range and choices; for `__post_init__`.

    Whole numbers where decimals are meant are an error, as ROS makes it one.

    Raises:
        InputError: for the first field that does not fit, with what would.
    """
    for name, known in settings_of(type(settings)).items():
        value = getattr(settings, name)
        if not _fits(known, value):
            raise InputError(f"parameter {name}", expected=known.allowed(), got=repr(value))


def _fits(known: Setting, value: Any) -> bool:
    if not known.is_array:
        return _entry_fits(known, value)
    right_length = isinstance(value, tuple) and known.length in (None, len(value))
    return right_length and all(_entry_fits(known, entry) for entry in value)


def _entry_fits(known: Setting, value: Any) -> bool:
    right_type = isinstance(value, known.scalar) and isinstance(value, bool) == (known.scalar is bool)
    if not right_type or (known.choices is not None and value not in known.choices):
        return False
    if not isinstance(value, (int, float)) or known.scalar is bool:
        return True
    within = (known.low is None or value >= known.low) and (known.high is None or value <= known.high)
    return within and math.isfinite(value)


def _typed(where: str, known: Setting, hint: Any) -> Setting:
    """`known` with what the annotation says: a scalar, `tuple[X, ...]` or `tuple[X, X, X]`."""
    scalar, is_array, length = hint, False, None
    if get_origin(hint) is tuple:
        entries, is_array = get_args(hint), True
        length = None if entries[-1] is Ellipsis else len(entries)
        kinds = {entry for entry in entries if entry is not Ellipsis}
        scalar = kinds.pop() if len(kinds) == 1 else None
    if scalar not in _SCALARS:
        raise TypeError(f"{where}: a ROS parameter is bool, int, float, str or a tuple of one of them, not {hint}")
    return Setting(**{**vars(known), "scalar": scalar, "is_array": is_array, "length": length})


def _span(low: float | None, high: float | None) -> str:
    if low is None:
        return "" if high is None else f" of at most {high}"
    return f" of at least {low}" if high is None else f" from {low} to {high}"
