"""Error, jitter and lag of motions, against numbers worked out by hand."""

import numpy as np
import pytest

from geometry import InputError
from perception.pose.kinematics import jerk_rms, lag_s, rmse


def test_rmse_is_of_distances_and_leaves_out_what_is_unseen():
    truth = np.zeros((3, 2, 3))
    estimate = truth.copy()
    estimate[0, 0] = (3.0, 4.0, 0.0)
    estimate[2] = np.nan
    assert rmse(estimate, truth) == pytest.approx(np.sqrt(25.0 / 4.0))


def test_jerk_of_a_cubic_is_its_third_derivative_at_uneven_times():
    time_s = np.array([0.0, 0.1, 0.15, 0.4, 0.5, 0.9])
    signal = np.stack([2.0 * time_s**3 - time_s, 5.0 * time_s**2], axis=-1)
    assert jerk_rms(signal, time_s) == pytest.approx(12.0)


def test_jerk_of_white_noise_is_that_of_its_third_difference():
    """Var of the third difference of white noise: (1 + 9 + 9 + 1) sigma^2."""
    rate_hz, noise = 30.0, np.random.default_rng(0).normal(scale=0.01, size=(20000, 1))
    assert jerk_rms(noise, np.arange(20000) / rate_hz) == pytest.approx(np.sqrt(20.0) * 0.01 * rate_hz**3, rel=0.03)


@pytest.mark.parametrize("late_s", [-0.11, 0.0, 0.05, 0.137])
def test_lag_of_a_delayed_motion_is_the_delay_even_with_drift_gaps_and_noise(late_s):
    rng = np.random.default_rng(1)
    time_s = np.arange(0.0, 20.0, 1.0 / 30.0)

    def motion(t):
        return np.stack([1.3 * t + 0.3 * np.sin(2.1 * t), 0.2 * np.sin(3.7 * t + 1.0), 0.1 * np.cos(5.0 * t)], axis=-1)

    estimate = motion(time_s - late_s) + rng.normal(scale=0.001, size=(len(time_s), 3))
    estimate[100:110] = np.nan
    assert lag_s(estimate, motion(time_s), rate_hz=30.0) == pytest.approx(late_s, abs=0.01)


def test_what_cannot_be_judged_is_said():
    still = np.zeros((10, 3))
    with pytest.raises(InputError, match="move"):
        lag_s(still, still, rate_hz=30.0)
    with pytest.raises(InputError, match="seen in both"):
        rmse(np.full((10, 3), np.nan), still)
    with pytest.raises(InputError, match="one shape"):
        rmse(np.zeros((9, 3)), still)
    with pytest.raises(InputError, match="growing"):
        jerk_rms(still, np.zeros(10))
    with pytest.raises(InputError, match="four frames"):
        jerk_rms(still[:3], np.arange(3.0))
