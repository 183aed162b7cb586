"""Generalised linear emissions: in each hidden state every unit fires by its own rate and its own covariates.

Poisson counts with a log link, or binary outcomes with a logistic link (a choice given stimuli: the GLM-HMM of Ashwood
et al., Nature Neuroscience 25, 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, gammaln

from geometry import FloatArray

Family = Literal["poisson", "bernoulli"]

_ROUNDS, _SETTLED, _HALVINGS, _LARGEST = 60, 1e-9, 30, 30.0


@dataclass(frozen=True, kw_only=True)
class GlmStates:
    """Weights of every state and unit."""

    family: Family
    """Law of an entry."""
    weights: FloatArray
    """(S, Q, U) intercept first, then one row per covariate."""

    def log_likelihood(self, activity: FloatArray, covariates: FloatArray | None = None) -> FloatArray:
        """(T, S) log P(bin | state), units independent given state and covariates; NaN entries say nothing.

        Args:
            activity: (T, U) counts, or 0 and 1.
            covariates: (T, P) stimuli or history; a row with NaN says nothing.
        """
        design, seen = design_matrix(activity, covariates)
        values = np.where(seen, activity, 0.0)
        constant = np.where(seen, gammaln(values + 1.0), 0.0).sum(axis=1) if self.family == "poisson" else 0.0
        columns = []
        for weights in self.weights:
            predictor = np.clip(design @ weights, -_LARGEST, _LARGEST)
            terms = values * predictor - _volume(predictor, self.family)
            columns.append(np.where(seen, terms, 0.0).sum(axis=1) - constant)
        return np.stack(columns, axis=1)

    def mean(self, covariates: FloatArray | None = None) -> FloatArray:
        """(S, U) expected activity of a bin without covariates, or (S, T, U) with them."""
        if covariates is None:
            return _mean(self.weights[:, 0], self.family)
        design = np.hstack([np.ones((len(covariates), 1)), covariates])
        return _mean(design @ self.weights, self.family)


def design_matrix(activity: FloatArray, covariates: FloatArray | None) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Ones and covariates (T, 1 + P), NaN replaced by 0, and (T, U) which entries count."""
    seen = np.asarray(np.isfinite(activity))
    if covariates is None:
        return np.ones((len(activity), 1)), seen
    good = np.asarray(np.isfinite(covariates).all(axis=1))
    filled = np.where(good[:, None], covariates, 0.0)
    return np.hstack([np.ones((len(filled), 1)), filled]), seen & good[:, None]


def fit_glm_states(
    activity: FloatArray,
    shares: FloatArray,
    *,
    family: Family = "poisson",
    covariates: FloatArray | None = None,
    penalty: float = 1.0,
    start: GlmStates | None = None,
) -> GlmStates:
    """Weights of every state from bins that belong to it in part: penalised maximum likelihood by Newton steps.

    The penalty pulls each state's intercept to the unit's overall one and each covariate's weight to 0, so that a
    unit that never fires, or never in one state, keeps a finite rate.

    Args:
        activity: (T, U), NaN where not recorded.
        shares: (T, S) how much of each bin belongs to each state.
        family: law of an entry.
        covariates: (T, P).
        penalty: above 0; inverse variance of the Gaussian prior.
        start: weights to begin with.
    """
    design, seen = design_matrix(activity, covariates)
    values = np.where(seen, activity, 0.0)
    prior = pooled_weights(activity, covariates, family)
    states = []
    for number, share in enumerate(shares.T):
        parts = share[:, None] * seen
        x, y, parts = (design, values, parts) if covariates is not None else _collapsed(values, parts)
        begin = prior if start is None else start.weights[number]
        states.append(_newton(x, y, parts, prior, begin, penalty, family))
    return GlmStates(family=family, weights=np.stack(states))


def pooled_weights(activity: FloatArray, covariates: FloatArray | None, family: Family) -> FloatArray:
    """(Q, U) centre of the prior: each unit's overall log rate (or log odds), and no effect of the covariates."""
    design, seen = design_matrix(activity, covariates)
    prior = np.zeros((design.shape[1], activity.shape[1]))
    total = (np.where(seen, activity, 0.0).sum(axis=0) + 0.5) / (seen.sum(axis=0) + 1.0)
    prior[0] = np.log(total) if family == "poisson" else np.log(total / (1.0 - total))
    return prior


def glm_objective(
    design: FloatArray,
    values: FloatArray,
    parts: FloatArray,
    weights: FloatArray,
    prior: FloatArray,
    penalty: float,
    family: Family,
) -> tuple[FloatArray, FloatArray]:
    """Penalised log-likelihood (U,) of each unit up to a constant, and its gradient (Q, U)."""
    predictor = np.clip(design @ weights, -_LARGEST, _LARGEST)
    value = (parts * (values * predictor - _volume(predictor, family))).sum(axis=0)
    value = value - 0.5 * penalty * ((weights - prior) ** 2).sum(axis=0)
    gradient = design.T @ (parts * (values - _mean(predictor, family))) - penalty * (weights - prior)
    return value, gradient


def _newton(
    design: FloatArray,
    values: FloatArray,
    parts: FloatArray,
    prior: FloatArray,
    weights: FloatArray,
    penalty: float,
    family: Family,
) -> FloatArray:
    """The (Q, U) weights with the highest objective; every unit's step is halved until it climbs."""
    ridge = penalty * np.eye(design.shape[1])
    value, gradient = glm_objective(design, values, parts, weights, prior, penalty, family)
    for _ in range(_ROUNDS):
        expected = _mean(np.clip(design @ weights, -_LARGEST, _LARGEST), family)
        bend = parts * (expected if family == "poisson" else expected * (1.0 - expected))
        curvature = np.einsum("tq,tu,tp->uqp", design, bend, design, optimize=True) + ridge
        step = np.linalg.solve(curvature, gradient.T[..., None])[..., 0].T
        size = np.ones(weights.shape[1])
        for _ in range(_HALVINGS):
            trial, slope = glm_objective(design, values, parts, weights + size * step, prior, penalty, family)
            worse = ~(trial >= value - 1e-12 * np.abs(value))
            if not worse.any():
                break
            size[worse] *= 0.5
        weights, value, gradient = weights + size * step, trial, slope
        if float(np.abs(size * step).max()) < _SETTLED:
            break
    return weights


def _collapsed(values: FloatArray, parts: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Without covariates one mean bin says as much as all bins of a state."""
    weight = parts.sum(axis=0, keepdims=True)
    return np.ones((1, 1)), (parts * values).sum(axis=0, keepdims=True) / np.maximum(weight, 1e-300), weight


def _volume(predictor: FloatArray, family: Family) -> FloatArray:
    return np.asarray(np.exp(predictor) if family == "poisson" else np.logaddexp(0.0, predictor))


def _mean(predictor: FloatArray, family: Family) -> FloatArray:
    return np.asarray(np.exp(predictor) if family == "poisson" else expit(predictor))
