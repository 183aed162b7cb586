"""How well a network judges physics trials that it was not trained on, and the calibration of its word."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import rankdata

from perception.grasping.network.model import GraspNetwork
from perception.grasping.training.augment import SensorFaults, add_faults
from perception.grasping.training.dataset import GraspDataset

FloatArray = NDArray[np.float64]
_BINS = 15


class Judged(NamedTuple):
    """N physics trials and what the network thought of them."""

    logit: FloatArray
    """(N,) success logit, before calibration."""
    success: FloatArray
    """(N,) 0 or 1."""
    front_error_m: float
    """Median error of the cleaned depth on objects."""


@torch.inference_mode()
def judge_trials(network: GraspNetwork, dataset: GraspDataset, faults: SensorFaults, *, seed: int = 0) -> Judged:
    """The network's word on the trials of every view of a data set, under sensor faults."""
    device = next(network.parameters()).device
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    logits, successes, errors = [], [], []
    for first in range(0, len(dataset), 16):
        batch = dataset.batch(range(first, min(first + 16, len(dataset))), rng).to(device)
        noisy, T = add_faults(batch.depth_m, batch.T_table_camera, faults, generator)
        maps = network.backbone(noisy, batch.focal, T)
        seen = network.evaluator.volumes(batch.trial_pose, batch.trial_image, maps, noisy, batch.focal, T)
        logits.append(network.evaluator(*seen).success_logit.cpu().numpy())
        successes.append(batch.trial_success.cpu().numpy())
        solid = batch.is_object[:, ::2, ::2]
        errors.append((maps.front_m - batch.depth_m[:, ::2, ::2]).abs()[solid].median().item())
    return Judged(
        np.concatenate(logits).astype(np.float64),
        np.concatenate(successes).astype(np.float64),
        float(np.median(errors)),
    )


def area_under_roc(score: FloatArray, success: FloatArray) -> float:
    """Probability that a success has a higher score than a failure (Mann and Whitney 1947)."""
    positives = success > 0.5
    count = (int(positives.sum()), int((~positives).sum()))
    if min(count) == 0:
        return float("nan")
    ranks = rankdata(score)[positives].sum()
    return float((ranks - count[0] * (count[0] + 1) / 2) / (count[0] * count[1]))


def calibration_error(probability: FloatArray, success: FloatArray, bins: int = _BINS) -> float:
    """Expected calibration error over bins of equal width (Naeini et al. 2015)."""
    number = np.clip((probability * bins).astype(np.int64), 0, bins - 1)
    gaps = [
        abs(probability[number == b].mean() - success[number == b].mean()) * (number == b).sum()
        for b in np.unique(number)
    ]
    return float(np.sum(gaps) / len(probability))


def log_loss(probability: FloatArray, success: FloatArray) -> float:
    """Mean negative log likelihood."""
    p = np.clip(probability, 1e-6, 1.0 - 1e-6)
    return float(-np.mean(success * np.log(p) + (1.0 - success) * np.log(1.0 - p)))


def fit_calibration(logit: FloatArray, success: FloatArray) -> tuple[float, float]:
    """Slope and offset that make `sigmoid(slope * logit + offset)` most likely (Platt 1999)."""

    def loss(parameters: FloatArray) -> float:
        return log_loss(expit(parameters[0] * logit + parameters[1]), success)

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return float(slope), float(offset)


def metrics(judged: Judged, calibration: tuple[float, float] = (1.0, 0.0)) -> dict[str, float]:
    """The figures by name."""
    probability = expit(calibration[0] * judged.logit + calibration[1])
    return {
        "trials": float(len(judged.success)),
        "share_of_successes": float(judged.success.mean()),
        "area_under_roc": area_under_roc(judged.logit, judged.success),
        "log_loss": log_loss(probability, judged.success),
        "calibration_error": calibration_error(probability, judged.success),
        "front_error_mm": 1e3 * judged.front_error_m,
    }
