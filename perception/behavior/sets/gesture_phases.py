"""The UCI gesture phase recordings: three people telling comic strips before a Kinect (Madeo et al. 2013, CC BY 4.0).

Seven videos of users A, B, C with 6 joints and five phases of gesticulation. Columns and rows are in units of the
Kinect's image, growing right and down; the third coordinate is the distance from the sensor in metres.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from perception.behavior.sets.assembly import set_of_sequences
from perception.behavior.sets.behavior_set import BehaviorSequence, BehaviorSet

PHASES = ("Rest", "Preparation", "Stroke", "Hold", "Retraction")
JOINTS = {
    "lh": "left_hand",
    "rh": "right_hand",
    "h": "head",
    "s": "spine",
    "lw": "left_wrist",
    "rw": "right_wrist",
}
"""The files' column stems and the project's names."""
BONES = (("spine", "head"), ("spine", "left_wrist"), ("spine", "right_wrist"))
BONES_OF_HANDS = (("left_wrist", "left_hand"), ("right_wrist", "right_hand"))
MISSPELT = {"Preparação": "Preparation"}
SUFFIX = "_raw.csv"


def read_gesture_phases(folder: str | Path) -> BehaviorSet:
    """The raw videos of a folder (`a1_raw.csv`, ...) with frame labels; the name's letter is the subject.

    Raises:
        InputError: if there are no such files, or one is damaged.
    """
    files = sorted(Path(folder).glob(f"*{SUFFIX}"))
    if not files:
        raise InputError(str(folder), expected=f"files such as a1{SUFFIX}", got="none")
    joints = tuple(JOINTS.values())
    return set_of_sequences(
        [_read_video(file) for file in files],
        joints=joints,
        bones=[(joints.index(a), joints.index(b)) for a, b in BONES + BONES_OF_HANDS],
        label_names=PHASES,
    )


def _read_video(path: Path) -> BehaviorSequence:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        points = np.array([[[float(row[stem + axis]) for axis in "xyz"] for stem in JOINTS] for row in rows])
        stamps = np.array([int(row["timestamp"]) for row in rows])
        labels = np.array([PHASES.index(MISSPELT.get(row["phase"], row["phase"])) for row in rows])
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        got = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(str(path), expected="a raw file of the gesture phase recordings", got=got) from None
    return BehaviorSequence(
        name=path.name.removesuffix(SUFFIX),
        subject=path.name[0],
        time_s=_seconds(stamps),
        keypoints=points.astype(np.float32),
        scores=np.ones(points.shape[:2], dtype=np.float32),
        frame_labels=labels,
    )


def _seconds(stamps: NDArray[np.int64]) -> NDArray[np.float64]:
    """Time since the first frame. Stamps are a clock's digits, MMSSmmm, and so jump by 40,000 at full minutes."""
    clock_s = 60.0 * (stamps // 100_000) + (stamps % 100_000) / 1000.0
    return clock_s - clock_s[0]
