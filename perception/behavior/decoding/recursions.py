"""The exact recursions of a hidden semi-Markov model over a whole recording: best path, and posteriors.

Segment form (Yu 2010, section 2): `start[t, j]` is the log weight of a segment of j that begins at frame t, `end[t, j]`
of one whose last frame is t - 1. Time O(T D S), memory O(T S). The last segment may be cut off by the end of the
recording, so it counts with the chance to last at least as long as was seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.decoding.markov_chain import chain_best_path, chain_posteriors, is_markov_chain
from perception.behavior.decoding.semi_markov import LogTables


@dataclass(frozen=True)
class Posteriors:
    """What forward-backward knows after a whole recording."""

    log_likelihood: float
    """log P(all frames)."""
    frames: FloatArray
    """(T, S) P(label at this frame | all frames)."""
    transitions: FloatArray
    """(S, S) expected number of changes."""
    first: FloatArray
    """(S,) P(first label)."""


_LEAST = np.finfo(float).min


def log_sum(values: FloatArray, axis: int = 0) -> FloatArray:
    """Logarithm of a sum of exponentials along one axis; all -inf gives -inf."""
    top = np.maximum(values.max(axis=axis, keepdims=True), _LEAST)
    total = np.exp(values - top).sum(axis=axis, keepdims=True)
    with np.errstate(divide="ignore"):
        return np.asarray((np.log(total) + top).squeeze(axis))


def best_path(emissions: FloatArray, tables: LogTables) -> tuple[NDArray[np.int_], float]:
    """Viterbi: the most likely segmentation.

    Args:
        emissions: (T, S) log P(frame | label), finite.
        tables: the model at this frame rate.
    Returns:
        (T,) labels, and the log probability of path and frames together.
    """
    if is_markov_chain(tables):
        return chain_best_path(emissions, tables)
    total, states, longest = len(emissions), emissions.shape[1], len(tables.length)
    summed = np.concatenate([np.zeros((1, states)), np.cumsum(emissions, axis=0)])
    start, end = np.full((total + 1, states), -np.inf), np.full((total + 1, states), -np.inf)
    began, came = np.zeros((total + 1, states), dtype=int), np.zeros((total + 1, states), dtype=int)
    tail, tail_began = np.full(states, -np.inf), np.zeros(states, dtype=int)
    start[0] = tables.initial
    every = np.arange(states)
    for t in range(1, total + 1):
        tail, tail_began = _best_tail(t, tail, tail_began, start, summed, tables)
        law = tables.survival[: min(longest, t)] if t == total else tables.length[: min(longest, t)]
        low = t - len(law)
        weights = (start[low:t] - summed[low:t])[::-1] + law
        pick = weights.argmax(axis=0)
        end[t], began[t] = weights[pick, every] + summed[t], t - 1 - pick
        from_tail = tail + (0.0 if t == total else tables.tail_end)
        longer = from_tail > end[t]
        end[t], began[t] = np.where(longer, from_tail, end[t]), np.where(longer, tail_began, began[t])
        steps = end[t][:, None] + tables.transition
        came[t] = steps.argmax(axis=0)
        start[t] = steps[came[t], every]
    _check_possible(float(end[total].max()))
    return _backtrack(end[total], began, came), float(end[total].max())


def _best_tail(
    t: int, tail: FloatArray, began: NDArray[np.int_], start: FloatArray, summed: FloatArray, tables: LogTables
) -> tuple[FloatArray, NDArray[np.int_]]:
    """Best segments of more than D frames that are alive at t, and where they began."""
    entry = t - len(tables.length) - 1
    if entry < 0:
        return tail, began
    stays = tail + tables.tail_stay + summed[t] - summed[t - 1]
    enters = start[entry] + tables.survival[-1] + summed[t] - summed[entry]
    return np.maximum(stays, enters), np.where(enters > stays, entry, began)


def _backtrack(last: FloatArray, began: NDArray[np.int_], came: NDArray[np.int_]) -> NDArray[np.int_]:
    t, label = len(began) - 1, int(last.argmax())
    path = np.zeros(t, dtype=int)
    while t > 0:
        begin = int(began[t, label])
        path[begin:t] = label
        t, label = begin, int(came[begin, label])
    return path


def posteriors(emissions: FloatArray, tables: LogTables) -> Posteriors:
    """Forward-backward: the chance of each label at each frame given the whole recording.

    Args:
        emissions: (T, S) log P(frame | label), finite.
        tables: the model at this frame rate.
    """
    if is_markov_chain(tables):
        likelihood, frames, changes = chain_posteriors(emissions, tables)
        return Posteriors(likelihood, frames, changes, frames[0])
    summed = np.concatenate([np.zeros((1, emissions.shape[1])), np.cumsum(emissions, axis=0)])
    start, end, tail = _forward(summed, tables)
    log_likelihood = float(log_sum(end[-1]))
    _check_possible(log_likelihood)
    return _backward(summed, tables, start, end, tail, log_likelihood)


def _forward(summed: FloatArray, tables: LogTables) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weights (T + 1, S) of segments that begin at, end before, and are in their tail before each frame."""
    total, longest = len(summed) - 1, len(tables.length)
    start, end, tail = (np.full(summed.shape, -np.inf) for _ in range(3))
    start[0] = tables.initial
    for t in range(1, total + 1):
        if t > longest:
            enters = start[t - longest - 1] + tables.survival[-1] + summed[t] - summed[t - longest - 1]
            tail[t] = np.logaddexp(tail[t - 1] + tables.tail_stay + summed[t] - summed[t - 1], enters)
        law = tables.survival[: min(longest, t)] if t == total else tables.length[: min(longest, t)]
        low = t - len(law)
        whole = log_sum((start[low:t] - summed[low:t])[::-1] + law) + summed[t]
        end[t] = np.logaddexp(whole, tail[t] + (0.0 if t == total else tables.tail_end))
        start[t] = log_sum(end[t][:, None] + tables.transition)
    return start, end, tail


