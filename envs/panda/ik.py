"""Inverse kinematics of the Panda: batched damped least squares with restarts.

Each iteration takes the Levenberg-Marquardt step whose damping is the squared residual
(Sugihara, "Solvability-unconcerned inverse kinematics by the Levenberg-Marquardt method",
IEEE T-RO 2011), drifts in the null space towards a rest posture, and freezes joints that
would leave their limits. What has not converged starts again from fixed postures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.panda.kinematics import HOME_Q, pose_and_jacobian
from envs.panda.limits import PANDA_LIMITS
from geometry import FloatArray, InputError, transform

_TWIN = transform(np.diag([-1.0, -1.0, 1.0]))
_DAMPING_FLOOR = 1e-9
_STEP_RAD = 0.5
_LIMIT_MARGIN_RAD = 0.01
_CENTRING_ITERATIONS = 8
_RESTARTS = PANDA_LIMITS.clamp(
    np.random.default_rng(7).uniform(PANDA_LIMITS.lower_rad, PANDA_LIMITS.upper_rad, size=(24, 7)), 0.2
)


class IKResult(NamedTuple):
    """Joint positions for one target or a batch; leading axes are those of the targets."""

    q: FloatArray
    """(..., 7) rad, always within the joint limits; meaningful only where `converged`."""
    position_error_m: FloatArray
    """(...) distance between the wanted and the reached grasp origin."""
    angle_error_rad: FloatArray
    """(...) angle between the wanted and the reached orientation."""
    iterations: NDArray[np.int64]
    """(...) iterations of the attempt that is returned."""
    converged: NDArray[np.bool_]
    """(...) whether both errors are within tolerance."""


@dataclass(frozen=True, kw_only=True)
class IKConfig:
    """How hard to try."""

    position_tolerance_m: float = 1e-6
    """Largest position error that counts as converged."""
    angle_tolerance_rad: float = 1e-6
    """Largest orientation error that counts as converged."""
    iterations: int = 40
    """Iterations an attempt may take."""
    restarts: int = 24
    """Attempts from other postures where the first one fails; at most 24."""
    centring: float = 0.4
    """Share of the way to the rest posture that the null-space drift takes at first; it fades out
    within a few iterations. 0 keeps the solution near the seed."""

    def __post_init__(self) -> None:
        if not 0 <= self.restarts <= len(_RESTARTS) or self.iterations < 1:
            raise InputError("IKConfig", expected=f"0 <= restarts <= {len(_RESTARTS)}, iterations >= 1", got=f"{self}")


def solve_ik(
    T_base_grasp: ArrayLike, q_seed: ArrayLike = HOME_Q, *, q_rest: ArrayLike = HOME_Q, config: IKConfig | None = None
) -> IKResult:
    """Joint positions that put the grasp frame where it is wanted.

    Args:
        T_base_grasp: (..., 4, 4) wanted poses in the robot's base frame.
        q_seed: (..., 7) rad, where the first attempt starts; broadcasts.
        q_rest: (7,) rad, the posture that the redundancy is spent on, and among several
            solutions of the restarts the measure of the best.
        config: tolerances and effort.
    """
    config = config or IKConfig()
    targets = np.asarray(T_base_grasp, dtype=np.float64)
    if targets.shape[-2:] != (4, 4) or not np.all(np.isfinite(targets)):
        raise InputError("solve_ik", expected="finite T_base_grasp (..., 4, 4)", got=f"shape {targets.shape}")
    batch = targets.shape[:-2]
    flat = targets.reshape(-1, 4, 4)
    seeds = np.broadcast_to(np.asarray(q_seed, dtype=np.float64), (*batch, 7)).reshape(-1, 7)
    rest = np.asarray(q_rest, dtype=np.float64)
    result = _descend(flat, seeds, rest, config)
    missing = np.flatnonzero(~result.converged)
    if missing.size and config.restarts:
        again = _restart(flat[missing], rest, config)
        better = again.converged
        for field, new in zip(result, again, strict=True):
            field[missing[better]] = new[better]
    return _each(result, lambda field: field.reshape((*batch, *field.shape[1:])))


def solve_grasp_ik(
    T_base_grasp: ArrayLike, q_now: ArrayLike = HOME_Q, *, config: IKConfig | None = None
) -> tuple[IKResult, NDArray[np.bool_]]:
    """IK for a grasp or its twin, the same grasp turned by 180 degrees about its approach axis.

    Args:
        T_base_grasp: (..., 4, 4) grasps in the robot's base frame.
        q_now: (7,) rad, where the arm stands; solutions near it are preferred.
        config: tolerances and effort.

    Returns:
        result: for each grasp the better of the two solutions (see `posture_cost`).
        turned: (...) whether that solution reaches the twin.
    """
    targets = np.asarray(T_base_grasp, dtype=np.float64)
    both = solve_ik(np.stack([targets, targets @ _TWIN]), q_now, config=config)
    cost = np.where(both.converged, posture_cost(both.q, q_now), np.inf)
    turned = cost[1] < cost[0]
    pick = (turned.astype(int), *np.indices(turned.shape))
    return _each(both, lambda field: field[pick]), turned


def posture_cost(q: ArrayLike, q_now: ArrayLike) -> FloatArray:
    """(...) how little a posture is liked: joint travel from `q_now` plus nearness to joint limits.

    Rad; a joint within 0.3 rad of its limit adds up to 3.
    """
    posture = np.asarray(q, dtype=np.float64)
    travel = np.abs(posture - np.asarray(q_now)).max(axis=-1)
    crowding = np.clip(1.0 - PANDA_LIMITS.margin(posture) / 0.3, 0.0, 1.0)
    return travel + 3.0 * crowding.max(axis=-1)


def _each(result: IKResult, apply: Callable[[NDArray[Any]], NDArray[Any]]) -> IKResult:
    """A result with `apply` done to each of its arrays."""
    return IKResult(*[np.asarray(apply(field)) for field in result])


def _restart(targets: FloatArray, rest: FloatArray, config: IKConfig) -> IKResult:
    """The best of several attempts for each of the (n, 4, 4) targets."""
    count, n = config.restarts, len(targets)
    starts = np.concatenate([[rest], _RESTARTS])[:count]
    tries = _descend(np.tile(targets, (count, 1, 1)), np.repeat(starts, n, axis=0), rest, config)
    cost = posture_cost(tries.q, rest) + tries.position_error_m + tries.angle_error_rad
    cost = np.where(tries.converged, cost, 1e3 + cost).reshape(count, n)
    pick = cost.argmin(axis=0) * n + np.arange(n)
    return _each(tries, lambda field: field[pick])


def _descend(targets: FloatArray, seeds: FloatArray, rest: FloatArray, config: IKConfig) -> IKResult:
    """One attempt for each target; those that have arrived drop out of the batch."""
    q = PANDA_LIMITS.clamp(seeds, _LIMIT_MARGIN_RAD)
    position = np.full(len(q), np.inf)
    angle = np.full(len(q), np.inf)
    used = np.zeros(len(q), dtype=np.int64)
    active = np.arange(len(q))
    for iteration in range(config.iterations + 1):
        T, jacobian = pose_and_jacobian(q[active])
        error = pose_error(T, targets[active])
        position[active] = np.linalg.norm(error[:, :3], axis=-1)
        angle[active] = np.linalg.norm(error[:, 3:], axis=-1)
        used[active] = iteration
        open_ = (position[active] > config.position_tolerance_m) | (angle[active] > config.angle_tolerance_rad)
        active = active[open_]
        if not active.size or iteration == config.iterations:
            break
        centring = config.centring * max(0.0, 1.0 - iteration / _CENTRING_ITERATIONS)
        q[active] = _step(q[active], jacobian[open_], error[open_], rest, centring)
    converged = (position <= config.position_tolerance_m) & (angle <= config.angle_tolerance_rad)
    return IKResult(q, position, angle, used, converged)


def _step(q: FloatArray, jacobian: FloatArray, error: FloatArray, rest: FloatArray, centring: float) -> FloatArray:
    """One damped step; joints that it would push through a limit stay, and the rest is solved again."""
    free = np.ones_like(q)
    for _ in range(2):
        step = _damped_step(jacobian * free[:, None, :], error, free * centring * (rest - q))
        step *= np.minimum(1.0, _STEP_RAD / np.maximum(np.abs(step).max(axis=-1, keepdims=True), 1e-12))
        clamped = PANDA_LIMITS.clamp(q + step, _LIMIT_MARGIN_RAD)
        blocked = clamped != q + step
        if not blocked.any():
            break
        free *= ~blocked
    return clamped


def _damped_step(jacobian: FloatArray, error: FloatArray, drift: FloatArray) -> FloatArray:
    """(n, 7) least-squares joint step towards `error`, with `drift` in what the task leaves free."""
    damping = 0.1 * np.square(error).sum(axis=-1) + _DAMPING_FLOOR
    normal = jacobian @ np.swapaxes(jacobian, -1, -2) + damping[:, None, None] * np.eye(6)
    left = error - (jacobian @ drift[..., None])[..., 0]
    return drift + (np.swapaxes(jacobian, -1, -2) @ np.linalg.solve(normal, left[..., None]))[..., 0]


def pose_error(T_base_now: FloatArray, T_base_wanted: FloatArray) -> FloatArray:
    """(..., 6) translation (m) and rotation vector (rad), in base axes, from one pose to another."""
    R = T_base_wanted[..., :3, :3] @ np.swapaxes(T_base_now[..., :3, :3], -1, -2)
    skew = 0.5 * np.stack([R[..., 2, 1] - R[..., 1, 2], R[..., 0, 2] - R[..., 2, 0], R[..., 1, 0] - R[..., 0, 1]], -1)
    sine = np.linalg.norm(skew, axis=-1)
    angle = np.arctan2(sine, 0.5 * (np.trace(R, axis1=-2, axis2=-1) - 1.0))
    scale = np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 1.0)
    return np.concatenate([T_base_wanted[..., :3, 3] - T_base_now[..., :3, 3], skew * scale[..., None]], axis=-1)
