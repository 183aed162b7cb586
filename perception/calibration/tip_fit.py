"""Where a camera beside the robot is, from points: the gripper's tip as the camera saw it and as the robot knows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError, transform, transform_points
from perception.calibration.calibration import Calibration
from perception.calibration.outliers import doubts, find_outliers
from perception.calibration.spread import leave_one_out_spread

_LEAST_SAMPLES, _FEW = 4, 10
_HOPELESS_M, _ENOUGH_M = 0.01, 0.05
_SCALE_OFF = 0.02
_ROUNDS = 6


@dataclass(frozen=True, kw_only=True)
class TipSamples:
    """N places of the gripper's tip."""

    names: tuple[str, ...]
    """What to call each sample."""
    points_camera: FloatArray
    """(n, 3) in the camera's optical frame, m."""
    points_base: FloatArray
    """(n, 3) in the robot's base, m."""

    def __post_init__(self) -> None:
        shape = (len(self.names), 3)
        if self.points_camera.shape != shape or self.points_base.shape != shape:
            got = f"{self.points_camera.shape}, {self.points_base.shape}"
            raise InputError("TipSamples", expected=f"two arrays {shape}", got=got)
        if shape[0] < _LEAST_SAMPLES:
            raise InputError("samples", expected=f"{_LEAST_SAMPLES} or more", got=f"{shape[0]}")


def calibrate_from_tips(samples: TipSamples, *, keep_outliers: bool = False) -> Calibration:
    """The rigid motion that carries the camera's points onto the robot's with the least squares.

    Source: Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
    IEEE PAMI 13(4), 1991, without the scale.

    Raises:
        InputError: where the points lie on a line, or more than a third of them do not belong.
    """
    advice = _check_places(samples.points_base)
    seen, known = samples.points_camera, samples.points_base
    used = np.ones(len(known), dtype=bool)
    if not keep_outliers:
        used = _agreeing(seen, known)
    T = _rigid(seen[used], known[used])
    scale = _scale(seen[used], known[used])
    if abs(scale - 1.0) > _SCALE_OFF:
        advice += (f"the camera's points are {1.0 / scale:.3f} times the robot's: its depth or the tip is off",)
    mm = 1e3 * _distances(seen, known, T)
    spread_mm, spread_deg = leave_one_out_spread(
        lambda rest: _rigid(seen[used][rest], known[used][rest]), T, int(used.sum())
    )
    return Calibration(
        setup="eye-to-hand",
        parent="base",
        T_parent_camera=T,
        T_other_board=None,
        names=samples.names,
        residual_mm=mm,
        residual_deg=np.full(len(known), np.nan),
        is_outlier=~used,
        spread_mm=spread_mm,
        spread_deg=spread_deg,
        rotation_deg=np.full(3, np.nan),
        solvers=(),
        advice=doubts(mm, ~used) + advice,
        poses=np.array([transform(translation=point) for point in known]),
    )


def _agreeing(seen: FloatArray, known: FloatArray) -> NDArray[np.bool_]:
    """(n,) which samples belong, beginning with the triple that most agree with."""
    used = _begin(seen, known)
    for _ in range(_ROUNDS):
        before, used = used, ~find_outliers(1e3 * _distances(seen, known, _rigid(seen[used], known[used])))
        if used.mean() < 2.0 / 3.0:
            got = f"{int((~used).sum())} of {len(used)} that do not belong"
            remedy = "check units, and that both points are those of the same moment"
            raise InputError("samples", expected="samples that agree with each other", got=got, remedy=remedy)
        if np.array_equal(before, used):
            break
    return used


def _begin(seen: FloatArray, known: FloatArray) -> NDArray[np.bool_]:
    """(n,) the half of the samples that the fit with the least median distance agrees with best.

    Each fit is to the samples nearest in the last one, from all and from each sample left out in turn.
    """
    n, half = len(known), max(len(known) // 2 + 1, 3)
    best, least = np.ones(n, dtype=bool), np.inf
    for left_out in range(-1, n):
        used = np.arange(n) != left_out
        for _ in range(_ROUNDS):
            distances = _distances(seen, known, _rigid(seen[used], known[used]))
            used = np.zeros(n, dtype=bool)
            used[np.argsort(distances, kind="stable")[:half]] = True
        if np.median(distances) < least:
            best, least = used, float(np.median(distances))
    return best


def _rigid(seen: FloatArray, known: FloatArray) -> FloatArray:
    """(4, 4) least-squares motion of points (n, 3) onto points (n, 3)."""
    middle_seen, middle_known = seen.mean(axis=0), known.mean(axis=0)
    u, _, vt = np.linalg.svd((known - middle_known).T @ (seen - middle_seen))
    R = u @ np.diag([1.0, 1.0, np.linalg.det(u) * np.linalg.det(vt)]) @ vt
    return transform(R, middle_known - R @ middle_seen)


def _scale(seen: FloatArray, known: FloatArray) -> float:
    """How much larger the known points' spread is than the seen ones'."""
    return float(np.linalg.norm(known - known.mean(axis=0)) / np.linalg.norm(seen - seen.mean(axis=0)))


def _distances(seen: FloatArray, known: FloatArray, T: FloatArray) -> FloatArray:
    return np.linalg.norm(transform_points(T, seen) - known, axis=1)


def _check_places(points: FloatArray) -> tuple[str, ...]:
    """Advice on places that are too alike."""
    _, lengths, axes = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    across_m = float(lengths[1]) / np.sqrt(len(points))
    along = ", ".join(f"{value:.2f}" for value in axes[0].tolist())
    what = f"the places lie nearly on a line along ({along}), {1e3 * across_m:.0f} mm across"
    remedy = "add places 10 to 30 cm to its sides, and at other heights"
    if across_m < _HOPELESS_M:
        raise InputError("samples", expected="places of the tip that span the workspace", got=what, remedy=remedy)
    if across_m < _ENOUGH_M:
        return (f"{what}; {remedy}",)
    return (f"only {len(points)} samples; 15 or more make the result steadier",) if len(points) < _FEW else ()
