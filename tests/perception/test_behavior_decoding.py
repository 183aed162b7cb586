"""The explicit-duration decoder against brute force over all segmentations, and against hmmlearn's plain HMM."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from geometry import InputError
from perception.behavior.calibration import calibration_error
from perception.behavior.decoding import (
    HistogramDuration,
    LogNormal,
    NegativeBinomial,
    OnlineDecoder,
    SemiMarkov,
    decode,
    emissions_from_chances,
    fit_duration,
    learn_semi_markov,
    segments_of,
)
from perception.behavior.decoding.markov_chain import is_markov_chain
from perception.behavior.decoding.recursions import best_path, posteriors
from perception.behavior.decoding.semi_markov import LogTables, log_tables


def segmentations(frames: int, states: int) -> Iterator[list[tuple[int, int]]]:
    """Every list of (label, length) that fills the frames with no label twice in a row."""
    for cuts in itertools.product((False, True), repeat=frames - 1):
        edges = [0, *(k + 1 for k, cut in enumerate(cuts) if cut), frames]
        lengths = np.diff(edges).tolist()
        for labels in itertools.product(range(states), repeat=len(lengths)):
            if all(a != b for a, b in itertools.pairwise(labels)):
                yield list(zip(labels, lengths, strict=True))


def chance_of_length(survival: np.ndarray, label: int, length: int, open_end: bool) -> float:
    """P(length) or, where the end is not seen, P(at least length), with a geometric tail after the table."""
    table = survival[:, label]
    longest = len(table) - 1
    ratio = min(table[-1] / table[-2], 1 - 1e-6) if table[-2] > 0 else 0.0

    def beyond(k: int) -> float:
        return float(table[k] if k <= longest else table[-1] * ratio ** (k - longest))

    return beyond(length - 1) if open_end else beyond(length - 1) - beyond(length)


def brute_force(
    emissions: np.ndarray, initial: np.ndarray, transitions: np.ndarray, survival: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray, float]:
    """Likelihood, posterior, best path and its probability, by adding up everything."""
    frames, states = emissions.shape
    total, posterior, best, best_path_ = 0.0, np.zeros((frames, states)), -1.0, np.zeros(frames, dtype=int)
    for segments in segmentations(frames, states):
        chance, at, path = initial[segments[0][0]], 0, []
        for number, (label, length) in enumerate(segments):
            if number:
                chance *= transitions[segments[number - 1][0], label]
            chance *= chance_of_length(survival, label, length, number == len(segments) - 1)
            chance *= np.exp(emissions[at : at + length, label].sum())
            at, path = at + length, [*path, *[label] * length]
        total += chance
        posterior[np.arange(frames), path] += chance
        if chance > best:
            best, best_path_ = chance, np.array(path)
    return np.log(total), posterior / total, best_path_, np.log(best)


def random_model(rng: np.random.Generator, states: int, longest: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    transitions = rng.dirichlet(np.ones(states), states) * (1 - np.eye(states))
    initial = rng.dirichlet(np.ones(states))
    lengths = rng.dirichlet(np.ones(longest + 1), states).T
    survival = np.vstack([np.ones(states), 1.0 - np.cumsum(lengths, axis=0)[:longest]])
    return initial, transitions / transitions.sum(axis=1, keepdims=True), survival


@pytest.mark.parametrize(("states", "longest", "frames"), [(2, 3, 9), (3, 2, 7), (3, 4, 4), (2, 12, 6), (3, 3, 1)])
def test_offline_is_the_sum_over_all_segmentations(states: int, longest: int, frames: int) -> None:
    rng = np.random.default_rng(states + 10 * longest)
    initial, transitions, survival = random_model(rng, states, longest)
    emissions = rng.normal(size=(frames, states))
    likelihood, posterior, path, best = brute_force(emissions, initial, transitions, survival)
    tables = log_tables(initial, transitions, survival)
    found, (found_path, found_best) = posteriors(emissions, tables), best_path(emissions, tables)
    assert found.log_likelihood == pytest.approx(likelihood, abs=1e-9)
    np.testing.assert_allclose(found.frames, posterior, atol=1e-9)
    assert found_best == pytest.approx(best, abs=1e-9)
    np.testing.assert_array_equal(found_path, path)
    assert found.first.sum() == pytest.approx(1.0)


def test_a_forbidden_transition_never_happens_and_a_final_state_may_last() -> None:
    rng = np.random.default_rng(3)
    initial, transitions, survival = random_model(rng, 3, 3)
    transitions = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    emissions = rng.normal(size=(8, 3))
    likelihood, posterior, path, _ = brute_force(emissions, initial, transitions, survival)
    tables = log_tables(initial, transitions, survival)
    assert posteriors(emissions, tables).log_likelihood == pytest.approx(likelihood)
    np.testing.assert_allclose(posteriors(emissions, tables).frames, posterior, atol=1e-9)
    np.testing.assert_array_equal(best_path(emissions, tables)[0], path)


def test_expected_counts_are_derivatives_of_the_likelihood() -> None:
    rng = np.random.default_rng(5)
    initial, transitions, survival = random_model(rng, 3, 4)
    emissions, tables = rng.normal(size=(11, 3)), log_tables(initial, transitions, survival)
    found = posteriors(emissions, tables)

    def nudged(name: str, place: tuple[int, int]) -> float:
        values = {field: getattr(tables, field).copy() for field in LogTables.__dataclass_fields__}
        likelihoods = []
        for step in (1e-5, -1e-5):
            moved = {**values, name: values[name].copy()}
            moved[name][place] += step
            likelihoods.append(posteriors(emissions, LogTables(**moved)).log_likelihood)
        return (likelihoods[0] - likelihoods[1]) / 2e-5

    assert found.transitions[0, 2] == pytest.approx(nudged("transition", (0, 2)), abs=1e-6)


def geometric_hmm(rng: np.random.Generator, frames: int) -> tuple[np.ndarray, SemiMarkov, np.ndarray, np.ndarray]:
    matrix = np.array([[0.9, 0.07, 0.03], [0.1, 0.8, 0.1], [0.3, 0.2, 0.5]])
    initial = np.array([0.5, 0.3, 0.2])
    stay = np.diag(matrix)
    moves = matrix * (1 - np.eye(3)) / (1 - stay)[:, None]
    model = SemiMarkov(
        labels=("a", "b", "c"),
        transitions=moves,
        durations=tuple(NegativeBinomial(mean_s=1 / (1 - s) / 10.0, shape=1.0) for s in stay),
        initial=initial,
    )
    return rng.normal(size=(frames, 3)), model, matrix, initial


@pytest.mark.parametrize("frames", [1, 2, 60])
def test_the_shortcut_for_plain_chains_is_the_general_recursion(frames: int) -> None:
    emissions, model, _, _ = geometric_hmm(np.random.default_rng(2), frames)
    short, long = model.tables(10.0), model.tables(10.0, longest=5)
    assert is_markov_chain(short) and not is_markov_chain(long)
    quick, thorough = posteriors(5.0 * emissions, short), posteriors(5.0 * emissions, long)
    assert quick.log_likelihood == pytest.approx(thorough.log_likelihood, abs=1e-9)
    for name in ("frames", "transitions", "first"):
        np.testing.assert_allclose(getattr(quick, name), getattr(thorough, name), atol=1e-9)
    paths = [best_path(5.0 * emissions, tables) for tables in (short, long)]
    np.testing.assert_array_equal(paths[0][0], paths[1][0])
    assert paths[0][1] == pytest.approx(paths[1][1], abs=1e-9)


def test_geometric_durations_are_the_plain_hmm_of_hmmlearn() -> None:
    hmmlearn = pytest.importorskip("hmmlearn.base")

    class Scores(hmmlearn.BaseHMM):
        def _compute_log_likelihood(self, X: np.ndarray) -> np.ndarray:
            return X

    emissions, model, matrix, initial = geometric_hmm(np.random.default_rng(0), 400)
    plain = Scores(n_components=3)
    plain.n_features, plain.startprob_, plain.transmat_ = 3, initial, matrix
    decoding = decode(emissions, model, np.arange(400) / 10.0)
    assert decoding.log_likelihood == pytest.approx(plain.score(emissions), rel=1e-9)
    np.testing.assert_allclose(decoding.posterior, plain.predict_proba(emissions), atol=1e-7)
    np.testing.assert_array_equal(decoding.path, plain.predict(emissions))


def some_model(longest_s: float = 1.0) -> SemiMarkov:
    durations = {
        "idle": NegativeBinomial(mean_s=1.5 * longest_s, shape=1.0),
        "reach": LogNormal(median_s=0.6, spread=0.4, minimum_s=0.3),
        "grasp": HistogramDuration(edges_s=(0.2, 0.5, 1.0), weights=(2.0, 1.0)),
    }
    return SemiMarkov.from_grammar(
        {"idle": ["reach"], "reach": ["grasp", "idle"], "grasp": ["idle"]}, durations, starts=["idle"]
    )


def simulated(model: SemiMarkov, rate_hz: float, frames: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(T,) true labels drawn from the model, and (T, S) noisy scores."""
    rng = np.random.default_rng(seed)
    survival = np.exp(model.tables(rate_hz, longest=2000).survival)
    label, path = int(rng.choice(len(model.labels), p=model.initial)), []
    while len(path) < frames:
        length = int((survival[:, label] > rng.uniform()).sum())
        path += [label] * length
        label = int(rng.choice(len(model.labels), p=model.transitions[label]))
    truth = np.array(path[:frames])
    return truth, np.eye(len(model.labels))[truth] / noise + rng.normal(size=(frames, len(model.labels)))


