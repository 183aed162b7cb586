"""Swing and twist, limits and rigid fits, against SciPy and numbers worked out by hand."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from geometry import rotation_angle
from perception.pose.kinematics.joint_limits import cone_of, into_cone, into_hinge
from perception.pose.kinematics.rigid_fit import fit_pose, fit_rotation
from perception.pose.kinematics.swing_twist import compose, cross_matrix, swing_between, turn_about, twist_of, unit

RNG = np.random.default_rng(0)
DIRECTIONS = unit(RNG.normal(size=(200, 3)))
RESTS = unit(RNG.normal(size=(200, 3)))


def test_swing_is_the_shortest_rotation_between_two_directions():
    swing = swing_between(RESTS, DIRECTIONS)
    np.testing.assert_allclose((swing @ RESTS[..., None])[..., 0], DIRECTIONS, atol=1e-12)
    between = np.arccos((RESTS * DIRECTIONS).sum(axis=-1))
    np.testing.assert_allclose(Rotation.from_matrix(swing).magnitude(), between, atol=1e-7)


@pytest.mark.parametrize("rest", [(0.0, 0.0, 1.0), (0.0, 0.0, -1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.6, 0.0, 0.8)])
def test_swing_to_the_opposite_is_a_half_turn_and_near_it_still_a_rotation(rest):
    rest = np.array(rest)
    swing = swing_between(rest[None], -rest[None])[0]
    np.testing.assert_allclose(swing @ rest, -rest, atol=1e-9)
    np.testing.assert_allclose(swing @ swing.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(swing) == pytest.approx(1.0)
    for tiny in (1e-3, 1e-5):
        near = unit(-rest + tiny * np.array([0.3, -0.5, 0.2]))
        swing = swing_between(rest[None], near[None])[0]
        np.testing.assert_allclose(swing @ swing.T, np.eye(3), atol=1e-5)
        np.testing.assert_allclose(swing @ rest, near, atol=1e-5)


def test_rotation_about_an_axis_is_scipys():
    angle = RNG.uniform(-4.0, 4.0, 200)
    expected = Rotation.from_rotvec(angle[:, None] * RESTS).as_matrix()
    np.testing.assert_allclose(turn_about(cross_matrix(RESTS), angle), expected, atol=1e-12)


def test_twist_is_that_of_the_quaternion_and_composes_back():
    rotations = Rotation.random(200, rng=RNG)
    twist = twist_of(rotations.as_matrix(), RESTS)
    quat = rotations.as_quat()
    expected = 2.0 * np.arctan2((quat[:, :3] * RESTS).sum(axis=-1), quat[:, 3])
    np.testing.assert_allclose(np.exp(1j * twist), np.exp(1j * expected), atol=1e-9)
    again = compose(RESTS, rotations.apply(RESTS), twist)
    assert rotation_angle(again, rotations.as_matrix()).max() < 1e-6


def test_rigid_fit_finds_the_turn_and_says_when_it_cannot():
    template = RNG.normal(size=(4, 3))
    turns, shifts = Rotation.random(50, rng=RNG), RNG.normal(size=(50, 3))
    points = np.einsum("tij,nj->tni", turns.as_matrix(), template) + shifts[:, None]
    points[0, 1] = np.nan  # three points are left
    points[1, :2] = np.nan  # two: a line
    points[2] = np.nan
    R, t, known = fit_pose(template, points)
    assert known.tolist() == [True, False, False] + [True] * 47
    assert rotation_angle(R, turns.as_matrix())[known].max() < 1e-6
    np.testing.assert_allclose(t[known], shifts[known], atol=1e-9)
    line = np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])
    assert not fit_rotation(line, turns.apply(line[0])[:, None] * [[1.0], [-1.0]])[1].any()


def test_rigid_fit_never_mirrors():
    """Points mirrored through a plane are met by the best turn, not by a reflection."""
    template = RNG.normal(size=(6, 3))
    R, _ = fit_rotation(template, (template * [1.0, 1.0, -1.0])[None])
    assert np.linalg.det(R[0]) == pytest.approx(1.0)


def test_rigid_fit_is_the_least_squares_one():
    """No small turn away from it comes nearer."""
    template = RNG.normal(size=(5, 3))
    vectors = (Rotation.random(rng=RNG).apply(template) + RNG.normal(scale=0.3, size=(5, 3)))[None]
    R = fit_rotation(template, vectors)[0][0]
    best = ((template @ R.T - vectors[0]) ** 2).sum()
    for small in RNG.normal(scale=0.01, size=(50, 3)):
        assert ((template @ (Rotation.from_rotvec(small).as_matrix() @ R).T - vectors[0]) ** 2).sum() > best


def test_cones_turn_the_outside_to_the_edge_by_the_shortest_way():
    middle, half = np.array([0.0, 0.0, 1.0]), np.radians(30.0)
    angles = np.radians([0.0, 29.0, 31.0, 90.0, 180.0])
    directions = np.stack([np.sin(angles), np.zeros(5), np.cos(angles)], axis=-1)
    got = into_cone(directions, middle, np.array(half))
    kept = np.radians([0.0, 29.0, 30.0, 30.0])
    np.testing.assert_allclose(got[:4], np.stack([np.sin(kept), np.zeros(4), np.cos(kept)], axis=-1), atol=1e-12)
    assert np.arccos(got[4, 2]) == pytest.approx(half)


def test_hinges_keep_bend_and_tilt_in_range():
    axes = np.array([[0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])

    def bone(bend, tilt):
        b, t = np.radians((bend, tilt))
        return np.array([np.cos(t) * np.cos(b), np.cos(t) * np.sin(b), np.sin(t)]) @ axes

    limits = [np.radians(angle) for angle in (-10.0, 150.0, 20.0)]
    for given, wanted in (
        ((60, 10), (60, 10)), ((-40, 0), (-10, 0)), ((170, 0), (150, 0)), ((-175, 0), (150, 0)), ((30, 50), (30, 20)),
        ((-90, -50), (-10, -20)),
    ):  # fmt: skip
        np.testing.assert_allclose(into_hinge(bone(*given), axes, *limits), bone(*wanted), atol=1e-12)


def test_right_cones_mirror_left_ones():
    left, right = cone_of("left_shoulder"), cone_of("right_shoulder")
    np.testing.assert_allclose(left[0] * [1.0, -1.0, 1.0], right[0])
    assert left[1:] == right[1:]
