"""HAKE's image-level part states with HICO's interactions, as arrays, and the fixed split.

Source: hico-image-level.tar.gz, hico_hoi_list.txt, hico_verb_list.txt and hico_obj_list.txt of
github.com/DirtyHarryLYL/HAKE (MIT).
"""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from geometry import InputError
from perception.behavior.reasoning.predicate_track import PredicateTrack
from perception.behavior.reasoning.vocabulary import HAKE_STATES

TRAIN_SHARE = 0.8
ARCHIVE = "hico-image-level.tar.gz"
_PARTS = ("foot", "leg", "hip", "hand", "arm", "head")


@dataclass(frozen=True, kw_only=True)
class HakeImages:
    """Images with at least one interaction, in the order of their sorted names."""

    names: tuple[str, ...]
    """(N,) file names."""
    states: NDArray[np.bool_]
    """(N, 76) part states, in the order of HAKE_STATES."""
    interactions: NDArray[np.bool_]
    """(N, 600) HICO's verb-object pairs."""
    verb_of: NDArray[np.int64]
    """(600,) verb of each pair."""
    object_of: NDArray[np.int64]
    """(600,) object of each pair."""
    verb_names: tuple[str, ...]
    """(117,)."""
    object_names: tuple[str, ...]
    """(80,)."""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def verbs(self) -> NDArray[np.bool_]:
        """(N, 117) verbs that occur, with whatever object."""
        return _grouped(self.interactions, self.verb_of, len(self.verb_names))

    @property
    def objects(self) -> NDArray[np.bool_]:
        """(N, 80) objects that somebody does something with (or is told to do nothing with)."""
        return _grouped(self.interactions, self.object_of, len(self.object_names))

    def track(self, with_objects: bool = True) -> PredicateTrack:
        """The annotated part states, and objects, as predicates; the rows are images."""
        columns: list[NDArray[np.bool_]] = [self.states]
        names = HAKE_STATES
        if with_objects:
            columns.append(self.objects)
            names += tuple(f"object:{name}" for name in self.object_names)
        return PredicateTrack(names=names, truths=np.concatenate(columns, axis=1).astype(float))

    def split(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows for training (80 %) and for testing: the permutation of the legacy generator, seeded with 0."""
        order = RandomState(0).permutation(len(self)).astype(np.int64)
        cut = round(TRAIN_SHARE * len(self))
        return order[:cut], order[cut:]


def read_hake(folder: str | Path) -> HakeImages:
    """Read HAKE's folder; images without any interaction are left out.

    Raises:
        InputError: if a file is missing, damaged, or of another kind.
    """
    folder = Path(folder)
    pairs = [(row[1], row[2]) for row in _rows(folder / "hico_hoi_list.txt", 3)]
    verbs = tuple(row[1] for row in _rows(folder / "hico_verb_list.txt", 2))
    objects = tuple(row[1] for row in _rows(folder / "hico_obj_list.txt", 2))
    table = _labels(folder / ARCHIVE)
    where = str(folder / ARCHIVE)
    try:
        names = tuple(sorted(name for name, labels in table.items() if labels["hoi_id"]))
        states = np.array([[s for part in _PARTS for s in table[name][f"{part}_list"]] for name in names], dtype=bool)
        interactions = np.zeros((len(names), len(pairs)), dtype=bool)
        for row, name in enumerate(names):
            interactions[row, np.array(table[name]["hoi_id"], dtype=int) - 1] = True
        verb_of = np.array([verbs.index(verb) for _, verb in pairs])
        object_of = np.array([objects.index(thing) for thing, _ in pairs])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(where, expected="HAKE's image-level labels and HICO's lists", got=f"{error!r}"[:80]) from None
    if states.shape != (len(names), len(HAKE_STATES)):
        raise InputError(where, expected=f"{len(HAKE_STATES)} part states an image", got=f"shape {states.shape}")
    return HakeImages(
        names=names,
        states=states,
        interactions=interactions,
        verb_of=verb_of,
        object_of=object_of,
        verb_names=verbs,
        object_names=objects,
    )


def _rows(path: Path, width: int) -> list[list[str]]:
    """Columns of a list of HICO's, one line each."""
    try:
        rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), expected="a list of HICO's", got=f"{error}") from None
    if not rows or any(len(row) != width for row in rows):
        raise InputError(str(path), expected=f"{width} words a line", got="another form")
    return rows


def _labels(archive: Path) -> dict[str, Any]:
    try:
        with tarfile.open(archive, "r:gz") as opened:
            name = next((name for name in opened.getnames() if name.endswith(".json")), None)
            packed = opened.extractfile(name) if name else None
            table = json.load(packed) if packed else None
    except (OSError, tarfile.TarError, EOFError, ValueError, RecursionError) as error:
        raise InputError(str(archive), expected="a readable archive with JSON in it", got=f"{error}") from None
    if not isinstance(table, dict) or not table:
        raise InputError(str(archive), expected="labels by image name", got="none")
    return table


def _grouped(flags: NDArray[np.bool_], group: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    result = np.zeros((len(flags), count), dtype=bool)
    for number in range(count):
        result[:, number] = flags[:, group == number].any(axis=1)
    return result
