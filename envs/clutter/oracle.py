"""The oracle: grasps from the true meshes, each tried in a copy of the world before it is proposed.

No planner that has to look can pass it, so it is the limit in every table: what it misses, the
hand, the physics and the rules of the benchmark make impossible or nearly so.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from envs.clutter.observation import Observation, Proposals
from envs.clutter.simulation import ClutterSimulation, try_grasp
from envs.objects import ObjectModel
from envs.scenes import Scene, SceneObject
from geometry import PANDA_HAND, FloatArray, InputError, invert, transform, transform_points

_INWARD_M = 1e-4
_SURFACE_POINTS = 1500
_MARGIN_M = 0.002
_DEPTHS_M = (0.002, 0.008, 0.018, 0.030)  # how far the tips reach beyond the contacts
_NOTHING = Proposals(np.empty((0, 4, 4)), np.empty(0), np.empty(0))


@dataclass(frozen=True, kw_only=True)
class OracleConfig:
    """How hard the oracle looks."""

    contact_pairs: int = 1500
    """Contact pairs sampled on each object."""
    approaches: int = 12
    """Approach directions tried about each pair's axis."""
    trials: int = 100
    """Grasps tried in the copy before it gives up."""
    max_cone_rad: float = 0.6
    """Largest angle between a contact's normal and the closing direction."""

    def __post_init__(self) -> None:
        if min(self.contact_pairs, self.approaches, self.trials) < 1 or not 0 < self.max_cone_rad < np.pi / 2:
            raise InputError("OracleConfig", expected="counts of at least 1 and a cone in (0, pi/2)", got=f"{self}")


