"""Imagination on scenes whose hidden sides are known: one box on a table, seen from one side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from envs.cameras import RaycastCamera
from envs.world import World, pybullet
from geometry import FloatArray, InputError, PinholeCamera, look_at, transform
from perception.grasping import DepthView, Grasps, SceneView, read_scene
from policies.imagination import (
    DepthSpans,
    Imagination,
    PrivateRules,
    Sight,
    complete,
    cut_into_convex,
    imagine,
    split_objects,
    try_grasps,
)

TABLE_Z_M = 0.05
CAMERA = PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=320.0, cy=240.0)
WORKSPACE = np.array([[0.02, 0.02, TABLE_Z_M + 0.005], [0.28, 0.28, 0.3]])
EYE = look_at((0.15, -0.37, 0.40), (0.15, 0.15, 0.10))
HALF_M = np.array([0.04, 0.025, 0.03])
"""Half extents of the box: along x, away from the camera, and up."""
MIDDLE = np.array([0.15, 0.15, TABLE_Z_M + HALF_M[2]])


def view_of(*boxes: tuple[FloatArray, FloatArray]) -> DepthView:
    """What the camera sees of boxes, each by its half extents and its pose, without noise."""
    with World() as world:
        world.add_box((0.6, 0.6, 0.02), transform(translation=(0.15, 0.15, TABLE_Z_M - 0.02)))
        for half, pose in boxes:
            world.add_box(half, pose)
        depth = RaycastCamera(world, CAMERA).render(EYE).depth_m
    return DepthView(depth, CAMERA, EYE, WORKSPACE, TABLE_Z_M, np.random.default_rng(0))


def box_view(turn_rad: float = 0.0) -> DepthView:
    return view_of((HALF_M, transform(Rotation.from_rotvec((0.0, 0.0, turn_rad)), MIDDLE)))


def grasp(x: float, y: float, z: float, *, closing_rad: float) -> FloatArray:
    """A grasp from above in the table's frame, closing along that direction of the xy-plane."""
    c, s = np.cos(closing_rad), np.sin(closing_rad)
    rotation = np.array([[-s, c, 0.0], [c, s, 0.0], [0.0, 0.0, -1.0]])
    return transform(rotation, (x, y, z))


def extents(view: SceneView, imagination: Imagination) -> FloatArray:
    """(2, 3) bounds, in the table's frame, of the one body that is imagined."""
    _, bodies = imagine(view, imagination)
    assert len(bodies) == 1
    corners = np.concatenate(bodies[0].pieces) + bodies[0].center
    return np.stack([corners.min(axis=0), corners.max(axis=0)])


@pytest.mark.parametrize("completion", ["prism", "symmetric"])
@pytest.mark.parametrize("turn_rad", [0.0, 0.6])
def test_the_hidden_half_of_a_box_is_recovered(completion: str, turn_rad: float) -> None:
    bounds = extents(box_view(turn_rad), Imagination(completion=completion))  # type: ignore[arg-type]
    c, s = abs(np.cos(turn_rad)), abs(np.sin(turn_rad))
    half = np.array([c * HALF_M[0] + s * HALF_M[1], s * HALF_M[0] + c * HALF_M[1], HALF_M[2]])
    middle = MIDDLE - (0.0, 0.0, TABLE_Z_M)
    np.testing.assert_allclose(bounds, [middle - half, middle + half], atol=0.005)


def test_the_volume_of_a_box_is_recovered() -> None:
    _, (body,) = imagine(box_view(), Imagination(completion="prism"))
    volume = sum(ConvexHull(piece).volume for piece in body.pieces)
    assert volume == pytest.approx(8.0 * (HALF_M - 0.001).prod(), rel=0.12)  # Bullet adds 1 mm all around
    np.testing.assert_allclose(body.center, MIDDLE - (0.0, 0.0, TABLE_Z_M), atol=0.004)


