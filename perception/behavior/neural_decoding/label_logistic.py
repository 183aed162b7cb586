"""Labels straight from activity: multinomial logistic regression with a ridge penalty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from geometry import FloatArray


@dataclass(frozen=True)
class LabelLogistic:
    """A linear map from standardised features to the labels' log chances."""

    centre: FloatArray
    """(F,) mean of each feature in training."""
    spread: FloatArray
    """(F,) its standard deviation, 1 where it never changed."""
    weights: FloatArray
    """(F + 1, S), the intercepts last."""

    def log_chances(self, features: FloatArray) -> FloatArray:
        """(T, S) log P(label | bin); a missing feature counts as its mean, and a bin without any gives NaN."""
        rows = np.nan_to_num((features - self.centre) / self.spread) @ self.weights[:-1] + self.weights[-1]
        rows = log_softmax(rows, axis=1)
        rows[np.isnan(features).all(axis=1)] = np.nan
        return np.asarray(rows)


def fit_label_logistic(
    features: FloatArray, labels: NDArray[np.int_], count: int, *, penalty: float = 1.0
) -> LabelLogistic:
    """Penalised maximum likelihood; intercepts go free but for a trace of penalty.

    Args:
        features: (T, F), NaN where missing.
        labels: (T,) below `count`, all labelled.
        count: number of labels; those that never occur get small chances.
        penalty: of the squared weights.
    """
    seen = np.isfinite(features)
    number = np.maximum(seen.sum(axis=0), 1)
    centre = np.where(seen, features, 0.0).sum(axis=0) / number
    spread = np.sqrt((np.where(seen, features - centre, 0.0) ** 2).sum(axis=0) / number)
    spread = np.where(spread > 1e-9, spread, 1.0)
    rows = np.hstack([np.nan_to_num((features - centre) / spread), np.ones((len(features), 1))])
    start = np.zeros(rows.shape[1] * count)
    result = minimize(
        logistic_loss, start, args=(rows, labels, penalty), jac=True, method="L-BFGS-B", options={"maxiter": 300}
    )
    return LabelLogistic(centre, spread, result.x.reshape(-1, count))


def logistic_loss(
    flat: FloatArray, rows: FloatArray, labels: NDArray[np.int_], penalty: float
) -> tuple[float, FloatArray]:
    """Penalised negative log-likelihood of flat weights and its gradient; the last row of weights is the intercepts."""
    weights = flat.reshape(rows.shape[1], -1)
    log_chances = log_softmax(rows @ weights, axis=1)
    pull = penalty * np.ones((len(weights), 1))
    pull[-1] = 1e-3
    loss = -log_chances[np.arange(len(labels)), labels].sum() + 0.5 * (pull * weights**2).sum()
    excess = np.exp(log_chances)
    excess[np.arange(len(labels)), labels] -= 1.0
    return float(loss), (rows.T @ excess + pull * weights).ravel()
