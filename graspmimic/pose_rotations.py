"""Inverse kinematics on the recorded clips: how far its rotations and joints are from the true ones, under noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from envs.humanoid import CLIP_NAMES, JOINTS, BodyMotion, noisy_keypoints, read_clip
from geometry import FloatArray, rotation_angle
from perception.pose import SKELETONS, PersonTrack
from perception.pose.kinematics import (
    BodyPose,
    BodyShape,
    IkSettings,
    forward_kinematics,
    jerk_rms,
    lag_s,
    solve_ik,
)
from perception.pose.smoothing import OneEuroSettings, RtsSettings, smooth_track

_ADAPTIVE, _NAIVE = IkSettings(), IkSettings(adaptive=False)
VARIANTS: dict[str, tuple[OneEuroSettings | RtsSettings | None, IkSettings]] = {
    "naive": (None, _NAIVE),
    "raw": (None, _ADAPTIVE),
    "one_euro": (OneEuroSettings(), _ADAPTIVE),
    "rts": (RtsSettings(), _ADAPTIVE),
}
"""Smoothing before the inverse kinematics (none, the online filter, the offline smoother), and which kinematics: the
naive takes each bone between its own keypoints, the adaptive from where the bones before it end."""
NOISE_CM = (0, 1, 2)
"""Standard deviation of the keypoints' noise along each axis."""
RATE_HZ = 30.0
UNTOLD = ("neck", "left_ankle", "right_ankle")
"""Joints with one bone and no hinge beyond: their keypoints do not tell how far they are twisted about it."""
_BODY = SKELETONS["body18"]
_ROWS = [_BODY.index(joint) for joint in JOINTS]
_TOLD = [row for row, joint in enumerate(JOINTS) if joint not in UNTOLD]


@dataclass(frozen=True, kw_only=True)
class MotionErrors:
    """Errors over all clips and seeds."""

    variant: str
    """A name in `VARIANTS`."""
    noise_cm: int
    """Of the keypoints."""
    keypoints_mm: float
    """Mean distance of the smoothed keypoints from the true ones, before the inverse kinematics."""
    position_mm: float
    """Mean distance of the joints that the rotations give from the true ones."""
    rotation_deg: float
    """Mean angle between the joints' rotations in the world and the true ones."""
    told_deg: float
    """The same without `UNTOLD` joints."""
    joint_deg: FloatArray
    """(13,) the same for each of `JOINTS`."""
    seeds_deg: FloatArray
    """(S,) the same for each seed."""
    jerk_m_s3: float
    """Root mean square jerk of the joints: the jitter."""
    true_jerk_m_s3: float
    """The same of the true ones, which is motion."""
    lag_ms: float
    """How late the joints follow the true ones."""


def measure_clip_errors(
    seeds: Sequence[int], clips: Sequence[str] = CLIP_NAMES, done: Callable[[], None] = lambda: None
) -> list[MotionErrors]:
    """Errors for every variant and noise; `done` is called after each pair of them.

    The bones are measured on the same noisy clip, without labels.
    """
    found = []
    for name in VARIANTS:
        for noise_cm in NOISE_CM:
            of_seeds = [_one_seed(name, noise_cm, seed, clips) for seed in (seeds[:1] if not noise_cm else seeds)]
            found.append(_pooled(name, noise_cm, of_seeds))
            done()
    return found


@dataclass(frozen=True)
class _Seed:
    """All clips with one seed, frame after frame."""

    keypoints_m: FloatArray
    """(T, 18) distances."""
    position_m: FloatArray
    """(T, 18) distances."""
    angle_rad: FloatArray
    """(T, 13)."""
    jerk: tuple[float, float]
    """Mean squares of the joints' jerk and of the true one."""
    lag_s: float
    """Mean over clips, weighted by their frames."""


