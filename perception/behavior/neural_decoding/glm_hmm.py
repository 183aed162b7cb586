"""Hidden states of neural activity or of choices, found without labels: the GLM-HMM, by expectation-maximisation.

Escola et al., Neural Computation 23, 2011; Ashwood et al., Nature Neuroscience 25, 2022.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from geometry import FloatArray, InputError
from perception.behavior.decoding import Decoding, decode
from perception.behavior.decoding.recursions import Posteriors, posteriors
from perception.behavior.neural_decoding.activity import checked_activity
from perception.behavior.neural_decoding.glm_states import Family, GlmStates, fit_glm_states, pooled_weights
from perception.behavior.neural_decoding.neural_decoder import markov_dynamics

_SETTLED = 1e-8


@dataclass(frozen=True, kw_only=True)
class GlmHmm:
    """A Markov chain of states, each with its own generalised linear emission."""

    states: GlmStates
    """What each state does; the most frequent first."""
    transitions: FloatArray
    """(S, S) P(next bin's state | this bin's)."""
    initial: FloatArray
    """(S,) P(first bin's state)."""
    history: FloatArray
    """(rounds,) penalised log-likelihood after each round of the fit that won; it never falls."""

    def log_likelihood(self, activity: ArrayLike, covariates: ArrayLike | None = None) -> float:
        """Log P(activity | covariates, model), all states summed out."""
        return self._known(activity, covariates).log_likelihood

    def chances(self, activity: ArrayLike, covariates: ArrayLike | None = None) -> FloatArray:
        """(T, S) P(state | whole recording)."""
        return self._known(activity, covariates).frames

    def decode(self, activity: ArrayLike, covariates: ArrayLike | None = None, *, bin_s: float = 1.0) -> Decoding:
        """Best path and segments; states are called "state 0", ..."""
        names = [f"state {k}" for k in range(len(self.initial))]
        scores = self._scores(activity, covariates)
        dynamics = markov_dynamics(self.transitions, self.initial, names, bin_s)
        return decode(scores, dynamics, bin_s * np.arange(len(scores)))

    def _scores(self, activity: ArrayLike, covariates: ArrayLike | None) -> FloatArray:
        values = checked_activity(activity, "GlmHmm", counts=True)
        extra = None if covariates is None else np.asarray(covariates, dtype=float)
        return self.states.log_likelihood(values, extra)

    def _known(self, activity: ArrayLike, covariates: ArrayLike | None) -> Posteriors:
        return _smooth(self._scores(activity, covariates), self.transitions, self.initial)


def fit_glm_hmm(
    activity: ArrayLike,
    states: int,
    *,
    rng: np.random.Generator,
    family: Family = "poisson",
    covariates: ArrayLike | None = None,
    penalty: float = 1.0,
    stickiness: float = 0.0,
    restarts: int = 5,
    rounds: int = 100,
) -> GlmHmm:
    """Find states without labels; the best of several random starts.

    Args:
        activity: (T, U) counts, or 0 and 1 for `bernoulli`; NaN where not recorded.
        states: number of states.
        rng: for the starts.
        family: law of an entry.
        covariates: (T, P) stimuli or history whose weights differ by state.
        penalty: above 0, see `fit_glm_states`.
        stickiness: imagined bins in which each state stays.
        restarts: random starts.
        rounds: at most this many rounds of expectation and maximisation.
    """
    values = checked_activity(activity, "fit_glm_hmm", counts=True)
    extra = None if covariates is None else np.asarray(covariates, dtype=float)
    wrong = family == "bernoulli" and bool((values > 1.0).any())
    if states < 2 or not penalty > 0.0 or min(restarts, rounds) < 1 or stickiness < 0.0 or wrong:
        raise InputError(
            "fit_glm_hmm",
            expected="states >= 2, penalty > 0, restarts and rounds >= 1, stickiness >= 0, bernoulli entries of 0 or 1",
            got=f"{states}, {penalty}, {restarts}, {rounds}, {stickiness}, largest {np.nanmax(values, initial=0.0):g}",
        )
    if len(values) < 2 * states or (extra is not None and (extra.ndim != 2 or len(extra) != len(values))):
        raise InputError("fit_glm_hmm", expected=f"{2 * states} bins and covariates (T, P)", got=f"{values.shape}")
    fits = [_fit_once(values, extra, states, family, penalty, stickiness, rounds, rng) for _ in range(restarts)]
    best = max(fits, key=lambda fit: float(fit.history[-1]))
    order = np.argsort(-best.chances(values, extra).sum(axis=0), kind="stable")
    return GlmHmm(
        states=GlmStates(family=family, weights=best.states.weights[order]),
        transitions=best.transitions[np.ix_(order, order)],
        initial=best.initial[order],
        history=best.history,
    )


def _fit_once(
    values: FloatArray,
    covariates: FloatArray | None,
    count: int,
    family: Family,
    penalty: float,
    stickiness: float,
    rounds: int,
    rng: np.random.Generator,
) -> GlmHmm:
    """One start from random stretches of the recording, one state each."""
    length = max(2, len(values) // (10 * count))
    shares = np.repeat(rng.dirichlet(0.3 * np.ones(count), -(-len(values) // length)), length, axis=0)[: len(values)]
    transitions = 0.9 * np.eye(count) + 0.1 / count
    initial = np.full(count, 1.0 / count)
    prior = pooled_weights(values, covariates, family)
    states, history = None, [-np.inf]
    for _ in range(rounds):
        states = fit_glm_states(values, shares, family=family, covariates=covariates, penalty=penalty, start=states)
        known = _smooth(states.log_likelihood(values, covariates), transitions, initial)
        belief = stickiness * np.log(np.diag(transitions)).sum() - 0.5 * penalty * ((states.weights - prior) ** 2).sum()
        history.append(known.log_likelihood + float(belief))
        shares = known.frames
        transitions = _new_transitions(known, stickiness)
        initial = known.first / known.first.sum()
        if history[-1] - history[-2] < _SETTLED * abs(history[-1]):
            break
    assert states is not None
    return GlmHmm(states=states, transitions=transitions, initial=initial, history=np.array(history[1:]))


def _new_transitions(known: Posteriors, stickiness: float) -> FloatArray:
    stays = known.frames[:-1].sum(axis=0) - known.transitions.sum(axis=1)
    counts = known.transitions + np.diag(np.maximum(stays, 0.0) + stickiness) + 1e-9
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _smooth(scores: FloatArray, transitions: FloatArray, initial: FloatArray) -> Posteriors:
    dynamics = markov_dynamics(transitions, initial, [f"{k}" for k in range(len(initial))], 1.0)
    return posteriors(scores, dynamics.tables(1.0))