def view_of_cylinder(radius_m: float, length_m: float) -> DepthView:
    """The depth of a cylinder that lies across the line of sight, its axis above y = 0.15; from the quadratic."""
    eye, rays = EYE[:3, 3], CAMERA.rays() @ EYE[:3, :3].T
    to_table = (TABLE_Z_M - eye[2]) / rays[..., 2]
    from_axis = eye[1:] - (0.15, TABLE_Z_M + radius_m)
    a = np.sum(rays[..., 1:] ** 2, axis=-1)
    b = rays[..., 1:] @ from_axis
    root = b**2 - a * (from_axis @ from_axis - radius_m**2)
    to_side = (-b - np.sqrt(np.maximum(root, 0.0))) / a
    x = eye[0] + to_side * rays[..., 0]
    depth = np.where((root > 0.0) & (np.abs(x - 0.15) < 0.5 * length_m), to_side, to_table)
    return DepthView(depth.astype(np.float32), CAMERA, EYE, WORKSPACE, TABLE_Z_M, np.random.default_rng(0))


def test_the_back_of_a_lying_cylinder_is_mirrored() -> None:
    radius_m = 0.03
    view = view_of_cylinder(radius_m, 0.1)
    assert read_scene(view).object_points[:, 1].max() < 0.15 + 0.8 * radius_m
    low, high = extents(view, Imagination(completion="symmetric"))
    np.testing.assert_allclose(high, [0.2, 0.15 + radius_m, 2.0 * radius_m], atol=0.005)
    np.testing.assert_allclose(low, [0.1, 0.15 - radius_m, 0.0], atol=0.005)


def test_what_a_network_says_of_the_back_is_believed() -> None:
    """Spans worked out by hand: each line of sight leaves the box 2 cm behind where it enters."""
    view = box_view()
    scene = read_scene(view)
    labels = split_objects(scene)
    exit_m = np.where(labels >= 0, scene.depth_m + 0.02, scene.depth_m)
    spans = DepthSpans(scene.depth_m, exit_m, labels >= 0, scene.camera, scene.T_table_camera)
    (completed,) = complete(scene, Sight.of(scene, labels), "predicted", spans)
    forward = scene.T_table_camera[:3, 2]
    along = completed.points @ forward
    seen = scene.points[labels >= 0] @ forward
    assert along.max() - seen.max() == pytest.approx(0.02, abs=0.004)


def test_touching_objects_are_told_apart() -> None:
    low = (np.array([0.03, 0.03, 0.02]), transform(translation=(0.15, 0.10, TABLE_Z_M + 0.02)))
    tall = (np.array([0.03, 0.03, 0.05]), transform(translation=(0.15, 0.16, TABLE_Z_M + 0.05)))
    scene = read_scene(view_of(low, tall))
    labels = split_objects(scene)
    assert labels.max() == 1
    y, z = scene.points[..., 1], scene.points[..., 2]
    top_of_low = labels[scene.is_object & (y < 0.115) & (z > 0.035)]
    top_of_tall = labels[scene.is_object & (z > 0.09)]
    assert len(set(top_of_low)) == len(set(top_of_tall)) == 1
    assert top_of_low[0] != top_of_tall[0]


def test_an_angle_is_cut_into_convex_pieces_that_leave_its_notch_empty() -> None:
    """An L of two boxes with a notch of 4 x 4 cm; its hull would fill half of the notch."""
    grid = np.stack(np.meshgrid(*[np.arange(0.0, 0.0601, 0.004)] * 2, np.arange(0.0, 0.0201, 0.004)), -1).reshape(-1, 3)

    def in_notch(points: FloatArray) -> np.ndarray:
        return np.all(points[:, :2] > 0.022, axis=1)

    pieces = cut_into_convex(grid[~np.all(grid[:, :2] > 0.0201, axis=1)], in_notch)
    assert 2 <= len(pieces) <= 4
    notch = np.array([0.035, 0.035, 0.01])
    assert all((ConvexHull(p).equations @ [*notch, 1.0]).max() > 0.0 for p in pieces)
    assert sum(ConvexHull(p).volume for p in pieces) == pytest.approx(0.06**2 * 0.02 - 0.04**2 * 0.02, rel=0.15)


def test_a_box_is_one_piece() -> None:
    _, (body,) = imagine(box_view(0.3), Imagination(completion="symmetric"))
    assert len(body.pieces) == 1


# --- the private world


GOOD = grasp(0.15, 0.15, 0.025, closing_rad=np.pi / 2)
"""Across the box, about its middle: 5 cm between the fingers."""
THROUGH_THE_BACK = grasp(0.15, 0.18, 0.025, closing_rad=np.pi / 2)
"""One finger comes down in the hidden back of the box."""


