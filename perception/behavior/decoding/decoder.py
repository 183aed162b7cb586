"""A whole recording to segments: any classifier's frame scores, made consistent by grammar and durations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray, InputError
from perception.behavior.decoding.recursions import best_path, posteriors
from perception.behavior.decoding.segment import Segment, mark_unsure, segments_of
from perception.behavior.decoding.semi_markov import SemiMarkov

_FLOOR = 1e4
_LONGEST_GAP_FRAMES = 100_000


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """A decoded recording."""

    path: NDArray[np.int_]
    """(T,) number of the label of each frame on the best path."""
    posterior: FloatArray
    """(T, S) P(label at the frame | whole recording)."""
    segments: list[Segment]
    """The best path as segments, doubts marked."""
    log_likelihood: float
    """log P(recording | model), up to the constant that the emissions left out."""


def decode(
    emissions: FloatArray,
    model: SemiMarkov,
    time_s: ArrayLike,
    *,
    least_confidence: float = 0.0,
    second_opinion: FloatArray | None = None,
    second_name: str = "the second source",
) -> Decoding:
    """Find the most likely segments of a recording and how sure each is.

    Times may be uneven: frames are put on an even grid of the median frame time, and moments without a frame count as
    seen nothing.

    Args:
        emissions: (T, S) log-likelihood of each frame under each label, up to a constant per frame (see
            `emissions_from_chances`); a row of NaN (nobody in view) says nothing.
        model: grammar and durations over the S labels.
        time_s: (T,) growing, seconds.
        least_confidence: segments below it are marked unsure.
        second_opinion: (T, S) chances of another source; segments where it is sure of another label are unsure.
        second_name: what to call that source in a reason.
    Returns:
        The decoding; a recording of no frames gives no segments.
    Raises:
        InputError: for shapes that do not fit, times that do not grow, or frames that the grammar cannot explain.
    """
    scores, times = checked_emissions(emissions, len(model.labels)), np.asarray(time_s, dtype=float)
    if times.shape != scores.shape[:1] or not np.isfinite(times).all() or (np.diff(times) <= 0.0).any():
        raise InputError("decode: time_s", expected=f"({len(scores)},) finite and growing", got=f"shape {times.shape}")
    if second_opinion is not None and np.shape(second_opinion) != scores.shape:
        raise InputError("decode: second_opinion", expected=f"{scores.shape}", got=f"{np.shape(second_opinion)}")
    if not len(scores):
        return Decoding(path=np.zeros(0, dtype=int), posterior=scores, segments=[], log_likelihood=0.0)
    rows, rate_hz = _even_rows(times)
    grid = np.zeros((rows[-1] + 1, scores.shape[1]))
    grid[rows] = scores
    tables = model.tables(rate_hz)
    knowledge, (path, _) = posteriors(grid, tables), best_path(grid, tables)
    path, posterior = path[rows], knowledge.frames[rows]
    segments = segments_of(path, times, model.labels, posterior)
    marked = mark_unsure(
        segments,
        least_confidence=least_confidence,
        second_opinion=second_opinion,
        labels=model.labels,
        second_name=second_name,
    )
    return Decoding(path=path, posterior=posterior, segments=marked, log_likelihood=knowledge.log_likelihood)


def checked_emissions(emissions: ArrayLike, states: int) -> FloatArray:
    """(T, S) finite scores: rows of NaN become zero, and nothing is worse than the frame's best by more than 1e4.

    Raises:
        InputError: for another shape, a row with some NaN, +inf, or a row of nothing but -inf.
    """
    scores = np.array(emissions, dtype=float)
    if scores.ndim != 2 or scores.shape[1] != states:
        raise InputError("decode: emissions", expected=f"(T, {states}), a column per label", got=f"{scores.shape}")
    unseen = np.isnan(scores).all(axis=1)
    scores[unseen] = 0.0
    best = scores.max(axis=1, keepdims=True, initial=-np.inf)
    bad = ~np.isfinite(best[:, 0]) if states else np.zeros(len(scores), dtype=bool)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InputError(
            "decode: emissions",
            expected="in each row numbers with a finite best, or NaN throughout for a frame that shows nothing",
            got=f"{scores[row]} in row {row}",
        )
    return np.maximum(scores, best - _FLOOR)


def _even_rows(times: FloatArray) -> tuple[NDArray[np.int_], float]:
    """Row of each frame on an even grid, all different, and the grid's rate."""
    if len(times) == 1:
        return np.zeros(1, dtype=int), 30.0
    frame_s = float(np.median(np.diff(times)))
    rows = np.rint((times - times[0]) / frame_s)
    if rows[-1] - len(rows) > _LONGEST_GAP_FRAMES:
        raise InputError(
            "decode: time_s",
            expected=f"gaps of fewer than {_LONGEST_GAP_FRAMES} frames in all",
            got=f"{rows[-1] - len(rows):.0f}",
            remedy="cut the recording at its gaps",
        )
    order = np.arange(len(rows))
    return (np.maximum.accumulate(rows - order) + order).astype(int), 1.0 / frame_s
