"""rosidl_runtime_py.utilities: interface classes by name."""

from __future__ import annotations

import importlib
from typing import Any


def get_interface(identifier: str) -> Any:
    package, *kind, name = identifier.split("/")
    if not name or len(kind) != 1:
        raise ValueError(f"Invalid interface '{identifier}'. Expected three parts separated by '/'")
    return getattr(importlib.import_module(f"{package}.{kind[0]}"), name)


def _of_kind(kind: str, identifier: str) -> Any:
    parts = identifier.split("/")
    if len(parts) == 2:
        parts.insert(1, kind)
    if len(parts) != 3 or parts[1] != kind:
        raise ValueError(f"Expected the full name of a {kind}, got '{identifier}'")
    return get_interface("/".join(parts))


def get_message(identifier: str) -> Any:
    return _of_kind("msg", identifier)


def get_service(identifier: str) -> Any:
    return _of_kind("srv", identifier)


def get_action(identifier: str) -> Any:
    return _of_kind("action", identifier)
