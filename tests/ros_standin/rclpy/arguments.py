"""`--ros-args`: remap rules and parameters of the command line and of parameter files.

Not a module of the real rclpy, where rcl does this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rclpy._rclpy_pybind11 import RCLInvalidROSArgsError, UnknownROSArgsError
from rclpy.parameter_yaml import ParameterYamlError, tree_of, value_of

_REMAP = re.compile(r"^(?:(?P<node>[A-Za-z_]\w*):)?(?P<source>[^:]+):=(?P<target>.+)$")
_PARAMETER = re.compile(r"^(?:(?P<node>[\w/*]+):)?(?P<name>[^:]+):=(?P<value>.*)$", re.DOTALL)
_WITH_VALUE = ("-e", "--enclave", "--log-level", "--log-config-file", "--log-file-name")
_WITHOUT_VALUE = tuple(
    f"--{state}-{what}"
    for state in ("enable", "disable")
    for what in ("rosout-logs", "stdout-logs", "external-lib-logs")
)


class Remap(NamedTuple):
    """`node:source:=target`; node None means every node."""

    node: str | None
    source: str
    target: str


class Override(NamedTuple):
    """A parameter's value for the nodes whose full name fits the pattern.

    A node takes them pattern by pattern, in the order in which the patterns first came, as rcl stores them: a later
    `-p` (pattern `/**`) does not win over a file that names the node, if an earlier file has a `/**`.
    """

    pattern: str
    name: str
    value: Any


def _flat(prefix: str, tree: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, dict):
            yield from _flat(name, value)
        else:
            yield name, value


def _sections(path: str, tree: Any) -> Iterator[Override]:
    if not isinstance(tree, dict):
        raise ParameterYamlError(f"nothing below '{path}'")
    for key, below in tree.items():
        if key == "ros__parameters":
            for name, value in _flat("", below or {}):
                yield Override(path, name, value)
        else:
            yield from _sections(f"{path.rstrip('/')}/{str(key).lstrip('/')}", below)


def _from_file(name: str) -> Iterator[Override]:
    path = Path(name)
    try:
        if not path.is_file():
            raise ParameterYamlError("Error opening YAML file")
        yield from _sections("", tree_of(path.read_text(encoding="utf-8")))
    except ParameterYamlError as error:
        raise _refused(f"Couldn't parse params file: '--params-file {name}'. Error: {error}") from None


def _refused(why: str) -> RCLInvalidROSArgsError:
    return RCLInvalidROSArgsError(f"Failed to parse ROS arguments: {why}")


def fits(pattern: str, full_name: str) -> bool:
    """Whether a node's full name fits a key of a parameter file: `*` is one part, `**` any number of parts."""
    parts = []
    for part in pattern.strip("/").split("/"):
        parts.append("(/.*)?" if part == "**" else "/[^/]+" if part == "*" else f"/{re.escape(part)}")
    return re.fullmatch("".join(parts), full_name) is not None


class Arguments:
    """What the ROS part of a command line says."""

    def __init__(self, args: list[str]) -> None:
        self.remaps: list[Remap] = []
        self.overrides: list[Override] = []
        self.log_level = ""
        words = iter(args)
        for word in words:
            if word == "--ros-args":
                self._parse(words)

    def _parse(self, words: Iterator[str]) -> None:
        for word in words:
            if word == "--":
                return
            if word == "--ros-args" or word in _WITHOUT_VALUE:
                continue
            if word not in ("-r", "--remap", "-p", "--param", "--params-file", *_WITH_VALUE):
                raise UnknownROSArgsError(f"Found unknown ROS arguments: {[word]}")
            value = next(words, None)
            if value is None:
                raise _refused(f"nothing follows '{word}'")
            self._take(word, value)

    def overrides_of(self, full_name: str) -> dict[str, Any]:
        """Values by name for the node with this full name."""
        patterns = list(dict.fromkeys(one.pattern for one in self.overrides))
        ordered = sorted(self.overrides, key=lambda one: patterns.index(one.pattern))
        return {one.name: one.value for one in ordered if fits(one.pattern, full_name)}

    def _take(self, option: str, value: str) -> None:
        if option in ("-r", "--remap"):
            found = _REMAP.match(value)
            if found is None:
                raise _refused(f"Couldn't parse remap rule: '{option} {value}'")
            self.remaps.append(Remap(found["node"], found["source"], found["target"]))
        elif option in ("-p", "--param"):
            found = _PARAMETER.match(value)
            if found is None:
                raise _refused(f"Couldn't parse parameter override rule: '{option} {value}'")
            try:
                entry = value_of(found["value"])
            except ParameterYamlError as error:
                raise _refused(f"Couldn't parse parameter override rule: '{option} {value}'. Error: {error}") from None
            self.overrides.append(Override(found["node"] or "/**", found["name"], entry))
        elif option == "--params-file":
            self.overrides.extend(_from_file(value))
        elif option == "--log-level":
            self.log_level = value
