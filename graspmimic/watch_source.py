"""What `watch` can watch: recordings, videos, photographs, cameras, and the simulated person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from geometry import InputError, PinholeCamera, look_at, transform_points
from perception.pose import KeypointSource, PoseFrame, Skeleton
from perception.pose.images.sources import ImageSource, RGBDFolder, open_images

HUMANOID_ACTS = ("walk", "run", "kick", "jump", "walk")
"""What the simulated person does where nothing else is asked for."""

_RECORDED = (".npz", ".csv", ".bvh", ".amc")
_CAMERA = PinholeCamera(width=720, height=406, fx=540.0, fy=540.0, cx=360.0, cy=203.0)
_NOISE_M = 0.01
_BESIDE_M = np.array([-1.0, -3.4, 0.75])
"""Where the filming camera goes along, from the person's hips."""


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """How a source is opened."""

    pose_onnx: Path | None = None
    """RTMPose or RTMW network instead of MediaPipe."""
    max_persons: int = 1
    """Persons that MediaPipe looks for."""
    rate_hz: float | None = None
    """Frames a second, where the source does not tell."""
    camera: PinholeCamera | None = None
    """Intrinsics of images."""
    seed: int = 0
    """Of the simulated detector's noise."""


def open_source(name: str, options: SourceOptions) -> KeypointSource:
    """Open what a name stands for.

    Raises:
        InputError: if it stands for nothing, or what it needs is not installed.
    """
    kind, _, rest = name.partition(":")
    if kind == "humanoid" and not Path(name).exists():
        return HumanoidSource(tuple(filter(None, rest.split(","))) or HUMANOID_ACTS, seed=options.seed)
    path = Path(name)
    if path.suffix.lower() in _RECORDED or path.name.endswith("_keypoints.json") or _is_recording(path):
        from perception.pose.recordings import read_recording

        return read_recording(path, rate_hz=options.rate_hz)
    images = open_images(name, rate_hz=options.rate_hz, camera=options.camera)
    if isinstance(images, RGBDFolder):
        from perception.pose.images.lifted_pose import LiftedPose

        return LiftedPose(images, lambda source: _network(source, options))
    return _network(images, options)


def _is_recording(path: Path) -> bool:
    """Whether a folder holds recorded keypoints rather than images."""
    from perception.pose.recordings import is_handover_folder

    return path.is_dir() and (any(path.glob("*_keypoints.json")) or is_handover_folder(path))


def _network(images: ImageSource, options: SourceOptions) -> KeypointSource:
    if options.pose_onnx is not None:
        from perception.pose.images.simcc import SimccPose

        return SimccPose(images, options.pose_onnx)
    from perception.pose.images.landmarks import MediaPipePose

    return MediaPipePose(images, max_persons=options.max_persons)


class HumanoidSource:
    """The simulator's humanoid, filmed by a camera that goes along and knows where it is.

    Pixels have a detector's errors; metres, in the world, have noise.

    Args:
        acts: names of motion clips, played one after the other.
        seed: of the errors.

    Raises:
        InputError: for a clip that does not exist.
    """

    def __init__(self, acts: tuple[str, ...], *, seed: int = 0) -> None:
        from envs.humanoid import CLIP_NAMES, Act, DetectorErrors, perform, read_clip
        from graspmimic.simulated_people import FilmedPeople

        unknown = [act for act in acts if act not in CLIP_NAMES]
        if unknown:
            raise InputError("humanoid", expected=f"acts out of {', '.join(CLIP_NAMES)}", got=", ".join(unknown))
        lasts = [2.5 if read_clip(act).cyclic else None for act in acts]
        self.performance = perform([Act(clip=act, duration_s=s) for act, s in zip(acts, lasts, strict=True)])
        motion = self.performance.motion
        path = gaussian_filter1d(motion.root_m, 20.0, axis=0, mode="nearest")
        path[:, 2] = path[:, 2].mean()
        self._poses = np.stack([look_at(here + _BESIDE_M, here) for here in path])
        self._filmed = FilmedPeople(
            [motion], _CAMERA, self._poses, errors=DetectorErrors(), noise_m=_NOISE_M, seed=seed
        )  # fmt: skip

    @property
    def skeleton(self) -> Skeleton:
        """Rows of every person's keypoints."""
        return self._filmed.skeleton

    @property
    def rate_hz(self) -> float | None:
        """Frames a second."""
        return self._filmed.rate_hz

    def __iter__(self) -> Iterator[PoseFrame]:
        """Frames with image, pixels and metres in the world."""
        for frame, T_world_camera in zip(self._filmed, self._poses, strict=True):
            persons = tuple(
                person
                if person.keypoints_m is None
                else replace(person, keypoints_m=transform_points(T_world_camera, person.keypoints_m))
                for person in frame.persons
            )
            yield replace(frame, persons=persons, reference="world")

    def close(self) -> None:
        """Nothing is held."""


def limited(frames: Iterator[PoseFrame], seconds: float | None) -> Iterator[PoseFrame]:
    """Frames up to some seconds after the first."""
    first: float | None = None
    for frame in frames:
        first = frame.time_s if first is None else first
        if seconds is not None and frame.time_s - first > seconds:
            return
        yield frame