class OraclePlanner:
    """Proposes one grasp that has just succeeded in a copy of the world, or nothing."""

    def __init__(self, config: OracleConfig | None = None) -> None:
        self.config = config or OracleConfig()
        self._simulation: ClutterSimulation | None = None

    def bind(self, simulation: ClutterSimulation) -> None:
        """Look into this simulation from now on."""
        self._simulation = simulation

    def __call__(self, observation: Observation) -> Proposals:
        """Plan a grasp; of the observation it uses only the randomness."""
        if self._simulation is None:
            raise InputError("OraclePlanner", expected="a simulation bound by `bind`", got="none")
        scene = self._simulation.scene
        if not scene.objects:
            return _NOTHING
        poses, widths_m, scores = self._candidates(scene, observation.rng)
        order = _interleave(scores)[: self.config.trials]
        best = self._first_success(self._simulation, poses[order])
        if best is None:
            return _NOTHING
        chosen = order[best : best + 1]
        return Proposals(poses[chosen], widths_m[chosen], scores[chosen, 1])

    def _candidates(self, scene: Scene, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Collision-free grasps on every object; scores hold (object's number, quality)."""
        items = list(scene.objects.values())
        surface = np.concatenate([_surface_world(item) for item in items])
        found = []
        for number, item in enumerate(items):
            poses, widths_m, quality = self._grasps_on(item, rng)
            clear = _first_clear(poses, quality, surface, scene.workspace.table_z_m, self.config.trials)
            found.append(
                (poses[clear], widths_m[clear], np.column_stack([np.full(len(clear), number), quality[clear]]))
            )
        return tuple(np.concatenate(column) for column in zip(*found, strict=True))  # type: ignore[return-value]

    def _grasps_on(self, item: SceneObject, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Antipodal grasps on one object by casting rays through its true mesh."""
        first, second, quality = _contact_pairs(item, self.config, rng)
        T_world_object = item.body.pose()
        first, second = transform_points(T_world_object, first), transform_points(T_world_object, second)
        n = self.config.approaches
        angles = rng.uniform(0, 2 * np.pi, (len(first), 1)) + np.arange(n) * (2 * np.pi / n)
        rotations = _rotations_about(second - first, angles).reshape(-1, 3, 3)
        from_above = rotations[:, 2, 2] < 0.2
        depth_m = rng.choice(_DEPTHS_M, len(rotations))
        tips = np.repeat(0.5 * (first + second), n, axis=0) + depth_m[:, None] * rotations[:, :, 2]
        widths_m = np.repeat(np.linalg.norm(second - first, axis=-1), n)
        quality = np.repeat(quality, n) - 0.2 * rotations[:, 2, 2]
        return transform(rotations, tips)[from_above], widths_m[from_above], quality[from_above]

    def _first_success(self, simulation: ClutterSimulation, poses: FloatArray) -> int | None:
        """Number of the first grasp that succeeds and pushes nothing off the table, else of one that succeeds."""
        if len(poses) == 0:
            return None
        copy = simulation.copy_scene()
        bullet, fallback = copy.world.bullet, None
        start = bullet.saveState()
        try:
            for index, pose in enumerate(poses):
                bullet.restoreState(start)
                if not try_grasp(copy, pose, simulation.dialect)[0].success:
                    continue
                copy.settle()
                if copy.all_inside():
                    return index
                fallback = index if fallback is None else fallback
            return fallback
        finally:
            copy.world.close()


def _contact_pairs(
    item: SceneObject, config: OracleConfig, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Pairs of surface points (N, 3) in the object's frame that face each other, and their quality (N,)."""
    caster, surface, normals = _true_surface(item.model, item.scale)
    chosen = rng.integers(len(surface), size=config.contact_pairs)
    start, normal = surface[chosen], normals[chosen]
    inward = -normal + 0.2 * rng.standard_normal(normal.shape)
    inward /= np.linalg.norm(inward, axis=-1, keepdims=True)
    rays = np.concatenate([start + _INWARD_M * inward, inward], axis=-1).astype(np.float32)
    hits = caster.cast_rays(o3d.core.Tensor.from_numpy(rays), nthreads=1)
    length_m = hits["t_hit"].numpy().astype(np.float64) + _INWARD_M
    exit_normal = hits["primitive_normals"].numpy().astype(np.float64)
    cosine = np.minimum(np.abs(np.sum(exit_normal * inward, axis=-1)), np.abs(np.sum(normal * inward, axis=-1)))
    good = np.isfinite(length_m) & (length_m > 0.008) & (length_m < PANDA_HAND.max_width_m - 0.006)
    good &= cosine > np.cos(config.max_cone_rad)
    return start[good], start[good] + length_m[good, None] * inward[good], cosine[good]


@lru_cache(maxsize=512)
def _true_surface(model: ObjectModel, scale: float) -> tuple[o3d.t.geometry.RaycastingScene, FloatArray, FloatArray]:
    """Ray caster, points and normals of an object's true mesh in its own frame."""
    mesh = model.mesh()
    vertices, faces = np.asarray(mesh.vertices) * scale, np.asarray(mesh.faces)
    caster = o3d.t.geometry.RaycastingScene(nthreads=1)
    caster.add_triangles(_tensor(vertices, np.float32), _tensor(faces, np.uint32))
    points, normals = _sample_surface(vertices, faces, np.random.default_rng(0))
    return caster, points, normals


def _sample_surface(
    vertices: FloatArray, faces: NDArray[np.int64], rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """(N, 3) points, uniform by area, and their outward normals."""
    corners = vertices[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(cross, axis=-1)
    chosen = rng.choice(len(faces), size=_SURFACE_POINTS, p=area / area.sum())
    u, v = rng.random((2, _SURFACE_POINTS, 1))
    u, v = np.where(u + v > 1.0, 1.0 - u, u), np.where(u + v > 1.0, 1.0 - v, v)
    a, b, c = corners[chosen].transpose(1, 0, 2)
    return a + u * (b - a) + v * (c - a), cross[chosen] / area[chosen, None]


def _surface_world(item: SceneObject) -> FloatArray:
    return transform_points(item.body.pose(), _true_surface(item.model, item.scale)[1])


def _rotations_about(closing: FloatArray, angles_rad: FloatArray) -> FloatArray:
    """(N, K, 3, 3) grasp rotations with +y along `closing` (N, 3) and the approach turned by each angle (N, K)."""
    y = closing / np.linalg.norm(closing, axis=-1, keepdims=True)
    helper = np.where(np.abs(y[:, 2:]) < 0.9, (0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
    e1 = np.cross(y, helper)
    e1 /= np.linalg.norm(e1, axis=-1, keepdims=True)
    e2 = np.cross(y, e1)
    z = np.cos(angles_rad)[..., None] * e1[:, None] + np.sin(angles_rad)[..., None] * e2[:, None]
    y = np.broadcast_to(y[:, None], z.shape)
    return np.stack([np.cross(y, z), y, z], axis=-1)


def _first_clear(
    poses: FloatArray, quality: FloatArray, surface_world: FloatArray, table_z_m: float, limit: int
) -> NDArray[np.int64]:
    """Up to `limit` grasps, best first, at which the open hand stands above the table and clear of every surface."""
    boxes = PANDA_HAND.boxes()
    lower, upper = boxes[:, 0] - _MARGIN_M, boxes[:, 1] + _MARGIN_M
    corners = np.array([[[b[i, 0], b[j, 1], b[k, 2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)] for b in boxes])
    above_table = transform_points(poses, corners.reshape(-1, 3))[..., 2].min(axis=-1) > table_z_m + _MARGIN_M
    chosen: list[int] = []
    for index in np.argsort(-quality, kind="stable"):
        if len(chosen) == limit:
            break
        if not above_table[index]:
            continue
        local = transform_points(invert(poses[index]), surface_world)
        local = local[np.all((local > lower.min(axis=0)) & (local < upper.max(axis=0)), axis=-1), None]
        if not np.any(np.all((local > lower) & (local < upper), axis=-1)):
            chosen.append(int(index))
    return np.array(chosen, dtype=np.int64)


def _tensor(array: FloatArray | NDArray[np.int64], dtype: type) -> o3d.core.Tensor:
    return o3d.core.Tensor.from_numpy(np.ascontiguousarray(array, dtype=dtype))


def _interleave(scores: FloatArray) -> NDArray[np.int64]:
    """Order by quality, but going round the objects, so that one hard object does not use up the trials."""
    best_first = np.lexsort((-scores[:, 1], scores[:, 0]))
    number = scores[best_first, 0]
    rank = np.arange(len(number)) - np.searchsorted(number, number)
    return best_first[np.lexsort((-scores[best_first, 1], rank))]
