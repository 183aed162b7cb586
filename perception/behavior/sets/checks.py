"""What must hold of a set of recordings, each fault said in one line with the sequence or joint that has it.

A NaN-only joint or a sequence with nobody in view would make NaN features, a one-frame sequence no velocity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geometry import InputError

if TYPE_CHECKING:
    from perception.behavior.sets.behavior_set import BehaviorSet

WHERE = "BehaviorSet"
UNSEEN = "what was not seen is NaN in all its coordinates, with score 0"


def check_layout(data: BehaviorSet) -> None:
    """Raise InputError unless shapes, kinds and names fit together."""
    points, joints = np.shape(data.keypoints), len(data.joints)
    if len(points) != 3 or points[1] != joints or points[2] not in (2, 3):
        _fail(f"keypoints of shape (N, {joints}, 2 or 3) for {joints} joints", f"{points}")
    frames, sequences = points[0], len(data.names)
    for name, array, shape in (
        ("scores", data.scores, (frames, joints)),
        ("time_s", data.time_s, (frames,)),
        ("offsets", data.offsets, (sequences + 1,)),
        ("subjects", data.subjects, (sequences,)),
        ("clip_labels", data.clip_labels, (sequences,)),
        ("frame_labels", data.frame_labels, (frames,)),
    ):
        if array is not None and np.shape(array) != shape:
            _fail(f"{name} of shape {shape} for {sequences} sequences of {frames} frames", f"{np.shape(array)}")
    for name, array, kind in (
        ("keypoints", data.keypoints, np.floating),
        ("scores", data.scores, np.floating),
        ("time_s", data.time_s, np.floating),
        ("offsets", data.offsets, np.integer),
        ("bones", data.bones, np.integer),
        ("names", data.names, np.str_),
        ("subjects", data.subjects, np.str_),
        ("joints", data.joints, np.str_),
        ("label_names", data.label_names, np.str_),
    ):
        if not np.issubdtype(array.dtype, kind):
            _fail(f"{name} of kind {kind.__name__}", f"{array.dtype}")
    for name, array in (("names", data.names), ("joints", data.joints), ("label_names", data.label_names)):
        _check_unique(name, array)
    if not sequences:
        _fail("at least one sequence", "none")
    if not all(data.subjects.tolist()):
        row = data.subjects.tolist().index("")
        _fail("a subject for every sequence", f"none for {data.names[row]}", "name who was recorded, such as 'P1'")
    _check_offsets(data, frames)
    if np.ndim(data.bones) != 2 or np.shape(data.bones)[1] != 2:
        _fail("bones of shape (B, 2)", f"{np.shape(data.bones)}")
    if data.bones.size and not (0 <= data.bones.min() and data.bones.max() < joints):
        _fail(f"bones between joints 0 to {joints - 1}", f"{data.bones.min()} to {data.bones.max()}")


def check_measurements(data: BehaviorSet) -> None:
    """Raise InputError unless time grows, and keypoints are finite or not seen."""
    _check_time(data)
    seen = np.isfinite(data.keypoints)
    if np.isinf(data.keypoints).any():
        frame, joint, _ = np.argwhere(np.isinf(data.keypoints))[0]
        _fail("finite keypoints, or NaN", f"infinity at {_place(data, frame)}, {data.joints[joint]}", UNSEEN)
    partly = seen.any(axis=2) & ~seen.all(axis=2)
    if partly.any():
        frame, joint = np.argwhere(partly)[0]
        _fail("joints seen or not", f"a part of {data.joints[joint]} at {_place(data, frame)}", UNSEEN)
    wrong = ~((data.scores >= 0.0) & (data.scores <= 1.0))
    if wrong.any():
        frame, joint = np.argwhere(wrong)[0]
        _fail("scores from 0 to 1", f"{data.scores[frame, joint]} for {data.joints[joint]} at {_place(data, frame)}")
    in_view = seen.any(axis=(1, 2))
    empty = np.flatnonzero(~np.logical_or.reduceat(in_view, data.offsets[:-1]))
    if len(empty):
        _fail("somebody in view in every sequence", f"only NaN in {data.names[empty[0]]}", "leave it out")


def check_joints_seen(data: BehaviorSet) -> None:
    """Raise InputError if a joint is in none of the recordings; asked of whole sets, for one person may lack a hand."""
    never = np.flatnonzero(np.isnan(data.keypoints[..., 0]).all(axis=0))
    if len(never):
        names = ", ".join(data.joints[never].tolist())
        _fail("joints that are seen at some time", f"only NaN for {names}", "leave these joints out")


def check_labels(data: BehaviorSet) -> None:
    """Raise InputError unless labels are whole numbers that have a name."""
    count = len(data.label_names)
    for name, labels in (("clip_labels", data.clip_labels), ("frame_labels", data.frame_labels)):
        if labels is None:
            continue
        if not np.issubdtype(labels.dtype, np.integer):
            _fail(f"{name} that are whole numbers", f"{labels.dtype}")
        wrong = np.flatnonzero((labels < -1) | (labels >= count))
        if len(wrong):
            row = wrong[0]
            place = str(data.names[row]) if name == "clip_labels" else _place(data, row)
            remedy = "label_names has a name for every label"
            _fail(f"{name} from -1 (unlabelled) to {count - 1}", f"{labels[row]} at {place}", remedy)


def _check_unique(name: str, array: NDArray[np.str_]) -> None:
    values, counts = np.unique(array, return_counts=True)
    if (counts > 1).any():
        _fail(f"{name} that differ", f"{values[counts > 1][0]!s} twice")


def _check_offsets(data: BehaviorSet, frames: int) -> None:
    if data.offsets[0] != 0 or data.offsets[-1] != frames:
        _fail(f"offsets from 0 to {frames}", f"{data.offsets[0]} to {data.offsets[-1]}")
    lengths = np.diff(data.offsets)
    short = np.flatnonzero(lengths < 2)
    if len(short):
        row = short[0]
        got = f"{lengths[row]} in {data.names[row]}"
        _fail("at least 2 frames in every sequence", got, "leave such sequences out")


def _check_time(data: BehaviorSet) -> None:
    if not np.isfinite(data.time_s).all():
        frame = int(np.flatnonzero(~np.isfinite(data.time_s))[0])
        _fail("finite times", f"{data.time_s[frame]} at {_place(data, frame)}")
    steps = np.diff(data.time_s)
    steps[data.offsets[1:-1] - 1] = 1.0
    back = np.flatnonzero(steps <= 0.0)
    if len(back):
        got = f"{data.time_s[back[0]]:g} s, then {data.time_s[back[0] + 1]:g} s at {_place(data, back[0] + 1)}"
        _fail("times that grow within a sequence", got, "sort the frames by time and drop repeated ones")


def _place(data: BehaviorSet, frame: Any) -> str:
    row = int(np.searchsorted(data.offsets, frame, side="right")) - 1
    return f"{data.names[row]} frame {frame - data.offsets[row]}"


def _fail(expected: str, got: str, remedy: str = "") -> None:
    raise InputError(WHERE, expected=expected, got=got, remedy=remedy)