@pytest.mark.parametrize(("longest_s", "frames"), [(4.0, 900), (60.0, 4000)])
def test_online_without_limit_is_the_offline_path_and_likelihood(longest_s: float, frames: int) -> None:
    model = some_model(longest_s)
    truth, scores = simulated(model, 20.0, frames, 1.0, seed=2)
    times = np.arange(frames) / 20.0
    offline, online = decode(scores, model, times), OnlineDecoder(model, rate_hz=20.0, lag_s=1e9)
    for time_s, row in zip(times, scores, strict=True):
        assert online.push(time_s, row).settled == []
    segments = online.finish()
    assert longest_s < 60.0 or max(s.last_frame - s.first_frame for s in segments) > 600, "a tail was entered"
    assert online.log_likelihood == pytest.approx(offline.log_likelihood, rel=1e-10)
    assert [(s.label, s.first_frame, s.last_frame) for s in segments] == [
        (s.label, s.first_frame, s.last_frame) for s in offline.segments
    ]
    assert [s.start_s for s in segments] == pytest.approx([s.start_s for s in offline.segments])
    assert [s.end_s for s in segments] == pytest.approx([s.end_s for s in offline.segments])


def test_online_settles_in_time_into_one_path_that_the_grammar_allows() -> None:
    model = some_model()
    truth, scores = simulated(model, 20.0, 1500, 0.7, seed=4)
    online, settled = OnlineDecoder(model, rate_hz=20.0, lag_s=0.3), []
    for frame, row in enumerate(scores):
        for segment in online.push(frame / 20.0, row).settled:
            assert frame - segment.last_frame >= 6
            settled.append(segment)
    waiting = 1500 - settled[-1].last_frame
    settled += online.finish()
    assert waiting < 200
    assert settled[0].first_frame == 0 and settled[-1].last_frame == 1499
    follows = {"idle": {"reach"}, "reach": {"grasp", "idle"}, "grasp": {"idle"}}
    for one, two in itertools.pairwise(settled):
        assert two.first_frame == one.last_frame + 1 and two.label in follows[one.label]
    path = np.concatenate([[model.labels.index(s.label)] * (s.last_frame - s.first_frame + 1) for s in settled])
    offline = decode(scores, model, np.arange(1500) / 20.0).path
    assert (path == truth).mean() > (scores.argmax(axis=1) == truth).mean() + 0.05
    assert (path == truth).mean() > (offline == truth).mean() - 0.05


