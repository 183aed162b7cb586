"""What says that a folder is a data set of labelled scenes: its manifest. Needs no PyTorch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from geometry import InputError

DATA_FORMAT = "graspmimic-grasps"
"""The manifest's `format`."""
DATA_VERSION = 1
"""The manifest's `version`: scenes of another one are not read."""
MANIFEST = "manifest.json"
"""The manifest's file in the data set's folder."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """The data set's manifest.

    Raises:
        InputError: if there is none or it is of another format or version.
    """
    path = folder / MANIFEST
    expected, remedy = "the manifest of a data set", "make one with `graspmimic generate grasps`"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        kind = (found["format"], found["version"])
    except OSError as error:
        raise InputError(str(path), expected=expected, got=f"{error.strerror}", remedy=remedy) from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InputError(str(path), expected=expected, got="something else", remedy=remedy) from None
    if kind != (DATA_FORMAT, DATA_VERSION):
        expected = f"format {DATA_FORMAT}, version {DATA_VERSION}"
        raise InputError(str(path), expected=expected, got=f"{kind[0]}, {kind[1]}", remedy="generate it again")
    return dict(found)
