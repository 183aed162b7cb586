"""Solids and hulls against formulas, and against Open3D's own inside test."""

from __future__ import annotations

import numpy as np
import open3d as o3d
import pytest
import trimesh

from envs.objects.hull import convex_hull
from envs.objects.solids import SECTIONS, Solid, box, extrusion, mug, revolution, superquadric

POLYGON_AREA = 0.5 * SECTIONS * np.sin(2 * np.pi / SECTIONS)
"""Area of the regular polygon that stands for a circle of radius 1."""

MUG = mug(radius_m=0.036, height_m=0.085, wall_m=0.004, foot=0.8, handle_m=0.024)
BOTTLE = revolution(
    [
        np.array([[0.028, 0.0], [0.03, 0.002], [0.03, 0.1], [0.025, 0.115], [0.012, 0.12]]),
        np.array([[0.01, 0.12], [0.01, 0.135]]),
        np.array([[0.013, 0.135], [0.013, 0.15]]),
    ]
)
L_SHAPE = extrusion(
    [[0.02, 0.015], [0.02, 0.08], [0, 0.08], [0, 0], [0.06, 0], [0.06, 0.015]],
    0.03,
    [[[0, 0], [0.06, 0.015]], [[0, 0.015], [0.02, 0.08]]],
)
SOLIDS = {
    "box": box([0.03, 0.04, 0.05]),
    "cylinder": revolution([np.array([[0.03, -0.05], [0.03, 0.05]])]),
    "superquadric": superquadric([0.03, 0.025, 0.04], 0.3, 0.6),
    "bottle": BOTTLE,
    "mug": MUG,
    "l_shape": L_SHAPE,
}


def inside_surface(mesh: trimesh.Trimesh, points: np.ndarray) -> np.ndarray:
    """Open3D's answer, by rays; unlike the parts it never hears of convexity."""
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(mesh.vertices.astype(np.float32), mesh.faces.astype(np.uint32))
    return scene.compute_occupancy(points.astype(np.float32), nsamples=5).numpy() > 0.5


def distance_to_surface(mesh: trimesh.Trimesh, points: np.ndarray) -> np.ndarray:
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(mesh.vertices.astype(np.float32), mesh.faces.astype(np.uint32))
    return scene.compute_distance(points.astype(np.float32)).numpy()


def inside_parts(parts: list[trimesh.Trimesh], points: np.ndarray) -> np.ndarray:
    """Whether each point is behind every face of some part."""
    depth = [((points[:, None] - p.triangles_center) * p.face_normals).sum(-1).max(axis=1) for p in parts]
    return np.min(depth, axis=0) <= 1e-9


@pytest.mark.parametrize("name", SOLIDS)
def test_parts_fill_exactly_what_is_seen(name: str) -> None:
    solid: Solid = SOLIDS[name]
    rng = np.random.default_rng(3)
    low, high = solid.visual.bounds
    points = rng.uniform(low - 0.003, high + 0.003, size=(20_000, 3))
    pieces = solid.visual.split(only_watertight=False) if name == "mug" else [solid.visual]
    seen = np.any([inside_surface(piece, points) for piece in pieces], axis=0)
    clear = distance_to_surface(solid.visual, points) > 1e-4
    assert seen.sum() > 500 and (~seen).sum() > 500
    np.testing.assert_array_equal(inside_parts(solid.parts, points)[clear], seen[clear])


@pytest.mark.parametrize("name", SOLIDS)
def test_surfaces_are_closed_and_turned_outward(name: str) -> None:
    for mesh in (SOLIDS[name].visual, *SOLIDS[name].parts):
        assert mesh.is_watertight and mesh.is_winding_consistent and mesh.volume > 0.0


def test_volumes_follow_the_formulas() -> None:
    assert SOLIDS["box"].visual.volume == pytest.approx(0.03 * 0.04 * 0.05)
    assert SOLIDS["cylinder"].visual.volume == pytest.approx(POLYGON_AREA * 0.03**2 * 0.1)
    assert L_SHAPE.visual.volume == pytest.approx((0.06 * 0.015 + 0.02 * 0.065) * 0.03)
    ball = superquadric([0.04, 0.04, 0.04], 1.0, 1.0).visual
    assert ball.volume == pytest.approx(4 / 3 * np.pi * 0.04**3, rel=0.04)
    cushion = superquadric([0.04, 0.04, 0.04], 0.2, 0.2).visual
    assert 0.85 < cushion.volume / 0.08**3 < 1.0


def test_mug_can_be_filled_and_its_handle_held() -> None:
    axis = np.stack([np.zeros(50), np.zeros(50), np.linspace(0.0045, 0.1, 50)], axis=-1)
    assert not inside_parts(MUG.parts, axis).any()
    hollow = np.array([[0.036 * 0.85 - 0.0045, 0.0, 0.05], [0.0, 0.0, 0.005]])
    assert not inside_parts(MUG.parts, hollow).any()
    gap, handle, wall, bottom = [0.043, 0, 0.0442], [0.0545, 0, 0.0442], [0.0, 0.0315, 0.05], [0, 0, 0.002]
    assert inside_parts(MUG.parts, np.array([gap, handle, wall, bottom])).tolist() == [False, True, True, True]


@pytest.mark.parametrize("foot", [0.75, 1.0])
@pytest.mark.parametrize("wall_m", [0.0036, 0.005])
def test_handle_never_pierces_the_wall(foot: float, wall_m: float) -> None:
    solid = mug(radius_m=0.032, height_m=0.08, wall_m=wall_m, foot=foot, handle_m=0.02)
    handle = solid.parts[1 + SECTIONS :]
    height = np.concatenate([part.vertices[:, 2] for part in handle])
    radius = np.concatenate([np.hypot(part.vertices[:, 0], part.vertices[:, 1]) for part in handle])
    outer = 0.032 * (foot + (1 - foot) * height / 0.08)
    assert (radius > outer - wall_m).all()
    for end in (handle[0].vertices, handle[-1].vertices):
        ring = end[np.argsort(end[:, 0])[:8]]
        outer_there = 0.032 * (foot + (1 - foot) * ring[:, 2] / 0.08)
        assert (np.hypot(ring[:, 0], ring[:, 1]) < outer_there * np.cos(np.pi / SECTIONS)).all()


def test_hull_of_a_cube_and_of_a_flat_square() -> None:
    cube = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1]), -1).reshape(-1, 3)
    hull = convex_hull(np.vstack([cube, [[0.5, 0.5, 0.5]]]))
    assert hull.volume == pytest.approx(1.0) and len(hull.vertices) == 8
    flat = convex_hull([[0, 0, 0], [0.1, 0, 0], [0.1, 0.1, 0], [0, 0.1, 0]])
    assert flat.extents == pytest.approx([0.1001, 0.1001, 0.0001])
