"""Task programs as JSON: names and numbers only, nothing that could be run; read back with every value checked."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from geometry import InputError
from perception.figures import output_file
from policies.programs.program import ProgramObject, TaskProgram
from policies.programs.steps import (
    Carry,
    Grasp,
    HandOver,
    Lift,
    Place,
    Pour,
    Push,
    Reach,
    Relation,
    Release,
    Step,
    Vec3,
)

FORMAT, VERSION = "graspmimic task program", 1
KINDS: Mapping[str, type[Step]] = {
    each.__name__: each for each in (Reach, Grasp, Lift, Carry, Place, Release, Pour, Push, HandOver)
}
"""Steps by the word that stands for them in files."""
_Told = TypeVar("_Told", bound=Step | ProgramObject)
_MOST_BYTES = 10_000_000
_REMEDY = "take a file that graspmimic wrote, or correct this value"


def save_program(program: TaskProgram, path: str | Path) -> None:
    """Write a program, whole or not at all."""
    with output_file(path) as draft:
        draft.write_text(json.dumps(program_record(program), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def load_program(path: str | Path) -> TaskProgram:
    """Read a program.

    Raises:
        InputError: one line that says what is wrong with the file.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(str(path), expected="a task program", got=f"{path.stat().st_size} bytes")
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(str(path), expected="a task program (JSON)", got=error.strerror or str(error)) from None
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), expected="a task program (JSON)", got=f"{error}", remedy=_REMEDY) from None
    return program_of_record(record, where=str(path))


def program_record(program: TaskProgram) -> dict[str, Any]:
    """A program as JSON can hold it."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "text": program.text,
        "notes": list(program.notes),
        "objects": [asdict(each) for each in program.objects],
        "steps": [{"step": type(step).__name__, **asdict(step)} for step in program.steps],
    }


def program_of_record(record: Any, *, where: str = "program") -> TaskProgram:
    """What `program_record` gave.

    Args:
        record: JSON's values.
        where: what to name in errors.

    Raises:
        InputError: if anything is missing, unknown, of the wrong kind or not finite.
    """
    told = _mapping(record, where)
    if told.get("format") != FORMAT or told.get("version") != VERSION:
        got = f"format {told.get('format')!r}, version {told.get('version')!r}"
        raise InputError(where, expected=f"format {FORMAT!r}, version {VERSION}", got=got, remedy=_REMEDY)
    objects = tuple(
        _filled(ProgramObject, _mapping(each, f"{where}: object {number}"), f"{where}: object {number}")
        for number, each in enumerate(_list(told, "objects", where), start=1)
    )
    steps = tuple(
        _step(_mapping(each, f"{where}: step {number}"), f"{where}: step {number}")
        for number, each in enumerate(_list(told, "steps", where), start=1)
    )
    text, notes = told.get("text", ""), _list(told, "notes", where) if "notes" in told else []
    if not all(isinstance(each, str) for each in (text, *notes)):
        raise InputError(where, expected="text and notes of words", got=f"{text!r}, {notes!r}"[:80], remedy=_REMEDY)
    return TaskProgram(steps=steps, objects=objects, text=text, notes=tuple(notes))


def _step(told: Mapping[str, Any], where: str) -> Step:
    kind = told.get("step")
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(where, expected=f"a step out of {', '.join(KINDS)}", got=f"{kind!r}"[:80], remedy=_REMEDY)
    return _filled(KINDS[kind], {key: value for key, value in told.items() if key != "step"}, f"{where} ({kind})")


def _filled(kind: type[_Told], told: Mapping[str, Any], where: str) -> _Told:
    """An instance of a dataclass whose fields are words, numbers and triples of numbers."""
    hints, known = get_type_hints(kind), {each.name: each for each in fields(kind)}
    strange = [key for key in told if key not in known]
    absent = [name for name, each in known.items() if name not in told and each.default is MISSING]
    if strange or absent:
        got = f"unknown {strange}" if strange else f"no {absent}"
        raise InputError(where, expected=f"the values {', '.join(known)}", got=got, remedy=_REMEDY)
    return kind(**{key: _value(value, hints[key], f"{where}: {key}") for key, value in told.items()})


def _value(value: Any, hint: Any, where: str) -> Any:
    """One value, checked against the kind of its field."""
    if hint is str and isinstance(value, str) and value:
        return value
    if hint is float and _is_number(value):
        return float(value)
    if hint == Relation and value in get_args(Relation):
        return value
    if hint in (Vec3, Vec3 | None) and isinstance(value, list) and len(value) == 3 and all(map(_is_number, value)):
        return tuple(float(each) for each in value)
    if hint == Vec3 | None and value is None:
        return None
    expected = {str: "a word", float: "a finite number", Relation: f"one of {', '.join(get_args(Relation))}"}
    got = f"{value!r}"[:80]
    raise InputError(where, expected=expected.get(hint, "three finite numbers"), got=got, remedy=_REMEDY)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(where, expected="names with values", got=f"{value!r}"[:80], remedy=_REMEDY)
    return value


def _list(told: Mapping[str, Any], name: str, where: str) -> list[Any]:
    value = told.get(name)
    if not isinstance(value, list):
        raise InputError(where, expected=f"a list of {name}", got=f"{value!r}"[:80], remedy=_REMEDY)
    return value
