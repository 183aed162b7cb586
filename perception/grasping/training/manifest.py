"""What says that a folder is a data set of labelled scenes: its manifest. Needs no PyTorch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from geometry import InputError

FORMAT = "graspmimic-grasps"
"""The manifest's `format`."""
VERSION = 1
"""The manifest's `version`: scenes of another one are not read."""
NAME = "manifest.json"
"""The manifest's file in the data set's folder."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """The data set's manifest.

    Raises:
        InputError: if there is none or it is of another format or version.
    """
    path = folder / NAME
    expected, remedy = "the manifest of a data set", "make one with `graspmimic generate grasps`"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        kind = (found["format"], found["version"])
    except OSError as error:
        raise InputError(str(path), expected=expected, got=f"{error.strerror}", remedy=remedy) from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InputError(str(path), expected=expected, got="something else", remedy=remedy) from None
    if kind != (FORMAT, VERSION):
        expected = f"format {FORMAT}, version {VERSION}"
        raise InputError(str(path), expected=expected, got=f"{kind[0]}, {kind[1]}", remedy="generate it again")
    return dict(found)
