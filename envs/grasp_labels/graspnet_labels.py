"""GraspNet-1Billion's labels for any object: at every point of its surface, which of 14,400 grasps would hold.

A label is the least friction coefficient of a grasp, found by casting one ray from each finger along
the closing line (see `envs.grasp_ap`), with the least opening at which the fingers touch nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import trimesh
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree
from threadpoolctl import threadpool_limits

from envs.grasp_ap import ContactCaster
from envs.grasp_labels.graspnet_grid import ANGLES, ANGLES_RAD, DEPTHS_M, VIEWS, rotations
from envs.grasp_labels.opening import LabelGripper, least_openings
from geometry import FloatArray, InputError

FRICTION_STEP, MOST_FRICTION = 0.1, 1.0
"""Labels are 0.1, 0.2 to 1.0, and -1 for a grasp that needs more or holds nothing."""
_CLOUD_M = 0.005
_SHARP_RAD = np.deg2rad(30.0)
_OVERSAMPLING = 10


@dataclass(frozen=True, kw_only=True)
class LabelConfig:
    """What is labelled."""

    points: int = 1200
    """Points of the surface, spread evenly."""
    gripper: LabelGripper = field(default_factory=LabelGripper)
    """The hand."""

    def __post_init__(self) -> None:
        if self.points < 1:
            raise InputError("LabelConfig", expected="points of at least 1", got=f"{self.points}")


class GraspNetLabels(NamedTuple):
    """The arrays of one `%03d_labels.npz`, under the same names."""

    points: NDArray[np.float32]
    """(P, 3) grasp points in the object's frame, metres."""
    offsets: NDArray[np.float32]
    """(P, 300, 12, 4, 3) in-plane angle in rad, depth and width in metres; a width of 0 where nothing is held."""
    scores: NDArray[np.float32]
    """(P, 300, 12, 4) least friction coefficient, the lower the better; -1 where no friction up to 1 holds."""
    collision: NDArray[np.bool_]
    """(P, 300, 12, 4) whether the open hand stands in the object; False where the fingers close on nothing."""


class LabelledObject(NamedTuple):
    """Labels, and what they cost."""

    labels: GraspNetLabels
    seconds: float
    """CPU time of this process; it runs on one core."""


def label_object(mesh: trimesh.Trimesh, config: LabelConfig, points: ArrayLike | None = None) -> LabelledObject:
    """Label the grasps of one object.

    Args:
        mesh: its surface in metres; closed, or several closed parts that may overlap.
        config: what is labelled.
        points: (P, 3) points to label; None spreads `config.points` over the surface.
    """
    start_s = time.process_time()
    chosen = spread_points(mesh, config.points) if points is None else np.asarray(points, dtype=np.float64)
    if chosen.ndim != 2 or chosen.shape[1] != 3 or not len(chosen):
        raise InputError("label_object", expected="points (P, 3)", got=f"{chosen.shape}")
    shape = (len(chosen), VIEWS, ANGLES, len(DEPTHS_M))
    offsets = np.zeros((*shape, 3), dtype=np.float32)
    offsets[..., 0] = ANGLES_RAD[:, None]
    offsets[..., 1] = DEPTHS_M
    scores, collision = np.full(shape, -1.0, dtype=np.float32), np.zeros(shape, dtype=bool)
    labeller = _Labeller(mesh, config.gripper)
    with threadpool_limits(1):
        for i, point in enumerate(chosen):
            grid = labeller.at(point)
            offsets[i, ..., 2], scores[i], collision[i] = grid.width_m, grid.score, grid.collision
    labels = GraspNetLabels(chosen.astype(np.float32), offsets, scores, collision)
    return LabelledObject(labels, time.process_time() - start_s)


def spread_points(mesh: trimesh.Trimesh, count: int) -> FloatArray:
    """(count, 3) points of a surface, each as far as can be from those before it; the same for the same mesh."""
    samples = _samples(mesh, _OVERSAMPLING * count)
    chosen = np.zeros(count, dtype=np.int64)
    apart = np.full(len(samples), np.inf)
    for i in range(1, count):
        np.minimum(apart, np.sum((samples - samples[chosen[i - 1]]) ** 2, axis=1), out=apart)
        chosen[i] = np.argmax(apart)
    return samples[chosen]


class _Grid(NamedTuple):
    """The labels of one point, each (300, 12, 4)."""

    width_m: NDArray[np.float32]
    score: NDArray[np.float32]
    collision: NDArray[np.bool_]