def test_dropped_frames_of_a_stream_count_as_seen_nothing() -> None:
    model = some_model()
    _, scores = simulated(model, 20.0, 400, 0.4, seed=11)
    times, kept = np.arange(400) / 20.0, np.r_[0:100, 106:400]
    hidden, dropped = OnlineDecoder(model, rate_hz=20.0), OnlineDecoder(model, rate_hz=20.0)
    rows = scores.copy()
    rows[100:106] = np.nan
    whole = [s for k in range(400) for s in hidden.push(times[k], rows[k]).settled] + hidden.finish()
    holey = [s for k in kept for s in dropped.push(times[k], rows[k]).settled] + dropped.finish()
    assert dropped.log_likelihood == pytest.approx(hidden.log_likelihood)
    assert [s.label for s in holey] == [s.label for s in whole]
    assert [s.start_s for s in holey] == pytest.approx([s.start_s for s in whole])
    assert [kept[s.first_frame] for s in holey] == [s.first_frame for s in whole]
    with pytest.raises(InputError, match="growing time_s"):
        dropped.push(99.0, rows[0])


def test_a_stream_may_pause_for_hours_and_a_frame_stays_cheap() -> None:
    online = OnlineDecoder(some_model(), rate_hz=20.0)
    online.push(0.0, [0.0, 0.0, 0.0])
    assert np.isfinite(online.push(1e5, [0.0, 5.0, 0.0]).chances).all()
    assert online.push(1e5 + 0.05, [5.0, 0.0, 0.0]).settled == []


