"""What happens between a person's hands and one thing: how near, how fast nearer, whether they move as one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from geometry import FloatArray, InputError
from perception.behavior.features.body_points import body_points
from perception.behavior.features.feature_track import FeatureTrack
from perception.behavior.features.geometry_of_points import cosine_between, distance, separation_rate
from perception.behavior.features.motion import FeatureSettings, Motion, motion_of
from perception.behavior.features.slopes import slopes
from perception.pose import PersonTrack, PoseFrame
from perception.pose.skeletons import BODY18, HAND21

_OF_HAND = (
    ("hand_distance", "torso"),
    ("hand_closing_speed", "torso/s"),
    ("hand_heading", "1"),
    ("hand_comotion", "1"),
    ("hand_relative_speed", "torso/s"),
)
OBJECT_FEATURES: tuple[tuple[str, str], ...] = (
    *((f"{side}_{name}", unit) for side in ("left", "right") for name, unit in _OF_HAND),
    ("speed", "torso/s"),
    ("rise_speed", "torso/s"),
    ("height", "torso"),
    ("tilt", "rad"),
)
"""Name and unit of each feature between a person and one object."""

START_ROWS = 5
_WRISTS = [BODY18.index("left_wrist"), BODY18.index("right_wrist")]
_GRIP = [HAND21.index("thumb_tip"), HAND21.index("index_tip")]


@dataclass(frozen=True, kw_only=True)
class ObjectTrack:
    """Where one object is at T moments, in the units of the person's keypoints. Unseen is NaN."""

    positions: FloatArray
    """(T, D) its middle."""
    axes: FloatArray | None = None
    """(T, 3) its own upward axis, in 3D where its orientation is known."""

    def __post_init__(self) -> None:
        shape = np.shape(self.positions)
        if len(shape) != 2 or shape[1] not in (2, 3):
            raise InputError("ObjectTrack", expected="positions of shape (T, 2) or (T, 3)", got=f"{shape}")
        if self.axes is not None and np.shape(self.axes) != (shape[0], 3):
            raise InputError("ObjectTrack", expected=f"axes of shape ({shape[0]}, 3)", got=f"{np.shape(self.axes)}")


def object_track(frames: Iterable[PoseFrame], name: str, *, metres: bool) -> ObjectTrack:
    """One named object's way through all the frames given: its poses in metres, or the middles of its boxes."""
    rows, axes = [], []
    for frame in frames:
        seen = next((thing for thing in frame.objects if thing.name == name), None)
        pose = None if seen is None else seen.T_reference_object
        box = None if seen is None else seen.box_px
        if metres:
            rows.append(np.full(3, np.nan) if pose is None else pose[:3, 3])
        else:
            rows.append(np.full(2, np.nan) if box is None else 0.5 * (np.asarray(box[:2]) + np.asarray(box[2:])))
        axes.append(np.full(3, np.nan) if pose is None else pose[:3, 2])
    positions = np.array(rows, dtype=float).reshape(-1, 3 if metres else 2)
    return ObjectTrack(positions=positions, axes=np.array(axes).reshape(-1, 3) if metres else None)


def object_features(
    track: PersonTrack, thing: ObjectTrack, settings: FeatureSettings | None = None, *, causal: bool = False
) -> FeatureTrack:
    """Features between a person and one object, frame by frame.

    A hand's place is midway between the tips of thumb and index finger, or the wrist where they are not seen.
    Closing speed is positive when they approach; heading is the cosine between the hand's velocity and the way to the
    object. Co-motion is the cosine between the velocities of hand and object.
    Height is over the object's first five places (their median), tilt is from its first orientation.

    Returns:
        (T, F) with the names and units of `OBJECT_FEATURES`.

    Raises:
        InputError: if the object has not one place for every frame of the track.
    """
    settings = settings or FeatureSettings()
    if np.shape(thing.positions) != (len(track.time_s), track.keypoints.shape[2]):
        raise InputError(
            "object_features",
            expected=f"positions of shape {(len(track.time_s), track.keypoints.shape[2])}, one for every frame",
            got=f"{np.shape(thing.positions)}",
        )
    points = body_points(track, settings.minimum_score)
    motion = motion_of(points, settings, causal=causal)
    positions = np.asarray(thing.positions, dtype=float)
    velocity = slopes(points.time_s, positions, settings.span_s, causal=causal)
    start = start_heights(motion.height(positions), causal=causal)
    return FeatureTrack(
        names=tuple(name for name, _ in OBJECT_FEATURES),
        units=tuple(unit for _, unit in OBJECT_FEATURES),
        values=object_rows(motion, positions, velocity, start, tilts(thing.axes, len(positions))),
        time_s=points.time_s,
    )


