"""Folders that appear whole or not at all: written beside the place, then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geometry import InputError


@contextmanager
def output_folder(folder: str | Path) -> Iterator[Path]:
    """Give an empty draft folder, and rename it to `folder` when the block ends well.

    When the block raises, the draft goes; when the process is killed, a folder `.<name>.<process>` stays behind that
    nobody takes for the real one.

    Raises:
        InputError: if there is something at `folder` already, or nothing can be written there.
    """
    folder = Path(folder)
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    empty = folder.is_dir() and not any(folder.iterdir())
    if folder.exists() and not empty:
        raise InputError(str(folder), expected="a new or empty folder", got="one with files", remedy="name another")
    try:
        draft.mkdir(parents=True)
    except OSError as error:
        said = error.strerror or str(error)
        raise InputError(str(folder), expected="a folder that can be written", got=said) from None
    try:
        yield draft
        if empty:
            folder.rmdir()
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
