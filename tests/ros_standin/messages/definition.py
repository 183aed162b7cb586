"""Interface definitions (.msg, .srv, .action): their text split into types, with fields, defaults and constants."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

FOLDER = Path(__file__).with_name("definitions")
DUMMY_FIELD = "structure_needs_at_least_one_member"
"""What an empty structure carries on the wire, hidden from Python."""

_SECTION = re.compile(r"^==== (\S+)/(msg|srv|action)/(\S+)$", re.MULTILINE)
_DEFAULT = re.compile(r"^[\w/\[\]<=]+[ \t]+([a-z]\w*)[ \t]+([^\s=#].*?)[ \t]*$", re.MULTILINE)
_ACTION_WRAPPERS = {
    "SendGoal_Request": "unique_identifier_msgs/UUID goal_id\n{action}_Goal goal",
    "SendGoal_Response": "bool accepted\nbuiltin_interfaces/Time stamp",
    "GetResult_Request": "unique_identifier_msgs/UUID goal_id",
    "GetResult_Response": "int8 status\n{action}_Result result",
    "FeedbackMessage": "unique_identifier_msgs/UUID goal_id\n{action}_Feedback feedback",
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field: `base` is a primitive or "package/kind/Name"; `shape` is "one", "array" or "sequence"."""

    name: str
    base: str
    shape: str
    size: int = 0
    """Elements of an array; most elements of a sequence, 0 for any number."""
    longest: int = 0
    """Longest string, 0 for any length."""
    default: Any = None


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One structure with its constants, each as (name, primitive type, value)."""

    name: str
    fields: tuple[Field, ...]
    constants: tuple[tuple[str, str, Any], ...] = field(default=())


def load_definitions(store: Any) -> dict[str, Definition]:
    """Read every type of the store and of the definitions folder; register the folder's types with the store."""
    texts: dict[str, str] = {}
    for path in sorted(FOLDER.glob("*.txt")):
        texts.update(_structures(path.read_text(encoding="utf-8")))
    parsed = {name: _parsed(name, text) for name, text in texts.items()}
    store.register({name: value for name, value in parsed.items() if name not in store.fielddefs})
    return {
        name: _definition(name, constants, fields, texts.get(name, ""))
        for name, (constants, fields) in store.fielddefs.items()
    }


def new_store() -> Any:
    """A fresh typestore with ROS 2 Jazzy's own messages."""
    return get_typestore(Stores.ROS2_JAZZY)


def _structures(text: str) -> dict[str, str]:
    parts = _SECTION.split(text)[1:]
    structures: dict[str, str] = {}
    for package, kind, name, body in zip(parts[0::4], parts[1::4], parts[2::4], parts[3::4], strict=True):
        prefix = f"{package}/{kind}/{name}"
        pieces = [piece.strip() for piece in re.split(r"^---$", body, flags=re.MULTILINE)]
        suffixes = {"msg": [""], "srv": ["_Request", "_Response"], "action": ["_Goal", "_Result", "_Feedback"]}[kind]
        structures.update({prefix + suffix: piece for suffix, piece in zip(suffixes, pieces, strict=True)})
        if kind == "action":
            for wrapper, wrapped in _ACTION_WRAPPERS.items():
                structures[f"{prefix}_{wrapper}"] = wrapped.format(action=prefix)
    return structures


def _parsed(name: str, text: str) -> Any:
    (value,) = get_types_from_msg(text or f"uint8 {DUMMY_FIELD}", name).values()  # the key is "msg" for services, too
    return value


def _definition(name: str, constants: Any, fields: Any, text: str) -> Definition:
    defaults = {found: ast.literal_eval(_python(value)) for found, value in _DEFAULT.findall(text)}
    return Definition(
        name=name,
        fields=tuple(_field(key, desc, defaults.get(key)) for key, desc in fields if key != DUMMY_FIELD),
        constants=tuple((key, base, value) for key, base, value in constants),
    )


def _field(name: str, desc: Any, default: Any) -> Field:
    node, value = desc
    if node == Nodetype.NAME:
        return Field(name=name, base=value, shape="one", default=default)
    if node == Nodetype.BASE:
        return Field(name=name, base=value[0], shape="one", longest=value[1], default=default)
    inner = _field(name, value[0], None)
    shape = "array" if node == Nodetype.ARRAY else "sequence"
    return Field(name=name, base=inner.base, shape=shape, size=value[1], longest=inner.longest, default=default)


def _python(literal: str) -> str:
    return {"true": "True", "false": "False"}.get(literal, literal)
