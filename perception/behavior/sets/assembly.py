"""Sets from recordings one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from perception.behavior.sets.behavior_set import BehaviorSequence, BehaviorSet
from perception.behavior.sets.checks import check_joints_seen


def set_of_sequences(
    sequences: Sequence[BehaviorSequence],
    *,
    joints: Sequence[str],
    bones: Sequence[tuple[int, int]] = (),
    label_names: Sequence[str] = (),
) -> BehaviorSet:
    """Put recordings of one skeleton together.

    Args:
        sequences: at least one; labels of either kind in all of them or in none.
        joints: (J,) what the keypoints' rows are.
        bones: (B, 2) parent and child as rows of `joints`.
        label_names: (C,) of the labels.
    Raises:
        InputError: if the number of joints changes, or anything that `BehaviorSet` checks is wrong.
    """
    if not sequences:
        raise InputError("set_of_sequences", expected="at least one recording", got="none")
    wanted = (len(joints), np.shape(sequences[0].keypoints)[-1])
    for each in sequences:
        if np.ndim(each.keypoints) != 3 or np.shape(each.keypoints)[1:] != wanted:
            raise InputError(
                "set_of_sequences",
                expected=f"{wanted[0]} joints in {wanted[1]} coordinates in every recording",
                got=f"keypoints of shape {np.shape(each.keypoints)} in {each.name}",
                remedy="perception.pose.convert brings skeletons to one layout",
            )
    clips = [each.clip_label for each in sequences if each.clip_label is not None]
    frames = [each.frame_labels for each in sequences if each.frame_labels is not None]
    for kind, given in (("clip", len(clips)), ("frame", len(frames))):
        if given not in (0, len(sequences)):
            raise InputError(
                "set_of_sequences",
                expected=f"{kind} labels in all recordings or in none",
                got=f"{given} of {len(sequences)}",
                remedy="label -1 says that something is unlabelled",
            )
    data = BehaviorSet(
        keypoints=np.concatenate([each.keypoints for each in sequences]).astype(np.float32),
        scores=np.concatenate([each.scores for each in sequences]).astype(np.float32),
        time_s=np.concatenate([each.time_s for each in sequences]).astype(np.float64),
        offsets=np.cumsum([0, *(len(each.time_s) for each in sequences)], dtype=np.int64),
        names=_text(each.name for each in sequences),
        subjects=_text(each.subject for each in sequences),
        joints=_text(joints),
        bones=np.array(bones, dtype=np.int64).reshape(-1, 2),
        clip_labels=np.array(clips, dtype=np.int64) if clips else None,
        frame_labels=np.concatenate(frames).astype(np.int64) if frames else None,
        label_names=_text(label_names),
    )
    check_joints_seen(data)
    return data


def _text(words: Iterable[str]) -> NDArray[np.str_]:
    return np.array(list(words), dtype=np.str_)
