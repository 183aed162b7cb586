"""YAML as rcl reads parameters, which is neither YAML 1.1 nor 1.2.

`y` and `off` are true and false; `null` and `~` are text; a list holds one type; an empty list holds nothing and is no
value. Not a module of the real rclpy, where rcl_yaml_param_parser does this.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

_TRUE = ("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE")
_FALSE = ("n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE")
_TEXT_TAG = "tag:yaml.org,2002:str"
_INTEGER = re.compile(r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|(?P<octal>0[0-7]*)|(?P<decimal>[1-9][0-9]*))")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_HEX_NUMBER = re.compile(r"[-+]?0[xX][0-9a-fA-F]*\.?[0-9a-fA-F]*(?:[pP][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.?(?:inf|nan|infinity)", re.IGNORECASE)
_LARGEST = 2**63
_KINDS = {bool: "bool", int: "integer", float: "double", str: "string"}


class ParameterYamlError(ValueError):
    """Text that rcl does not take for parameters."""


def value_of(text: str) -> Any:
    """The value of one parameter, as after `-p name:=`.

    Raises:
        ParameterYamlError: for what rcl does not take.
    """
    events = _events(text)
    first = next(events, None)
    if isinstance(first, (yaml.MappingStartEvent, yaml.AliasEvent)):
        raise ParameterYamlError("Unknown YAML event")
    if first is None:
        raise ParameterYamlError("error not set")
    return _value(first, events)


def tree_of(text: str) -> Any:
    """The mappings of a parameter file, down to the values.

    Raises:
        ParameterYamlError: for what rcl does not take.
    """
    events = _events(text)
    first = next(events, None)
    return None if first is None else _value(first, events)


def _events(text: str) -> Iterator[Any]:
    frame = (yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent)
    try:
        yield from (event for event in yaml.parse(text, Loader=yaml.SafeLoader) if not isinstance(event, frame))
    except yaml.YAMLError as error:
        raise ParameterYamlError(f"Error parsing a event near {' '.join(str(error).split())}") from None


def _value(event: Any, events: Iterator[Any]) -> Any:
    if isinstance(event, yaml.AliasEvent):
        raise ParameterYamlError(f"Will not support aliasing at line {event.start_mark.line}")
    if isinstance(event, yaml.SequenceStartEvent):
        return _entries(events)
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(events)
    return _scalar(event)


def _mapping(events: Iterator[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            break
        if not isinstance(key, yaml.ScalarEvent):
            raise ParameterYamlError(f"Sequences cannot be key at line {key.start_mark.line}")
        found[key.value] = _value(next(events), events)
    return found


def _entries(events: Iterator[Any]) -> list[Any] | None:
    found: list[Any] = []
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            break
        if not isinstance(event, yaml.ScalarEvent):
            raise ParameterYamlError(f"Sequences cannot be key at line {event.start_mark.line}")
        entry = _scalar(event)
        if found and type(entry) is not type(found[0]):
            kind, line = _KINDS[type(entry)], event.start_mark.line
            raise ParameterYamlError(
                f"Sequence should be of same type. Value type '{kind}' do not belong at line_num {line}"
            )
        found.append(entry)
    return found or None


def _scalar(event: Any) -> bool | int | float | str:
    text: str = event.value
    if event.tag == _TEXT_TAG or event.style in ("'", '"'):
        return text
    if not text:
        raise ParameterYamlError(f"No value at line {event.start_mark.line}")
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    number = _integer(text)
    number = _decimal(text) if number is None else number
    return text if number is None else number


def _integer(text: str) -> int | None:
    """As C's `strtol` with base 0 reads it: 0x10 is 16, and 0777 is 511."""
    found = _INTEGER.fullmatch(text)
    if found is None:
        return None
    size = next(
        int(digits, base)
        for digits, base in ((found["hex"], 16), (found["octal"], 8), (found["decimal"], 10))
        if digits
    )
    value = -size if found["sign"] == "-" else size
    return value if -_LARGEST <= value < _LARGEST else None


def _decimal(text: str) -> float | None:
    """As C's `strtod` reads it, and YAML's `.inf` and `.nan`; what is too large is text."""
    if _NO_NUMBER.fullmatch(text):
        return float(text.replace(".", ""))
    if _HEX_NUMBER.fullmatch(text) and any(sign in text for sign in ".pP"):
        return float.fromhex(text)
    value = float(text) if _NUMBER.fullmatch(text) else math.inf
    return value if math.isfinite(value) else None
