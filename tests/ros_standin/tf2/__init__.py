"""The stand-in's tf2_ros and tf2_py."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from . import exceptions
from .buffer import Buffer
from .core import BufferCore
from .topics import StaticTransformBroadcaster, TransformBroadcaster, TransformListener

__all__ = ["tf2_modules"]

_EXCEPTIONS = {name: value for name, value in vars(exceptions).items() if name.endswith("Exception")}
_PARTS: dict[str, dict[str, Any]] = {
    "buffer": {"Buffer": Buffer},
    "transform_listener": {"TransformListener": TransformListener},
    "transform_broadcaster": {"TransformBroadcaster": TransformBroadcaster},
    "static_transform_broadcaster": {"StaticTransformBroadcaster": StaticTransformBroadcaster},
}


@functools.cache
def tf2_modules() -> dict[str, ModuleType]:
    """All modules by dotted name; the same ones at every call."""
    modules = {"tf2_py": _module("tf2_py", {"BufferCore": BufferCore, **_EXCEPTIONS})}
    everything = {name: value for part in _PARTS.values() for name, value in part.items()}
    modules["tf2_ros"] = _module("tf2_ros", {**everything, **_EXCEPTIONS})
    for name, members in _PARTS.items():
        modules[f"tf2_ros.{name}"] = _module(f"tf2_ros.{name}", members)
        setattr(modules["tf2_ros"], name, modules[f"tf2_ros.{name}"])
    return modules


def _module(name: str, members: dict[str, Any]) -> ModuleType:
    module = ModuleType(name)
    module.__path__ = []
    vars(module).update(members)
    return module
