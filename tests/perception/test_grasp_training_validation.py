"""The figures of validation against counting by hand and a second way to fit, and what a network is asked."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from perception.grasping.network.backbone import BackboneSpec
from perception.grasping.network.evaluator import EvaluatorSpec
from perception.grasping.network.model import GraspNetwork, NetworkSpec
from perception.grasping.training.augment import NO_FAULTS, SensorFaults
from perception.grasping.training.dataset import GraspDataset
from perception.grasping.training.validation import (
    Judged,
    area_under_roc,
    calibration_error,
    fit_calibration,
    judge_trials,
    log_loss,
    metrics,
)

SMALL = NetworkSpec(
    backbone=BackboneSpec(widths=(4, 4, 8, 8), features=8, hidden=8),
    evaluator=EvaluatorSpec(widths=(4, 4, 8, 8), hidden=8),
)


def test_area_under_roc_is_the_share_of_pairs_in_order() -> None:
    score, success = np.array([0.1, 0.4, 0.35, 0.8]), np.array([0.0, 0.0, 1.0, 1.0])
    assert area_under_roc(score, success) == 0.75
    assert area_under_roc(success, success) == 1.0 and area_under_roc(-success, success) == 0.0
    assert area_under_roc(np.ones(4), success) == 0.5
    assert math.isnan(area_under_roc(score, np.ones(4)))
    rng = np.random.default_rng(0)
    score, success = np.round(rng.normal(size=200), 1), (rng.random(200) < 0.3).astype(float)
    pairs = score[success == 1.0][:, None] - score[success == 0.0]
    assert area_under_roc(score, success) == pytest.approx((pairs > 0).mean() + 0.5 * (pairs == 0).mean())


def test_calibration_error_by_hand() -> None:
    probability = np.array([0.05, 0.15, 0.15, 0.95, 1.0])
    success = np.array([0.0, 1.0, 0.0, 1.0, 0.0])
    # bins of 0.1: {0.05}, {0.15, 0.15}, {0.95, 1.0}
    expected = (1 * 0.05 + 2 * abs(0.15 - 0.5) + 2 * abs(0.975 - 0.5)) / 5
    assert calibration_error(probability, success, bins=10) == pytest.approx(expected)
    assert calibration_error(np.full(8, 0.25), np.array([1.0, 0, 0, 0] * 2)) == 0.0


def test_log_loss_by_hand() -> None:
    expected = -(math.log(0.8) + math.log(0.9)) / 2
    assert log_loss(np.array([0.8, 0.1]), np.array([1.0, 0.0])) == pytest.approx(expected)
    assert log_loss(np.array([0.0]), np.array([1.0])) == pytest.approx(-math.log(1e-6))  # bounded


def newton(logit: np.ndarray, success: np.ndarray) -> np.ndarray:
    """Logistic regression by Newton's method."""
    x, w = np.stack([logit, np.ones_like(logit)], axis=-1), np.array([1.0, 0.0])
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-x @ w))
        w = w + np.linalg.solve((x * (p * (1.0 - p))[:, None]).T @ x, x.T @ (success - p))
    return w


def test_platts_line_is_the_most_likely_one() -> None:
    rng = np.random.default_rng(0)
    logit = 3.0 * rng.normal(size=4000)
    success = (rng.random(4000) < 1.0 / (1.0 + np.exp(-(0.6 * logit - 0.8)))).astype(float)
    slope, offset = fit_calibration(logit, success)
    np.testing.assert_allclose((slope, offset), newton(logit, success), atol=1e-3)
    assert slope == pytest.approx(0.6, abs=0.06) and offset == pytest.approx(-0.8, abs=0.12)
    judged = Judged(logit, success, 0.0)
    before, after = metrics(judged), metrics(judged, (slope, offset))
    assert after["calibration_error"] < 0.03 < before["calibration_error"]
    assert after["log_loss"] < before["log_loss"] and after["area_under_roc"] == before["area_under_roc"]


def test_metrics_by_name() -> None:
    found = metrics(Judged(np.array([2.0, -2.0, 1.0]), np.array([1.0, 0.0, 0.0]), 0.0015))
    p = [1 / (1 + math.exp(-v)) for v in (2.0, -2.0, 1.0)]
    assert found["trials"] == 3.0 and found["share_of_successes"] == pytest.approx(1 / 3)
    assert found["area_under_roc"] == 1.0 and found["front_error_mm"] == pytest.approx(1.5)
    assert found["log_loss"] == pytest.approx(-(math.log(p[0]) + math.log(1 - p[1]) + math.log(1 - p[2])) / 3)


def test_a_network_is_asked_about_every_trial_in_its_own_view(grasp_data: Callable[..., Any]) -> None:
    dataset = GraspDataset(grasp_data(3).folder, trials_per_view=100)
    torch.manual_seed(0)
    network = GraspNetwork(SMALL).eval()
    judged = judge_trials(network, dataset, NO_FAULTS)
    assert len(judged.logit) == len(judged.success) == 30 and judged.success.sum() == 15
    batch = dataset.batch([2], np.random.default_rng(5))
    with torch.inference_mode():
        maps = network.backbone(batch.depth_m, batch.focal, batch.T_table_camera)
        seen = network.evaluator.volumes(
            batch.trial_pose, batch.trial_image, maps, batch.depth_m, batch.focal, batch.T_table_camera
        )
        logits = network.evaluator(*seen).success_logit.numpy()
    np.testing.assert_allclose(np.sort(judged.logit[20:]), np.sort(logits), atol=1e-4)
    errors = []
    for number in range(3):
        b = dataset.batch([number], np.random.default_rng(0))
        with torch.inference_mode():
            front = network.backbone(b.depth_m, b.focal, b.T_table_camera).front_m.numpy()
        inside = b.is_object.numpy()[:, ::2, ::2]
        errors.append(np.abs(front - b.depth_m.numpy()[:, ::2, ::2])[inside])
    assert judged.front_error_m == pytest.approx(float(np.median(np.concatenate(errors))), rel=0.05)


def test_the_same_seed_judges_the_same_noise(grasp_data: Callable[..., Any]) -> None:
    dataset = GraspDataset(grasp_data(2).folder)
    torch.manual_seed(0)
    network = GraspNetwork(SMALL).eval()
    one, two, other = (judge_trials(network, dataset, SensorFaults(), seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.logit, two.logit)
    assert (np.sort(one.logit) != np.sort(other.logit)).any()