def object_rows(
    motion: Motion, positions: FloatArray, velocity: FloatArray, start: FloatArray, tilt: FloatArray
) -> FloatArray:
    """(T, len(OBJECT_FEATURES)) from places and velocities (T, D), heights of the start (T,) and tilts (T,)."""
    places, hand_velocity = _hands(motion)
    offset, relative = places - positions[:, None], hand_velocity - velocity[:, None]
    torso = motion.torso[:, None]
    of_hands = np.stack(
        [
            distance(places, positions[:, None]) / torso,
            -separation_rate(offset, relative) / torso,
            _heading(hand_velocity, -offset),
            cosine_between(hand_velocity, np.broadcast_to(velocity[:, None], hand_velocity.shape)),
            np.linalg.norm(relative, axis=-1) / torso,
        ],
        axis=-1,
    )  # (T, 2, 5)
    own = np.column_stack(
        [
            np.linalg.norm(velocity, axis=-1) / motion.torso,
            motion.height(velocity) / motion.torso,
            (motion.height(positions) - start) / motion.torso,
            tilt,
        ]
    )
    return np.hstack([of_hands.reshape(len(of_hands), 2 * len(_OF_HAND)), own])


def _heading(velocity: FloatArray, way: FloatArray) -> FloatArray:
    """Cosine between them; 0 for a hand that rests or has arrived."""
    cosine = cosine_between(velocity, way)
    known = np.isfinite(velocity).all(axis=-1) & np.isfinite(way).all(axis=-1)
    return np.where(known, np.nan_to_num(cosine, nan=0.0), np.nan)


def start_heights(heights: FloatArray, *, causal: bool) -> FloatArray:
    """(T,) median of the first places seen: up to each row if causal, else the same for all rows."""
    seen = np.flatnonzero(np.isfinite(heights))[:START_ROWS]
    start = np.full(len(heights), np.nan if not len(seen) else np.median(heights[seen]))
    if causal:
        bounds = [*seen, len(heights)]
        start[: bounds[0]] = np.nan
        for number, row in enumerate(seen):
            start[row : bounds[number + 1]] = np.median(heights[seen[: number + 1]])
    return start


def tilts(axes: FloatArray | None, count: int) -> FloatArray:
    """(T,) angle of the upward axis with its first one."""
    if axes is None or not np.isfinite(axes).all(axis=1).any():
        return np.full(count, np.nan)
    first = axes[np.isfinite(axes).all(axis=1).argmax()]
    cosine: FloatArray = np.clip(cosine_between(axes, np.broadcast_to(first, axes.shape)), -1.0, 1.0)
    return np.arccos(cosine)


def _hands(motion: Motion) -> tuple[FloatArray, FloatArray]:
    """Places and velocities (T, 2, D) of the hands."""
    grip = motion.hands[:, :, _GRIP].mean(axis=2)
    grip_velocity = motion.hands_velocity[:, :, _GRIP].mean(axis=2)
    held = np.isfinite(grip)
    return (
        np.where(held, grip, motion.body[:, _WRISTS]),
        np.where(held, grip_velocity, motion.body_velocity[:, _WRISTS]),
    )
