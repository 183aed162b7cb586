"""One recorded hand-over between two people, in the layout of the KTH data set.

A folder of CSV files, one row for each moment of 120 a second, first row the names of columns: the baton's pose
(x, y, z in metres, z up, and a quaternion x, y, z, w, whatever the columns are called), and 13 frames of each person's
upper body (Khanna, Björkman and Smith, "A multimodal data set of human handovers with design implications for
human-robot handovers", RO-MAN 2023). Forces of both grips are beside it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from geometry import FloatArray, InputError, transform
from perception.pose.pose_frame import SeenObject
from perception.pose.recordings.recording import Recording, recording_of_arrays
from perception.pose.skeletons import BODY18

RATE_HZ = 120.0
BATON_M = (0.30, 0.05, 0.05)
"""Edges of the baton. Nobody published them: wrists hold it 0.21 m to both sides of its middle, so the hands end about
0.11 m from it; and it is about as thick as a hand reaches around."""
GIVER, TAKER = 0, 1
"""Numbers of the persons."""
_PARTS = {
    "pelvis": "hip", "spine": "chest", "neck": "neck", "head": "head",
    **{f"{side}_{joint}": f"{side[0].upper()}{part}"
       for side in ("left", "right")
       for joint, part in (("shoulder", "UArm"), ("elbow", "FArm"), ("wrist", "Hand"))},
}  # fmt: skip
"""Our joints, and the frames that begin there."""
_BATON = "baton_pose_saved.csv"


def is_handover_folder(path: str | Path) -> bool:
    """Whether a folder holds such a recording."""
    return (Path(path) / _BATON).is_file()


def read_handover(folder: str | Path) -> Recording:
    """Both people, the giver first, and the baton, in metres in the world, z up.

    Raises:
        InputError: if a file is missing or damaged, or their lengths differ.
    """
    folder = Path(folder)
    baton = _poses(folder / _BATON)
    points = np.full((len(baton), 2, len(BODY18), 3), np.nan)
    for number, who in ((GIVER, "giver"), (TAKER, "taker")):
        for joint, part in _PARTS.items():
            path = folder / f"{who}_{part}_pose_saved.csv"
            points[:, number, BODY18.index(joint)] = _rows_as(baton, path, _poses(path))[:, :3]
    recording = recording_of_arrays(BODY18, np.arange(len(baton)) / RATE_HZ, points)
    poses = transform(Rotation.from_quat(baton[:, 3:]).as_matrix(), baton[:, :3])
    frames = tuple(
        replace(frame, objects=(SeenObject(name="baton", T_reference_object=pose, size_m=np.array(BATON_M)),))
        for frame, pose in zip(recording.frames, poses, strict=True)
    )
    return replace(recording, frames=frames)


def read_grip_forces_n(folder: str | Path) -> FloatArray:
    """(T, 2) how hard giver and taker press, newtons: their sensors' force along the axis, its sign turned.

    Raises:
        InputError: if a file is missing or damaged.
    """
    tables = [_table(Path(folder) / f"Wrench_{who}_saved.csv", 6) for who in ("giver", "taker")]
    return -np.column_stack([table[:, 2] for table in tables])


def _rows_as(other: FloatArray, path: Path, rows: FloatArray) -> FloatArray:
    if len(rows) != len(other):
        raise InputError(str(path), expected=f"{len(other)} rows, as the baton has", got=f"{len(rows)}")
    return rows


def _poses(path: Path) -> FloatArray:
    """(T, 7) places and quaternions of one file."""
    rows = _table(path, 7)
    if not rows[:, 3:].any(axis=1).all():
        raise InputError(str(path), expected="quaternions in the last four columns", got="one of zeros")
    return rows


def _table(path: Path, columns: int) -> FloatArray:
    """(T, columns) of one file."""
    try:
        rows = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
    except OSError as error:
        raise InputError(str(path), expected="a readable file", got=error.strerror or str(error)) from None
    except ValueError as error:
        raise InputError(str(path), expected=f"rows of {columns} numbers", got=str(error)) from None
    if rows.shape[1] != columns or not len(rows) or not np.isfinite(rows).all():
        raise InputError(str(path), expected=f"rows of {columns} finite numbers", got=f"a table {rows.shape}")
    return np.asarray(rows, dtype=float)
