"""From neural activity to behaviour: emissions learned from labels, and Markov dynamics that smooth them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray, InputError
from perception.behavior.decoding import Decoding, NegativeBinomial, SemiMarkov, decode, learn_semi_markov
from perception.behavior.decoding.gaussian_states import GaussianStates, fit_gaussian_states
from perception.behavior.neural_decoding.activity import checked_activity, checked_labels, lagged
from perception.behavior.neural_decoding.block_folds import block_folds
from perception.behavior.neural_decoding.glm_states import GlmStates, fit_glm_states
from perception.behavior.neural_decoding.label_logistic import LabelLogistic, fit_label_logistic


@dataclass(frozen=True, kw_only=True)
class NeuralDecoderConfig:
    """How activity is decoded."""

    emission: Literal["poisson", "gaussian", "logistic"] = "poisson"
    """Spike counts given the label, fluorescence given the label, or the label given features of the activity."""
    dynamics: Literal["markov", "explicit"] = "markov"
    """Chance to change at each bin, or a law of each label's durations."""
    penalties: tuple[float, ...] = (0.1, 1.0, 10.0, 100.0)
    """Strengths of the penalty to choose from by inner cross-validation; one fixes it. The Gaussian has none."""
    lags: tuple[int, ...] = (0,)
    """Bins ago that the logistic decoder sees."""
    inner_folds: int = 3
    """Folds of the inner cross-validation."""
    smoothing: float = 1.0
    """Imagined count of every transition."""

    def __post_init__(self) -> None:
        if not self.penalties or min(self.penalties) <= 0.0 or self.inner_folds < 2 or not self.smoothing > 0.0:
            raise InputError(
                "NeuralDecoderConfig", expected="penalties and smoothing > 0, inner_folds >= 2", got=f"{self}"
            )


@dataclass(frozen=True, kw_only=True)
class NeuralDecoder:
    """A fitted decoder; `NeuralDecoder.fit` makes one."""

    labels: tuple[str, ...]
    """(S,) names."""
    bin_s: float
    """Length of a bin, seconds."""
    config: NeuralDecoderConfig
    """How it was fitted."""
    penalty: float
    """Strength chosen by inner cross-validation."""
    emission: GlmStates | GaussianStates | LabelLogistic
    """What ties activity to labels."""
    priors: FloatArray
    """(S,) shares of the labels in training."""
    dynamics: SemiMarkov
    """Which label follows which, and how long each lasts."""

    @classmethod
    def fit(
        cls,
        activity: ArrayLike,
        labels: ArrayLike,
        *,
        bin_s: float,
        names: Sequence[str] | None = None,
        covariates: ArrayLike | None = None,
        config: NeuralDecoderConfig = NeuralDecoderConfig(),  # noqa: B008
    ) -> NeuralDecoder:
        """Learn from labelled activity.

        Args:
            activity: (T, U) spike counts or fluorescence; NaN where not recorded.
            labels: (T,) number of the behaviour in each bin; -1 is unlabelled: neither seen nor crossed.
            bin_s: length of a bin, seconds.
            names: of the labels; "label 0", ... if None.
            covariates: (T, P) stimuli or history that drive the units as well (Poisson only).
            config: model and penalties.
        """
        spikes = checked_activity(activity, "NeuralDecoder.fit", counts=config.emission == "poisson")
        count = len(names) if names is not None else int(np.max(labels, initial=0)) + 1
        truth = checked_labels(labels, len(spikes), count, "NeuralDecoder.fit")
        extra = checked_covariates(covariates, len(spikes), config)
        used = np.unique(truth[truth >= 0])
        if not bin_s > 0.0 or len(used) < 2:
            raise InputError(
                "NeuralDecoder.fit", expected="bin_s > 0 and at least two labels", got=f"{bin_s} s, labels {used}"
            )
        penalty = _chosen_penalty(spikes, truth, count, extra, config)
        shares = np.bincount(truth[truth >= 0], minlength=count) + 0.5
        called = tuple(names) if names is not None else tuple(f"label {k}" for k in range(count))
        return cls(
            labels=called,
            bin_s=bin_s,
            config=config,
            penalty=penalty,
            emission=_fit_emission(spikes, truth, count, extra, penalty, config),
            priors=shares / shares.sum(),
            dynamics=_fit_dynamics(truth, called, bin_s, config),
        )

    def emissions(self, activity: ArrayLike, covariates: ArrayLike | None = None) -> FloatArray:
        """(T, S) log-likelihood of each bin under each label, up to a constant per bin."""
        spikes = checked_activity(activity, "NeuralDecoder", counts=self.config.emission == "poisson")
        extra = checked_covariates(covariates, len(spikes), self.config)
        return _emissions(self.emission, spikes, extra, self.priors, self.config)

    def decode(
        self, activity: ArrayLike, covariates: ArrayLike | None = None, *, least_confidence: float = 0.0
    ) -> Decoding:
        """Labels, chances and segments of unlabelled activity, from the whole of it.

        For labels while the activity comes in, give `emissions` to `OnlineDecoder(decoder.dynamics, ...)`.
        """
        scores = self.emissions(activity, covariates)
        return decode(scores, self.dynamics, self.bin_s * np.arange(len(scores)), least_confidence=least_confidence)


