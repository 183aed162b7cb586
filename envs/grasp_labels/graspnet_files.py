"""A folder of GraspNet-1Billion's label files: `000_labels.npz`, `001_labels.npz`, ... and `objects.json`.

`objects.json` says which object a number stands for, and what was labelled how. Files appear whole
or not at all, so that an interrupted run goes on with the numbers that are missing.
"""

from __future__ import annotations

import dataclasses
import json
import os
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from envs.grasp_labels.graspnet_labels import GraspNetLabels, LabelConfig, label_object
from envs.objects import ObjectSet
from geometry import InputError

FORMAT, VERSION = "graspnet-labels", 1
NAMES_FILE = "objects.json"


class LabelReport(NamedTuple):
    """One labelled object."""

    number: int
    """Its number in the folder."""
    name: str
    """Its name in the object set."""
    grasps: int
    """Grasps that were labelled."""
    good: int
    """Grasps that hold at some friction up to 1 and do not collide."""
    seconds: float
    """CPU time for the labels on one core, without writing."""


@dataclasses.dataclass(frozen=True)
class LabelWriter:
    """Labels one object after the other and writes the files; a task for `envs.clutter.play_rounds`."""

    folder: Path
    objects: ObjectSet
    config: LabelConfig
    numbers: tuple[int, ...]
    """What is to be labelled, in turn."""

    def __call__(self, *, seed: int, round_index: int) -> LabelReport:
        """Label and write the object whose turn it is; there is no chance in it, whatever the seed."""
        number = self.numbers[round_index]
        model = self.objects[number]
        labels, seconds = label_object(model.mesh(), self.config)
        write_labels(label_path(self.folder, number), labels)
        good = int(np.count_nonzero((labels.scores > 0.0) & ~labels.collision))
        return LabelReport(number, model.name, labels.scores.size, good, seconds)


def label_path(folder: Path, number: int) -> Path:
    """The file of an object's labels, named as GraspNet names it."""
    return folder / f"{number:03d}_labels.npz"


def write_labels(path: Path, labels: GraspNetLabels) -> None:
    """Write labels as compressed `.npz`, whole or not at all."""
    draft = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        np.savez_compressed(draft, **labels._asdict())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read_labels(path: Path) -> GraspNetLabels:
    """Read a file of labels; nothing in it is executed.

    Raises:
        InputError: if the file cannot be read or lacks an array.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return GraspNetLabels(*(file[name] for name in GraspNetLabels._fields))
    except OSError as error:
        raise InputError(str(path), expected="a readable .npz file", got=error.strerror or str(error)) from None
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        fields = ", ".join(GraspNetLabels._fields)
        raise InputError(str(path), expected=f"an .npz file with {fields}", got=str(error)) from None


def claim_label_folder(folder: Path, objects: ObjectSet, config: LabelConfig) -> tuple[int, ...]:
    """Make `folder` the place of these objects' labels, and say which numbers it still lacks.

    Raises:
        InputError: if it holds labels of other objects, or labels made otherwise.
    """
    wanted = _names_of(objects, config)
    names = folder / NAMES_FILE
    if names.exists():
        _check_same(names, wanted)
    else:
        if any(folder.glob("*_labels.npz")):
            raise InputError(
                str(folder),
                expected=f"no label files, or {NAMES_FILE} beside them",
                got="label files without it",
                remedy="choose another --output",
            )
        draft = names.with_name(f".{NAMES_FILE}.{os.getpid()}")
        draft.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")
        draft.replace(names)
    return tuple(number for number in range(len(objects)) if not zipfile.is_zipfile(label_path(folder, number)))


def _names_of(objects: ObjectSet, config: LabelConfig) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "config": dataclasses.asdict(config),
        "objects": [
            {"number": number, "file": label_path(Path(), number).name, "name": model.name, "scale": model.scale}
            for number, model in enumerate(objects)
        ],
    }


def _check_same(names: Path, wanted: dict[str, Any]) -> None:
    try:
        found = json.loads(names.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(str(names), expected="the JSON of a label folder", got=str(error)) from None
    other = [key for key in wanted if not isinstance(found, dict) or found.get(key) != wanted[key]]
    if other:
        raise InputError(
            str(names.parent),
            expected="labels of these objects, made with these options",
            got=f"a folder whose {NAMES_FILE} differs in {', '.join(other)}",
            remedy="choose another --output, or the objects and options that it was begun with",
        )
