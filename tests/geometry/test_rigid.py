"""Rigid transforms against the group laws, SciPy's rotations and numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from geometry import (
    FloatArray,
    InputError,
    from_pos_quat,
    invert,
    look_at,
    rotation_angle,
    rotation_from_quat,
    to_pos_quat,
    transform,
    transform_points,
)


def random_transforms(count: int, seed: int = 0) -> FloatArray:
    rng = np.random.default_rng(seed)
    T = np.tile(np.eye(4), (count, 1, 1))
    T[:, :3, :3] = Rotation.random(count, random_state=rng).as_matrix()
    T[:, :3, 3] = rng.normal(size=(count, 3))
    return T


def test_group_laws() -> None:
    A, B, C = random_transforms(50, 1), random_transforms(50, 2), random_transforms(50, 3)
    identity = np.eye(4)
    np.testing.assert_allclose((A @ B) @ C, A @ (B @ C), atol=1e-12)
    np.testing.assert_allclose(A @ invert(A), np.broadcast_to(identity, A.shape), atol=1e-12)
    np.testing.assert_allclose(invert(A @ B), invert(B) @ invert(A), atol=1e-12)
    np.testing.assert_array_equal(transform(), identity)


def test_invert_is_the_matrix_inverse() -> None:
    T = random_transforms(20)
    np.testing.assert_allclose(invert(T), np.linalg.inv(T), atol=1e-12)


def test_a_quarter_turn_by_hand() -> None:
    T_world_tool = from_pos_quat((1.0, 2.0, 3.0), (0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5)))  # 90 degrees about z, xyzw
    expected = [[0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]]
    np.testing.assert_allclose(T_world_tool, expected, atol=1e-15)
    np.testing.assert_allclose(transform_points(T_world_tool, [[1.0, 0.0, 0.0]]), [[1.0, 3.0, 3.0]], atol=1e-15)
    np.testing.assert_allclose(transform_points(invert(T_world_tool), [[1.0, 3.0, 3.0]]), [[1.0, 0.0, 0.0]], atol=1e-15)


def test_transform_takes_matrix_rotation_or_nothing() -> None:
    turn = Rotation.from_euler("xyz", [0.1, -0.2, 0.3])
    np.testing.assert_array_equal(transform(turn, (1, 2, 3)), transform(turn.as_matrix(), (1, 2, 3)))
    np.testing.assert_array_equal(transform(translation=(1, 2, 3))[:3, :3], np.eye(3))


def test_leading_axes_broadcast() -> None:
    assert transform(np.eye(3), np.zeros((5, 2, 3))).shape == (5, 2, 4, 4)
    assert transform(np.tile(np.eye(3), (7, 1, 1)), (0.0, 0.0, 1.0)).shape == (7, 4, 4)
    assert transform(np.tile(np.eye(3), (0, 1, 1))).shape == (0, 4, 4)
    assert invert(np.tile(np.eye(4), (2, 3, 1, 1))).shape == (2, 3, 4, 4)


def test_points_of_a_batch_go_each_with_its_transform() -> None:
    T = random_transforms(6).reshape(2, 3, 4, 4)
    points = np.random.default_rng(4).normal(size=(2, 3, 10, 3))
    mapped = transform_points(T, points)
    for i, j in np.ndindex(2, 3):
        homogeneous = np.concatenate([points[i, j], np.ones((10, 1))], axis=1)
        np.testing.assert_allclose(mapped[i, j], (T[i, j] @ homogeneous.T).T[:, :3], atol=1e-12)


def test_one_transform_maps_many_clouds() -> None:
    T = random_transforms(1)[0]
    assert transform_points(T, np.zeros((4, 5, 3))).shape == (4, 5, 3)


def test_quaternions_agree_with_scipy_and_come_back() -> None:
    quat = Rotation.random(40, random_state=np.random.default_rng(5)).as_quat()
    np.testing.assert_allclose(rotation_from_quat(quat), Rotation.from_quat(quat).as_matrix(), atol=1e-12)
    position = np.random.default_rng(6).normal(size=(40, 3))
    position_back, quat_back = to_pos_quat(from_pos_quat(position, quat))
    np.testing.assert_allclose(position_back, position, atol=1e-12)
    np.testing.assert_allclose(np.abs(np.sum(quat_back * quat, axis=-1)), 1.0, atol=1e-12)  # q and -q are one rotation


def test_rotation_angle_is_scipys_magnitude() -> None:
    a = Rotation.random(100, random_state=np.random.default_rng(7))
    b = Rotation.random(100, random_state=np.random.default_rng(8))
    np.testing.assert_allclose(rotation_angle(a.as_matrix(), b.as_matrix()), (a.inv() * b).magnitude(), atol=1e-7)


@pytest.mark.parametrize("angle_rad", [0.0, 1e-3, 0.5, np.pi / 2, np.pi])
def test_rotation_angle_of_a_turn_about_x(angle_rad: float) -> None:
    turned = Rotation.from_euler("x", angle_rad).as_matrix()
    assert rotation_angle(np.eye(3), turned) == pytest.approx(angle_rad, abs=1e-7)


def test_look_at_straight_ahead_by_hand() -> None:
    T_world_camera = look_at((0.0, -1.0, 0.5), (0.0, 0.0, 0.5))
    expected = [[1, 0, 0, 0], [0, 0, 1, -1], [0, -1, 0, 0.5], [0, 0, 0, 1]]  # right +x, down -z, forward +y
    np.testing.assert_allclose(T_world_camera, expected, atol=1e-15)


def test_look_at_has_its_target_on_the_axis_and_up_upwards() -> None:
    eye, target = np.array([0.7, -0.4, 0.9]), np.array([0.1, 0.2, 0.05])
    T_camera_world = np.linalg.inv(look_at(eye, target))
    np.testing.assert_allclose(T_camera_world @ [*target, 1], [0, 0, np.linalg.norm(target - eye), 1], atol=1e-12)
    above = T_camera_world @ [*target + (0, 0, 0.1), 1]
    assert above[1] < 0.0  # y points down in the image
    assert above[0] == pytest.approx(0.0, abs=1e-12)
    R = np.linalg.inv(T_camera_world)[:3, :3]
    assert np.linalg.det(R) == pytest.approx(1.0)


@pytest.mark.parametrize(("eye", "target"), [((0, 0, 1), (0, 0, 0)), ((1, 2, 3), (1, 2, 3))])
def test_look_at_refuses_what_has_no_answer(eye: tuple[float, ...], target: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match=r"look_at: expected target apart .* got eye .*; pass another `up`"):
        look_at(eye, target)


def test_look_at_straight_down_with_another_up() -> None:
    T = look_at((0, 0, 1), (0, 0, 0), up=(0, 1, 0))
    np.testing.assert_allclose(T[:3, :3], np.diag([1.0, -1.0, -1.0]), atol=1e-15)


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(InputError, match=r"transform: expected rotation \(\.\.\., 3, 3\)"):
        transform(np.eye(4))
    with pytest.raises(InputError, match=r"got \(3, 3\) and \(2,\)"):
        transform(np.eye(3), (0.0, 0.0))
    with pytest.raises(InputError, match=r"rotation_from_quat: expected quat_xyzw \(\.\.\., 4\), got \(3,\)"):
        rotation_from_quat((0.0, 0.0, 1.0))


def test_inputs_are_not_changed() -> None:
    T = random_transforms(3)
    before = T.copy()
    position, quat = to_pos_quat(T)
    position += 1.0
    invert(T)
    transform_points(T, np.ones((3, 2, 3)))
    from_pos_quat(position, quat)
    np.testing.assert_array_equal(T, before)