def checked_covariates(covariates: ArrayLike | None, bins: int, config: NeuralDecoderConfig) -> FloatArray | None:
    """Covariates as (T, P) float64, or None."""
    if covariates is None:
        return None
    values = np.asarray(covariates, dtype=float)
    if config.emission != "poisson" or values.ndim != 2 or len(values) != bins or np.isinf(values).any():
        raise InputError(
            "NeuralDecoder: covariates",
            expected=f"({bins}, P) without infinity, and emission 'poisson'",
            got=f"{values.shape} with {config.emission!r}",
        )
    return values


def _features(spikes: FloatArray, config: NeuralDecoderConfig) -> FloatArray:
    """Square roots make the spread of counts even; fluorescence may be negative and stays in sign."""
    return lagged(np.sign(spikes) * np.sqrt(np.abs(spikes)), config.lags)


def _fit_emission(
    spikes: FloatArray,
    truth: NDArray[np.int_],
    count: int,
    covariates: FloatArray | None,
    penalty: float,
    config: NeuralDecoderConfig,
) -> GlmStates | GaussianStates | LabelLogistic:
    known = truth >= 0
    if config.emission == "logistic":
        return fit_label_logistic(_features(spikes, config)[known], truth[known], count, penalty=penalty)
    if config.emission == "gaussian":
        known &= np.isfinite(spikes).all(axis=1)
        if not known.any():
            raise InputError("NeuralDecoder.fit", expected="labelled bins without NaN", got="none")
        return fit_gaussian_states(spikes[known], np.ones((int(known.sum()), 1)), np.eye(count)[truth[known]])
    extra = None if covariates is None else covariates[known]
    return fit_glm_states(spikes[known], np.eye(count)[truth[known]], covariates=extra, penalty=penalty)


def _emissions(
    emission: GlmStates | GaussianStates | LabelLogistic,
    spikes: FloatArray,
    covariates: FloatArray | None,
    priors: FloatArray,
    config: NeuralDecoderConfig,
) -> FloatArray:
    if isinstance(emission, LabelLogistic):
        return emission.log_chances(_features(spikes, config)) - np.log(priors)
    if isinstance(emission, GaussianStates):
        return emission.log_likelihood(spikes, np.ones((len(spikes), 1)))
    return emission.log_likelihood(spikes, covariates)


def _chosen_penalty(
    spikes: FloatArray,
    truth: NDArray[np.int_],
    count: int,
    covariates: FloatArray | None,
    config: NeuralDecoderConfig,
) -> float:
    """The penalty under which held-out labels are likeliest, bin by bin, over contiguous folds."""
    if len(config.penalties) == 1 or config.emission == "gaussian":
        return config.penalties[0]
    scores = np.zeros(len(config.penalties))
    for train, test in block_folds(len(truth), config.inner_folds, gap=max(config.lags)):
        inside = np.where(train, truth, -1)
        asked = test & (truth >= 0)
        if not asked.any() or len(np.unique(inside[inside >= 0])) < 2:
            continue
        shares = np.bincount(inside[inside >= 0], minlength=count) + 0.5
        priors = shares / shares.sum()
        for number, penalty in enumerate(config.penalties):
            emission = _fit_emission(spikes, inside, count, covariates, penalty, config)
            weights = np.nan_to_num(_emissions(emission, spikes, covariates, priors, config)[asked]) + np.log(priors)
            weights -= np.logaddexp.reduce(weights, axis=1, keepdims=True)
            scores[number] += weights[np.arange(len(weights)), truth[asked]].sum()
    return config.penalties[int(scores.argmax())]


def _fit_dynamics(
    truth: NDArray[np.int_], labels: tuple[str, ...], bin_s: float, config: NeuralDecoderConfig
) -> SemiMarkov:
    if config.dynamics == "explicit":
        return learn_semi_markov([(bin_s * np.arange(len(truth)), truth)], labels, smoothing=config.smoothing)
    count = len(labels)
    pairs = (truth[:-1] >= 0) & (truth[1:] >= 0)
    changes = np.full((count, count), config.smoothing)
    np.add.at(changes, (truth[:-1][pairs], truth[1:][pairs]), 1.0)
    matrix = changes / changes.sum(axis=1, keepdims=True)
    shares = np.bincount(truth[truth >= 0], minlength=count) + config.smoothing
    return markov_dynamics(matrix, shares / shares.sum(), labels, bin_s)


def markov_dynamics(matrix: FloatArray, initial: FloatArray, labels: Sequence[str], bin_s: float) -> SemiMarkov:
    """A plain Markov chain as a semi-Markov model: (S, S) chances per bin, the diagonal those to stay."""
    leave = np.maximum(1.0 - np.diag(matrix), 1e-6)
    moves = matrix * (1.0 - np.eye(len(matrix)))
    total = moves.sum(axis=1, keepdims=True)
    return SemiMarkov(
        labels=tuple(labels),
        transitions=np.divide(moves, total, out=np.zeros_like(moves), where=total > 0.0),
        durations=tuple(NegativeBinomial(mean_s=bin_s / each, shape=1.0) for each in leave),
        initial=initial,
    )