def test_the_filter_is_the_brute_force_chance_of_the_past_alone() -> None:
    model = some_model()
    _, scores = simulated(model, 4.0, 7, 0.5, seed=1)
    online = OnlineDecoder(model, rate_hz=4.0)
    tables = model.tables(4.0)
    for frame, row in enumerate(scores):
        step = online.push(frame / 4.0, row)
        _, posterior, _, _ = brute_force(
            scores[: frame + 1], model.initial, np.asarray(model.transitions), np.exp(tables.survival)
        )
        np.testing.assert_allclose(step.chances, posterior[-1], atol=1e-9)


def test_a_beginning_that_frames_all_but_ruled_out_counts_again_when_they_say_the_opposite() -> None:
    """A lift takes four frames: of two hypotheses e^1000 apart, only the one that all but fell can have ended."""
    laws = {
        "idle": NegativeBinomial(mean_s=3.0, shape=1.0),
        "lift": NegativeBinomial(mean_s=6.0, minimum_s=4.0),
        "carry": NegativeBinomial(mean_s=3.0, shape=1.0),
    }
    grammar = {"idle": ["lift"], "lift": ["carry", "idle"], "carry": ["idle"]}
    model = SemiMarkov.from_grammar(grammar, laws, starts=["idle", "lift"])
    order = [model.labels.index(name) for name in ("idle", "lift", "carry")]
    scores = np.zeros((5, 3))
    scores[:, order] = [
        [0.0, 0.0, -9e3], [0.0, -1e3, -9e3], [-1e3, 0.0, -9e3], [-1e3, 0.0, -9e3], [-5e3, -3e3, 0.0],
    ]  # fmt: skip
    online = OnlineDecoder(model, rate_hz=1.0)
    steps = [online.push(float(frame), row) for frame, row in enumerate(scores)]
    assert [step.label for step in steps[1:]] == ["idle", "lift", "lift", "carry"]
    assert steps[-1].confidence == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("law", "mean_s"),
    [
        (NegativeBinomial(mean_s=1.2, shape=3.0, minimum_s=0.4), 1.2),
        (NegativeBinomial(mean_s=0.7, shape=1.0), 0.7),
        (LogNormal(median_s=1.0, spread=0.3), float(np.exp(0.045))),
        (HistogramDuration(edges_s=(0.2, 1.0, 3.0), weights=(1.0, 3.0)), 0.25 * 0.6 + 0.75 * 2.0),
    ],
)
@pytest.mark.parametrize("rate_hz", [10.0, 30.0, 100.0])
def test_a_law_keeps_its_mean_at_every_rate(law: object, mean_s: float, rate_hz: float) -> None:
    survival = law.survival(rate_hz, int(20 * rate_hz))  # type: ignore[attr-defined]
    assert survival[0] == 1.0 and (np.diff(survival) <= 1e-12).all() and survival[-1] < 1e-3
    assert law.mean_s == pytest.approx(mean_s)  # type: ignore[attr-defined]
    assert survival.sum() / rate_hz == pytest.approx(mean_s, rel=0.01, abs=0.003)


def test_a_minimum_duration_is_kept() -> None:
    survival = LogNormal(median_s=0.5, spread=0.6, minimum_s=0.5).survival(20.0, 100)
    assert (survival[:10] == 1.0).all() and survival[10] < 1.0


def test_grammar_and_durations_are_learned() -> None:
    model = some_model()
    truth, _ = simulated(model, 20.0, 40_000, 1.0, seed=7)
    learned = learn_semi_markov([(np.arange(40_000) / 20.0, truth)], model.labels)
    np.testing.assert_allclose(learned.transitions, model.transitions, atol=0.03)
    assert learned.durations[1].mean_s == pytest.approx(0.68, rel=0.08)
    never = learn_semi_markov(
        [(np.arange(40_000) / 20.0, truth)], model.labels, allowed=np.asarray(model.transitions) > 0
    )
    assert ((np.asarray(never.transitions) > 0) == (np.asarray(model.transitions) > 0)).all()


def test_fit_duration_of_few_segments_stays_wide() -> None:
    assert fit_duration([1.0]).spread > 0.4
    assert fit_duration([], prior_s=2.0).median_s == pytest.approx(2.0)
    with pytest.raises(InputError, match="positive durations_s"):
        fit_duration([])


