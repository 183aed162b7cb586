"""Sets of recordings as npz files: one array for each field of `BehaviorSet`, under the field's name.

    keypoints (N, J, D) float32   all sequences' frames one after the other; NaN where a joint was not seen
    scores (N, J) float32         confidence, 0 to 1; may be left out: 1 where a joint was seen, 0 elsewhere
    time_s (N,) float64           grows within a sequence
    offsets (S + 1,) int64        first frame of each sequence, and N
    names (S,) str                of the sequences
    subjects (S,) str             who was recorded
    joints (J,) str               the project's joint names where they fit
    bones (B, 2) int64            may be left out
    clip_labels (S,) int64        where clips are labelled; -1 for one that is not
    frame_labels (N,) int64       where frames are labelled; -1 for one that is not
    label_names (C,) str          may be left out where nothing is labelled

Any program that writes these arrays with `numpy.savez` makes a set that can be trained on.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from perception.behavior.sets.behavior_set import BehaviorSet
from perception.behavior.sets.checks import check_joints_seen

NEEDED = ("keypoints", "time_s", "offsets", "names", "subjects", "joints")
LABELS = ("clip_labels", "frame_labels")
SUFFIX = ".npz"


def load_behavior_set(path: str | Path) -> BehaviorSet:
    """Read a set; nothing in the file can run code.

    Raises:
        InputError: if the file is missing, damaged, lacks a key, or holds a set with a fault.
    """
    path = Path(path)
    arrays = _read(path)
    missing = [key for key in NEEDED if key not in arrays]
    if "label_names" not in arrays and any(key in arrays for key in LABELS):
        missing.append("label_names")
    if missing:
        raise InputError(
            str(path),
            expected=f"the arrays {', '.join(NEEDED)}, and label_names where there are labels",
            got=f"no {', '.join(missing)}",
            remedy="the docstring of perception.behavior.sets.set_file shows the layout",
        )
    try:
        data = _set_of(arrays)
        check_joints_seen(data)
    except InputError as error:
        raise InputError(str(path), expected="a sound set of recordings", got=str(error)) from None
    return data


def save_behavior_set(path: str | Path, data: BehaviorSet) -> None:
    """Write a set, whole or not at all.

    Raises:
        InputError: if the name does not end in .npz, or nothing can be written there.
    """
    from perception.figures.output_file import output_file  # here, for its package brings in Matplotlib

    path = Path(path)
    if path.suffix != SUFFIX:
        raise InputError("save_behavior_set", expected=f"a name that ends in {SUFFIX}", got=path.name)
    arrays: dict[str, Any] = {key: value for key, value in vars(data).items() if value is not None}
    with output_file(path) as draft:
        np.savez_compressed(draft, **arrays)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("a single array")
            return {key: archive[key] for key in archive.files}
    except OSError as error:
        raise InputError(str(path), expected="a readable file", got=error.strerror or str(error)) from None
    except (ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            str(path),
            expected="an undamaged .npz file of plain arrays",
            got=str(error).splitlines()[0] if str(error) else type(error).__name__,
            remedy="names and labels are arrays of text and whole numbers, never of Python objects",
        ) from None


def _set_of(arrays: dict[str, NDArray[Any]]) -> BehaviorSet:
    keypoints = _floating("keypoints", arrays["keypoints"], np.float32)
    if keypoints.ndim != 3:
        raise InputError("keypoints", expected="shape (N, J, D)", got=f"{keypoints.shape}")
    seen = np.isfinite(keypoints).all(axis=2).astype(np.float32)
    nothing = {"bones": np.zeros((0, 2), dtype=np.int64), "label_names": np.zeros(0, dtype=np.str_)}
    arrays = {"scores": seen, **nothing, **arrays}
    return BehaviorSet(
        keypoints=keypoints,
        scores=_floating("scores", arrays["scores"], np.float32),
        time_s=_floating("time_s", arrays["time_s"], np.float64),
        offsets=_whole("offsets", arrays["offsets"]),
        names=arrays["names"],
        subjects=arrays["subjects"],
        joints=arrays["joints"],
        bones=_whole("bones", arrays["bones"]),
        clip_labels=_whole("clip_labels", arrays["clip_labels"]) if "clip_labels" in arrays else None,
        frame_labels=_whole("frame_labels", arrays["frame_labels"]) if "frame_labels" in arrays else None,
        label_names=arrays["label_names"],
    )


def _floating(name: str, array: NDArray[Any], kind: Any) -> NDArray[Any]:
    if array.dtype.kind not in "fiu":
        raise InputError(name, expected="numbers", got=f"{array.dtype}")
    return array.astype(kind)


def _whole(name: str, array: NDArray[Any]) -> NDArray[np.int64]:
    if array.dtype.kind not in "iu":
        raise InputError(name, expected="whole numbers", got=f"{array.dtype}")
    return array.astype(np.int64)
