"""Sets from a user's own tracks of persons.

To train on your own recordings, track a person in each (`PersonTrack`), say who it was and what was done, and save:

    recordings = [LabelledTrack(track=track, name="take_1", subject="anna", clip_label="wave"), ...]
    save_behavior_set("waves.npz", set_of_tracks(recordings))

Then `graspmimic train behavior --data waves.npz`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.sets.assembly import set_of_sequences
from perception.behavior.sets.behavior_set import BehaviorSequence, BehaviorSet
from perception.pose import PersonTrack
from perception.pose.skeletons import HAND21


@dataclass(frozen=True, kw_only=True)
class LabelledTrack:
    """One recording of one person, with what was done in words."""

    track: PersonTrack
    """Where the joints were."""
    name: str
    """Unique among the recordings."""
    subject: str
    """Who was recorded; the same person carries the same name in every recording."""
    clip_label: str | None = None
    """What the whole recording shows."""
    frame_labels: Sequence[str] | None = None
    """(T,) what each frame shows; "" where it is not labelled."""


def set_of_tracks(recordings: Sequence[LabelledTrack], *, label_names: Sequence[str] | None = None) -> BehaviorSet:
    """The set of a user's own recordings, with both hands' joints where any recording has them.

    Args:
        recordings: tracks of one skeleton, all in pixels or all in metres.
        label_names: order of the labels; None sorts those that occur.
    Raises:
        InputError: if skeletons differ, a label is not in `label_names`, or a recording has a fault.
    """
    if not recordings:
        raise InputError("set_of_tracks", expected="at least one recording", got="none")
    skeleton = recordings[0].track.skeleton
    for each in recordings:
        if each.track.skeleton.joints != skeleton.joints:
            raise InputError(
                "set_of_tracks",
                expected=f"skeleton {skeleton.name} in every recording",
                got=f"{each.track.skeleton.name} in {each.name}",
                remedy="perception.pose.convert brings skeletons to one layout",
            )
        if each.frame_labels is not None and len(each.frame_labels) != len(each.track.time_s):
            raise InputError(
                "set_of_tracks",
                expected=f"{len(each.track.time_s)} frame labels for {each.name}",
                got=f"{len(each.frame_labels)}",
            )
    hands = tuple(s for s in ("left", "right") if any(_hand(each.track, s) is not None for each in recordings))
    names = _label_names(recordings) if label_names is None else tuple(label_names)
    offsets = [len(skeleton) + len(HAND21) * place for place in range(len(hands))]
    joints = [*skeleton.joints, *(f"{side}_hand_{joint}" for side in hands for joint in HAND21.joints)]
    bones = [*skeleton.bone_rows, *((first + a, first + b) for first in offsets for a, b in HAND21.bone_rows)]
    has_clips = any(each.clip_label is not None for each in recordings)
    has_frames = any(each.frame_labels is not None for each in recordings)
    sequences = [_sequence(each, hands, names, clips=has_clips, frames=has_frames) for each in recordings]
    seen: NDArray[np.bool_] = np.any(
        [np.isfinite(each.keypoints).all(axis=2).any(axis=0) for each in sequences], axis=0
    )
    return set_of_sequences(
        [_with_joints(each, seen) for each in sequences],
        joints=[joint for joint, kept in zip(joints, seen, strict=True) if kept],
        bones=_kept_bones(bones, seen),
        label_names=names,
    )


def _sequence(
    recording: LabelledTrack, hands: tuple[str, ...], names: tuple[str, ...], *, clips: bool, frames: bool
) -> BehaviorSequence:
    track = recording.track
    unseen = np.full((len(track.time_s), len(HAND21), track.keypoints.shape[2]), np.nan)
    found = [_hand(track, side) for side in hands]
    points = np.concatenate([track.keypoints, *(unseen if hand is None else hand for hand in found)], axis=1)
    seen = np.isfinite(points).all(axis=2)
    scores = np.ones(seen.shape)
    scores[:, : track.scores.shape[1]] = track.scores
    labels = recording.frame_labels if recording.frame_labels is not None else [""] * len(track.time_s)
    return BehaviorSequence(
        name=recording.name,
        subject=recording.subject,
        time_s=np.asarray(track.time_s, dtype=np.float64),
        keypoints=np.where(seen[..., None], points, np.nan).astype(np.float32),
        scores=np.where(seen, scores, 0.0).astype(np.float32),
        clip_label=_label(recording.clip_label or "", names, recording.name) if clips else None,
        frame_labels=np.array([_label(each, names, recording.name) for each in labels]) if frames else None,
    )


def _with_joints(sequence: BehaviorSequence, kept: NDArray[np.bool_]) -> BehaviorSequence:
    return replace(sequence, keypoints=sequence.keypoints[:, kept], scores=sequence.scores[:, kept])


def _kept_bones(bones: Sequence[tuple[int, int]], kept: NDArray[np.bool_]) -> list[tuple[int, int]]:
    place = np.cumsum(kept) - 1
    return [(int(place[a]), int(place[b])) for a, b in bones if kept[a] and kept[b]]


def _hand(track: PersonTrack, side: str) -> FloatArray | None:
    return track.left_hand if side == "left" else track.right_hand


def _label_names(recordings: Sequence[LabelledTrack]) -> tuple[str, ...]:
    words = {each.clip_label or "" for each in recordings}
    words |= {word for each in recordings for word in each.frame_labels or ()}
    return tuple(sorted(words - {""}))


def _label(word: str, names: tuple[str, ...], where: str) -> int:
    if word and word not in names:
        raise InputError(where, expected=f"one of the labels {', '.join(names)}", got=repr(word))
    return names.index(word) if word else -1
