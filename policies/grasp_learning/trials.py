"""Physics trials of sampled grasps: what happened when the hand tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from envs.clutter import Dialect, try_and_shake
from envs.grasp_labels import FAILURES, Ratings, SceneGeometry, rate_grasps
from envs.scenes import Scene
from geometry import FloatArray, transform
from policies.grasp_learning.label_grid import LabelGrid

OUTCOMES = ("held", "hit at pregrasp", "empty", "closed")
"""What `trial_outcome` counts."""
NOT_TRIED = 255
"""`trial_shaken` where nothing was held."""

_JITTER_M, _JITTER_RAD = 0.003, 0.06
_MISS_M, _MISS_RAD = 0.012, 0.35
_CENTRED = 0.5


class Trials(NamedTuple):
    """T grasps and what came of them; the fields are those of a shard, without `trial_`."""

    pose: NDArray[np.float32]
    success: NDArray[np.uint8]
    shaken: NDArray[np.uint8]
    outcome: NDArray[np.uint8]
    object: NDArray[np.int16]
    com_m: NDArray[np.float32]
    quality: NDArray[np.float32]


def choose_grasps(
    geometry: SceneGeometry,
    grids: Sequence[LabelGrid],
    poses: Sequence[FloatArray],
    count: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Draw (n, 4, 4) grasps to try: half good ones, a quarter near misses, a quarter whatever is above the table.

    Args:
        geometry: the scene.
        grids: labels of each view.
        poses: (n, K, D, 4, 4) of each view, `T_table_grasp`.
        count: how many are wanted.
        rng: draws them.
    """
    flat = np.concatenate([p.reshape(-1, 4, 4) for p in poses])
    seeds = [p.shape[0] for p in poses]
    quality = np.concatenate([g.quality[:n].reshape(-1) for g, n in zip(grids, seeds, strict=True)])
    failure = np.concatenate([g.failure.reshape(-1) for g in grids])
    number = np.concatenate([g.object.reshape(-1) for g in grids])
    good = _draw_good(quality, number, count // 2, rng)
    positives = _centre(geometry, _jitter(flat[good], _JITTER_M, _JITTER_RAD, rng), rng)
    misses = _near_misses(geometry, flat[_draw_good(quality, number, count, rng)], count // 4, rng)
    above = np.flatnonzero((quality == 0) & (failure != FAILURES.index("table")))
    wild = np.concatenate([_some(above[failure[above] == f], count, rng) for f in (2, 3, 4, 4)])
    missing = count - len(positives) - len(misses)
    return np.concatenate([positives, misses, flat[_some(wild, missing, rng)]])


def run_trials(scene: Scene, geometry: SceneGeometry, poses: FloatArray, rules: Dialect) -> Trials:
    """Try each grasp (T, 4, 4) `T_table_grasp` from the same state of the scene, and shake what is held."""
    bullet = scene.world.bullet
    T_world_table = transform(translation=(0.0, 0.0, scene.workspace.table_z_m))
    ratings = rate_grasps(geometry, poses)
    numbers = {uid: number for number, uid in enumerate(scene.objects)}
    state = bullet.saveState()
    found = []
    for pose in poses:
        bullet.restoreState(state)
        execution, uid, shaken = try_and_shake(scene, T_world_table @ pose, rules)
        kept = NOT_TRIED if shaken is None else int(shaken)
        found.append((execution.success, kept, OUTCOMES.index(execution.outcome), numbers.get(uid, -1)))
    bullet.restoreState(state)
    bullet.removeState(state)
    success, shaken_, outcome, held = np.array(found, dtype=np.int64).reshape(-1, 4).T
    number = np.where(held >= 0, held, ratings.object)
    return Trials(
        pose=poses.astype(np.float32),
        success=success.astype(np.uint8),
        shaken=shaken_.astype(np.uint8),
        outcome=outcome.astype(np.uint8),
        object=(number + 1).astype(np.int16),
        com_m=_com_distance(geometry, poses, number),
        quality=ratings.quality,
    )


def _com_distance(geometry: SceneGeometry, poses: FloatArray, number: NDArray[np.int64]) -> NDArray[np.float32]:
    arm = geometry.coms[np.maximum(number, 0)] - poses[:, :3, 3]
    return np.where(number >= 0, np.abs(np.einsum("ni,ni->n", arm, poses[:, :3, 0])), 0.0).astype(np.float32)


def _draw_good(
    quality: NDArray[np.uint8], number: NDArray[np.int16], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Indices of good grasps, going round the objects, within an object by quality."""
    good = np.flatnonzero(quality > 0)
    if not len(good):
        return good
    weight = quality[good].astype(np.float64)
    per_object = np.bincount(number[good], weights=weight)
    weight /= per_object[number[good]]
    return np.asarray(rng.choice(good, size=min(count, len(good)), replace=False, p=weight / weight.sum()))


def _some(indices: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.asarray(rng.permutation(indices)[:count])


def _jitter(poses: FloatArray, sigma_m: float, sigma_rad: float, rng: np.random.Generator) -> FloatArray:
    turn = Rotation.from_rotvec(rng.normal(0.0, sigma_rad, (len(poses), 3))) if len(poses) else np.empty((0, 3, 3))
    return poses @ transform(turn, rng.normal(0.0, sigma_m, (len(poses), 3)))


def _centre(geometry: SceneGeometry, poses: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Some of the grasps moved along y to the middle between their contacts, as the detector does."""
    offset_m = rate_grasps(geometry, poses).offset_m * (rng.random(len(poses)) < _CENTRED)
    shift = np.zeros((len(poses), 3))
    shift[:, 1] = offset_m
    return poses @ transform(None, shift)


def _near_misses(geometry: SceneGeometry, poses: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    """Good grasps moved and turned until they are bad, though not into the table."""
    moved = _jitter(poses, _MISS_M, _MISS_RAD, rng)
    ratings: Ratings = rate_grasps(geometry, moved)
    bad = (ratings.quality <= 0.1) & (ratings.failure != FAILURES.index("table"))
    return moved[_some(np.flatnonzero(bad), count, rng)]
