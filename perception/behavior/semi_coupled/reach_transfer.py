"""Does what was learned of reaches to two sizes of cube carry over to the third? Isolated streams against coupled ones.

Protocol. Phases of the reach (before, reach, after) are learned by frame from recordings of two sizes and judged on
those of the third, of the same people or, harder, of a person left out as well; every size (and person) in turn. The
arms of a comparison share folds, seeds, windows and test recordings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.semi_coupled.nested_bootstrap import nested_interval
from perception.behavior.semi_coupled.reach_streams import Integers, ReachStreams
from perception.behavior.semi_coupled.training import StreamTraining, predict_behaviors, train_two_streams
from perception.behavior.semi_coupled.two_streams import TwoStreamConfig, TwoStreams

ARMS: dict[str, float | None] = {"isolated": 0.0, "quarter": 0.25, "coupled": 1.0, "motion_alone": None}
"""Openness of the gate; None: a network whose object stream says nothing, for comparison."""
PHASES = 3
_WINDOWS, _FRAMES, _LAYERS = 3, 40, 4
_STEPS, _BATCH, _RATE = 300, 32, 1e-2


@dataclass(frozen=True, kw_only=True)
class ReachTransfer:
    """What A arms with K seeds said of S recordings, each judged by a network that knows neither its size."""

    counts: FloatArray
    """(A, K, S, 3, 3) frames by true and by said phase."""
    changes: FloatArray
    """(A, K, 2, S) mean change of the phases' probabilities (total variation) when the shape of the hand is taken
    from another recording of the same person: with the same size, and with another."""
    people: NDArray[np.str_]
    """(S,)."""

    def results(self, name: str, rng: np.random.Generator) -> dict[str, Any]:
        """Flat: macro-F1 and heed of each arm, and their differences to `coupled`, with intervals of 95 %.

        Heed: how much more the phases change when the hand's shape is lent by a reach to another size than by one to
        the same size. Intervals are over seeds, people, and recordings of each person.
        """
        scores = {"f1": self._f1, "heed": self._heed}
        flat: dict[str, Any] = {}
        for arm in ARMS:
            for kind, score in scores.items():
                flat |= self._estimate(f"{name}_{arm}_{kind}", partial(score, arm=arm), rng)
                if arm != "coupled":
                    less = partial(score, arm=arm, other="coupled")
                    flat |= self._estimate(f"{name}_{arm}_minus_coupled_{kind}", less, rng)
        return flat

    def _estimate(
        self, key: str, score: Callable[[FloatArray], FloatArray], rng: np.random.Generator
    ) -> dict[str, float]:
        found = nested_interval(score, self.people, rng)
        return {key: found.value, f"{key}_low": found.low, f"{key}_high": found.high}

    def _f1(self, weights: FloatArray, *, arm: str, other: str | None = None) -> FloatArray:
        value = macro_f1(weights, self.counts[list(ARMS).index(arm)])
        return value if other is None else value - self._f1(weights, arm=other)

    def _heed(self, weights: FloatArray, *, arm: str, other: str | None = None) -> FloatArray:
        same_size, other_size = np.moveaxis(self.changes[list(ARMS).index(arm)], 1, 0)
        value = weights @ (other_size - same_size).T / weights.sum(axis=1, keepdims=True)
        return value if other is None else value - self._heed(weights, arm=other)


def measure_reach_transfer(
    streams: ReachStreams,
    *,
    seeds: Sequence[int],
    leave_person: bool = False,
    each: int | None = None,
) -> ReachTransfer:
    """Train and judge all arms.

    Args:
        streams: of at least two people (where one is left out) and three sizes.
        seeds: of weights, windows and the choice of recordings.
        leave_person: leave the person out together with the size.
        each: recordings of a person and a size to learn from; None: all.
    """
    people, sizes = np.unique(streams.people), np.unique(streams.sizes)
    if not len(seeds) or len(sizes) < 3 or (leave_person and len(people) < 2):
        got = f"{len(seeds)} seeds, {len(sizes)} sizes, {len(people)} people"
        raise InputError("measure_reach_transfer", expected="a seed, 3 sizes, and 2 people to leave one out", got=got)
    counts = np.zeros((len(ARMS), len(seeds), len(streams), PHASES, PHASES))
    changes = np.zeros((len(ARMS), len(seeds), 2, len(streams)))
    for k, seed in enumerate(seeds):
        rng = np.random.default_rng(seed)
        for known, test in _folds(streams, leave_person):
            train = _some(streams, known, rng, each)
            counted, changed = _fold(streams.standardised(train), train, test, rng, seed)
            counts[:, k, test] = counted
            changes[:, k][:, :, test] = changed
    return ReachTransfer(counts=counts, changes=changes, people=streams.people)


def macro_f1(weights: FloatArray, counts: FloatArray) -> FloatArray:
    """(B, K) mean F1 over phases, of weights (B, S) and counts (K, S, C, C) by true and by said phase."""
    total = np.einsum("bs,ksij->bkij", weights, counts)
    hits = np.diagonal(total, axis1=2, axis2=3)
    return np.asarray((2.0 * hits / np.maximum(total.sum(2) + total.sum(3), 1e-12)).mean(axis=-1))


def _folds(streams: ReachStreams, leave_person: bool) -> Iterator[tuple[Integers, Integers]]:
    """Recordings to learn from and to judge on."""
    for size in np.unique(streams.sizes):
        of_size = streams.sizes == size
        for person in np.unique(streams.people) if leave_person else (None,):
            of_person = (streams.people == person) if leave_person else np.ones(len(streams), dtype=bool)
            others = ~of_person if leave_person else of_person
            yield np.flatnonzero(~of_size & others), np.flatnonzero(of_size & of_person)


def _fold(
    streams: ReachStreams, train: Integers, test: Integers, rng: np.random.Generator, seed: int
) -> tuple[FloatArray, FloatArray]:
    """(A, R, 3, 3) counts and (A, 2, R) changes on the test recordings."""
    same, other = (_partners(streams, test, rng, same_size) for same_size in (True, False))
    begin = int(rng.integers(2**32))
    counts, changes = [], []
    for openness in ARMS.values():
        seen = streams if openness is not None else streams.without_objects()
        network = _learn(seen, train, np.random.default_rng(begin), seed, openness or 0.0)
        whole = seen.whole(test)
        odds = predict_behaviors(network, whole)
        present = whole.behaviors >= 0
        counts.append(_confusion(whole.behaviors, odds.argmax(-1)))
        lent = [predict_behaviors(network, seen.whole(test, partners)) for partners in (same, other)]
        changes.append([_change(odds, each, present) for each in lent])
    return np.array(counts), np.array(changes)


def _learn(streams: ReachStreams, train: Integers, rng: np.random.Generator, seed: int, openness: float) -> TwoStreams:
    data = streams.windows(train, rng, each=_WINDOWS, length=_FRAMES)
    config = TwoStreamConfig(
        object_features=data.objects.shape[-1],
        motion_features=data.motion.shape[-1],
        behaviors=PHASES,
        objects=int(data.object_labels.max()) + 1,
        layers=_LAYERS,
        openness=openness,
    )
    epochs = max(1, round(_STEPS * _BATCH / len(data.object_labels)))
    return train_two_streams(config, data, StreamTraining(epochs=epochs, batch=_BATCH, learning_rate=_RATE, seed=seed))


def _some(streams: ReachStreams, rows: Integers, rng: np.random.Generator, each: int | None) -> Integers:
    """At most `each` recordings of every person and size."""
    if each is None:
        return rows
    shuffled = rng.permutation(rows)
    groups = [f"{streams.people[row]} {streams.sizes[row]}" for row in shuffled]
    return np.sort([row for i, row in enumerate(shuffled) if groups[:i].count(groups[i]) < each]).astype(np.int64)


def _partners(streams: ReachStreams, rows: Integers, rng: np.random.Generator, same_size: bool) -> Integers:
    """(R,) for each recording another of the same person."""
    chosen = []
    for row in rows:
        fits = (streams.people == streams.people[row]) & ((streams.sizes == streams.sizes[row]) == same_size)
        fits[row] = False
        if not fits.any():
            raise InputError("measure_reach_transfer", expected="several recordings of each person", got="one")
        chosen.append(int(rng.choice(np.flatnonzero(fits))))
    return np.array(chosen, dtype=np.int64)


def _confusion(true: Integers | FloatArray, said: Integers) -> FloatArray:
    """(R, 3, 3) frames of each recording by true and by said phase; -1 counts for nothing."""
    return np.array(
        [[((true == a) & (said == b)).sum(axis=1) for b in range(PHASES)] for a in range(PHASES)], dtype=float
    ).transpose(2, 0, 1)


def _change(odds: FloatArray, others: FloatArray, present: NDArray[np.bool_]) -> FloatArray:
    """(R,) mean total variation between two readings of each recording."""
    variation = 0.5 * np.abs(_softmax(odds) - _softmax(others)).sum(axis=-1)
    return np.asarray((variation * present).sum(axis=1) / present.sum(axis=1))


def _softmax(odds: FloatArray) -> FloatArray:
    raised = np.exp(odds - odds.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
