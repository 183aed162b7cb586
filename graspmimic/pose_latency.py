"""What each stage from a detector's keypoints to joint rotations costs for one person, on one core."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.humanoid import DetectorErrors, KeypointDetector, film, read_clip, see_people
from geometry import FloatArray, PinholeCamera, look_at
from perception.pose import SKELETONS, Person, PoseFrame
from perception.pose.kinematics import BodyShape, CausalIk
from perception.pose.lifting import lift_frame
from perception.pose.smoothing import PoseSmoother
from perception.pose.tracking import Tracker, TrackerSettings

CAMERA = PinholeCamera(width=640, height=480, fx=560.0, fy=560.0, cx=319.5, cy=239.5)
WARM_UP = 10
"""Frames before those that count."""
RATE_HZ = 30.0
_BODY = SKELETONS["body18"]


class Moment(NamedTuple):
    """One image as the stages get it."""

    frame: PoseFrame
    """One person's pixels."""
    depth_m: NDArray[np.float32]
    """(480, 640) metres."""


Stage = Callable[[PoseFrame, NDArray[np.float32]], PoseFrame]
"""Takes a frame and its depth image, and hands on the frame with what it found."""


def filmed_person(seed: int, frames: int) -> list[Moment]:
    """Somebody who dances before a depth camera, with the keypoints of a detector that errs."""
    motion = read_clip("dance_a").looped(np.arange(frames) / RATE_HZ)
    middle = motion.root_m * (1.0, 1.0, 0.0)
    poses = np.array([look_at(eye, eye + (-3.0, 0.0, -0.3)) for eye in middle + (3.0, 0.0, 1.2)])
    detector = KeypointDetector(DetectorErrors(false_rate=0.0, gap_rate=0.0, found=1.0), np.random.default_rng(seed))
    moments = []
    for shot in film((motion,), CAMERA, poses, shadow=False):
        seen = detector.detect(see_people(shot.keypoints_m, CAMERA, shot.T_world_camera))
        persons = tuple(Person(keypoints_px=p, scores=s) for p, s in zip(seen.keypoints_px, seen.scores, strict=True))
        moments.append(Moment(PoseFrame(time_s=shot.time_s, skeleton=_BODY, persons=persons), shot.depth_m))
    return moments


def pose_stages(moments: Sequence[Moment]) -> list[tuple[str, Stage]]:
    """Tracking, lifting, smoothing and inverse kinematics, in this order.

    The bones are measured on the same moments beforehand.
    """
    tracker, smoother = Tracker(TrackerSettings(space="px")), PoseSmoother()
    previous: list[PoseFrame] = []

    def track(frame: PoseFrame, depth_m: NDArray[np.float32]) -> PoseFrame:
        return tracker.update(frame)

    def lift(frame: PoseFrame, depth_m: NDArray[np.float32]) -> PoseFrame:
        lifted = lift_frame(frame, depth_m, CAMERA, previous=previous[-1] if previous else None)
        previous[:] = [lifted]
        return lifted

    def smooth(frame: PoseFrame, depth_m: NDArray[np.float32]) -> PoseFrame:
        return smoother.update(frame)

    lifted = [lift_frame(frame, depth_m, CAMERA).persons for frame, depth_m in moments]
    points = [persons[0].keypoints_m for persons in lifted if persons and persons[0].keypoints_m is not None]
    kinematics = CausalIk(BodyShape.from_keypoints(np.array(points)))

    def turn(frame: PoseFrame, depth_m: NDArray[np.float32]) -> PoseFrame:
        for person in frame.persons:
            if person.keypoints_m is not None:
                kinematics.update(person.keypoints_m)
        return frame

    return [("track", track), ("lift", lift), ("smooth", smooth), ("inverse_kinematics", turn)]


def time_stages(stages: Sequence[tuple[str, Stage]], moments: Sequence[Moment]) -> dict[str, FloatArray]:
    """Milliseconds of CPU time of each stage and of all together ("total"), for every frame after the first few.

    All threads of the process count, and they share one core: on an idle core this is how long it takes.
    """
    costs: dict[str, list[float]] = {name: [] for name, _ in stages}
    with one_core():
        for number, (frame, depth_m) in enumerate(moments):
            for name, stage in stages:
                start = time.process_time()
                frame = stage(frame, depth_m)
                if number >= WARM_UP:
                    costs[name].append(1e3 * (time.process_time() - start))
    found = {name: np.array(values) for name, values in costs.items()}
    return found | {"total": np.sum(list(found.values()), axis=0)}


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on one core, where the system lets one choose."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
