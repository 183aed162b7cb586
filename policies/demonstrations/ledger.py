"""What a set's folder remembers of its collecting: how it is collected, and which tries were not kept."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from geometry import InputError


class Ledger:
    """`collecting.json` in a set's folder.

    Args:
        folder: of the set.
        plan: `CollectPlan.record`.

    Raises:
        InputError: if the folder was collected in another way, or the file is damaged.
    """

    def __init__(self, folder: Path, plan: Mapping[str, Any]) -> None:
        self._path = folder / "collecting.json"
        self._plan = json.loads(json.dumps(dict(plan)))
        self.failed: set[int] = set()
        """Numbers of the tries that were not kept."""
        if self._path.exists():
            self._read()
        else:
            self._write()

    def fail(self, number: int) -> None:
        """Remember that the try of a number was not kept."""
        self.failed.add(number)
        self._write()

    def _read(self) -> None:
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            plan, self.failed = told["plan"], {int(number) for number in told["failed"]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            got = f"{type(error).__name__}: {error}"
            remedy = "delete it: tries that failed are then made again"
            raise InputError(str(self._path), expected="a record of collecting", got=got, remedy=remedy) from None
        keys = sorted(plan.keys() | self._plan.keys()) if isinstance(plan, dict) else ["plan"]
        for key in keys:
            ours, theirs = self._plan.get(key), plan.get(key) if isinstance(plan, dict) else plan
            if ours != theirs:
                remedy = "go on with the same options, or choose another --output"
                raise InputError(str(self._path.parent), expected=f"{key} {theirs}, as it was begun", got=f"{ours}",
                                 remedy=remedy)  # fmt: skip

    def _write(self) -> None:
        draft = self._path.with_name(f".collecting.{os.getpid()}.tmp")
        try:
            draft.write_text(json.dumps({"plan": self._plan, "failed": sorted(self.failed)}) + "\n", encoding="utf-8")
            draft.replace(self._path)
        except OSError as error:
            got = error.strerror or str(error)
            raise InputError(str(self._path), expected="room to write", got=got, remedy="make room, go on") from None
        finally:
            draft.unlink(missing_ok=True)


@contextmanager
def only_collector(folder: Path) -> Iterator[None]:
    """Be the only one that collects into a folder; the system lets go of it whenever this process ends.

    Drafts that a killed process left behind are removed.

    Raises:
        InputError: if another process collects into it.
    """
    with (folder / ".collecting.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            remedy = "wait for it, or choose another --output"
            raise InputError(
                str(folder), expected="a folder of its own", got="one that is collected into", remedy=remedy
            ) from None
        for draft in (*folder.glob(".*.tmp"), *folder.glob("episodes/.*.tmp")):
            draft.unlink(missing_ok=True)
        yield
