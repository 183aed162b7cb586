"""Simulated people as sources of keypoints: what stands between the simulator's arrays and `perception`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.humanoid import (
    BodyMotion,
    Crowd,
    DetectorErrors,
    KeypointDetector,
    film,
    noisy_keypoints,
    see_people,
)
from geometry import FloatArray, InputError, PinholeCamera, invert, transform_points
from perception.pose import SKELETONS, Person, PoseFrame, Skeleton

_BODY = SKELETONS["body18"]


class CrowdPeople:
    """A `KeypointSource` of a crowd's detections: pixels, nobody numbered.

    Args:
        scene: the crowd.
    """

    def __init__(self, scene: Crowd) -> None:
        self._scene = scene

    @property
    def skeleton(self) -> Skeleton:
        """Rows of every person's keypoints."""
        return _BODY

    @property
    def rate_hz(self) -> float | None:
        """Frames a second; None for a single frame."""
        return _rate_hz(self._scene.time_s)

    def __iter__(self) -> Iterator[PoseFrame]:
        """Frames in order of time."""
        scene = self._scene
        for time_s, pixels, scores in zip(scene.time_s, scene.keypoints_px, scene.scores, strict=True):
            persons = tuple(Person(keypoints_px=p, scores=s) for p, s in zip(pixels, scores, strict=True))
            yield PoseFrame(time_s=float(time_s), skeleton=_BODY, persons=persons, camera=scene.camera)

    def close(self) -> None:
        """Nothing to free."""


class FilmedPeople:
    """A `KeypointSource` of humanoids before a camera: pixels with a detector's errors, metres in the camera's frame.

    Args:
        motions: the people's, all at the same moments (`read_clip`, `perform`).
        camera: intrinsics.
        T_world_camera: (4, 4), or (T, 4, 4) for a camera that moves.
        errors: how the detector of the pixels errs; None: not at all.
        noise_m: standard deviation of the metres along each axis.
        images: render colour images as well; without, a frame takes a fraction of the time.
        seed: of the errors; every `iter` plays the same.
    """

    def __init__(
        self,
        motions: Sequence[BodyMotion],
        camera: PinholeCamera,
        T_world_camera: ArrayLike,
        *,
        errors: DetectorErrors | None = None,
        noise_m: float = 0.0,
        images: bool = True,
        seed: int = 0,
    ) -> None:
        if not motions or any(not np.array_equal(motion.time_s, motions[0].time_s) for motion in motions):
            raise InputError("FilmedPeople", expected="motions, all at the same moments", got=f"{len(motions)} motions")
        self._motions, self._camera, self._images = tuple(motions), camera, images
        poses, count = np.asarray(T_world_camera, dtype=float), len(motions[0])
        if poses.shape not in ((4, 4), (count, 4, 4)):
            raise InputError("FilmedPeople", expected=f"T_world_camera (4, 4) or ({count}, 4, 4)", got=f"{poses.shape}")
        self._poses = np.broadcast_to(poses, (count, 4, 4))
        self._errors = _FLAWLESS if errors is None else errors
        self._noise_m, self._seed = noise_m, seed

    @property
    def skeleton(self) -> Skeleton:
        """Rows of every person's keypoints."""
        return _BODY

    @property
    def rate_hz(self) -> float | None:
        """Frames a second; None for a single frame."""
        return _rate_hz(self._motions[0].time_s)

    def __iter__(self) -> Iterator[PoseFrame]:
        """Frames in order of time, persons in no order and not numbered."""
        rng = np.random.default_rng(self._seed)
        detector = KeypointDetector(self._errors, rng)
        for time_s, points, T_world_camera, rgb in self._shots():
            seen = detector.detect(see_people(points, self._camera, T_world_camera))
            metres = noisy_keypoints(transform_points(invert(T_world_camera), points), self._noise_m, rng)
            persons = tuple(
                Person(keypoints_px=pixels, scores=scores, keypoints_m=_where_seen(metres, int(who), scores))
                for pixels, scores, who in zip(seen.keypoints_px, seen.scores, seen.true_ids, strict=True)
            )
            yield PoseFrame(time_s=time_s, skeleton=_BODY, persons=persons, camera=self._camera, rgb=rgb)

    def close(self) -> None:
        """Nothing to free."""

    def _shots(self) -> Iterator[tuple[float, FloatArray, FloatArray, NDArray[np.uint8] | None]]:
        """Time, keypoints (N, 18, 3) in the world, pose of the camera and image."""
        if self._images:
            for shot in film(self._motions, self._camera, self._poses):
                yield shot.time_s, shot.keypoints_m, shot.T_world_camera, shot.rgb
            return
        points = np.stack([motion.keypoints_m() for motion in self._motions], axis=1)
        for time_s, everyone, pose in zip(self._motions[0].time_s, points, self._poses, strict=True):
            yield float(time_s), everyone, pose, None


_FLAWLESS = DetectorErrors(
    sigma_m=0.0, floor_px=0.0, tail=0.0, lost=0.0, lost_hidden=1.0, found=1.0, gap_rate=0.0, false_rate=0.0
)


def _where_seen(metres: FloatArray, who: int, scores: FloatArray) -> FloatArray | None:
    """A person's metres where the detector saw the joint; None for a false detection."""
    return None if who < 0 else np.where((scores > 0.0)[:, None], metres[who], np.nan)


def _rate_hz(time_s: FloatArray) -> float | None:
    return float((len(time_s) - 1) / (time_s[-1] - time_s[0])) if len(time_s) > 1 else None
