"""Average precision by hand, for frames of few grasps."""

from __future__ import annotations

import numpy as np
import pytest

from envs.grasp_ap import FRICTIONS, average_precision, highest_precision, precision_at_k
from geometry import InputError

HARMONIC_50 = sum(1.0 / k for k in range(1, 51))


def test_no_grasp_is_zero() -> None:
    assert average_precision(precision_at_k([])) == 0.0


def test_one_perfect_grasp_is_one_kth_at_every_k() -> None:
    precision = precision_at_k([0.0])
    assert precision.shape == (50, 6)
    assert np.allclose(precision, 1.0 / np.arange(1, 51)[:, None])
    assert average_precision(precision) == pytest.approx(HARMONIC_50 / 50)


def test_fifty_perfect_grasps_are_one_and_later_ones_do_not_count() -> None:
    assert average_precision(precision_at_k([0.1] * 50)) == 1.0
    assert average_precision(precision_at_k([0.1] * 50 + [np.inf] * 20)) == 1.0
    assert average_precision(precision_at_k([np.inf] * 50 + [0.1] * 20)) == 0.0


def test_a_failure_before_a_grasp_that_needs_friction() -> None:
    """The second grasp holds at 0.6 and above: four of six columns, 1/k from k = 2."""
    precision = precision_at_k([np.inf, 0.55])
    assert average_precision(precision) == pytest.approx((HARMONIC_50 - 1.0) / 50 * 4 / 6)
    assert average_precision(precision, 0.4) == 0.0
    assert average_precision(precision, 0.8) == pytest.approx((HARMONIC_50 - 1.0) / 50)


def test_known_frictions_by_hand() -> None:
    """Precision@1..3 of grasps that need 0.3, 0.7 and 1.3 at the six coefficients."""
    precision = precision_at_k([0.3, 0.7, 1.3])
    assert precision[0].tolist() == [0, 1, 1, 1, 1, 1]
    assert precision[1].tolist() == [0, 0.5, 0.5, 1, 1, 1]
    assert precision[2] == pytest.approx(np.array([0, 1, 1, 2, 2, 2]) / 3)
    assert precision[49] == pytest.approx(np.array([0, 1, 1, 2, 2, 2]) / 50)


def test_a_grasp_that_needs_just_a_coefficient_holds_at_it() -> None:
    assert precision_at_k([np.tan(np.arctan(0.6))])[0].tolist() == [0, 0, 1, 1, 1, 1]


def test_the_highest_precision_of_few_objects() -> None:
    """Two objects give 20 grasps: 1 up to k = 20, then 20/k."""
    expected = (20 + sum(20 / k for k in range(21, 51))) / 50
    assert highest_precision(2).mean() == pytest.approx(expected)
    assert highest_precision(5).mean() == highest_precision(9).mean() == 1.0


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match="without NaN"):
        precision_at_k([np.nan])
    with pytest.raises(InputError, match="not empty"):
        average_precision(np.zeros((0, 50, 6)))
    with pytest.raises(InputError, match="friction in"):
        average_precision(precision_at_k([]), 0.5)
    assert FRICTIONS == (0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