def test_the_private_world_holds_a_good_grasp_and_not_one_through_the_hidden_back() -> None:
    _, bodies = imagine(box_view(), Imagination())
    good, through, beside = try_grasps(
        bodies, [GOOD, THROUGH_THE_BACK, grasp(0.05, 0.05, 0.025, closing_rad=0.0)], PrivateRules()
    )
    assert good.success and good.width_m == pytest.approx(0.05, abs=0.006)
    assert not through.success
    assert beside.outcome == "empty"


def test_outcomes_depend_neither_on_the_order_nor_on_the_number_of_processes() -> None:
    _, bodies = imagine(box_view(0.4), Imagination())
    poses = [GOOD, THROUGH_THE_BACK, grasp(0.16, 0.14, 0.02, closing_rad=1.2), grasp(0.14, 0.15, 0.03, closing_rad=2.0)]
    forwards = try_grasps(bodies, poses, PrivateRules())
    assert try_grasps(bodies, poses[::-1], PrivateRules())[::-1] == forwards


@pytest.mark.slow
def test_processes_do_not_change_a_bit() -> None:
    _, bodies = imagine(box_view(0.4), Imagination())
    poses = [GOOD, THROUGH_THE_BACK, grasp(0.16, 0.14, 0.02, closing_rad=1.2)]
    assert try_grasps(bodies, poses, PrivateRules(), processes=2) == try_grasps(bodies, poses, PrivateRules())


def test_no_world_is_left_over() -> None:
    _, bodies = imagine(box_view(), Imagination())
    for _ in range(3):
        try_grasps(bodies, [GOOD], PrivateRules())
    with World() as world:
        again = world.bullet._id
    try_grasps(bodies, [GOOD], PrivateRules())
    with World() as world:
        assert world.bullet._id == again
    assert not pybullet.isConnected(physicsClientId=again)


# --- ranking


def proposals(view: SceneView) -> Grasps:
    """A planner that likes the grasp through the hidden back best."""
    poses = np.stack([THROUGH_THE_BACK, GOOD])
    poses[:, 2, 3] += TABLE_Z_M
    return Grasps(poses, np.array([0.08, 0.06]), np.array([0.80, 0.75]))


def test_the_grasp_that_held_is_put_first_with_the_odds_of_the_docstring() -> None:
    imagination = Imagination(weight=2.0, expected=0.75)
    ranked = imagination(proposals)(box_view())
    np.testing.assert_allclose(ranked.poses[0], proposals(box_view()).poses[1])

    def odds(p: float) -> float:
        return float(np.log(p / (1.0 - p)))

    assert odds(ranked.scores[0]) == pytest.approx(odds(0.75) + 2.0 * 0.25)
    assert odds(ranked.scores[1]) == pytest.approx(odds(0.80) - 2.0 * 0.75)


def test_no_more_is_tried_than_decides_who_comes_first() -> None:
    def good_first(view: SceneView) -> Grasps:
        return replace(proposals(view), poses=proposals(view).poses[::-1])

    ranked = Imagination(weight=2.0, expected=0.75)(good_first)(box_view())
    assert ranked.scores[0] > 0.80
    assert ranked.scores[1] == 0.75


def test_without_weight_nothing_changes_and_twice_the_same_is_the_same() -> None:
    view = box_view()
    plain = proposals(view)
    np.testing.assert_array_equal(Imagination(weight=0.0)(proposals)(view).scores, plain.scores)
    first, second = (Imagination(moves=1)(proposals)(box_view()) for _ in range(2))
    np.testing.assert_array_equal(first.scores, second.scores)
    np.testing.assert_array_equal(first.poses, second.poses)


def test_nothing_to_rank_is_nothing_to_imagine() -> None:
    empty = Grasps(note="nothing there")
    assert Imagination()(lambda view: empty)(box_view()) is empty


@pytest.mark.parametrize("bad", [{"candidates": 0}, {"expected": 1.5}, {"weight": -1.0}, {"processes": 0}])
def test_a_senseless_configuration_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InputError, match="Imagination"):
        replace(Imagination(), **bad)  # type: ignore[arg-type]
