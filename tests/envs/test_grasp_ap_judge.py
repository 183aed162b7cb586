"""Which grasps count and how they fail, on two cubes of 4 cm on a table at z = 0, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from envs.grasp_ap import (
    ContactCaster,
    TrueObject,
    TrueScene,
    average_precision,
    count_points,
    judge_grasps,
    precision_at_k,
    surface_points,
    table_points,
)
from geometry import transform

CUBE = trimesh.creation.box((0.04, 0.04, 0.04))
DOWN = np.diag([1.0, -1.0, -1.0])
DEPTH = 0.02


def cubes(*centers_x: float, extra: np.ndarray | None = None) -> TrueScene:
    """Cubes on the table with their middles at (x, 0, 0.02)."""
    points, caster = surface_points(CUBE), ContactCaster(CUBE)
    obstacles = table_points((-0.3, -0.3), (0.4, 0.3), 0.0)
    return TrueScene(
        tuple(TrueObject(points, caster, transform(translation=(x, 0.0, 0.02))) for x in centers_x),
        obstacles if extra is None else np.concatenate([obstacles, extra]),
    )


def from_above(x: float = 0.0, z: float = 0.012, yaw_deg: float = 0.0, y: float = 0.0) -> np.ndarray:
    """A grasp straight down with its tips at (x, y, z)."""
    turn = Rotation.from_euler("z", yaw_deg, degrees=True).as_matrix()
    return transform(turn @ DOWN, (x, y, z))


def judge(scene: TrueScene, poses: list[np.ndarray], widths: float | list[float] = 0.06, scores=None):  # noqa: ANN001, ANN201
    count = len(poses)
    return judge_grasps(
        scene,
        np.array(poses).reshape(count, 4, 4),
        np.broadcast_to(np.asarray(widths, dtype=float), (count,)),
        -np.arange(count, dtype=float) if scores is None else np.asarray(scores, dtype=float),
        np.full(count, DEPTH),
    )


@pytest.mark.parametrize(("yaw_deg", "column"), [(0.0, 0), (15.0, 1), (25.0, 2), (33.0, 3)])
def test_a_cube_turned_in_the_hand_needs_the_tangent(yaw_deg: float, column: int) -> None:
    """tan 15 = 0.27, tan 25 = 0.47, tan 33 = 0.65: the first coefficients that suffice are 0.4, 0.6 and 0.8."""
    judged = judge(cubes(0.0), [from_above(yaw_deg=yaw_deg)], 0.1)
    assert judged.frictions[0] == pytest.approx(np.tan(np.radians(yaw_deg)), abs=1e-4)
    assert np.flatnonzero(precision_at_k(judged.frictions)[0])[0] == column


def test_the_fingers_may_not_stand_in_the_table() -> None:
    judged = judge(cubes(0.0), [from_above(z=0.001), from_above(z=-0.004)])
    assert judged.collided.tolist() == [False, True]
    assert np.isfinite(judged.frictions).tolist() == [True, False]


def test_the_fingers_may_not_stand_in_the_object_or_its_neighbour() -> None:
    too_narrow = judge(cubes(0.0), [from_above()], 0.03)
    assert too_narrow.collided[0] and np.isinf(too_narrow.frictions[0])
    turned = from_above(yaw_deg=90.0)
    assert not judge(cubes(0.0), [turned], 0.06).collided[0]
    assert judge(cubes(0.0, 0.07), [turned], 0.08).collided[0]


def test_the_palm_may_not_stand_in_the_object() -> None:
    """The palm's surface lies 4 cm behind the tips, so that tips deeper than the cube's bottom are too deep."""
    high = transform(translation=(0.0, 0.0, 0.1))
    lifted = TrueScene((TrueObject(surface_points(CUBE), ContactCaster(CUBE), high),), np.zeros((0, 3)))
    judged = judge(lifted, [from_above(z=0.082), from_above(z=0.075)])
    assert judged.collided.tolist() == [False, True]


def test_nothing_between_the_fingers_is_a_failure() -> None:
    judged = judge(cubes(0.0), [from_above(z=0.045)])
    assert judged.empty[0] and not judged.collided[0] and np.isinf(judged.frictions[0])


def test_ten_points_between_the_fingers_are_enough_and_nine_are_not() -> None:
    for count, empty in ((9, True), (10, False)):
        points = np.stack([np.zeros(count), np.linspace(-0.01, 0.01, count), np.full(count, 0.02)], axis=-1)
        item = TrueObject(points, ContactCaster(CUBE), np.eye(4))
        assert judge(TrueScene((item,), np.zeros((0, 3))), [from_above(z=0.015)]).empty[0] == empty


def test_widths_are_clipped_to_ten_centimetres() -> None:
    """Asked for 15 cm, the fingers stand 5 to 6 cm from the middle, and not 7.5 to 8.5 cm."""
    at_8cm = cubes(0.0, extra=np.array([[0.0, 0.08, 0.02]]))
    at_55mm = cubes(0.0, extra=np.array([[0.0, 0.055, 0.02]]))
    assert not judge(at_8cm, [from_above()], 0.15).collided[0]
    assert judge(at_55mm, [from_above()], 0.15).collided[0]
    assert np.isinf(judge(cubes(0.0), [from_above()], -0.2).frictions[0])


def test_ten_grasps_count_on_each_object() -> None:
    poses = [from_above() for _ in range(14)] + [from_above(x=0.2) for _ in range(3)]
    judged = judge(cubes(0.0, 0.2), poses)
    assert judged.objects.tolist() == [0] * 10 + [1] * 3
    assert judged.chosen.tolist() == [*range(10), 14, 15, 16]


def test_fifty_grasps_count_in_a_frame_best_first() -> None:
    spots = np.arange(7) * 0.1 - 0.3
    poses = [from_above(x=x) for x in spots for _ in range(10)]
    scores = np.random.default_rng(3).permutation(70)
    judged = judge(cubes(*spots), poses, scores=scores)
    assert scores[judged.chosen].tolist() == list(range(69, 19, -1))
    assert judged.objects.tolist() == (judged.chosen // 10).tolist()


def test_a_grasp_belongs_to_the_object_nearest_to_its_grasp_point() -> None:
    """The tips hold the left cube, but the grasp point lies 6 cm behind them, at the right one."""
    sideways = transform(np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]), (0.0, 0.0, 0.02))
    scene = cubes(0.0, 0.065)
    near = judge_grasps(scene, sideways[None], np.array([0.06]), np.ones(1), np.array([0.02]))
    far = judge_grasps(scene, sideways[None], np.array([0.06]), np.ones(1), np.array([0.06]))
    assert (near.objects[0], far.objects[0]) == (0, 1)


def test_average_precision_of_three_grasps_on_a_cube() -> None:
    """A straight one, one in the table, one turned by 25 degrees (0.47): precision 1, 1/2, 2/3 or 1/3, then by k."""
    judged = judge(cubes(0.0), [from_above(), from_above(z=-0.01), from_above(yaw_deg=25.0)], 0.1)
    strict = 1.0 + sum(1.0 / k for k in range(2, 51))
    loose = 1.0 + 0.5 + sum(2.0 / k for k in range(3, 51))
    assert average_precision(precision_at_k(judged.frictions)) == pytest.approx((2 * strict + 4 * loose) / 6 / 50)


def test_an_empty_frame_or_scene() -> None:
    judged = judge(cubes(0.0), [])
    assert len(judged.chosen) == 0 and average_precision(precision_at_k(judged.frictions)) == 0.0
    assert len(judge(cubes(), [from_above()]).chosen) == 0


def test_points_are_counted_in_the_stated_boxes() -> None:
    """Opening 6 cm, depth 2 cm: fingers 30 to 40 mm from the middle, palm 40 to 50 mm behind the tips."""
    inside = [(0.009, 0.029, -0.001), (0.0, -0.029, -0.039)]
    touching = [(0.0, 0.031, -0.001), (-0.009, -0.039, -0.039), (0.0, 0.0, -0.041), (0.0, 0.039, -0.049)]
    outside = [(0.011, 0.0, -0.01), (0.0, 0.0, 0.001), (0.0, 0.041, -0.01), (0.0, 0.0, -0.051), (0.0, -0.041, -0.045)]
    pose = transform(Rotation.from_euler("xyz", (0.3, -1.1, 2.0)), (0.4, -0.2, 0.7))
    points = np.array(inside + touching + outside) @ pose[:3, :3].T + pose[:3, 3]
    counts = count_points(pose[None], np.array([0.06]), np.array([0.02]), cKDTree(points))
    assert (counts.inside[0], counts.touching[0]) == (2, 4)


def test_surface_points_lie_on_the_surface_and_apart() -> None:
    sphere = trimesh.creation.icosphere(subdivisions=4, radius=0.04)
    points = surface_points(sphere)
    assert np.linalg.norm(points, axis=1) == pytest.approx(0.04, abs=1e-3)
    expected = sphere.area / 0.008**2
    assert expected < len(points) < 2.5 * expected


def test_the_table_is_a_slab_with_no_gap_for_a_finger() -> None:
    points = table_points((0.0, 0.0), (0.3, 0.3), 0.05)
    assert points[:, 2].max() == 0.05 and points[:, 2].min() == pytest.approx(0.0)
    steps = np.diff(np.unique(points[:, 0]))
    assert steps.max() <= 0.008 + 1e-9
