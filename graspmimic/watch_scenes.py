"""Scripted scenes for `watch`: simulated people who walk and kick, and a hand that carries a thing, with the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.humanoid import KEYPOINTS, noisy_keypoints, perform, random_acts, read_clip
from geometry import FloatArray
from perception.pose import Person, PoseFrame, SeenObject, Skeleton
from perception.pose.skeletons import BODY18

ACTS = ("walk", "run", "jump", "kick", "punch")
"""Motions of the simulated people; each is also the label."""

_SKELETON = Skeleton(name="humanoid", joints=KEYPOINTS, bones=BODY18.bones)
_RATE_HZ, _COUNT = 30.0, 8
_GRIP_M = np.array([0.12, 0.0, 0.0])
"""From the wrist to the middle of the thing in the hand."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """Something that was done, from when to when."""

    label: str
    """What."""
    start_s: float
    """Begin."""
    end_s: float
    """End."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Frames, and what truly happens in them."""

    frames: tuple[PoseFrame, ...]
    """One person, metres in the world."""
    spans: tuple[Span, ...]
    """In order of time."""


def acting_scene(seed: int, *, noise_m: float = 0.0) -> Scene:
    """A simulated person who does eight things in a random order, at random speeds.

    Args:
        seed: of order, speeds and noise.
        noise_m: standard deviation of every coordinate.
    """
    rng = np.random.default_rng(seed)
    played = perform(random_acts(rng, ACTS, _COUNT), rate_hz=_RATE_HZ)
    points = noisy_keypoints(played.motion.keypoints_m(), noise_m, rng)
    return Scene(
        frames=_frames(points, {}),
        spans=_spans(np.array(played.label_names)[played.labels]),
    )


def carrying_scene(seed: int, *, noise_m: float = 0.0) -> Scene:
    """A standing person reaches for a cube, lifts it, carries it and places it; a box beside it stays where it is.

    The hand moves along straight lines with the least jerk (Flash and Hogan 1985), each from 0.5 to 1.2 s, with
    pauses of 0.2 to 0.5 s; whose hand, how far and how fast is random.

    Args:
        seed: of everything random.
        noise_m: standard deviation of every coordinate of the person and of the things.
    """
    rng = np.random.default_rng(seed)
    sign, side = (1.0, "left") if rng.random() < 0.5 else (-1.0, "right")
    rest = np.array([0.15, 0.35 * sign, 0.85])
    start = np.array([rng.uniform(0.4, 0.6), sign * rng.uniform(0.2, 0.4), rng.uniform(0.85, 1.0)])
    goal = start + (rng.uniform(-0.1, 0.1), -sign * rng.uniform(0.3, 0.5), 0.0)
    up = np.array([0.0, 0.0, rng.uniform(0.15, 0.3)])
    corners = [rest, start - _GRIP_M, start - _GRIP_M + up, goal - _GRIP_M + up, goal - _GRIP_M, rest]
    moves = rng.uniform((0.6, 0.5, 0.8, 0.5, 0.6), (1.0, 0.8, 1.2, 0.8, 1.0))
    pauses = rng.uniform((0.8, 0.2, 0.05, 0.05, 0.2, 0.6), (1.5, 0.5, 0.15, 0.15, 0.5, 1.0))
    begins = np.cumsum(pauses[:5]) + np.concatenate([[0.0], np.cumsum(moves)[:4]])
    time_s = np.arange(0.0, pauses.sum() + moves.sum(), 1.0 / _RATE_HZ)
    wrist = _along(time_s, corners, begins, moves)
    cube = _along(time_s, [start, start, start + up, goal + up, goal, goal], begins, moves)
    points = np.repeat(read_clip("walk").sample([0.0]).keypoints_m(), len(time_s), axis=0)
    _put_arm(points, side, wrist)
    box = np.broadcast_to(start + (0.1, -0.75 * sign, 0.0), cube.shape)
    things = {"cube": cube, "box": box}
    noisy = {name: way + noise_m * rng.standard_normal(way.shape) for name, way in things.items()}
    labels = ("reach", "lift", "carry", "place")
    return Scene(
        frames=_frames(noisy_keypoints(points, noise_m, rng), noisy),
        spans=tuple(
            Span(label=label, start_s=float(begin), end_s=float(begin + lasts))
            for label, begin, lasts in zip(labels, begins, moves, strict=False)
        ),
    )


def _along(time_s: FloatArray, corners: list[FloatArray], begins: FloatArray, lasts: FloatArray) -> FloatArray:
    """(T, 3) a point that goes from corner to corner, each way with the least jerk."""
    place = np.repeat(corners[0][None], len(time_s), axis=0)
    for before, after, begin, length in zip(corners, corners[1:], begins, lasts, strict=False):
        p = np.clip((time_s - begin) / length, 0.0, 1.0)
        place = place + (p**3 * (10.0 - 15.0 * p + 6.0 * p * p))[:, None] * (after - before)
    return place


def _put_arm(points: FloatArray, side: str, wrist: FloatArray) -> None:
    """Move a wrist, and the elbow to below the middle of the arm."""
    rows = [KEYPOINTS.index(f"{side}_{joint}") for joint in ("shoulder", "elbow", "wrist")]
    points[:, rows[2]] = wrist
    points[:, rows[1]] = 0.5 * (points[:, rows[0]] + wrist) - (0.0, 0.0, 0.1)


def _frames(points: FloatArray, things: dict[str, FloatArray]) -> tuple[PoseFrame, ...]:
    frames = []
    for row, keypoints in enumerate(points):
        objects = []
        for name, way in things.items():
            pose = np.eye(4)
            pose[:3, 3] = way[row]
            objects.append(SeenObject(name=name, T_reference_object=pose))
        person = Person(scores=np.ones(len(keypoints)), keypoints_m=keypoints)
        frames.append(
            PoseFrame(
                time_s=row / _RATE_HZ, skeleton=_SKELETON, reference="world", persons=(person,), objects=tuple(objects)
            )
        )
    return tuple(frames)


def _spans(labels: NDArray[np.str_]) -> tuple[Span, ...]:
    """Stretches of one label."""
    edges = [0, *(np.flatnonzero(labels[1:] != labels[:-1]) + 1), len(labels)]
    return tuple(
        Span(label=str(labels[low]), start_s=low / _RATE_HZ, end_s=high / _RATE_HZ)
        for low, high in zip(edges, edges[1:], strict=False)
    )
