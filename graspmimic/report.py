"""The JSON object that a command writes with `--json`: what ran, with which versions, and the numbers."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

VERSIONED = (
    "graspmimic",
    "numpy",
    "scipy",
    "pybullet",
    "open3d",
    "trimesh",
    "coacd",
    "ruckig",
    "pillow",
    "matplotlib",
    "torch",
    "opencv-contrib-python",
)
"""The packages whose versions may change a result."""


class Command(Protocol):
    """What the front door expects of a command: a frozen dataclass with at least this."""

    @property
    def seed(self) -> int:
        """Seed of every random number of the run."""

    @property
    def json(self) -> Path | None:
        """Where the result goes as JSON; None writes none."""

    def run(self, console: Console) -> dict[str, Any]:
        """Do the work, say what happens on the console, and return the flat results."""


def prepare_json(path: Path | None) -> None:
    """Make the folder of `path` and see that a file can stand there, before the long work begins.

    Raises:
        InputError: if it cannot.
    """
    from geometry import InputError

    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError("--json", expected="a file in a folder that can be made", got=f"{path}: {error}") from None
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise InputError("--json", expected="a file that can be written", got=f"{path}", remedy="name another file")


def prepare_folder(folder: Path) -> None:
    """Make the folder of the results and see that it can be written to, before the long work begins.

    Raises:
        InputError: if it cannot.
    """
    from geometry import InputError

    probe = folder / f".writable.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        said = error.strerror or str(error)
        raise InputError("--output", expected="a folder that can be written to", got=f"{folder}: {said}") from None


def write_json(name: str, command: Command, results: dict[str, Any]) -> None:
    """Write the result of `command` to its `json` file, whole or not at all.

    Numbers that are not finite become null, since JSON has no word for them.
    """
    if command.json is None:
        return
    report = {
        "command": name,
        "config": dataclasses.asdict(command),  # type: ignore[call-overload]
        "versions": versions(),
        "seed": command.seed,
        "results": results,
    }
    text = json.dumps(_plain(report), indent=2, allow_nan=False) + "\n"
    draft = command.json.with_name(f".{command.json.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(command.json)


def versions() -> dict[str, str | None]:
    """Versions of Python and of the packages that results depend on; None for one that is not installed."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in VERSIONED:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def _plain(value: Any) -> Any:
    """`value` in JSON's own types; arrays and NumPy scalars through `tolist`, paths as text."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
