"""Measured demonstrations: the mean error that was asked for, gaps that say so, and the stated errors of things."""

from __future__ import annotations

import numpy as np
import pytest

from envs.demonstrator import Demonstration, MeasuringErrors, demonstrate_scene, exact, noisy
from envs.workbench import TASKS
from geometry import InputError


@pytest.fixture(scope="module")
def shown() -> Demonstration:
    rng = np.random.default_rng(1_000_011)
    return demonstrate_scene(TASKS["hand_over"].draw(rng), rng)


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(1_000_000 + seed)


@pytest.mark.parametrize("noise_m", [0.005, 0.01, 0.02])
def test_the_mean_error_is_the_one_asked_for(shown: Demonstration, noise_m: float) -> None:
    means = []
    for seed in range(60):
        recording = noisy(shown, noise_m, rng_of(seed))
        errors = np.linalg.norm(recording.persons[0].hand_m - shown.hand_m, axis=-1)
        means.append(np.nanmean(errors))
    assert np.mean(means) == pytest.approx(noise_m, rel=0.01)
    assert np.std(means) < 0.05 * noise_m


def test_half_of_the_squared_error_is_one_offset_that_all_points_share(shown: Demonstration) -> None:
    offsets, jitters = [], []
    for seed in range(60):
        error = noisy(shown, 0.01, rng_of(seed)).persons[0].body_m - shown.body_m
        mean = np.nanmean(error, axis=(0, 1))
        offsets.append(mean @ mean)
        jitters.append(np.nanmean(np.sum((error - mean) ** 2, axis=-1)))
    assert np.mean(offsets) == pytest.approx(np.mean(jitters), rel=0.05)
    assert np.sqrt(np.mean(offsets)) == pytest.approx(0.00755, rel=0.03)


def test_jitter_goes_on_from_frame_to_frame(shown: Demonstration) -> None:
    error = noisy(shown, 0.01, rng_of(0), errors=MeasuringErrors(lost_points=0.0, lost_hands=0.0)).persons[0].hand_m
    error = error - shown.hand_m
    error -= error.mean(axis=(0, 1))
    correlation = (error[1:] * error[:-1]).sum() / (error**2).sum()
    assert correlation == pytest.approx(0.8, abs=0.04)


def test_what_is_lost_has_no_score(shown: Demonstration) -> None:
    shares = []
    for seed in range(40):
        for person in noisy(shown, 0.01, rng_of(seed)).persons:
            for points, scores in ((person.body_m, person.body_scores), (person.hand_m, person.hand_scores)):
                np.testing.assert_array_equal(np.isnan(points).any(axis=-1), scores == 0.0)
            shares.append((person.hand_scores == 0.0).mean())
    assert np.mean(shares) == pytest.approx(0.04, abs=0.008)


def test_things_are_off_by_three_millimetres_and_two_degrees_and_do_not_jump(shown: Demonstration) -> None:
    places, angles, jumps = [], [], []
    for seed in range(60):
        T = noisy(shown, 0.01, rng_of(seed)).T_world_things
        error = (T - shown.T_world_things)[..., :3, 3]
        places.append(error)
        jumps.append(np.diff(error, axis=0))
        relative = np.swapaxes(shown.T_world_things[..., :3, :3], -1, -2) @ T[..., :3, :3]
        angles.append(np.arccos(np.clip((np.trace(relative, axis1=-2, axis2=-1) - 1.0) / 2.0, -1.0, 1.0)))
    assert np.std(places) == pytest.approx(0.003, rel=0.1)
    assert np.sqrt(np.mean(np.square(angles))) == pytest.approx(np.radians(2.0), rel=0.1)
    assert np.std(jumps) < 0.2 * 0.003


def test_no_noise_is_no_noise(shown: Demonstration) -> None:
    recording, perfect = noisy(shown, 0.0, rng_of(0)), exact(shown)
    for one in (recording, perfect):
        np.testing.assert_array_equal(one.persons[0].hand_m, shown.hand_m)
        np.testing.assert_array_equal(one.T_world_things, shown.T_world_things)
        assert len(one.persons) == 2 and one.persons[1].hand_scores.min() == 1.0


def test_noise_below_zero_is_refused(shown: Demonstration) -> None:
    with pytest.raises(InputError, match="noise_m"):
        noisy(shown, -0.01, rng_of(0))
