"""Names of nodes, topics and services: their validation, expansion and remapping.

Not a module of the real rclpy, which has a file for each of these functions and rcl below them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rclpy.arguments import Remap
from rclpy.exceptions import (
    InvalidNamespaceException,
    InvalidNodeNameException,
    InvalidServiceNameException,
    InvalidTopicNameException,
)

_TOKEN = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def _first_bad(name: str, absolute: str) -> int:
    """Index of the first part that is no identifier, or -1."""
    place = len(name) - len(absolute)
    for part in absolute.split("/"):
        if not _TOKEN.fullmatch(part):
            return min(place, max(len(name) - 1, 0))
        place += len(part) + 1
    return -1


def validate_node_name(name: str) -> bool:
    if not _TOKEN.fullmatch(name):
        problem = "node name must not be empty" if not name else (
            "node name must not contain characters other than alphanumerics or '_'"
        )  # fmt: skip
        raise InvalidNodeNameException(name, problem, 0)
    return True


def validate_namespace(namespace: str) -> bool:
    if namespace != "/":
        bad = _first_bad(namespace, namespace[1:]) if namespace.startswith("/") else 0
        if bad >= 0:
            problem = "namespace must be absolute and made of alphanumerics, '_' and '/'"
            raise InvalidNamespaceException(namespace, problem, bad)
    return True


def validate_topic_name(name: str, *, is_service: bool = False) -> bool:
    plain = re.sub(r"\{\w+\}", "x", name)
    body = plain[2:] if plain.startswith("~/") else "x" if plain == "~" else plain.removeprefix("/")
    bad = 0 if not name else _first_bad(plain, body)
    if bad >= 0:
        problem = (
            "must not be empty" if not name else "must be made of alphanumerics, '_' and '/', and not end with '/'"
        )
        kind, error = ("service", InvalidServiceNameException) if is_service else ("topic", InvalidTopicNameException)
        raise error(name, f"{kind} name {problem}", bad)
    return True


def expanded(name: str, node_name: str, namespace: str) -> str:
    """The full name of a relative, private or absolute one."""
    prefix = namespace.rstrip("/")
    name = name.replace("{node}", node_name).replace("{ns}", prefix).replace("{namespace}", prefix)
    if name.startswith("~"):
        return f"{prefix}/{node_name}{name[1:]}"
    return name if name.startswith("/") else f"{prefix}/{name}"


def remapped(full_name: str, rules: Iterable[Remap], node_name: str, namespace: str, *, is_service: bool) -> str:
    """Apply the first remap rule that fits."""
    other = "rostopic://" if is_service else "rosservice://"
    for rule in rules:
        if rule.node not in (None, node_name) or rule.source.startswith(("__", other)):
            continue
        source = rule.source.removeprefix("rosservice://").removeprefix("rostopic://")
        if expanded(source, node_name, namespace) == full_name:
            return expanded(rule.target, node_name, namespace)
    return full_name
