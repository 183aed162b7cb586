"""Which grasp to take: the detector's on the wanted thing, near to where the person grasped; else planned ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from envs.workbench import BenchView, Thing
from geometry import PANDA_HAND, FloatArray, PinholeCamera, invert, transform, transform_points
from perception.grasping import Grasps
from policies.execution.planned_grasps import frame, planned_grasps
from policies.programs import Grasp

Detect = Callable[[BenchView, NDArray[np.bool_]], Grasps]
"""From a look and the pixels (H, W) of the wanted thing to grasps in the world with their chances of success."""
_INFLATED_M = 0.010
_AROUND_M = 0.15
_LEAST_CHANCE = 0.3
_NEAR_M, _NEAR_RAD = 0.03, np.radians(60.0)
_NEARNESS = 0.5
_SAME_M, _SAME_RAD = 0.012, np.radians(20.0)
_TABLE_M = 0.003
_ROUND = ("can", "cup", "bowl", "plate")
_CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Grasps of one thing, best first; ranked grasps for the motion planner."""

    poses: FloatArray
    """(n, 4, 4) `T_world_grasp`."""
    widths_m: FloatArray
    """(n,) openings."""
    scores: FloatArray
    """(n,) the detector's chance of success; 0 for planned ones."""
    detected: NDArray[np.bool_]
    """(n,) whether the detector proposed it; else it was planned from the thing's shape."""

    def __len__(self) -> int:
        return len(self.poses)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Choice:
        """Some of them."""
        return Choice(
            poses=self.poses[index],
            widths_m=self.widths_m[index],
            scores=self.scores[index],
            detected=self.detected[index],
        )


def choose_grasps(
    step: Grasp,
    thing: Thing,
    T_world_thing: FloatArray,
    view: BenchView,
    detect: Detect | None,
    failed: Sequence[FloatArray] = (),
) -> Choice:
    """All grasps worth a try, best first: the detector's, then planned ones.

    Args:
        step: where and how the person grasped.
        thing: what is wanted.
        T_world_thing: where it is believed to be.
        view: a look at the bench.
        detect: the grasp detector; None leaves it out.
        failed: (4, 4) `T_thing_grasp` of grasps that failed before; those like them are left out.
    """
    found = Grasps()
    if detect is not None:
        around = T_world_thing[:3, 3] + np.array([[-_AROUND_M] * 3, [_AROUND_M] * 3])
        mask = outline(thing, T_world_thing, view.camera, view.T_world_camera)
        found = detect(replace(view, workspace=around), mask)
    T_thing_world = invert(T_world_thing)
    seen = T_thing_world @ found.poses
    half = 0.5 * np.array(thing.size_m) + _INFLATED_M
    good = (np.abs(seen[:, :3, 3]) < half).all(axis=1) & (found.scores > _LEAST_CHANCE)
    own = planned_grasps(thing)
    poses = np.concatenate([seen[good], own])
    chances = np.concatenate([found.scores[good], np.zeros(len(own))])
    detected = np.arange(len(poses)) < np.count_nonzero(good)
    shown = frame(step.approach, step.closing, step.at_m)
    cost = _NEARNESS * _unlikeness(poses, shown, thing) - chances - detected
    world = T_world_thing @ poses
    able = _above_table(world) & ~_like_any(poses, failed)
    order = np.argsort(cost, kind="stable")
    order = order[able[order]]
    widths = np.full(len(order), PANDA_HAND.max_width_m)
    return Choice(poses=world[order], widths_m=widths, scores=chances[order], detected=detected[order])


def outline(
    thing: Thing, T_world_thing: FloatArray, camera: PinholeCamera, T_world_camera: FloatArray
) -> NDArray[np.bool_]:
    """(H, W) pixels that the box about a thing covers."""
    corners = transform_points(T_world_thing, (_CORNERS - 0.5) * np.array(thing.size_m))
    pixels = camera.project(transform_points(invert(T_world_camera), corners))
    if not np.isfinite(pixels).all():
        return np.zeros((camera.height, camera.width), dtype=bool)
    edges = ConvexHull(pixels).equations
    v, u = np.indices((camera.height, camera.width), dtype=np.float64)
    inside: NDArray[np.bool_] = np.ones(u.shape, dtype=bool)
    for a, b, c in edges:
        inside &= a * u + b * v + c <= 0.0
    return inside


def _unlikeness(poses: FloatArray, shown: FloatArray, thing: Thing) -> FloatArray:
    """(n,) 0 for the grasp that was shown, or for one that the thing's symmetry makes the same; 1 for a far one."""
    count = 16 if thing.category in _ROUND else 4 if thing.category == "cube" else 2
    spins = transform(Rotation.from_rotvec(np.arange(count)[:, None] * (0.0, 0.0, 2.0 * np.pi / count)))
    like = spins @ shown
    far = np.linalg.norm(poses[:, None, :3, 3] - like[:, :3, 3], axis=-1) / _NEAR_M
    approach = np.einsum("nk,sk->ns", poses[:, :3, 2], like[:, :3, 2])
    closing = np.abs(np.einsum("nk,sk->ns", poses[:, :3, 1], like[:, :3, 1]))
    turn = (np.arccos(np.clip(approach, -1.0, 1.0)) + np.arccos(np.clip(closing, 0.0, 1.0))) / _NEAR_RAD
    nearest: FloatArray = (far + turn).min(axis=1) / 3.0
    return nearest.clip(0.0, 1.0)


def _above_table(poses: FloatArray) -> NDArray[np.bool_]:
    """(n,) for which the open hand is above the table, and does not come from below."""
    low, high = PANDA_HAND.boxes()[:, 0], PANDA_HAND.boxes()[:, 1]
    corners = (low[:, None] + _CORNERS * (high - low)[:, None]).reshape(-1, 3)
    lowest = transform_points(poses, corners)[..., 2].min(axis=-1)
    clear: NDArray[np.bool_] = (lowest > _TABLE_M) & (poses[:, 2, 2] < 0.2)
    return clear


def _like_any(poses: FloatArray, failed: Sequence[FloatArray]) -> NDArray[np.bool_]:
    """(n,) which are nearly the same as one that failed."""
    if not failed:
        return np.zeros(len(poses), dtype=bool)
    bad = np.stack(failed)
    near = np.linalg.norm(poses[:, None, :3, 3] - bad[:, :3, 3], axis=-1) < _SAME_M
    alike = np.einsum("nk,sk->ns", poses[:, :3, 2], bad[:, :3, 2]) > np.cos(_SAME_RAD)
    closing = np.abs(np.einsum("nk,sk->ns", poses[:, :3, 1], bad[:, :3, 1])) > np.cos(_SAME_RAD)
    same: NDArray[np.bool_] = (near & alike & closing).any(axis=1)
    return same
