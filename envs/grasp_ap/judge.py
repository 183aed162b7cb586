"""Which of a frame's grasps count, and what each of them is worth, against the true geometry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from envs.grasp_ap.antipodal import ContactCaster
from envs.grasp_ap.hand_boxes import count_points
from envs.grasp_ap.precision import TOP_GRASPS
from geometry import FloatArray, invert, transform_points

MAX_WIDTH_M = 0.1
"""Widths are clipped to 0..MAX_WIDTH_M."""
PER_OBJECT = 10
"""Grasps that count on each object."""
LEAST_INSIDE = 10
"""With fewer points between the fingers a grasp is empty."""


@dataclass(frozen=True)
class TrueObject:
    """An object as the judge knows it."""

    points: FloatArray
    """(P, 3) points of the whole surface in the object's frame, about 8 mm apart."""
    caster: ContactCaster
    """Its surface, in the object's frame."""
    T_world_object: FloatArray
    """(4, 4) where it lies."""


@dataclass(frozen=True)
class TrueScene:
    """Everything that a grasp may hold or hit."""

    objects: tuple[TrueObject, ...]
    """What may be held."""
    obstacles: FloatArray
    """(M, 3) points of what may only be hit: the table, the walls of a bin."""

    @cached_property
    def object_points(self) -> FloatArray:
        """(P, 3) points of all objects in the world, object by object."""
        if not self.objects:
            return np.zeros((0, 3))
        return np.concatenate([transform_points(item.T_world_object, item.points) for item in self.objects])

    @cached_property
    def owner(self) -> NDArray[np.int64]:
        """(P,) the object's number for each of `object_points`."""
        return np.repeat(np.arange(len(self.objects)), [len(item.points) for item in self.objects])

    @cached_property
    def object_tree(self) -> cKDTree:
        """Search tree over `object_points`."""
        return cKDTree(self.object_points)

    @cached_property
    def tree(self) -> cKDTree:
        """Search tree over all points, obstacles included."""
        return cKDTree(np.concatenate([self.object_points, self.obstacles]))


class Judgement(NamedTuple):
    """The grasps of one frame that count, most confident first."""

    chosen: NDArray[np.int64]
    """(K,) which of the given grasps, K <= 50."""
    objects: NDArray[np.int64]
    """(K,) the object that each is assigned to."""
    frictions: FloatArray
    """(K,) smallest friction coefficient at which each holds; inf for one that fails."""
    collided: NDArray[np.bool_]
    """(K,) a finger or the palm stands in something."""
    empty: NDArray[np.bool_]
    """(K,) too little is between the fingers."""


def judge_grasps(
    scene: TrueScene, poses: FloatArray, widths_m: FloatArray, scores: FloatArray, depths_m: FloatArray
) -> Judgement:
    """Judge the grasps of one frame, after non-maximum suppression.

    Each grasp belongs to the object whose surface is nearest to its grasp point. The ten best of
    every object count, and of those the fifty best. A grasp fails where the hand collides or holds
    fewer than ten points; else it needs the friction of its two contacts on its own object.

    Args:
        scene: the truth.
        poses: (N, 4, 4) `T_world_grasp`.
        widths_m: (N,) openings; clipped here.
        scores: (N,) confidence.
        depths_m: (N,) from the grasp point to the fingertips along the approach.
    """
    if not len(poses) or not scene.objects:
        nothing = np.zeros(0, dtype=np.int64)
        return Judgement(nothing, nothing, np.zeros(0), nothing.astype(bool), nothing.astype(bool))
    grasp_points = poses[:, :3, 3] - depths_m[:, None] * poses[:, :3, 2]
    assigned = scene.owner[scene.object_tree.query(grasp_points)[1]]
    chosen = _best(scores, assigned)
    assigned, poses, depths = assigned[chosen], poses[chosen], depths_m[chosen]
    widths = np.clip(widths_m[chosen], 0.0, MAX_WIDTH_M)
    counts = count_points(poses, widths, depths, scene.tree)
    collided, empty = counts.touching > 0, counts.inside < LEAST_INSIDE
    frictions = np.full(len(chosen), np.inf)
    for number, item in enumerate(scene.objects):
        own = (assigned == number) & ~collided & ~empty
        T_object_grasp = invert(item.T_world_object) @ poses[own]
        frictions[own] = item.caster.close(T_object_grasp[:, :3, 3], T_object_grasp[:, :3, 1], widths[own]).friction
    return Judgement(chosen, assigned, frictions, collided, empty)


def _best(scores: FloatArray, assigned: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ten best of every object, and of those the fifty best, best first; ties keep their order."""
    order = np.argsort(-scores, kind="stable")
    taken: dict[int, int] = {}
    kept = []
    for index in order:
        number = int(assigned[index])
        taken[number] = taken.get(number, 0) + 1
        if taken[number] <= PER_OBJECT:
            kept.append(index)
    return np.array(kept[:TOP_GRASPS], dtype=np.int64)
