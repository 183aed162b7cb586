"""Arms of people who build with LEGO bricks (Human_Assembly_Data, MIT), as one npz of plain arrays.

Keys `x` (N, 18): left wrist, right wrist, left elbow, right elbow, left shoulder, right shoulder, each x, y, z in
metres in the frame of a camera that the person faces (x right, y down, z forward); `offsets` (S + 1,) where the trials
begin; `name` (S,) such as "Task1/Human1/trial1.txt". Nothing says how fast frames came: 30 a second is taken.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from geometry import InputError
from perception.pose.recordings.recording import Recording, recording_of_arrays
from perception.pose.skeletons import BODY18

ASSUMED_RATE_HZ = 30.0
_JOINTS = tuple(f"{side}_{joint}" for joint in ("wrist", "elbow", "shoulder") for side in ("left", "right"))


def read_arm_table(path: str | Path, *, rate_hz: float = ASSUMED_RATE_HZ) -> dict[str, Recording]:
    """Every trial by its name, in metres in the camera's frame.

    Raises:
        InputError: if the file is missing, damaged or something else.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            table, offsets, names = archive["x"], archive["offsets"], archive["name"]
    except OSError as error:
        raise InputError(str(path), expected="a readable file", got=error.strerror or str(error)) from None
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(str(path), expected="an npz file with x, offsets and name", got=str(error)) from None
    columns = 3 * len(_JOINTS)
    ends = np.asarray(offsets).tolist()
    if table.ndim != 2 or table.shape[1] != columns or len(ends) != len(names) + 1 or ends != sorted(ends):
        raise InputError(str(path), expected=f"x (N, {columns}) and offsets that grow", got=f"{table.shape}, {ends}")
    if ends[0] < 0 or ends[-1] > len(table):
        raise InputError(str(path), expected=f"offsets from 0 to {len(table)}", got=f"{ends[0]} to {ends[-1]}")
    recordings = {}
    rows = [BODY18.index(joint) for joint in _JOINTS]
    for name, first, last in zip(names.tolist(), ends, ends[1:], strict=False):
        points = np.full((last - first, len(BODY18), 3), np.nan)
        points[:, rows] = table[first:last].reshape(-1, len(_JOINTS), 3)
        time_s = np.arange(last - first) / rate_hz
        recordings[str(name).removesuffix(".txt")] = recording_of_arrays(BODY18, time_s, points, reference="camera")
    return recordings
