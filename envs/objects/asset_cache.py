"""The folder that holds files made from others: addressed by content, written atomically.

A file's name holds the hash of what it was made from, so a name that exists is right and
complete, and any number of processes may make the same one at the same time.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path


def cached_folder(kind: str, key: bytes, make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills for `key`; `make` runs only if nobody has filled it before.

    Args:
        kind: what the folder holds, and the version of its maker; part of its name.
        key: everything that its content depends on.
        make: writes the files into the empty folder that it is given.
    """
    target = _root() / f"{kind}-{hashlib.sha256(key).hexdigest()[:24]}"
    if target.is_dir():
        return target
    with tempfile.TemporaryDirectory(dir=_root(), prefix=".making-") as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        make(made)
        try:
            made.rename(target)
        except OSError:
            if not target.is_dir():  # otherwise another process was faster, with the same content
                raise
    return target


def _root() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return _writable(Path(base) / "graspmimic" / "objects")


@lru_cache(maxsize=8)
def _writable(folder: Path) -> Path:
    """The folder itself where it can be written, otherwise one in the temporary directory."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        name = f"graspmimic-objects-{os.getuid()}" if hasattr(os, "getuid") else "graspmimic-objects"
        fallback = Path(tempfile.gettempdir()) / name
        fallback.mkdir(mode=0o700, parents=True, exist_ok=True)
        return fallback
