"""A demonstration as a depth camera sees it: keypoints in the image, lifted to metres by the depth there.

No detector looks at the drawn person. The pixels are the true ones with a detector's jitter, and only of points that
the camera sees; what depth they get, with the sensor's faults and with the fingers in front of each other, is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.demonstrator import CORRELATION, MeasuringErrors, wrong_poses
from envs.demonstrator.filming import DemonstrationFilm, FilmShot
from geometry import FloatArray, InputError, transform_points
from perception.pose import SKELETONS, Hand, Person, PoseFrame, SeenObject
from perception.pose.lifting import lift_frame

_BODY = SKELETONS["body18"]


@dataclass(frozen=True, kw_only=True)
class DetectorJitter:
    """What a detector of keypoints does wrong in the image."""

    sigma_px: float = 1.5
    """Standard deviation along each axis, pixels."""
    correlation: float = CORRELATION
    """From image to image of a film at 30 Hz."""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.sigma_px) and self.sigma_px >= 0.0 and 0.0 <= self.correlation < 1.0):
            expected = "sigma_px of at least 0 and correlation of 0 to 1"
            raise InputError("DetectorJitter", expected=expected, got=f"{self}")


def filmed_frames(
    film: DemonstrationFilm, rng: np.random.Generator, *, jitter: DetectorJitter | None = None
) -> list[PoseFrame]:
    """Frames in the world's frame, as `shown_frames` gives them; things as a tracker tells them.

    Args:
        film: the demonstration and the camera; every image is rendered.
        rng: draws the detector's jitter and the things' errors.
        jitter: of the detector; None: the defaults.
    """
    jitter = DetectorJitter() if jitter is None else jitter
    shown = film.demonstration
    poses = wrong_poses(shown.T_world_things, MeasuringErrors(), rng)
    sizes = [np.array(thing.size_m) for thing in shown.things]
    frames: list[PoseFrame] = []
    previous: PoseFrame | None = None
    error: FloatArray | None = None
    for shot in film:
        error = _next_error(error, (len(shot.points_px), *shot.points_px[0].shape), jitter, rng)
        persons = tuple(_in_image(shot, number, error[number]) for number in range(len(shot.points_px)))
        objects = tuple(
            SeenObject(name=thing.name, category=thing.category, T_reference_object=T, size_m=size)
            for thing, T, size in zip(shown.things, poses[shot.row], sizes, strict=True)
        )
        flat = PoseFrame(time_s=shot.time_s, skeleton=_BODY, persons=persons, camera=film.camera)
        previous = lift_frame(flat, shot.depth_m, film.camera, previous=previous)
        frames.append(_in_world(previous, film.T_world_camera, objects))
    return frames


def keypoint_errors_m(frames: Sequence[PoseFrame], hand_m: FloatArray) -> FloatArray:
    """(T, 21) distances of the first person's measured right hand from the true one; NaN where it was not measured.

    Args:
        frames: one for each true hand.
        hand_m: (T, 21, 3) in the world.
    """
    measured = np.full(hand_m.shape, np.nan)
    for row, frame in enumerate(frames):
        hand = frame.persons[0].right_hand if frame.persons else None
        if hand is not None and hand.keypoints_m is not None:
            measured[row] = hand.keypoints_m
    errors: FloatArray = np.linalg.norm(measured - hand_m, axis=-1)
    return errors


def _next_error(
    last: FloatArray | None, shape: tuple[int, ...], jitter: DetectorJitter, rng: np.random.Generator
) -> FloatArray:
    fresh = jitter.sigma_px * rng.standard_normal(shape)
    keep = jitter.correlation
    return fresh if last is None else keep * last + np.sqrt(1.0 - keep * keep) * fresh


def _in_image(shot: FilmShot, number: int, error: FloatArray) -> Person:
    seen: NDArray[np.bool_] = shot.seen[number]
    pixels = np.where(seen[:, None], shot.points_px[number] + error, np.nan)
    scores, joints = seen.astype(np.float64), len(_BODY)
    hand = Hand(scores=scores[joints:], keypoints_px=pixels[joints:]) if seen[joints:].any() else None
    return Person(id=number, scores=scores[:joints], keypoints_px=pixels[:joints], right_hand=hand)


def _in_world(frame: PoseFrame, T_world_camera: FloatArray, objects: tuple[SeenObject, ...]) -> PoseFrame:
    persons = []
    for person in frame.persons:
        hand = person.right_hand
        if hand is not None and hand.keypoints_m is not None:
            hand = Hand(scores=hand.scores, keypoints_m=transform_points(T_world_camera, hand.keypoints_m))
        points = None if person.keypoints_m is None else transform_points(T_world_camera, person.keypoints_m)
        persons.append(Person(id=person.id, scores=person.scores, keypoints_m=points, right_hand=hand))
    return PoseFrame(
        time_s=frame.time_s, skeleton=frame.skeleton, persons=tuple(persons), objects=objects, reference="world"
    )
