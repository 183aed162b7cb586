"""Whether the open hand, at a grasp and on its straight way there, is clear of everything."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.grasp_labels.scene_geometry import UNIT_M, DistanceField, Float32Array
from geometry import FloatArray, GripperSpec


class Balls(NamedTuple):
    """Points in the grasp frame and how far from each the nearest solid must be."""

    points: Float32Array
    """(P, 3) metres."""
    radius_m: float


def lowest_m(poses: Float32Array, gripper: GripperSpec) -> Float32Array:
    """(N,) height of the open hand's lowest corner at poses (N, 4, 4), `T_table_grasp`."""
    boxes = gripper.boxes().astype(np.float32)
    middle, half = boxes.mean(axis=1), 0.5 * (boxes[:, 1] - boxes[:, 0])
    up = poses[:, 2, :3]
    return np.asarray((up @ middle.T - np.abs(up) @ half.T).min(axis=1) + poses[:, 2, 3])


def surely_hits(field: DistanceField, poses: Float32Array, gripper: GripperSpec) -> NDArray[np.bool_]:
    """(N,) whether a solid reaches deep into fingers or palm, by few look-ups: those that do are lost."""
    lost = np.zeros(len(poses), dtype=bool)
    for balls in _inner_balls(gripper):
        left = np.flatnonzero(~lost)
        lost[left] = _hits(field, poses[left], balls)
    return lost


def hits(
    field: DistanceField, poses: Float32Array, gripper: GripperSpec, margin_m: float, approach_m: float
) -> NDArray[np.bool_]:
    """(N,) whether a solid is nearer than `margin_m` to the open hand at the grasp, or on its last `approach_m`."""
    lost = np.zeros(len(poses), dtype=bool)
    for balls in _outer_balls(gripper, margin_m, approach_m):
        left = np.flatnonzero(~lost)
        lost[left] = _hits(field, poses[left], balls)
    return lost


def _hits(field: DistanceField, poses: Float32Array, balls: Balls) -> NDArray[np.bool_]:
    return np.asarray(field.at(poses, balls.points).min(axis=1) < balls.radius_m / UNIT_M)


@lru_cache(maxsize=8)
def _inner_balls(gripper: GripperSpec) -> tuple[Balls, ...]:
    """Balls well inside the hand: first the fingertips, then the rest."""
    boxes = gripper.boxes()
    fingers = [_grid(box, min(0.5 * float((box[1] - box[0]).min()), 0.015)) for box in boxes]
    slack_m = 0.0015
    groups = (fingers[:2], fingers[2:4], fingers[4:])
    return tuple(
        Balls(np.concatenate([ball.points for ball in group]), min(ball.radius_m for ball in group) - slack_m)
        for group in groups
    )


def _grid(box: FloatArray, radius_m: float) -> Balls:
    """Balls of one size that stand side by side inside a box."""
    axes = []
    for low, high in box.T:
        count = max(1, int((high - low) / (2.2 * radius_m)))
        axes.append(np.linspace(low + radius_m, high - radius_m, count) if count > 1 else [0.5 * (low + high)])
    return Balls(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.float32), radius_m)


@lru_cache(maxsize=8)
def _outer_balls(gripper: GripperSpec, margin_m: float, approach_m: float) -> tuple[Balls, ...]:
    """Balls along the hand's surface that reach `margin_m` beyond it; the palm's fill its way as well.

    On the way the fingers stay within the roots' and the palm's shadow: they need no balls of their own.
    """
    boxes = gripper.boxes()
    boxes[4, 0, 2] -= approach_m
    fingers = [_shell(box, inset_m=0.002, step_m=0.004) for box in boxes[:4]]
    palm = _shell(boxes[4], inset_m=0.006, step_m=0.011)
    return (
        Balls(np.concatenate(fingers), 0.002 + margin_m),
        Balls(palm, 0.006 + margin_m),
    )


def _shell(box: FloatArray, inset_m: float, step_m: float) -> Float32Array:
    """(P, 3) points on the faces of a box that is smaller by `inset_m` on each side."""
    low, high = box[0] + inset_m, box[1] - inset_m
    axes = [np.linspace(a, b, 1 + max(1, round((b - a) / step_m))) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return points[np.any(np.isclose(points, low) | np.isclose(points, high), axis=1)].astype(np.float32)
