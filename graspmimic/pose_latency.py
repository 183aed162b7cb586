"""What each stage of watching costs for one person, on one core: from a detector's keypoints to behaviours."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.humanoid import DetectorErrors, KeypointDetector, film, read_clip, see_people
from geometry import FloatArray, PinholeCamera, invert, look_at
from perception.behavior.watching import STAGES, Watcher, WatchStep
from perception.pose import SKELETONS, Person, PoseFrame, SeenObject
from perception.pose.kinematics import BodyShape, CausalIk
from perception.pose.lifting import lift_frame

CAMERA = PinholeCamera(width=640, height=480, fx=560.0, fy=560.0, cx=319.5, cy=239.5)
WARM_UP = 30
"""Frames before those that count: the person is found, and every window over time is full."""
RATE_HZ = 30.0
CHAIN = ("lift", *STAGES, "inverse_kinematics", "network")
"""The stages in their order."""
LABELS = 16
"""Behaviours that the network tells apart."""
_BODY = SKELETONS["body18"]
_HAND = _BODY.index("right_wrist")


class Moment(NamedTuple):
    """One image as the stages get it."""

    frame: PoseFrame
    """One person's pixels, and the object where there is one."""
    depth_m: NDArray[np.float32]
    """(480, 640) metres."""


class StageClock:
    """Milliseconds of CPU time by stage, frame by frame. All threads of the process count."""

    def __init__(self) -> None:
        self._rows: list[dict[str, float]] = []
        self._since_s = 0.0

    def begin(self) -> None:
        """A frame begins."""
        self._rows.append({})
        self._since_s = time.process_time()

    def done(self, stage: str) -> None:
        """Count the time since the last call for a stage."""
        row = self._rows[-1]
        row[stage] = row.get(stage, 0.0) + 1e3 * (time.process_time() - self._since_s)
        self._since_s = time.process_time()

    def costs(self) -> dict[str, FloatArray]:
        """Of each stage, and of all together ("total"), for every frame after the first few."""
        rows = self._rows[WARM_UP:]
        names = dict.fromkeys(name for row in rows for name in row)
        found = {name: np.array([row.get(name, 0.0) for row in rows]) for name in names}
        return found | {"total": np.sum(list(found.values()), axis=0)}


def filmed_person(seed: int, frames: int, *, with_object: bool = False) -> list[Moment]:
    """Somebody who dances before a depth camera, with the keypoints of a detector that errs.

    Args:
        seed: of the detector's errors.
        frames: how many.
        with_object: whether they dance with a cup in the hand, whose place is known.
    """
    motion = read_clip("dance_a").looped(np.arange(frames) / RATE_HZ)
    middle = motion.root_m * (1.0, 1.0, 0.0)
    poses = np.array([look_at(eye, eye + (-3.0, 0.0, -0.3)) for eye in middle + (3.0, 0.0, 1.2)])
    detector = KeypointDetector(DetectorErrors(false_rate=0.0, gap_rate=0.0, found=1.0), np.random.default_rng(seed))
    moments = []
    for shot in film((motion,), CAMERA, poses, shadow=False):
        seen = detector.detect(see_people(shot.keypoints_m, CAMERA, shot.T_world_camera))
        persons = tuple(Person(keypoints_px=p, scores=s) for p, s in zip(seen.keypoints_px, seen.scores, strict=True))
        T_world_cup = np.eye(4)
        T_world_cup[:3, 3] = shot.keypoints_m[0, _HAND] - (0.0, 0.0, 0.08)
        cup = SeenObject(name="cup", T_reference_object=invert(shot.T_world_camera) @ T_world_cup)
        objects = (cup,) if with_object else ()
        frame = PoseFrame(time_s=shot.time_s, skeleton=_BODY, persons=persons, objects=objects)
        moments.append(Moment(frame, shot.depth_m))
    return moments


def watching_chain(moments: Sequence[Moment], clock: StageClock) -> Callable[[Moment], WatchStep]:
    """Everything that happens to a moment: lifting, what the watcher does, joint rotations, and the network.

    The bones are measured on the same moments beforehand; the network has its usual size and untrained weights,
    which cost the same.
    """
    watcher = Watcher(rate_hz=RATE_HZ, done=clock.done)
    lifted = [lift_frame(frame, depth_m, CAMERA).persons for frame, depth_m in moments]
    points = [persons[0].keypoints_m for persons in lifted if persons and persons[0].keypoints_m is not None]
    kinematics = CausalIk(BodyShape.from_keypoints(np.array(points)))
    believe = _network()

    def watch(moment: Moment) -> WatchStep:
        clock.begin()
        frame = lift_frame(moment.frame, moment.depth_m, CAMERA)
        clock.done("lift")
        step = watcher.update(frame)
        for person in step.frame.persons[:1]:
            if person.keypoints_m is not None:
                kinematics.update(person.keypoints_m)
                clock.done("inverse_kinematics")
                believe(step.frame.time_s, person.keypoints_m)
                clock.done("network")
        return step

    return watch


def _network() -> Callable[[float, FloatArray], object]:
    """A behaviour network of the usual size that reads a body in metres, frame by frame."""
    from perception.behavior.network import BehaviorModel, BehaviorStream, ModelSpec
    from perception.behavior.network.model import BehaviorNetwork, NetworkSpec
    from perception.behavior.network.preparation import MOST_PAIRS, Preparation
    from perception.behavior.network.standardise import Statistics

    pairs = [(a, b) for a in range(len(_BODY)) for b in range(a)][:MOST_PAIRS]
    preparation = Preparation(
        joints=_BODY.joints, dimensions=3, rate_hz=RATE_HZ, unit=(_BODY.index("neck"), _BODY.index("pelvis")),
        pairs=tuple(pairs), short_lag=3, long_lag=15,
    )  # fmt: skip
    network = NetworkSpec(groups=preparation.groups, labels=LABELS)
    spec = ModelSpec(
        preparation=preparation, network=network, label_names=tuple(map(str, range(LABELS))),
        heads=("frame", "clip"), normalisation="running", prior_frames=300.0,
    )  # fmt: skip
    statistics = Statistics(np.zeros(preparation.channels), np.ones(preparation.channels))
    return BehaviorStream(BehaviorModel(spec, BehaviorNetwork(network), statistics)).push


def time_watching(moments: Sequence[Moment]) -> dict[str, FloatArray]:
    """CPU time of every stage on one core and one thread, `StageClock.costs`."""
    import torch

    threads, clock = torch.get_num_threads(), StageClock()
    torch.set_num_threads(1)
    try:
        watch = watching_chain(moments, clock)
        with one_core():
            for moment in moments:
                watch(moment)
    finally:
        torch.set_num_threads(threads)
    return clock.costs()


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
