"""Gaussian emissions of hidden states, plain or autoregressive, steadied where a state has seen little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry import FloatArray

_RIDGE, _STEADY_ROWS, _STEADY_SHARE = 1e-3, 30.0, 0.3


@dataclass(frozen=True)
class GaussianStates:
    """Each state predicts a row from its regressors by a linear map with Gaussian rest.

    With the single regressor 1 that is a Gaussian with a mean; with earlier rows as well, an autoregressive process.
    """

    maps: FloatArray
    """(S, Q, F) regressors to expected row."""
    factors: FloatArray
    """(S, F, F) lower Cholesky factors of the covariances."""

    def log_likelihood(self, rows: FloatArray, regressors: FloatArray) -> FloatArray:
        """(N, S) log density of rows (N, F) with regressors (N, Q); 0 for all states where a row is NaN."""
        seen = np.isfinite(rows).all(axis=1) & np.isfinite(regressors).all(axis=1)
        rest = rows[seen] - regressors[seen] @ self.maps
        white = np.linalg.solve(self.factors, np.swapaxes(rest, 1, 2))
        log_volume = np.log(np.diagonal(self.factors, axis1=1, axis2=2)).sum(axis=1)
        density = np.zeros((len(rows), len(self.maps)))
        constant = 0.5 * rows.shape[1] * np.log(2.0 * np.pi)
        density[seen] = (-0.5 * (white**2).sum(axis=1) - log_volume[:, None] - constant).T
        return density


def fit_gaussian_states(rows: FloatArray, regressors: FloatArray, shares: FloatArray) -> GaussianStates:
    """States from rows that belong to them in part: weighted least squares, covariance pulled to a common one.

    Thirty imagined rows with 0.3 of the common variances hold a small state's covariance away from zero.

    Args:
        rows: (N, F) without NaN.
        regressors: (N, Q) without NaN.
        shares: (N, S) how much of each row belongs to each state.
    """
    ridge = _RIDGE * np.eye(regressors.shape[1])
    common = np.linalg.solve(regressors.T @ regressors + ridge, regressors.T @ rows)
    variances = _STEADY_SHARE * (rows - regressors @ common).var(axis=0) + 1e-9
    maps, factors = [], []
    for share in shares.T:
        weighted = regressors.T * share
        fit = np.linalg.solve(weighted @ regressors + ridge, weighted @ rows + ridge @ common)
        rest = rows - regressors @ fit
        scatter = (rest.T * share) @ rest + _STEADY_ROWS * np.diag(variances)
        maps.append(fit)
        factors.append(np.linalg.cholesky(scatter / (share.sum() + _STEADY_ROWS)))
    return GaussianStates(np.stack(maps), np.stack(factors))