def test_missing_and_dropped_frames_say_nothing() -> None:
    model = some_model()
    truth, scores = simulated(model, 20.0, 400, 0.4, seed=11)
    times, whole = np.arange(400) / 20.0, decode(scores, model, np.arange(400) / 20.0)
    unseen = scores.copy()
    unseen[100:106] = np.nan
    kept = np.r_[0:100, 106:400]
    hidden, dropped = decode(unseen, model, times), decode(scores[kept], model, times[kept])
    assert dropped.log_likelihood == pytest.approx(hidden.log_likelihood)
    np.testing.assert_allclose(dropped.posterior, hidden.posterior[kept], atol=1e-9)
    assert (hidden.path == whole.path).mean() > 0.97
    nothing = decode(np.full((5, 3), np.nan), model, np.arange(5) / 20.0)
    assert np.isfinite(nothing.posterior).all()
    assert decode(np.zeros((0, 3)), model, []).segments == []
    assert [s.label for s in decode(np.zeros((1, 3)), model, [3.0]).segments] == ["idle"]


def test_a_segment_is_unsure_below_the_threshold_or_against_a_second_source() -> None:
    model = some_model()
    truth, scores = simulated(model, 20.0, 300, 0.3, seed=13)
    times, second = np.arange(300) / 20.0, np.eye(3)[truth]
    sure = decode(scores, model, times, least_confidence=0.5, second_opinion=second)
    assert not any(segment.unsure for segment in sure.segments)
    victim = sure.segments[1]
    second[victim.first_frame : victim.last_frame + 1] = [0.0, 0.05, 0.95]
    against = decode(scores, model, times, least_confidence=0.5, second_opinion=second, second_name="the rules")
    doubts = [segment.doubt for segment in against.segments]
    assert "grasp (0.95) by the rules" in doubts[1] and sum(map(bool, doubts)) == 1
    unclear = decode(0.05 * scores, model, times, least_confidence=0.9)
    assert any("below 0.90" in segment.doubt for segment in unclear.segments)


def test_confidence_of_a_true_model_is_calibrated() -> None:
    model = some_model()
    stated, right = [], []
    for seed in range(8):
        truth, _ = simulated(model, 20.0, 1000, 1.0, seed=seed)
        noise = np.random.default_rng(100 + seed).normal(size=(1000, 3))
        seen = np.eye(3)[truth] + noise
        decoding = decode(seen, model, np.arange(1000) / 20.0)
        stated.append(decoding.posterior.max(axis=1))
        right.append(decoding.posterior.argmax(axis=1) == truth)
    assert calibration_error(np.minimum(np.concatenate(stated), 1.0), np.concatenate(right), bins=10) < 0.03
    assert 0.6 < np.concatenate(right).mean() < 0.99


def test_emissions_from_chances_by_hand() -> None:
    rows = emissions_from_chances([[0.8, 0.2], [np.nan, np.nan]], priors=[0.25, 0.75], weight=0.5)
    np.testing.assert_allclose(rows[0], 0.5 * np.log([3.2, 0.2 / 0.75]))
    assert np.isnan(rows[1]).all()


def test_segments_of_frames() -> None:
    found = segments_of(np.array([1, 1, -1, 0, 0, 0]), np.arange(6) / 10, ("a", "b"))
    assert [(s.label, s.first_frame, s.last_frame) for s in found] == [("b", 0, 1), ("a", 3, 5)]
    assert found[0].end_s == pytest.approx(0.2) and found[1].end_s == pytest.approx(0.6)


def test_bad_input_is_said_clearly() -> None:
    model, scores = some_model(), np.zeros((4, 3))
    times = np.arange(4) / 20.0
    for wrong, match in [
        (lambda: decode(scores[:, :2], model, times), r"\(T, 3\)"),
        (lambda: decode(scores, model, times[::-1]), "growing"),
        (lambda: decode(np.full((4, 3), -np.inf), model, times), "finite best"),
        (lambda: decode([[0.0, np.nan, 0.0]], model, [0.0]), "finite best"),
        (lambda: decode(scores, model, [0.0, 0.1, 0.2, 1e9]), "gaps"),
        (lambda: decode(scores, model, times, second_opinion=np.zeros((3, 3))), "second_opinion"),
        (lambda: OnlineDecoder(model, rate_hz=0.0), "rate_hz"),
        (lambda: OnlineDecoder(model, rate_hz=9.0).push(np.nan, [0, 0, 0]), "growing time_s"),
        (lambda: NegativeBinomial(mean_s=0.1, minimum_s=0.2), "mean_s"),
        (lambda: LogNormal(median_s=-1.0), "median_s"),
        (lambda: HistogramDuration(edges_s=(0.0, 1.0), weights=(0.0,)), "weights"),
        (lambda: SemiMarkov.from_grammar({"a": ["b"]}, {"a": LogNormal(median_s=1.0)}), "labels"),
        (lambda: learn_semi_markov([], ["a"]), "labelled segment"),
    ]:
        with pytest.raises(InputError, match=match):
            wrong()
