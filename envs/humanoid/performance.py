"""Clips strung together with cross-fades: a person who walks, runs, kicks and punches, and what it does when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.humanoid.clip import MotionClip, read_clip
from envs.humanoid.motion import BodyMotion
from geometry import FloatArray, InputError, invert, rotation_from_quat, transform


@dataclass(frozen=True, kw_only=True)
class Act:
    """One clip in a performance."""

    clip: str
    """One of `CLIP_NAMES`; also the label."""
    duration_s: float | None = None
    """How long; None: once through. A cyclic clip is repeated, another one ends standing still."""
    speed: float = 1.0
    """Factor on the speed of the recording."""

    def __post_init__(self) -> None:
        lasts = self.duration_s is None or 0.0 < self.duration_s < np.inf
        if not lasts or not 0.0 < self.speed < np.inf:
            raise InputError("Act", expected="duration_s and speed above 0", got=f"{self.duration_s}, {self.speed}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Performance:
    """A motion and what it shows at each moment."""

    motion: BodyMotion
    """T moments, from time 0."""
    labels: NDArray[np.int64]
    """(T,) row in `label_names` of the clip that plays; within a cross-fade the nearer one."""
    label_names: tuple[str, ...]
    """The clips' names, sorted."""


def perform(acts: Sequence[Act], *, rate_hz: float = 30.0, fade_s: float = 0.4) -> Performance:
    """Play clips one after the other; each begins where the last one left the person, facing the same way.

    Args:
        acts: at least one.
        rate_hz: frames a second.
        fade_s: length of each cross-fade; it begins when the next act does.

    Raises:
        InputError: without acts, or for an act shorter than the cross-fade.
    """
    if not acts or not (0.0 < rate_hz < np.inf and 0.0 <= fade_s < np.inf):
        raise InputError("perform", expected="an act, rate_hz above 0, fade_s >= 0", got=f"{acts}, {rate_hz}, {fade_s}")
    clips = [read_clip(act.clip) for act in acts]
    lengths = np.array([_length_s(act, clip) for act, clip in zip(acts, clips, strict=True)])
    if len(acts) > 1 and lengths.min() < fade_s:
        short = acts[int(lengths.argmin())]
        raise InputError("perform", expected=f"acts of at least fade_s = {fade_s} s", got=f"{short}")
    starts = np.concatenate([[0.0], np.cumsum(lengths)])
    time_s = np.arange(int(starts[-1] * rate_hz + 1e-6) + 1) / rate_hz
    motion, pose = _play(acts[0], clips[0], time_s), np.eye(4)
    names = tuple(sorted({act.clip for act in acts}))
    labels = np.full(len(time_s), names.index(acts[0].clip), dtype=np.int64)
    for number in range(1, len(acts)):
        start, middle = starts[number], np.array([starts[number] + 0.5 * fade_s])
        before = _play(acts[number - 1], clips[number - 1], middle - starts[number - 1]).moved(pose)
        pose = _level_frame(before) @ invert(_level_frame(_play(acts[number], clips[number], middle - start)))
        following = _play(acts[number], clips[number], time_s - start).moved(pose)
        motion = motion.blended(following, _share((time_s - start) / max(fade_s, 1e-9)))
        labels[time_s >= middle[0]] = names.index(acts[number].clip)
    motion = BodyMotion(time_s=time_s, root_m=motion.root_m, quats_xyzw=motion.quats_xyzw)
    return Performance(motion=motion, labels=labels, label_names=names)


def random_acts(
    rng: np.random.Generator, clips: Sequence[str], count: int, *, cyclic_s: tuple[float, float] = (1.5, 4.0)
) -> tuple[Act, ...]:
    """A random order of clips, none twice in a row, at 0.85 to 1.15 of their speed.

    Args:
        rng: decides.
        clips: at least two names.
        count: acts.
        cyclic_s: shortest and longest time for which walk and run are repeated; the others play once.
    """
    if len(set(clips)) < 2 or count < 1:
        raise InputError("random_acts", expected="at least two different clips and count >= 1", got=f"{clips}, {count}")
    acts: list[Act] = []
    for _ in range(count):
        choice = [name for name in clips if not acts or name != acts[-1].clip]
        name = choice[int(rng.integers(len(choice)))]
        lasts = float(rng.uniform(*cyclic_s)) if name in ("walk", "run") else None
        acts.append(Act(clip=name, duration_s=lasts, speed=float(rng.uniform(0.85, 1.15))))
    return tuple(acts)


def _length_s(act: Act, clip: MotionClip) -> float:
    return clip.duration_s / act.speed if act.duration_s is None else act.duration_s


def _play(act: Act, clip: MotionClip, time_s: FloatArray) -> BodyMotion:
    """The act at times since its beginning; also a little before and after it, for the cross-fade."""
    repeats = clip.cyclic and act.duration_s is not None
    moments = time_s * act.speed
    return clip.looped(np.maximum(moments, 0.0)) if repeats else clip.sample(moments)


def _level_frame(motion: BodyMotion) -> FloatArray:
    """(4, 4) a frame on the floor below the pelvis, turned to where the person faces."""
    forward = rotation_from_quat(motion.quats_xyzw[0, 0])[:, 0]
    turn = np.arctan2(forward[1], forward[0])
    cos, sin = np.cos(turn), np.sin(turn)
    return transform([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]], (*motion.root_m[0, :2], 0.0))


def _share(progress: FloatArray) -> FloatArray:
    """Smooth step from 0 to 1."""
    p = np.clip(progress, 0.0, 1.0)
    return p * p * (3.0 - 2.0 * p)
