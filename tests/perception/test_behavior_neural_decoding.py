"""Neural decoding against hmmlearn, finite differences, and the Bayes-optimal decoder of simulated spikes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import poisson

from geometry import InputError
from perception.behavior.decoding import OnlineDecoder
from perception.behavior.decoding.gaussian_states import GaussianStates
from perception.behavior.decoding.recursions import posteriors
from perception.behavior.neural_decoding import (
    GlmHmm,
    GlmStates,
    NeuralDecoder,
    NeuralDecoderConfig,
    block_folds,
    cross_validate_decoder,
    fit_glm_hmm,
    fit_glm_states,
)
from perception.behavior.neural_decoding.activity import lagged
from perception.behavior.neural_decoding.cross_validation import balanced_accuracy
from perception.behavior.neural_decoding.glm_states import glm_objective
from perception.behavior.neural_decoding.label_logistic import fit_label_logistic, logistic_loss
from perception.behavior.neural_decoding.neural_decoder import markov_dynamics

MATRIX = np.array([[0.96, 0.03, 0.01], [0.02, 0.96, 0.02], [0.02, 0.04, 0.94]])
INITIAL = np.array([0.5, 0.3, 0.2])


class Spikes(NamedTuple):
    counts: np.ndarray
    states: np.ndarray
    rates: np.ndarray


def simulated(bins: int, units: int, seed: int, spread: float = 0.5) -> Spikes:
    """Poisson counts of units whose rates change with a hidden Markov chain."""
    rng = np.random.default_rng(seed)
    rates = 0.4 * np.exp(spread * rng.normal(size=(3, units)))
    states = [int(rng.choice(3, p=INITIAL))]
    while len(states) < bins:
        states.append(int(rng.choice(3, p=MATRIX[states[-1]])))
    path = np.array(states)
    return Spikes(rng.poisson(rates[path]).astype(float), path, rates)


def bayes_optimal(spikes: Spikes) -> np.ndarray:
    """(T,) likeliest state of each bin under the true parameters, by a forward-backward of its own."""
    likelihood = poisson.pmf(spikes.counts[:, None, :], spikes.rates).prod(axis=2)
    forward, backward = np.zeros(likelihood.shape), np.ones(likelihood.shape)
    forward[0] = INITIAL * likelihood[0]
    for t in range(1, len(forward)):
        forward[t] = (forward[t - 1] / forward[t - 1].sum()) @ MATRIX * likelihood[t]
    for t in range(len(backward) - 2, -1, -1):
        backward[t] = MATRIX @ (likelihood[t + 1] * backward[t + 1])
        backward[t] /= backward[t].sum()
    return (forward * backward).argmax(axis=1)


def true_model(spikes: Spikes) -> GlmHmm:
    states = GlmStates(family="poisson", weights=np.log(spikes.rates)[:, None, :])
    return GlmHmm(states=states, transitions=MATRIX, initial=INITIAL, history=np.zeros(1))


def test_the_likelihood_is_hmmlearns_poisson_hmm() -> None:
    hmm = pytest.importorskip("hmmlearn.hmm")
    spikes = simulated(500, 12, seed=0)
    reference = hmm.PoissonHMM(n_components=3)
    reference.startprob_, reference.transmat_, reference.lambdas_ = INITIAL, MATRIX, spikes.rates
    ours = true_model(spikes)
    counts = spikes.counts.astype(int)
    assert ours.log_likelihood(spikes.counts) == pytest.approx(reference.score(counts), rel=1e-9, abs=1e-6)
    np.testing.assert_allclose(ours.chances(spikes.counts), reference.predict_proba(counts), atol=1e-6)
    np.testing.assert_array_equal(ours.decode(spikes.counts).path, reference.predict(counts))


def test_the_likelihood_is_hmmlearns_gaussian_hmm() -> None:
    hmm = pytest.importorskip("hmmlearn.hmm")
    rng = np.random.default_rng(1)
    means, roots = rng.normal(size=(3, 4)), rng.normal(size=(3, 4, 4))
    covariances = roots @ roots.transpose(0, 2, 1) + np.eye(4)
    activity = rng.normal(size=(300, 4))
    reference = hmm.GaussianHMM(n_components=3, covariance_type="full")
    reference.n_features = 4
    reference.startprob_, reference.transmat_ = INITIAL, MATRIX
    reference.means_, reference.covars_ = means, covariances
    states = GaussianStates(means[:, None, :], np.linalg.cholesky(covariances))
    dynamics = markov_dynamics(MATRIX, INITIAL, "abc", 0.1)
    ours = posteriors(states.log_likelihood(activity, np.ones((300, 1))), dynamics.tables(10.0))
    assert ours.log_likelihood == pytest.approx(reference.score(activity), rel=1e-9, abs=1e-6)


def test_the_true_model_decodes_as_bayes_would() -> None:
    spikes = simulated(2000, 15, seed=3)
    ours = true_model(spikes).chances(spikes.counts).argmax(axis=1)
    assert (ours == bayes_optimal(spikes)).mean() == 1.0


@pytest.mark.parametrize("family", ["poisson", "bernoulli"])
def test_gradients_of_the_emissions_are_finite_differences(family: str) -> None:
    rng = np.random.default_rng(2)
    design, parts = rng.normal(size=(40, 3)), rng.uniform(size=(40, 5))
    values = rng.poisson(1.0, size=(40, 5)).astype(float).clip(0, 1 if family == "bernoulli" else 9)
    weights, prior = 0.3 * rng.normal(size=(3, 5)), 0.1 * rng.normal(size=(3, 5))
    _, gradient = glm_objective(design, values, parts, weights, prior, 0.7, family)  # type: ignore[arg-type]
    for place in np.ndindex(3, 5):
        step = np.zeros((3, 5))
        step[place] = 1e-6
        high, low = (
            glm_objective(design, values, parts, weights + s * step, prior, 0.7, family)[0][place[1]]  # type: ignore[arg-type]
            for s in (1.0, -1.0)
        )
        assert gradient[place] == pytest.approx((high - low) / 2e-6, rel=1e-5, abs=1e-5)


def test_gradient_of_the_logistic_is_finite_differences() -> None:
    rng = np.random.default_rng(4)
    rows, labels = rng.normal(size=(30, 4)), rng.integers(0, 3, 30)
    flat = rng.normal(size=12)
    _, gradient = logistic_loss(flat, rows, labels, 0.5)
    for k in range(12):
        step = 1e-6 * np.eye(12)[k]
        slope = logistic_loss(flat + step, rows, labels, 0.5)[0] - logistic_loss(flat - step, rows, labels, 0.5)[0]
        assert gradient[k] == pytest.approx(slope / 2e-6, rel=1e-5, abs=1e-6)


def test_fitted_weights_are_those_of_a_general_optimiser_and_near_the_truth() -> None:
    rng = np.random.default_rng(5)
    stimulus = rng.normal(size=(6000, 2))
    states = rng.integers(0, 2, 6000)
    weights = np.array([[[-0.5, 0.2], [0.6, 0.0], [0.0, -0.4]], [[0.5, -1.0], [-0.3, 0.5], [0.2, 0.0]]])
    design = np.hstack([np.ones((6000, 1)), stimulus])
    counts = rng.poisson(np.exp(np.einsum("tq,tqu->tu", design, weights[states]))).astype(float)
    fitted = fit_glm_states(counts, np.eye(2)[states], covariates=stimulus, penalty=1e-6)
    for state, unit in np.ndindex(2, 2):
        rows, fired = design[states == state], counts[states == state, unit]
        found = minimize(lambda w, x, y: -poisson.logpmf(y, np.exp(x @ w)).sum(), np.zeros(3), args=(rows, fired))
        np.testing.assert_allclose(fitted.weights[state, :, unit], found.x, atol=1e-4)
        spread = np.sqrt(np.diag(np.linalg.inv((rows.T * np.exp(rows @ weights[state, :, unit])) @ rows)))
        assert (np.abs(fitted.weights[state, :, unit] - weights[state, :, unit]) < 4.0 * spread).all()


@pytest.mark.parametrize(
    ("family", "far"), [("poisson", -8.0), ("poisson", 4.0), ("bernoulli", -9.0), ("bernoulli", 9.0)]
)
def test_the_fit_finds_its_way_from_a_bad_start(family: str, far: float) -> None:
    spikes = simulated(300, 4, seed=23)
    stimulus = np.random.default_rng(24).normal(size=(300, 1))
    shares, values = np.eye(3)[spikes.states], np.minimum(spikes.counts, 1.0)
    near = fit_glm_states(values, shares, family=family, covariates=stimulus, penalty=0.01)  # type: ignore[arg-type]
    start = GlmStates(family=family, weights=np.full(near.weights.shape, far))  # type: ignore[arg-type]
    again = fit_glm_states(values, shares, family=family, covariates=stimulus, penalty=0.01, start=start)  # type: ignore[arg-type]
    np.testing.assert_allclose(again.weights, near.weights, atol=1e-6)


def test_rates_without_covariates_are_means_as_the_penalty_goes() -> None:
    spikes = simulated(1500, 6, seed=6)
    fitted = fit_glm_states(spikes.counts, np.eye(3)[spikes.states], penalty=1e-9)
    means = np.stack([spikes.counts[spikes.states == k].mean(axis=0) for k in range(3)])
    np.testing.assert_allclose(fitted.mean(), means, rtol=1e-6)


def test_supervised_decoding_comes_close_to_bayes() -> None:
    train, test = simulated(4000, 15, seed=7), simulated(3000, 15, seed=7)
    rng = np.random.default_rng(8)
    fresh = Spikes(rng.poisson(test.rates[test.states]).astype(float), test.states, test.rates)
    best = (bayes_optimal(fresh) == fresh.states).mean()
    assert 0.75 < best < 0.995, "neither hopeless nor trivial"
    for emission, allowed in (("poisson", 0.01), ("logistic", 0.02)):
        config = NeuralDecoderConfig(emission=emission)  # type: ignore[arg-type]
        decoder = NeuralDecoder.fit(train.counts, train.states, bin_s=0.05, config=config)
        found = decoder.decode(fresh.counts).posterior.argmax(axis=1)
        assert (found == fresh.states).mean() > best - allowed, emission
        frames_alone = decoder.emissions(fresh.counts) + np.log(decoder.priors)
        assert (frames_alone.argmax(axis=1) == fresh.states).mean() < (found == fresh.states).mean() - 0.05


def test_fluorescence_is_decoded_as_bayes_would() -> None:
    spikes, rng = simulated(5000, 1, seed=20), np.random.default_rng(21)
    means, root = 0.45 * rng.normal(size=(3, 8)), np.eye(8) + 0.3 * rng.normal(size=(8, 8))
    activity = means[spikes.states] + rng.normal(size=(5000, 8)) @ root.T
    exact = GaussianStates(means[:, None, :], np.stack([np.linalg.cholesky(root @ root.T)] * 3))
    dynamics = markov_dynamics(MATRIX, INITIAL, "abc", 0.1)
    best = posteriors(exact.log_likelihood(activity, np.ones((5000, 1)))[2500:], dynamics.tables(10.0)).frames
    optimal = (best.argmax(axis=1) == spikes.states[2500:]).mean()
    config = NeuralDecoderConfig(emission="gaussian")
    decoder = NeuralDecoder.fit(activity[:2500], spikes.states[:2500], bin_s=0.1, config=config)
    found = (decoder.decode(activity[2500:]).posterior.argmax(axis=1) == spikes.states[2500:]).mean()
    assert 0.75 < optimal < 0.99 and found > optimal - 0.03


def test_states_are_found_without_labels() -> None:
    spikes = simulated(2500, 20, seed=9)
    found = fit_glm_hmm(spikes.counts, 3, rng=np.random.default_rng(0), restarts=4)
    assert (np.diff(found.history) > -1e-7 * np.abs(found.history[:-1])).all()
    chances = found.chances(spikes.counts)
    together = np.zeros((3, 3))
    np.add.at(together, (chances.argmax(axis=1), spikes.states), 1.0)
    names = together.argmax(axis=1)
    assert sorted(names) == [0, 1, 2]
    agreement = (names[chances.argmax(axis=1)] == spikes.states).mean()
    assert agreement > (bayes_optimal(spikes) == spikes.states).mean() - 0.01
    happened = np.zeros((3, 3))
    np.add.at(happened, (spikes.states[:-1], spikes.states[1:]), 1.0)
    happened /= happened.sum(axis=1, keepdims=True)
    order = np.argsort(names)
    np.testing.assert_allclose(found.transitions[np.ix_(order, order)], happened, atol=0.012)
    assert found.log_likelihood(spikes.counts) > true_model(spikes).log_likelihood(spikes.counts) - 5.0


def test_choices_that_follow_a_stimulus_only_in_one_state_are_told_apart() -> None:
    rng = np.random.default_rng(10)
    stimulus = rng.normal(size=(4000, 1))
    states = (np.arange(4000) // 200) % 2
    logits = np.where(states == 0, 4.0 * stimulus[:, 0], 1.5)
    choices = (rng.uniform(size=4000) < 1.0 / (1.0 + np.exp(-logits))).astype(float)[:, None]
    found = fit_glm_hmm(choices, 2, rng=np.random.default_rng(1), family="bernoulli", covariates=stimulus, penalty=0.1)
    slopes = found.states.weights[:, 1, 0]
    engaged = int(np.abs(slopes).argmax())
    assert slopes[engaged] == pytest.approx(4.0, abs=0.8) and abs(slopes[1 - engaged]) < 0.5
    path = found.chances(choices, stimulus).argmax(axis=1)
    assert ((path == engaged) == (states == 0)).mean() > 0.9


def test_cross_validation_finds_what_is_there_and_nothing_where_nothing_is() -> None:
    spikes = simulated(3000, 12, seed=11)
    rng = np.random.default_rng(0)
    config = NeuralDecoderConfig(penalties=(1.0,))
    real = cross_validate_decoder(spikes.counts, spikes.states, bin_s=0.05, rng=rng, shifts=19, config=config)
    best = (bayes_optimal(spikes) == spikes.states).mean()
    assert best - 0.03 < real.accuracy <= best + 0.01
    assert real.p_value == pytest.approx(0.05)
    assert abs(real.chance.mean() - 1 / 3) < 0.06
    assert real.balanced_accuracy == balanced_accuracy(real.predicted, spikes.states)
    noise = rng.poisson(0.5, size=(3000, 12)).astype(float)
    null = cross_validate_decoder(noise, spikes.states, bin_s=0.05, rng=rng, shifts=19, config=config)
    assert null.p_value > 0.05 and abs(null.balanced_accuracy - 1 / 3) < 0.08


def test_covariates_that_drive_the_units_are_accounted_for() -> None:
    rng = np.random.default_rng(22)
    states, stimulus = (np.arange(3000) // 150) % 2, 1.5 * rng.normal(size=(3000, 1))
    drive = rng.normal(size=(1, 10))
    rates = np.exp(-0.7 + 0.25 * rng.normal(size=(2, 10))[states] + 0.8 * stimulus @ drive)
    counts = rng.poisson(np.minimum(rates, 50.0)).astype(float)
    config = NeuralDecoderConfig(penalties=(1.0,))
    blind, told = (
        cross_validate_decoder(counts, states, bin_s=0.05, rng=rng, covariates=extra, config=config).accuracy
        for extra in (None, stimulus)
    )
    assert told > blind + 0.1 and told > 0.85


def test_folds_are_contiguous_with_gaps_and_cover_everything_once() -> None:
    tested = np.zeros(100, dtype=int)
    for train, test in block_folds(100, 4, gap=3, blocks=2):
        tested += test
        assert np.abs(np.diff(np.r_[0, test, 0].astype(int))).sum() == 4
        for frame in np.flatnonzero(test):
            assert not train[max(0, frame - 3) : frame + 4].any()
        assert (~(train | test)).sum() in (9, 12)
    assert (tested == 1).all()


def test_the_inner_choice_takes_a_strong_penalty_where_units_outnumber_bins() -> None:
    spikes = simulated(150, 400, seed=12, spread=0.1)
    config = NeuralDecoderConfig(emission="logistic", penalties=(1e-3, 1e3))
    assert NeuralDecoder.fit(spikes.counts, spikes.states, bin_s=0.05, config=config).penalty == 1e3


def test_silent_units_missing_bins_and_few_bins_are_lived_with() -> None:
    spikes = simulated(600, 10, seed=13)
    counts = spikes.counts.copy()
    counts[:, 3] = 0.0
    counts[100:140] = np.nan
    counts[300:, 5] = np.nan
    for emission in ("poisson", "logistic"):
        config = NeuralDecoderConfig(emission=emission, lags=(0, 1, 2))  # type: ignore[arg-type]
        decoder = NeuralDecoder.fit(counts, spikes.states, bin_s=0.05, config=config)
        decoding = decoder.decode(counts)
        assert np.isfinite(decoding.posterior).all()
        assert (decoding.path == spikes.states).mean() > 0.7
    wide = simulated(60, 300, seed=14)
    for emission in ("poisson", "logistic", "gaussian"):
        config = NeuralDecoderConfig(emission=emission)  # type: ignore[arg-type]
        decoder = NeuralDecoder.fit(wide.counts, wide.states, bin_s=0.05, names=("a", "b", "c", "d"), config=config)
        assert np.isfinite(decoder.decode(wide.counts[:20]).posterior).all(), emission
    silent = fit_glm_hmm(np.zeros((50, 4)), 2, rng=np.random.default_rng(0), restarts=1)
    assert np.isfinite(silent.states.weights).all() and np.isfinite(silent.log_likelihood(np.zeros((50, 4))))


def test_the_decoder_runs_online_on_its_own_dynamics() -> None:
    spikes = simulated(800, 15, seed=15)
    decoder = NeuralDecoder.fit(spikes.counts, spikes.states, bin_s=0.05)
    online = OnlineDecoder(decoder.dynamics, rate_hz=20.0, lag_s=0.2)
    labels = [online.push(0.05 * t, row).label for t, row in enumerate(decoder.emissions(spikes.counts))]
    assert np.mean([decoder.labels.index(label) for label in labels] == spikes.states) > 0.85


def test_explicit_durations_help_where_states_last_a_fixed_time() -> None:
    rng = np.random.default_rng(16)
    rates = 0.4 * np.exp(0.35 * rng.normal(size=(2, 8)))
    states = np.concatenate([np.full(int(rng.integers(18, 23)), k % 2) for k in range(150)])
    counts = rng.poisson(rates[states]).astype(float)
    half = len(states) // 2
    accuracy = {}
    for dynamics in ("markov", "explicit"):
        config = NeuralDecoderConfig(dynamics=dynamics)  # type: ignore[arg-type]
        decoder = NeuralDecoder.fit(counts[:half], states[:half], bin_s=0.05, config=config)
        accuracy[dynamics] = (decoder.decode(counts[half:]).path == states[half:]).mean()
    assert accuracy["explicit"] > accuracy["markov"] + 0.02


def test_lags_by_hand() -> None:
    np.testing.assert_array_equal(
        lagged(np.array([[1.0], [2.0], [3.0]]), (0, 2)), [[1.0, np.nan], [2.0, np.nan], [3.0, 1.0]]
    )


def test_a_label_that_never_occurs_gets_a_small_chance() -> None:
    rng = np.random.default_rng(17)
    labels = rng.integers(0, 2, 200)
    model = fit_label_logistic(labels[:, None] + 0.3 * rng.normal(size=(200, 1)), labels, 3)
    assert np.exp(model.log_chances(np.array([[0.5]])))[0, 2] < 0.01


def test_bad_input_is_said_clearly() -> None:
    counts, labels = np.ones((20, 3)), np.arange(20) % 2
    rng = np.random.default_rng(0)
    for wrong, match in [
        (lambda: NeuralDecoder.fit(counts[:, 0], labels, bin_s=0.1), r"\(T, units\)"),
        (lambda: NeuralDecoder.fit(-counts, labels, bin_s=0.1), "at least 0"),
        (lambda: NeuralDecoder.fit(counts, labels[:5], bin_s=0.1), r"\(20,\) integers"),
        (lambda: NeuralDecoder.fit(counts, labels * 0.5, bin_s=0.1), "integers"),
        (lambda: NeuralDecoder.fit(counts, labels * 0, bin_s=0.1), "two labels"),
        (lambda: NeuralDecoder.fit(counts, labels, bin_s=0.0), "bin_s > 0"),
        (lambda: NeuralDecoder.fit(counts, labels, bin_s=0.1, covariates=np.ones((3, 1))), "covariates"),
        (lambda: NeuralDecoderConfig(penalties=(0.0,)), "penalties"),
        (lambda: fit_glm_hmm(counts, 1, rng=rng), "states >= 2"),
        (lambda: fit_glm_hmm(2 * counts, 2, rng=rng, family="bernoulli"), "bernoulli"),
        (lambda: list(block_folds(10, 8)), "two bins"),
        (lambda: list(block_folds(20, 2, gap=30)), "train"),
        (lambda: cross_validate_decoder(counts, labels, bin_s=0.1, rng=rng, shifts=-1), "shifts"),
    ]:
        with pytest.raises(InputError, match=match):
            wrong()


def test_the_figure_shows_units_and_bands() -> None:
    from matplotlib.figure import Figure

    from perception.behavior.neural_decoding.raster_figure import draw_decoded_raster

    spikes = simulated(200, 10, seed=18)
    spikes.counts[20:30] = np.nan
    axes = Figure().subplots()
    known = true_model(spikes).chances(spikes.counts)
    draw_decoded_raster(
        axes, spikes.counts, known.argmax(axis=1), "abc", bin_s=0.05, truth=spikes.states, posterior=known
    )
    assert axes.get_xlim() == (0.0, 10.0) and len(axes.child_axes) == 2
    band = np.asarray(axes.child_axes[1].images[0].get_array())[0]
    assert len(np.unique(band[:, :3], axis=0)) == len(np.unique(spikes.states))
