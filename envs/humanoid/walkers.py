"""People who walk and run to and fro through one place, cross each other's ways and do not collide.

Their ways come from a social force model (Helbing and Molnar 1995): everyone makes for a goal on the other side,
and is pushed away by who is near. The walk and run clips are played as fast as the feet need.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from envs.humanoid.body import KEYPOINTS
from envs.humanoid.clip import MotionClip, read_clip
from geometry import FloatArray, InputError

STEP_S = 1.0 / 60.0
"""Step in which ways are simulated, at most."""
RELAXATION_S = 0.4
"""Time in which a walker takes up the speed that it wants."""
PUSH_M_S2, PUSH_FROM_M, PUSH_RANGE_M = 8.0, 0.7, 0.2
"""Push of one walker on another: this strong at this distance, falling e-fold over this range."""
HEADING_S, TURN_RAD_S = 0.15, 5.0
"""Time constant with which the body turns to where it goes, and the fastest turn."""


@dataclass(frozen=True, kw_only=True)
class Walking:
    """How people walk about."""

    radius_m: float
    """Of the disc on which their goals lie."""
    running: float = 0.2
    """Share of people who run."""
    walk_m_s: tuple[float, float] = (0.7, 1.4)
    """Slowest and fastest walk."""
    run_m_s: tuple[float, float] = (2.0, 3.0)
    """Slowest and fastest run."""
    size: tuple[float, float] = (0.92, 1.08)
    """Smallest and largest person, as a factor on the humanoid's 1.6 m."""

    def __post_init__(self) -> None:
        ranges = (self.walk_m_s, self.run_m_s, self.size)
        if self.radius_m <= 0.5 or not 0.0 <= self.running <= 1.0 or any(not 0.0 < a <= b for a, b in ranges):
            raise InputError(
                "Walking",
                expected="radius_m above 0.5, running in 0..1, ranges (low, high) with 0 < low <= high",
                got=f"{self}",
            )


def walkers_m(count: int, time_s: FloatArray, walking: Walking, rng: np.random.Generator) -> FloatArray:
    """Keypoints (T, count, 18, 3) of people walking about, in a world with the floor at z = 0.

    Args:
        count: people.
        time_s: (T,) growing.
        walking: how they walk.
        rng: decides on who, where and whither.
    """
    times = np.asarray(time_s, dtype=np.float64)
    if count < 1 or len(times) < 1 or not (np.diff(times) > 0.0).all():
        raise InputError("walkers_m", expected="count of at least 1 and growing times", got=f"{count}, {times[:3]}")
    runs = rng.random(count) < walking.running
    wanted = np.where(runs, rng.uniform(*walking.run_m_s, count), rng.uniform(*walking.walk_m_s, count))
    size = rng.uniform(*walking.size, count)
    place, heading, way = _ways(times, wanted, walking.radius_m, rng)
    points = np.empty((len(times), count, len(KEYPOINTS), 3))
    for number in range(count):
        clip = read_clip("run" if runs[number] else "walk")
        stride_s = clip.duration_s / float(clip.stride_m[0])
        moments = way[:, number] / size[number] * stride_s + rng.uniform(0.0, clip.duration_s)
        body = size[number] * _on_the_spot(clip, moments)
        cos, sin = np.cos(heading[:, number])[:, None], np.sin(heading[:, number])[:, None]
        points[:, number, :, 0] = cos * body[..., 0] - sin * body[..., 1] + place[:, number, :1]
        points[:, number, :, 1] = sin * body[..., 0] + cos * body[..., 1] + place[:, number, 1:]
        points[:, number, :, 2] = body[..., 2]
    return points


def _on_the_spot(clip: MotionClip, moments: FloatArray) -> FloatArray:
    """Keypoints (T, 18, 3) of a looped clip without its way forward."""
    points = clip.looped(moments).keypoints_m()
    points -= (moments / clip.duration_s)[:, None, None] * clip.stride_m
    middle = clip.motion.root_m[:, :2] - clip.motion.time_s[:, None] / clip.duration_s * clip.stride_m[:2]
    points[..., :2] -= middle.mean(axis=0)
    return points


def _ways(
    times: FloatArray, wanted: FloatArray, radius: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Places (T, N, 2) in metres, headings (T, N) in radians, and lengths of way so far (T, N) in metres."""
    count = len(wanted)
    angle = rng.uniform(0.0, 2.0 * np.pi) + 2.0 * np.pi * (np.arange(count) + rng.uniform(-0.3, 0.3, count)) / count
    distance = radius * np.sqrt(rng.uniform(0.3, 1.0, count))
    place = np.stack([distance * np.cos(angle), distance * np.sin(angle)], axis=1)
    goal = _goals(place, radius, rng)
    velocity = wanted[:, None] * _unit(goal - place)
    heading, way = np.arctan2(velocity[:, 1], velocity[:, 0]), np.zeros(count)
    places, headings, ways = [place], [heading], [way]
    for interval in np.diff(times):
        for step in _steps(interval):
            there = np.linalg.norm(goal - place, axis=1) < 0.6
            goal = np.where(there[:, None], _goals(place, radius, rng), goal)
            pull = (wanted[:, None] * _unit(goal - place) - velocity) / RELAXATION_S
            velocity = velocity + step * (pull + _pushes(place))
            speed = np.linalg.norm(velocity, axis=1)
            velocity *= np.minimum(1.0, 1.3 * wanted / np.maximum(speed, 1e-9))[:, None]
            place = place + step * velocity
            way = way + step * np.minimum(speed, 1.3 * wanted)
            turn = np.arctan2(velocity[:, 1], velocity[:, 0]) - heading
            turn = (turn + np.pi) % (2.0 * np.pi) - np.pi
            heading = heading + step * np.clip(turn / HEADING_S, -TURN_RAD_S, TURN_RAD_S)
        places.append(place)
        headings.append(heading)
        ways.append(way)
    return np.array(places), np.array(headings), np.array(ways)


def _steps(interval_s: float) -> Iterator[float]:
    number = max(1, int(np.ceil(interval_s / STEP_S)))
    yield from [interval_s / number] * number


def _goals(place: FloatArray, radius: float, rng: np.random.Generator) -> FloatArray:
    """A goal (N, 2) on the other side for everyone."""
    angle = np.arctan2(place[:, 1], place[:, 0]) + np.pi + rng.uniform(-0.9, 0.9, len(place))
    distance = radius * rng.uniform(0.6, 1.0, len(place))
    return distance[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _pushes(place: FloatArray) -> FloatArray:
    """Accelerations (N, 2) by which the others push each away, a little to the right of where they are."""
    apart = place[:, None] - place[None]
    distance = np.linalg.norm(apart, axis=-1)
    np.fill_diagonal(distance, np.inf)
    strength = PUSH_M_S2 * np.exp(np.minimum((PUSH_FROM_M - distance) / PUSH_RANGE_M, 3.0))
    away = apart / np.maximum(distance, 1e-6)[..., None]
    aside = np.stack([away[..., 1], -away[..., 0]], axis=-1)
    return (strength[..., None] * (away + 0.3 * aside)).sum(axis=1)


def _unit(vectors: FloatArray) -> FloatArray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