def _one_seed(name: str, noise_cm: int, seed: int, clips: Sequence[str]) -> _Seed:
    points, places, angles, jerks, lags, frames = [], [], [], [], [], []
    for clip_name in clips:
        rng = np.random.default_rng([seed, noise_cm, CLIP_NAMES.index(clip_name)])
        clip = read_clip(clip_name)
        true = clip.sample(np.arange(int(clip.duration_s * RATE_HZ) + 1) / RATE_HZ)
        track = seen_track(true, 0.01 * noise_cm, rng)
        settings, ik = VARIANTS[name]
        smooth = track if settings is None else smooth_track(track, settings)
        shape = BodyShape.from_track(track)
        pose = solve_ik(smooth.keypoints, shape, settings=ik)
        joints, truth = forward_kinematics(pose, shape), true.keypoints_m()
        points.append(np.linalg.norm(smooth.keypoints - truth, axis=-1))
        places.append(np.linalg.norm(joints - truth, axis=-1))
        angles.append(rotation_errors(pose, shape, true))
        jerks.append((jerk_rms(joints, true.time_s) ** 2, jerk_rms(truth, true.time_s) ** 2))
        lags.append(lag_s(joints, truth, rate_hz=RATE_HZ))
        frames.append(len(true))
    given, wanted = np.average(jerks, axis=0, weights=frames)
    return _Seed(
        np.concatenate(points), np.concatenate(places), np.concatenate(angles), (given, wanted),
        float(np.average(lags, weights=frames)),
    )  # fmt: skip


def seen_track(motion: BodyMotion, sigma_m: float, rng: np.random.Generator) -> PersonTrack:
    """The person as a motion capture with such noise would have seen them."""
    points = noisy_keypoints(motion.keypoints_m(), sigma_m, rng)
    return PersonTrack(skeleton=_BODY, time_s=motion.time_s, keypoints=points, scores=np.ones(points.shape[:2]))


def rotation_errors(pose: BodyPose, shape: BodyShape, true: BodyMotion) -> FloatArray:
    """(T, 13) radians between the rotations of `JOINTS` in the world and the true ones.

    The two rest poses differ in the foot alone, whose toe the humanoid carries higher. That is no error: the true
    foot is turned by the constant angle between the two before it is compared.
    """
    _, rotations = true.joint_frames()
    rest = rest_keypoints()
    for side in ("left", "right"):
        ankle, toe = _BODY.index(f"{side}_ankle"), _BODY.index(f"{side}_toe")
        fix, _ = Rotation.align_vectors((rest[toe] - rest[ankle])[None], shape.rest_directions()[toe][None])
        row = JOINTS.index(f"{side}_ankle")
        rotations[:, row] = rotations[:, row] @ fix.as_matrix()
    return rotation_angle(pose.rotations()[:, _ROWS], rotations)


def rest_keypoints() -> FloatArray:
    """(18, 3) the humanoid with all rotations at identity."""
    still = BodyMotion(
        time_s=np.zeros(1), root_m=np.zeros((1, 3)), quats_xyzw=np.tile([0.0, 0.0, 0.0, 1.0], (1, len(JOINTS), 1))
    )
    return still.keypoints_m()[0]


def _pooled(name: str, noise_cm: int, seeds: Sequence[_Seed]) -> MotionErrors:
    angle = np.degrees(np.concatenate([seed.angle_rad for seed in seeds]))
    given, wanted = np.mean([seed.jerk for seed in seeds], axis=0)
    return MotionErrors(
        variant=name,
        noise_cm=noise_cm,
        keypoints_mm=1e3 * float(np.mean([seed.keypoints_m for seed in seeds])),
        position_mm=1e3 * float(np.mean([seed.position_m for seed in seeds])),
        rotation_deg=float(angle.mean()),
        told_deg=float(angle[:, _TOLD].mean()),
        joint_deg=angle.mean(axis=0),
        seeds_deg=np.array([float(np.degrees(seed.angle_rad).mean()) for seed in seeds]),
        jerk_m_s3=float(np.sqrt(given)),
        true_jerk_m_s3=float(np.sqrt(wanted)),
        lag_ms=1e3 * float(np.mean([seed.lag_s for seed in seeds])),
    )
