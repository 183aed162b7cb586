"""Smoothing of recorded motion with noise: error, jitter and lag, which belong together."""

from __future__ import annotations

import numpy as np
import pytest

from envs.humanoid import read_clip
from perception.pose import SKELETONS, PersonTrack
from perception.pose.kinematics.motion_metrics import jerk_rms, lag_s, rmse
from perception.pose.smoothing import OneEuroSettings, RtsSettings, smooth_track

RATE_HZ = 30.0


def recorded(clip: str, noise_m: float) -> tuple[np.ndarray, PersonTrack]:
    """The truth (T, 18, 3), and the same as a sensor with Gaussian noise saw it."""
    times = np.arange(120) / RATE_HZ
    truth = read_clip(clip).looped(times).keypoints_m()
    noisy = truth + np.random.default_rng(0).normal(0.0, noise_m, truth.shape)
    body = SKELETONS["body18"]
    return truth, PersonTrack(skeleton=body, time_s=times, keypoints=noisy, scores=np.ones(truth.shape[:2]))


@pytest.mark.parametrize("clip", ["walk", "spin"])
def test_looking_both_ways_takes_off_a_third_of_the_error_without_lag(clip: str) -> None:
    truth, seen = recorded(clip, 0.02)
    smooth = smooth_track(seen, RtsSettings(noise=0.02 / 1.7))
    assert rmse(smooth.keypoints, truth) < 0.67 * rmse(seen.keypoints, truth)
    assert jerk_rms(smooth.keypoints, seen.time_s) < 0.15 * jerk_rms(seen.keypoints, seen.time_s)
    assert abs(lag_s(smooth.keypoints, truth, rate_hz=RATE_HZ)) < 0.002


def test_looking_back_only_pays_for_less_jitter_with_some_lag() -> None:
    truth, seen = recorded("walk", 0.02)
    smooth = smooth_track(seen, OneEuroSettings())
    assert rmse(smooth.keypoints, truth) < 0.9 * rmse(seen.keypoints, truth)
    assert jerk_rms(smooth.keypoints, seen.time_s) < 0.75 * jerk_rms(seen.keypoints, seen.time_s)
    assert 0.0 < lag_s(smooth.keypoints, truth, rate_hz=RATE_HZ) < 0.02
