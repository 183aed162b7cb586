"""The motion clips that come with pybullet_data: recorded people, as joint rotations of its humanoid.

A file's frame is its duration, the root's position and rotation (wxyz), then the joints of `_COLUMNS`: a rotation
each, or one angle for knees and elbows. Its axes are x forward, y up, z right. Source of the format: DeepMimic
(Peng et al. 2018), whose recordings these are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pybullet_data
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from envs.humanoid.body import JOINTS, UP_FROM_FILE
from envs.humanoid.motion import BodyMotion, slerp
from geometry import FloatArray, InputError

CLIP_FOLDER = Path(pybullet_data.getDataPath()) / "data" / "motions"
CLIP_NAMES = (
    "backflip", "cartwheel", "crawl", "dance_a", "dance_b", "getup_facedown", "getup_faceup", "jump", "kick",
    "punch", "roll", "run", "spin", "spinkick", "walk",
)  # fmt: skip
"""What `read_clip` knows."""

_SIDE = (("hip", 4), ("knee", 1), ("ankle", 4), ("shoulder", 4), ("elbow", 1))
_COLUMNS = (
    ("pelvis", 4), ("spine", 4), ("neck", 4),
    *((f"{side}_{limb}", width) for side in ("right", "left") for limb, width in _SIDE),
)  # fmt: skip
_WIDTH = 4 + sum(width for _, width in _COLUMNS)
_HINGE = np.array([0.0, -1.0, 0.0])
"""Axis of knees and elbows: the files' z (right), in our axes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MotionClip:
    """One recorded motion. It begins above the world's origin, facing about x, unless the recording does not."""

    name: str
    """One of `CLIP_NAMES`, or the file's name."""
    motion: BodyMotion
    """Its frames, from time 0."""
    cyclic: bool
    """Whether the recording is meant to be repeated."""

    @property
    def duration_s(self) -> float:
        """From the first frame to the last."""
        return float(self.motion.time_s[-1])

    @property
    def stride_m(self) -> FloatArray:
        """(3,) how far the pelvis gets in one repetition; level."""
        root = self.motion.root_m
        return np.array([*(root[-1] - root[0])[:2], 0.0])

    def sample(self, time_s: ArrayLike) -> BodyMotion:
        """The recording at any moments (T,); before its beginning and after its end it stands still."""
        times = np.atleast_1d(np.asarray(time_s, dtype=np.float64))
        if times.ndim != 1 or not np.isfinite(times).all():
            raise InputError(f"clip {self.name}", expected="finite times (T,)", got=f"shape {times.shape}")
        known = self.motion.time_s
        inside = np.clip(times, known[0], known[-1])
        row = np.clip(np.searchsorted(known, inside, side="right") - 1, 0, len(known) - 2)
        share = (inside - known[row]) / (known[row + 1] - known[row])
        root, quats = self.motion.root_m, self.motion.quats_xyzw
        return BodyMotion(
            time_s=times,
            root_m=root[row] + share[:, None] * (root[row + 1] - root[row]),
            quats_xyzw=slerp(quats[row], quats[row + 1], share[:, None]),
        )

    def looped(self, time_s: ArrayLike) -> BodyMotion:
        """The motion repeated without end, each time further on by `stride_m`.

        The last frame of a recording is not quite the first; the gap is spread evenly over the repetition, so that
        there is no jump.
        """
        times = np.atleast_1d(np.asarray(time_s, dtype=np.float64))
        turns = np.floor(times / self.duration_s)
        phase_s = times - turns * self.duration_s
        once = self.sample(phase_s)
        first, last = self.motion.quats_xyzw[0], self.motion.quats_xyzw[-1]
        gap = (Rotation.from_quat(last).inv() * Rotation.from_quat(first)).as_rotvec()
        part = (phase_s / self.duration_s)[:, None]
        closing = Rotation.from_rotvec((part[..., None] * gap).reshape(-1, 3))
        quats = (Rotation.from_quat(once.quats_xyzw.reshape(-1, 4)) * closing).as_quat()
        height = self.motion.root_m[0, 2] - self.motion.root_m[-1, 2]
        root = once.root_m + turns[:, None] * self.stride_m + part * (0.0, 0.0, height)
        return BodyMotion(time_s=times, root_m=root, quats_xyzw=quats.reshape(once.quats_xyzw.shape))


@lru_cache(maxsize=32)
def read_clip(name: str | Path) -> MotionClip:
    """Read one of pybullet_data's clips by its name, or a file of the same format.

    Clips are kept in memory and shared: do not alter their arrays.

    Raises:
        InputError: if there is no such clip, or the file is not of the format.
    """
    path = CLIP_FOLDER / f"humanoid3d_{name}.txt" if name in CLIP_NAMES else Path(name)
    if not path.is_file():
        raise InputError("read_clip", expected=f"one of {', '.join(CLIP_NAMES)}, or a file", got=f"{name}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        frames = np.array(content["Frames"], dtype=np.float64)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(str(path), expected="JSON with rows of numbers under Frames", got=f"{error}") from None
    if frames.ndim != 2 or len(frames) < 2 or frames.shape[1] != _WIDTH or not np.isfinite(frames).all():
        raise InputError(
            str(path), expected=f"at least 2 frames of {_WIDTH} finite numbers", got=f"an array {frames.shape}"
        )
    if not (frames[:-1, 0] > 0.0).all():
        raise InputError(str(path), expected="durations above 0 s", got=f"{frames[:-1, 0].min()}")
    motion = BodyMotion(
        time_s=np.concatenate([[0.0], np.cumsum(frames[:-1, 0])]),
        root_m=frames[:, 1:4] @ UP_FROM_FILE.T,
        quats_xyzw=_rotations(frames[:, 4:], str(path)),
    )
    return MotionClip(name=str(name), motion=motion, cyclic=content.get("Loop") == "wrap")


def _rotations(columns: FloatArray, where: str) -> FloatArray:
    """(T, 13, 4) xyzw in our axes and order, of a file's rotation columns (T, 40)."""
    quats = np.empty((len(columns), len(JOINTS), 4))
    begin = 0
    for name, width in _COLUMNS:
        part = columns[:, begin : begin + width]
        begin += width
        if width == 1:
            rotation = Rotation.from_rotvec(part * _HINGE)
        else:
            if (np.linalg.norm(part, axis=1) < 0.5).any():
                raise InputError(where, expected="unit quaternions", got=f"one near zero for {name}")
            vector = part[:, 1:] @ UP_FROM_FILE.T
            rotation = Rotation.from_quat(np.concatenate([vector, part[:, :1]], axis=1))
        quats[:, JOINTS.index(name)] = rotation.as_quat()
    return quats
