"""A crowd before a virtual camera: where everyone truly is, and what a detector reports, image by image."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from envs.humanoid.detector import DetectorErrors, KeypointDetector
from envs.humanoid.sight import see_people
from envs.humanoid.walkers import Walking, walkers_m
from geometry import FloatArray, InputError, PinholeCamera, look_at


@dataclass(frozen=True, kw_only=True, eq=False)
class Crowd:
    """N people over T images. `true_ids` are rows of `keypoints_m` and stay with a person."""

    time_s: FloatArray
    """(T,) seconds."""
    camera: PinholeCamera
    """Intrinsics."""
    T_world_camera: FloatArray
    """(4, 4) where the camera stands."""
    keypoints_m: FloatArray
    """(T, N, 18, 3) the truth: the humanoid's `KEYPOINTS` in the world (z up)."""
    true_px: FloatArray
    """(T, N, 18, 2) where the keypoints truly are in the image; NaN behind the camera."""
    visible: NDArray[np.bool_]
    """(T, N, 18) what is in the image and not behind somebody else."""
    keypoints_px: tuple[FloatArray, ...] = field(repr=False)
    """For each image (M, 18, 2): what the detector reports, M people in no order; NaN where it saw no such joint."""
    scores: tuple[FloatArray, ...] = field(repr=False)
    """For each image (M, 18): its confidence, 0 where it saw no such joint."""
    true_ids: tuple[NDArray[np.int64], ...] = field(repr=False)
    """For each image (M,): who it really is; -1 for a false detection."""


def crowd(
    count: int,
    rng: np.random.Generator,
    *,
    duration_s: float = 10.0,
    rate_hz: float = 30.0,
    walking: Walking | None = None,
    errors: DetectorErrors | None = None,
) -> Crowd:
    """People who walk and run through one place, seen by a camera of 1280 x 720 pixels at its edge.

    Args:
        count: people.
        rng: decides on everything.
        duration_s: length.
        rate_hz: images a second.
        walking: how they walk; default: a disc with 2.6 m2 for each when they are many, more when few.
        errors: how the detector errs.

    Raises:
        InputError: for a count below 1 or no time.
    """
    if count < 1 or not (0.0 < duration_s < np.inf and 0.0 < rate_hz < np.inf):
        raise InputError(
            "crowd", expected="count, duration_s and rate_hz above 0", got=f"{count}, {duration_s}, {rate_hz}"
        )
    radius = 1.6 + 0.55 * np.sqrt(count)
    walking = walking if walking is not None else Walking(radius_m=radius)
    camera, T_world_camera = _camera(walking.radius_m)
    time_s = np.arange(max(1, round(duration_s * rate_hz))) / rate_hz
    points = walkers_m(count, time_s, walking, rng)
    detector = KeypointDetector(errors if errors is not None else DetectorErrors(), rng)
    views = [see_people(everyone, camera, T_world_camera) for everyone in points]
    reports = [detector.detect(view) for view in views]
    return Crowd(
        time_s=time_s,
        camera=camera,
        T_world_camera=T_world_camera,
        keypoints_m=points,
        true_px=np.array([view.pixels for view in views]),
        visible=np.array([view.visible for view in views]),
        keypoints_px=tuple(report.keypoints_px for report in reports),
        scores=tuple(report.scores for report in reports),
        true_ids=tuple(report.true_ids for report in reports),
    )


def _camera(radius_m: float) -> tuple[PinholeCamera, FloatArray]:
    """A camera 3.5 m outside the disc and 2.2 m high that sees nearly all of it."""
    distance = radius_m + 3.5
    focal = 640.0 * distance / (radius_m + 0.4)
    camera = PinholeCamera(width=1280, height=720, fx=focal, fy=focal, cx=639.5, cy=359.5)
    return camera, look_at((-distance, 0.0, 2.2), (0.0, 0.0, 0.9))
