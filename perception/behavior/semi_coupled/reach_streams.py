"""A reaching hand as two streams: its shape, which betrays what is taken, and its motion.

Features are causal, in the person's own units, at a third of the camera's 60 Hz. Phases are the recorded ones.
Where the wrist is stays out: with it the phases of these recordings are read off at once, whatever the network.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.features import person_features
from perception.behavior.reach_to_grasp import reaching_arm
from perception.behavior.semi_coupled.training import StreamData
from perception.behavior.sets import ReachRecordings
from perception.pose import PersonTrack
from perception.pose.skeletons import HAND21

Integers = NDArray[np.int64]

_FINGERS = ("thumb", "index", "middle", "ring", "pinky")
_SHAPE = ("right_aperture", "right_openness", *(f"right_{finger}_curl" for finger in _FINGERS))
_MOTION = (
    "right_hand_speed",
    "right_hand_acceleration",
    "right_hand_rise_speed",
    "right_aperture_rate",
)
_TIPS = [HAND21.index(f"{finger}_tip") for finger in _FINGERS]
_EVERY = 3
_LARGEST = 5.0


@dataclass(frozen=True, kw_only=True)
class ReachStreams:
    """S recordings of one right hand that reaches once."""

    objects: tuple[FloatArray, ...]
    """(T, F) of each: shape of the hand."""
    motion: tuple[FloatArray, ...]
    """(T, G) of each: speeds of the wrist, and how fast the hand opens."""
    phases: tuple[Integers, ...]
    """(T,) of each: 0 before, 1 reach, 2 after."""
    sizes: Integers
    """(S,) class of what is taken."""
    people: NDArray[np.str_]
    """(S,)."""

    def __len__(self) -> int:
        """Number of recordings."""
        return len(self.sizes)

    def standardised(self, rows: Integers) -> ReachStreams:
        """All recordings with features of mean 0 and deviation 1 in these; what was not seen is 0."""
        return replace(self, objects=_standardised(self.objects, rows), motion=_standardised(self.motion, rows))

    def without_objects(self) -> ReachStreams:
        """The same with an object stream that says nothing."""
        return replace(self, objects=tuple(np.zeros_like(each) for each in self.objects))

    def windows(self, rows: Integers, rng: np.random.Generator, *, each: int, length: int) -> StreamData:
        """Windows of the standardised streams that begin anywhere, so that when they begin tells nothing.

        Args:
            rows: recordings to draw from.
            rng: draws the beginnings.
            each: windows of a recording.
            length: frames of a window.
        """
        shortest = min(len(self.phases[row]) for row in rows)
        if shortest < length:
            raise InputError(
                "ReachStreams.windows", expected=f"recordings of {length} frames", got=f"one of {shortest}"
            )
        cuts = []
        for row in np.repeat(rows, each):
            start = int(rng.integers(len(self.phases[row]) - length + 1))
            cuts.append((row, slice(start, start + length)))
        return StreamData(
            objects=np.stack([self.objects[row][cut] for row, cut in cuts]),
            motion=np.stack([self.motion[row][cut] for row, cut in cuts]),
            behaviors=np.stack([self.phases[row][cut] for row, cut in cuts]),
            object_labels=np.unique(self.sizes[np.repeat(rows, each)], return_inverse=True)[1].astype(np.int64),
        )

    def whole(self, rows: Integers, shapes_of: Integers | None = None) -> StreamData:
        """Whole standardised recordings, padded behind.

        Args:
            rows: (R,) recordings.
            shapes_of: (R,) recordings whose hand shapes stand in for their own, each taken at the same part of the
                same phase; None: their own.
        """
        lengths = [len(self.phases[row]) for row in rows]
        shape = (len(rows), max(lengths))
        objects = np.zeros((*shape, self.objects[0].shape[1]))
        motion = np.zeros((*shape, self.motion[0].shape[1]))
        behaviors = np.full(shape, -1, dtype=np.int64)
        for number, (row, length) in enumerate(zip(rows, lengths, strict=True)):
            motion[number, :length], behaviors[number, :length] = self.motion[row], self.phases[row]
            other = row if shapes_of is None else shapes_of[number]
            frames = matching_frames(self.phases[row], self.phases[other])
            objects[number, :length] = self.objects[other][frames]
        return StreamData(objects=objects, motion=motion, behaviors=behaviors, object_labels=self.sizes[rows])


def reach_streams(recordings: ReachRecordings) -> ReachStreams:
    """Streams of all recordings whose reach was noted.

    Raises:
        InputError: if none was noted.
    """
    phases = recordings.phases
    noted = np.flatnonzero(np.isfinite(recordings.onset_s) & np.isfinite(recordings.end_s))
    sizes = recordings.sizes.clip_labels
    if not len(noted) or sizes is None:
        raise InputError("reach_streams", expected="recordings with sizes and times of the reach", got="none")
    objects, motion, labels = [], [], []
    for row in noted:
        sequence = phases.sequence(int(row))
        track = PersonTrack(
            skeleton=phases.skeleton,
            time_s=sequence.time_s,
            keypoints=sequence.keypoints.astype(float),
            scores=sequence.scores.astype(float),
        )
        features = person_features(track, causal=True)
        objects.append(np.hstack([features.select(_SHAPE).values, _tip_gaps(track)])[::_EVERY])
        motion.append(features.select(_MOTION).values[::_EVERY])
        labels.append(np.asarray(sequence.frame_labels, dtype=np.int64)[::_EVERY])
    return ReachStreams(
        objects=tuple(objects),
        motion=tuple(motion),
        phases=tuple(labels),
        sizes=sizes[noted],
        people=phases.subjects[noted],
    )


def matching_frames(phases: Integers, others: Integers) -> Integers:
    """(T,) for each frame of one recording the frame of another at the same part of the reach.

    Before the reach frames are counted back from its onset, after it onward from its end, as far as there are any.

    Args:
        phases: (T,) 0 before, 1 reach, 2 after, in this order.
        others: (U,) the other recording's.
    """
    (onset, end), (other_onset, other_end) = (np.searchsorted(each, (1, 2)) for each in (phases, others))
    frames = np.arange(len(phases))
    within = other_onset + (frames - onset) * (other_end - other_onset) / max(int(end - onset), 1)
    moved = np.select([frames < onset, frames < end], [other_onset + frames - onset, within], other_end + frames - end)
    return np.clip(moved, 0, len(others) - 1).astype(np.int64)


def _tip_gaps(track: PersonTrack) -> FloatArray:
    """(T, 9) from the thumb's tip to the other tips, and from the wrist to all tips."""
    hand = reaching_arm(track).hand
    tips, wrist = hand[:, _TIPS], hand[:, [HAND21.index("wrist")]]
    gaps = np.concatenate([tips[:, 1:] - tips[:, :1], tips - wrist], axis=1)
    return np.asarray(np.linalg.norm(gaps, axis=-1))


def _standardised(features: tuple[FloatArray, ...], rows: Integers) -> tuple[FloatArray, ...]:
    known = np.concatenate([features[row] for row in rows])
    middle, spread = np.nanmean(known, axis=0), np.maximum(np.nanstd(known, axis=0), 1e-9)
    return tuple(np.clip(np.nan_to_num((each - middle) / spread), -_LARGEST, _LARGEST) for each in features)