def _backward(
    summed: FloatArray, tables: LogTables, start: FloatArray, end: FloatArray, tail: FloatArray, log_likelihood: float
) -> Posteriors:
    total, longest = len(summed) - 1, len(tables.length)
    states = summed.shape[1]
    after_end, after_tail = np.full(summed.shape, -np.inf), np.full(summed.shape, -np.inf)
    after_tail[total] = 0.0
    frames, changes, first = np.zeros((total, states)), np.zeros((states, states)), np.zeros(states)
    for t in range(total - 1, -1, -1):
        reach = min(longest, total - t)
        law = tables.length[:reach].copy()
        future = after_end[t + 1 : t + reach + 1].copy()
        if t + reach == total:
            law[-1], future[-1] = tables.survival[reach - 1], 0.0
        terms = law + summed[t + 1 : t + reach + 1] - summed[t] + future
        long = np.full(states, -np.inf)
        if t + longest + 1 <= total:
            long = tables.survival[-1] + summed[t + longest + 1] - summed[t] + after_tail[t + longest + 1]
        ahead = np.logaddexp(log_sum(terms), long)
        weights = np.exp(start[t] + terms - log_likelihood)
        frames[t : t + reach] += weights[::-1].cumsum(axis=0)[::-1] + np.exp(start[t] + long - log_likelihood)
        first = np.exp(start[t] + ahead - log_likelihood)
        frames[t] += np.exp(tail[t + 1] + after_tail[t + 1] - log_likelihood)
        if t > 0:
            changes += np.exp(end[t][:, None] + tables.transition + ahead - log_likelihood)
            after_end[t] = log_sum(tables.transition + ahead, axis=1)
            stays = tables.tail_stay + summed[t + 1] - summed[t] + after_tail[t + 1]
            after_tail[t] = np.logaddexp(tables.tail_end + after_end[t], stays)
    return Posteriors(log_likelihood, frames / frames.sum(axis=1, keepdims=True), changes, first)


def _check_possible(log_likelihood: float) -> None:
    if not np.isfinite(log_likelihood):
        raise InputError(
            "decode",
            expected="a segmentation that the grammar allows",
            got="none of this length",
            remedy="allow more transitions, or a state with no successor to last longer",
        )