class _Labeller:
    """An object ready to be labelled: rays for contacts, a cloud for collision."""

    def __init__(self, mesh: trimesh.Trimesh, gripper: LabelGripper) -> None:
        self._gripper = gripper
        self._caster = ContactCaster(mesh)
        self._cloud = _collision_cloud(mesh)
        self._tree = cKDTree(self._cloud)
        self._rotations = rotations().reshape(-1, 3, 3).astype(np.float32)
        depths = np.array(DEPTHS_M, dtype=np.float32)
        self._tips = depths[:, None] * self._rotations[:, None, :, 0]  # (3600, 4, 3) from the grasp point
        self._closings = np.repeat(self._rotations[:, :, 1], len(depths), axis=0)

    def at(self, point: FloatArray) -> _Grid:
        """Label the grid of one point; where the closing line meets nothing, no more is asked."""
        tips = np.asarray(point, dtype=np.float32) + self._tips
        most = self._gripper.max_width_m
        meets = self._caster.meets(tips.reshape(-1, 3), self._closings, most).reshape(tips.shape[:2])
        frames = np.flatnonzero(meets.any(axis=1))
        near = self._tree.query_ball_point(point, self._gripper.reach_m)
        opening = least_openings(self._rotations[frames], (self._cloud[near] - point).astype(np.float32), self._gripper)
        width, score = np.zeros(meets.shape, np.float32), np.full(meets.shape, -1.0, np.float32)
        collision = np.zeros(meets.shape, dtype=bool)
        asked = meets[frames]
        width[frames] = np.where(asked, opening.width_m, 0.0)
        collision[frames] = asked & (~opening.free | opening.palm_hits)
        score[frames] = self._scores(tips[frames], frames, opening.width_m, asked & opening.free)
        shape = (VIEWS, ANGLES, len(DEPTHS_M))
        return _Grid(width.reshape(shape), score.reshape(shape), collision.reshape(shape))

    def _scores(
        self,
        tips: NDArray[np.float32],
        frames: NDArray[np.int64],
        width_m: NDArray[np.float32],
        asked: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """(F, 4) least friction in steps of 0.1, -1 where it is not asked for or nothing is held."""
        which, _ = np.nonzero(asked)
        contacts = self._caster.close(tips[asked], self._rotations[frames[which], :, 1], width_m[asked])
        steps = np.maximum(np.ceil(contacts.friction / FRICTION_STEP - 1e-4), 1.0)
        scores = np.full(asked.shape, -1.0, dtype=np.float32)
        scores[asked] = np.where(steps * FRICTION_STEP <= MOST_FRICTION + 1e-9, steps * FRICTION_STEP, -1.0)
        return scores


def _samples(mesh: trimesh.Trimesh, count: int) -> FloatArray:
    """(count, 3) points uniform by area."""
    return np.asarray(trimesh.sample.sample_surface(mesh, count, seed=0)[0], dtype=np.float64)


def _collision_cloud(mesh: trimesh.Trimesh) -> FloatArray:
    """(K, 3) points of the surface about 5 mm apart, and denser ones along its edges, which stick out farthest."""
    samples = _samples(mesh, max(2000, int(12 * mesh.area / _CLOUD_M**2)))
    cells, inverse = np.unique(np.floor(samples / _CLOUD_M).astype(np.int64), axis=0, return_inverse=True)
    off_middle = np.linalg.norm(samples - _CLOUD_M * (cells[inverse] + 0.5), axis=1)
    order = np.lexsort((off_middle, inverse))
    _, first = np.unique(inverse[order], return_index=True)
    return np.concatenate([samples[order[first]], _edge_points(mesh)])


def _edge_points(mesh: trimesh.Trimesh) -> FloatArray:
    """(E, 3) points along edges that are sharper than 30 degrees, thinned to 2.5 mm."""
    merged = trimesh.Trimesh(mesh.vertices, mesh.faces)  # with the vertices of neighbouring faces as one
    ends = merged.vertices[merged.face_adjacency_edges[merged.face_adjacency_angles > _SHARP_RAD]]
    if not len(ends):
        return np.zeros((0, 3))
    steps = 1 + np.ceil(np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1) / (0.5 * _CLOUD_M)).astype(np.int64)
    edge = np.repeat(np.arange(len(ends)), steps)
    number = np.arange(len(edge)) - np.repeat(np.cumsum(steps) - steps, steps)
    along = (number / (steps[edge] - 1))[:, None]
    points = ends[edge, 0] * (1.0 - along) + ends[edge, 1] * along
    _, first = np.unique(np.floor(points / (0.5 * _CLOUD_M)).astype(np.int64), axis=0, return_index=True)
    return np.asarray(points[np.sort(first)], dtype=np.float64)
