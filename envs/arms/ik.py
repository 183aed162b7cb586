"""Inverse kinematics of a serial arm: batched damped least squares with restarts.

Each iteration takes the Levenberg-Marquardt step whose damping is the squared residual
(Sugihara, "Solvability-unconcerned inverse kinematics by the Levenberg-Marquardt method",
IEEE T-RO 2011), drifts in the null space towards a rest posture, and freezes joints that
would leave their limits. What has not converged starts again from fixed postures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.arms.model import ArmModel
from envs.arms.panda import PANDA
from geometry import FloatArray, InputError, transform

_TWIN = transform(np.diag([-1.0, -1.0, 1.0]))
_DAMPING_FLOOR = 1e-9
_STEP_RAD = 0.5
_LIMIT_MARGIN_RAD = 0.01
_CENTRING_ITERATIONS = 8
_RESTARTS = 24


class IKResult(NamedTuple):
    """Joint positions for one target or a batch; leading axes are those of the targets."""

    q: FloatArray
    """(..., n) rad, always within the joint limits; meaningful only where `converged`."""
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
        if not 0 <= self.restarts <= _RESTARTS or self.iterations < 1:
            raise InputError("IKConfig", expected=f"0 <= restarts <= {_RESTARTS}, iterations >= 1", got=f"{self}")


def solve_ik(
    T_base_grasp: ArrayLike,
    q_seed: ArrayLike | None = None,
    *,
    q_rest: ArrayLike | None = None,
    config: IKConfig | None = None,
    arm: ArmModel = PANDA,
) -> IKResult:
    """Joint positions that put the grasp frame where it is wanted.

    Args:
        T_base_grasp: (..., 4, 4) wanted poses in the robot's base frame.
        q_seed: (..., n) rad, where the first attempt starts; broadcasts. None is the arm's home.
        q_rest: (n,) rad, the posture that the redundancy is spent on, and among several
            solutions of the restarts the measure of the best; None is the arm's home.
        config: tolerances and effort.
        arm: whose.
    """
    config = config or IKConfig()
    targets = np.asarray(T_base_grasp, dtype=np.float64)
    if targets.shape[-2:] != (4, 4) or not np.all(np.isfinite(targets)):
        raise InputError("solve_ik", expected="finite T_base_grasp (..., 4, 4)", got=f"shape {targets.shape}")
    batch = targets.shape[:-2]
    flat = targets.reshape(-1, 4, 4)
    seed = np.asarray(arm.home_q if q_seed is None else q_seed, dtype=np.float64)
    seeds = np.broadcast_to(seed, (*batch, arm.joints)).reshape(-1, arm.joints)
    rest = np.asarray(arm.home_q if q_rest is None else q_rest, dtype=np.float64)
    result = _descend(arm, flat, seeds, rest, config)
    missing = np.flatnonzero(~result.converged)
    if missing.size and config.restarts:
        again = _restart(arm, flat[missing], rest, config)
        better = again.converged
        for field, new in zip(result, again, strict=True):
            field[missing[better]] = new[better]
    return _each(result, lambda field: field.reshape((*batch, *field.shape[1:])))


def solve_grasp_ik(
    T_base_grasp: ArrayLike, q_now: ArrayLike | None = None, *, config: IKConfig | None = None, arm: ArmModel = PANDA
) -> tuple[IKResult, NDArray[np.bool_]]:
    """IK for a grasp or its twin, the same grasp turned by 180 degrees about its approach axis.

    Args:
        T_base_grasp: (..., 4, 4) grasps in the robot's base frame.
        q_now: (n,) rad, where the arm stands; solutions near it are preferred. None is the arm's home.
        config: tolerances and effort.
        arm: whose.

    Returns:
        result: for each grasp the better of the two solutions (see `posture_cost`).
        turned: (...) whether that solution reaches the twin.
    """
    targets = np.asarray(T_base_grasp, dtype=np.float64)
    now = np.asarray(arm.home_q if q_now is None else q_now, dtype=np.float64)
    both = solve_ik(np.stack([targets, targets @ _TWIN]), now, config=config, arm=arm)
    cost = np.where(both.converged, posture_cost(both.q, now, arm=arm), np.inf)
    turned = cost[1] < cost[0]
    pick = (turned.astype(int), *np.indices(turned.shape))
    return _each(both, lambda field: field[pick]), turned


def posture_cost(q: ArrayLike, q_now: ArrayLike, *, arm: ArmModel = PANDA) -> FloatArray:
    """(...) how little a posture is liked: joint travel from `q_now` plus nearness to joint limits.

    Rad; a joint within 0.3 rad of its limit adds up to 3.
    """
    posture = np.asarray(q, dtype=np.float64)
    travel = np.abs(posture - np.asarray(q_now)).max(axis=-1)
    crowding = np.clip(1.0 - arm.limits.margin(posture) / 0.3, 0.0, 1.0)
    return travel + 3.0 * crowding.max(axis=-1)


def _each(result: IKResult, apply: Callable[[NDArray[Any]], NDArray[Any]]) -> IKResult:
    """A result with `apply` done to each of its arrays."""
    return IKResult(*[np.asarray(apply(field)) for field in result])


@cache
def _restarts(arm: ArmModel) -> FloatArray:
    """(24, n) fixed postures to start from again."""
    limits = arm.limits
    drawn = np.random.default_rng(7).uniform(limits.lower_rad, limits.upper_rad, size=(_RESTARTS, arm.joints))
    return limits.clamp(drawn, 0.2)


def _restart(arm: ArmModel, targets: FloatArray, rest: FloatArray, config: IKConfig) -> IKResult:
    """The best of several attempts for each of the (n, 4, 4) targets."""
    count, n = config.restarts, len(targets)
    starts = np.concatenate([[rest], _restarts(arm)])[:count]
    tries = _descend(arm, np.tile(targets, (count, 1, 1)), np.repeat(starts, n, axis=0), rest, config)
    cost = posture_cost(tries.q, rest, arm=arm) + tries.position_error_m + tries.angle_error_rad
    cost = np.where(tries.converged, cost, 1e3 + cost).reshape(count, n)
    pick = cost.argmin(axis=0) * n + np.arange(n)
    return _each(tries, lambda field: field[pick])


def _descend(arm: ArmModel, targets: FloatArray, seeds: FloatArray, rest: FloatArray, config: IKConfig) -> IKResult:
    """One attempt for each target; those that have arrived drop out of the batch."""
    q = arm.limits.clamp(seeds, _LIMIT_MARGIN_RAD)
    position = np.full(len(q), np.inf)
    angle = np.full(len(q), np.inf)
    used = np.zeros(len(q), dtype=np.int64)
    active = np.arange(len(q))
    for iteration in range(config.iterations + 1):
        T, jacobian = arm.pose_and_jacobian(q[active])
        error = pose_error(T, targets[active])
        position[active] = np.linalg.norm(error[:, :3], axis=-1)
        angle[active] = np.linalg.norm(error[:, 3:], axis=-1)
        used[active] = iteration
        open_ = (position[active] > config.position_tolerance_m) | (angle[active] > config.angle_tolerance_rad)
        active = active[open_]
        if not active.size or iteration == config.iterations:
            break
        centring = config.centring * max(0.0, 1.0 - iteration / _CENTRING_ITERATIONS)
        q[active] = _step(arm, q[active], jacobian[open_], error[open_], rest, centring)
    converged = (position <= config.position_tolerance_m) & (angle <= config.angle_tolerance_rad)
    return IKResult(q, position, angle, used, converged)


def _step(
    arm: ArmModel, q: FloatArray, jacobian: FloatArray, error: FloatArray, rest: FloatArray, centring: float
) -> FloatArray:
    """One damped step; joints that it would push through a limit stay, and the rest is solved again."""
    free = np.ones_like(q)
    for _ in range(2):
        step = _damped_step(jacobian * free[:, None, :], error, free * centring * (rest - q))
        step *= np.minimum(1.0, _STEP_RAD / np.maximum(np.abs(step).max(axis=-1, keepdims=True), 1e-12))
        clamped = arm.limits.clamp(q + step, _LIMIT_MARGIN_RAD)
        blocked = clamped != q + step
        if not blocked.any():
            break
        free *= ~blocked
    return clamped


def _damped_step(jacobian: FloatArray, error: FloatArray, drift: FloatArray) -> FloatArray:
    """(k, n) least-squares joint step towards `error`, with `drift` in what the task leaves free."""
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
