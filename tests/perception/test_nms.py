import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from geometry import InputError, transform
from perception.grasping import Grasps, suppress_duplicates


def grasps_at(angles_deg, positions, scores, axis="z"):
    rotation = Rotation.from_euler(axis, np.asarray(angles_deg, float).reshape(-1, 1), degrees=True)
    return Grasps(transform(rotation, positions), np.full(len(scores), 0.04), scores)


def test_twin_turned_by_180_degrees_is_suppressed():
    kept = suppress_duplicates(grasps_at([0, 180], np.zeros((2, 3)), [0.5, 0.9]))
    assert kept.scores.tolist() == [0.9]


def test_twin_with_a_tilt_is_measured_from_the_twin():
    scores, origin = [0.9, 0.5], np.zeros((2, 3))
    assert len(suppress_duplicates(grasps_at([0, 200], origin, scores))) == 1  # 20 degrees from the twin
    assert len(suppress_duplicates(grasps_at([0, 220], origin, scores))) == 2  # 40 degrees


def test_half_turn_about_another_axis_is_another_grasp():
    assert len(suppress_duplicates(grasps_at([0, 180], np.zeros((2, 3)), [0.9, 0.5], axis="x"))) == 2


def test_both_bounds_must_be_met_and_are_strict():
    near, far = [[0, 0, 0], [0.029, 0, 0]], [[0, 0, 0], [0.03, 0, 0]]
    assert len(suppress_duplicates(grasps_at([0, 10], near, [0.9, 0.5]))) == 1
    assert len(suppress_duplicates(grasps_at([0, 10], far, [0.9, 0.5]))) == 2
    assert len(suppress_duplicates(grasps_at([0, 40], near, [0.9, 0.5]))) == 2


def test_only_kept_grasps_suppress():
    # b falls to a; c is near b only, so that it stays.
    kept = suppress_duplicates(grasps_at([0, 0, 0], [[0, 0, 0], [0.02, 0, 0], [0.04, 0, 0]], [0.9, 0.8, 0.7]))
    assert kept.scores.tolist() == [0.9, 0.7]


def test_empty_and_bad_bounds():
    assert len(suppress_duplicates(Grasps())) == 0
    with pytest.raises(InputError, match="above 0"):
        suppress_duplicates(Grasps(), distance_m=0.0)
