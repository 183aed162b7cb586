"""Segments found without labels: parts against hand-made numbers and scipy, the whole on simulated and real motion."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from geometry import InputError
from perception.behavior.decoding import DiscoveryConfig, discover_segments, evaluate_mocap6, frame_hamming, load_mocap6
from perception.behavior.decoding.gaussian_states import GaussianStates, fit_gaussian_states
from perception.behavior.decoding.window_features import even_recording, principal_parts, window_features


def test_hamming_is_the_best_of_all_namings() -> None:
    rng = np.random.default_rng(0)
    for states, labels in ((3, 3), (5, 3), (2, 4)):
        found = [rng.integers(0, states, 30), rng.integers(0, states, 20)]
        truth = [rng.integers(-1, labels, 30), rng.integers(0, labels, 20)]
        a, b = np.concatenate(found), np.concatenate(truth)
        a, b = a[b >= 0], b[b >= 0]
        names = max(states, labels)
        best = min((np.array(naming)[a] != b).mean() for naming in itertools.permutations(range(names), names))
        assert frame_hamming(found, truth) == pytest.approx(best)
    assert frame_hamming([[1, 1, 0]], [[0, 0, 1]]) == 0.0
    with pytest.raises(InputError, match="labelled frames"):
        frame_hamming([[0, 0]], [[-1, -1]])


def test_the_density_is_scipys() -> None:
    rng = np.random.default_rng(1)
    rows, root = rng.normal(size=(20, 3)), rng.normal(size=(3, 3))
    covariance, mean = root @ root.T + np.eye(3), rng.normal(size=3)
    rows[4, 1] = np.nan
    states = GaussianStates(mean[None, None], np.linalg.cholesky(covariance)[None])
    ours = states.log_likelihood(rows, np.ones((20, 1)))[:, 0]
    seen = np.arange(20) != 4
    np.testing.assert_allclose(ours[seen], multivariate_normal(mean, covariance).logpdf(rows[seen]))
    assert ours[4] == 0.0


def test_a_state_with_much_to_see_is_its_weighted_mean_and_map() -> None:
    rng = np.random.default_rng(2)
    regressors = np.hstack([np.ones((50_000, 1)), rng.normal(size=(50_000, 2))])
    maps = rng.normal(size=(2, 3, 2))
    member = rng.integers(0, 2, 50_000)
    rows = np.einsum("nq,nqf->nf", regressors, maps[member]) + 0.5 * rng.normal(size=(50_000, 2))
    fitted = fit_gaussian_states(rows, regressors, np.eye(2)[member])
    np.testing.assert_allclose(fitted.maps, maps, atol=0.02)
    np.testing.assert_allclose(fitted.factors @ fitted.factors.swapaxes(1, 2), [0.25 * np.eye(2)] * 2, atol=0.02)


def test_a_recording_is_put_on_an_even_grid_and_its_gap_stays_empty() -> None:
    times = np.r_[0.0:1.0:0.1, 4.0:5.05:0.1]
    series = np.stack([2.0 * times, np.full(len(times), np.nan)], axis=1)
    even = even_recording(series, times, 10.0)
    assert even.shape == (51, 2) and np.isnan(even[:, 1]).all()
    assert np.isnan(even[16:34, 0]).all()
    np.testing.assert_allclose(even[:15, 0], 0.2 * np.arange(15))


def test_a_window_knows_a_movement_but_not_its_phase() -> None:
    time_s = np.arange(400) / 20.0
    wave = np.where(time_s < 10.0, np.sin(2 * np.pi * 2.0 * time_s), 0.3 * np.sin(2 * np.pi * 4.0 * time_s))
    rows = window_features([np.stack([wave, 0.0 * wave], axis=1)], window=21, step=1)[0]
    one, two = rows[20:180], rows[220:380]
    apart = np.abs(one.mean(axis=0) - two.mean(axis=0)) / np.maximum(one.std(axis=0), two.std(axis=0))
    assert rows.shape[1] == 6, "the channel that never moves is left out"
    assert apart[0] < 1.0 and np.median(apart[1:]) > 10.0, "same mean posture, another spectrum"
    parts = principal_parts([rows], 0.9)[0]
    assert parts.shape[0] == 400 and parts.shape[1] < rows.shape[1]


def exercises(seed: int, shortest: int = 50) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[np.ndarray]]:
    """Three recordings at 15 Hz of three movements in random order, each with its own posture and rhythm."""
    rng = np.random.default_rng(seed)
    posture, swing = rng.normal(size=(3, 6)), np.abs(rng.normal(size=(3, 6)))
    recordings, truth = [], []
    for _ in range(3):
        labels = np.repeat([0, 1, 2, 0, 2, 1], rng.integers(shortest, 2 * shortest, 6))
        time_s = np.arange(len(labels)) / 15.0
        phase = 2 * np.pi * np.cumsum(np.array([0.8, 1.5, 2.5])[labels]) / 15.0
        series = posture[labels] + swing[labels] * np.sin(phase[:, None] + np.arange(6))
        recordings.append((time_s, series + 0.2 * rng.normal(size=series.shape)))
        truth.append(labels)
    return recordings, truth


@pytest.mark.parametrize("seed", [3, *(pytest.param(k, marks=pytest.mark.slow) for k in (4, 5, 6, 7))])
def test_three_movements_are_found_and_counted_without_labels(seed: int) -> None:
    recordings, truth = exercises(seed, shortest=120)
    config = DiscoveryConfig(state_counts=(2, 3, 6), folds=2, restarts=3, mean_s=10.0, step_s=0.4)
    found = discover_segments(recordings, rng=np.random.default_rng(0), config=config)
    assert found.states == 3 and set(found.held_out) == {2, 3, 6}
    assert frame_hamming(found.paths, truth) < 0.05
    assert [len(path) for path in found.paths] == [len(labels) for labels in truth]
    for segments in found.segments:
        assert all(s.end_s - s.start_s >= 1.2 and 0.0 <= s.confidence <= 1.0 for s in segments)
        assert all(a.end_s == pytest.approx(b.start_s) for a, b in itertools.pairwise(segments))


def test_the_same_generator_gives_the_same_segments() -> None:
    recordings, _ = exercises(seed=4)
    config = DiscoveryConfig(state_counts=(3,), restarts=1)
    paths = [discover_segments(recordings, rng=np.random.default_rng(7), config=config).paths for _ in range(2)]
    for one, two in zip(*paths, strict=True):
        np.testing.assert_array_equal(one, two)


def test_autoregressive_states_tell_rhythms_apart_that_share_a_posture() -> None:
    rng = np.random.default_rng(5)
    labels = np.repeat([0, 1, 0, 1], 120)
    phase = 2 * np.pi * np.cumsum(np.array([0.5, 2.0])[labels]) / 15.0
    series = np.stack([np.sin(phase), np.cos(phase)], axis=1) + 0.05 * rng.normal(size=(480, 2))
    config = DiscoveryConfig(method="autoregressive", state_counts=(2,), restarts=3)
    found = discover_segments([(np.arange(480) / 15.0, series)], rng=rng, config=config)
    assert frame_hamming(found.paths, [labels]) < 0.05


def test_unseen_joints_and_gaps_are_lived_with() -> None:
    recordings, truth = exercises(seed=6)
    for _, series in recordings:
        series[40:70] = np.nan
        series[:, 5] = np.nan
        series[100::7, 2] = np.nan
    short = (recordings[0][0][:1], recordings[0][1][:1])
    config = DiscoveryConfig(state_counts=(3,), restarts=3)
    found = discover_segments([*recordings, short], rng=np.random.default_rng(0), config=config)
    assert frame_hamming(found.paths[:3], truth) < 0.12
    assert len(found.paths[3]) == len(found.segments[3]) == 1


def test_bad_input_is_said_clearly(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    time_s, series = np.arange(50) / 10.0, rng.normal(size=(50, 3))
    (tmp_path / "cut.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(120))
    for wrong, match in [
        (lambda: discover_segments([], rng=rng), "same channels"),
        (lambda: discover_segments([(time_s, series), (time_s, series[:, :2])], rng=rng), "same channels"),
        (lambda: discover_segments([(time_s[:1], series[:1])], rng=rng), "recordings of frames"),
        (lambda: discover_segments([(time_s, series), (time_s[:0], series[:0])], rng=rng), "recordings of frames"),
        (lambda: discover_segments([(time_s[::-1], series)], rng=rng), "growing"),
        (lambda: discover_segments([(time_s, series[:20])], rng=rng), "time_s"),
        (lambda: discover_segments([(time_s[:20], series[:20])], rng=rng), "windows of 0.2 s"),
        (lambda: discover_segments([(time_s, np.zeros((50, 3)))], rng=rng), "something moves"),
        (lambda: discover_segments([(time_s, np.full((50, 3), np.nan))], rng=rng), "something moves"),
        (lambda: DiscoveryConfig(minimum_s=6.0), "minimum_s < mean_s"),
        (lambda: DiscoveryConfig(state_counts=(1,)), "state_counts"),
        (lambda: load_mocap6(tmp_path / "none.mat"), "mocap6.mat"),
        (lambda: load_mocap6(tmp_path / "cut.mat"), "mocap6.mat"),
    ]:
        with pytest.raises(InputError, match=match):
            wrong()


def test_the_exercises_are_read(shared_data: Path) -> None:
    recordings = load_mocap6(shared_data / "behaviour" / "mocap6_cmu" / "mocap6.mat")
    assert sum(len(each.labels) for each in recordings) == 2058
    assert {each.channels.shape[1] for each in recordings} == {12}
    assert recordings[0].time_s[10] == pytest.approx(1.0)
    assert np.unique(np.concatenate([each.labels for each in recordings])).tolist() == list(range(12))


@pytest.mark.slow
def test_exercises_are_segmented_without_labels(shared_data: Path) -> None:
    config = DiscoveryConfig(state_counts=(6, 8, 12), folds=2)
    path = shared_data / "behaviour" / "mocap6_cmu" / "mocap6.mat"
    result = evaluate_mocap6(path, seeds=3, config=config)
    assert result["hamming_mean"] <= 0.35
    assert result["hamming_each_mean"] <= result["hamming_mean"]
