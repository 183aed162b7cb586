"""Files that appear whole or not at all: write beside the place, then rename."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geometry import InputError


@contextmanager
def output_file(path: str | Path) -> Iterator[Path]:
    """Give a temporary path to write to, and rename it to `path` when the block ends well.

    Missing folders are made. When the block raises, the temporary file goes and `path` keeps what it held.

    Raises:
        InputError: if nothing can be written there.
    """
    path = Path(path)
    draft = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        draft.touch()
    except OSError as error:
        raise InputError(
            str(path),
            expected="a file that can be written",
            got=error.strerror or str(error),
            remedy="choose another --output",
        ) from None
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
