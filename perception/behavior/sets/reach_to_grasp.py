"""The Roboskel reach-to-grasp recordings: people take a small, middle or large cube (Dagioglou et al. 2022, MIT).

OpenPose pixels of upper body and both hands, seen by one RGB camera; times of the reach's onset and end.
"""

from __future__ import annotations

import csv
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.sets.assembly import set_of_sequences
from perception.behavior.sets.behavior_set import BehaviorSequence, BehaviorSet
from perception.pose.skeletons import HAND21

SIZES = ("S", "M", "L")
CUBE_EDGE_M = {"S": 0.025, "M": 0.055, "L": 0.075}
"""Edge of each cube."""
PHASES = ("before", "reach", "after")
FILE, TIMES_FILE = "roboskel.npz", "RtG_onset_end.csv"
PIXEL_STEPS, SCORE_STEPS = 64.0, 255.0
"""The file's whole numbers for one pixel, and for a score of 1."""

_BODY = ("neck", *(f"right_{joint}" for joint in ("shoulder", "elbow", "wrist")))
_BODY += (*(f"left_{joint}" for joint in ("shoulder", "elbow", "wrist")), "pelvis")
JOINTS = (*_BODY, *(f"{side}_hand_{joint}" for side in ("left", "right") for joint in HAND21.joints))
"""The file's 50 joints, in its order, under the project's names."""


@dataclass(frozen=True, kw_only=True)
class ReachRecordings:
    """The recordings with the label of what is taken, and with the times of the reach."""

    sizes: BehaviorSet
    """Clip labels: the cube's size, S, M or L."""
    onset_s: FloatArray
    """(S,) when the reach begins; NaN where it was not noted."""
    end_s: FloatArray
    """(S,) when the hand has arrived."""

    @property
    def phases(self) -> BehaviorSet:
        """The same recordings with frame labels before, reach (onset to end, both within) and after."""
        labels = np.zeros(len(self.sizes.time_s), dtype=np.int64)
        for row in range(len(self.sizes)):
            frames = slice(int(self.sizes.offsets[row]), int(self.sizes.offsets[row + 1]))
            time_s, onset_s, end_s = self.sizes.time_s[frames], self.onset_s[row], self.end_s[row]
            known = np.isfinite(onset_s) and np.isfinite(end_s)
            labels[frames] = (time_s >= onset_s).astype(int) + (time_s > end_s) if known else -1
        names = np.array(PHASES, dtype=np.str_)
        return replace(self.sizes, clip_labels=None, frame_labels=labels, label_names=names)


def read_reach_to_grasp(folder: str | Path) -> ReachRecordings:
    """Read `roboskel.npz` and `RtG_onset_end.csv`.

    A joint that OpenPose did not find (score 0) is NaN. Frames whose time does not grow are left out: the last
    frame of most recordings stands there twice, and the clock of one jumps.

    Raises:
        InputError: if a file is missing or damaged.
    """
    folder = Path(folder)
    arrays = _read_arrays(folder / FILE)
    times = _read_times(folder / TIMES_FILE)
    offsets = arrays["offsets"]
    sequences = [
        _sequence(str(name), {key: arrays[key][a:b] for key in ("xy_x64", "prob_x255", "time")})
        for name, a, b in zip(arrays["names"], offsets, offsets[1:], strict=False)
    ]
    noted = np.array([times.get(each.name, (np.nan, np.nan)) for each in sequences])
    bones = [(JOINTS.index(a), JOINTS.index(b)) for a, b in _bones()]
    data = set_of_sequences(sequences, joints=JOINTS, bones=bones, label_names=SIZES)
    return ReachRecordings(sizes=data, onset_s=noted[:, 0], end_s=noted[:, 1])


def _sequence(name: str, arrays: dict[str, NDArray[Any]]) -> BehaviorSequence:
    subject, size, _ = name.split("_")
    time_s = arrays["time"].astype(np.float64)
    grows = time_s > np.maximum.accumulate(np.concatenate([[-np.inf], time_s[:-1]]))
    scores = arrays["prob_x255"][grows].astype(np.float32) / np.float32(SCORE_STEPS)
    points = arrays["xy_x64"][grows].astype(np.float32) / np.float32(PIXEL_STEPS)
    return BehaviorSequence(
        name=name,
        subject=subject,
        time_s=time_s[grows],
        keypoints=np.where(scores[..., None] > 0.0, points, np.float32(np.nan)),
        scores=scores,
        clip_label=SIZES.index(size),
    )


def _bones() -> list[tuple[str, str]]:
    arms = [("neck", "{}_shoulder"), ("{}_shoulder", "{}_elbow"), ("{}_elbow", "{}_wrist")]
    bones = [("pelvis", "neck")]
    for side in ("left", "right"):
        bones += [(a.format(side), b.format(side)) for a, b in arms]
        bones += [(f"{side}_wrist", f"{side}_hand_wrist")]
        bones += [(f"{side}_hand_{a}", f"{side}_hand_{b}") for a, b in HAND21.bones]
    return bones


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    keys = ("xy_x64", "prob_x255", "time", "offsets", "names")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in keys}
    except OSError as error:
        raise InputError(str(path), expected="a readable file", got=error.strerror or str(error)) from None
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(str(path), expected=f"an npz file with {', '.join(keys)}", got=str(error)) from None


def _read_times(path: Path) -> dict[str, tuple[float, float]]:
    """Onset and end by the recording's name."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {
                row["Movement"].removesuffix(".csv"): (
                    float(row["RtG onset"] or "nan"),
                    float(row["RtG end"] or "nan"),
                )
                for row in csv.DictReader(file)
            }
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        got = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(str(path), expected="columns Movement, RtG onset, RtG end", got=got) from None
