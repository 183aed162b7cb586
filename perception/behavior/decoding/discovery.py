"""Segments found without any label: what comes back, and from when to when, in recordings of anything that moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray, InputError
from perception.behavior.decoding.durations import NegativeBinomial
from perception.behavior.decoding.recursions import best_path, posteriors
from perception.behavior.decoding.segment import Segment, segments_of
from perception.behavior.decoding.state_fitting import FittedStates, UnlabelledRows, fit_states
from perception.behavior.decoding.window_features import (
    even_recording,
    principal_parts,
    standardised,
    window_features,
)

_SCORED_S, _EVERY_S = 1.0, 8.0


@dataclass(frozen=True, kw_only=True)
class DiscoveryConfig:
    """How segments are looked for."""

    method: Literal["windows", "autoregressive"] = "windows"
    """Gaussian states over windows of the motion, or states that each predict the next posture from the last two."""
    window_s: float = 1.0
    """Length of a window, seconds: about one repetition of what repeats."""
    step_s: float = 0.2
    """From one window to the next, seconds."""
    share: float = 0.9
    """Share of the variance that the principal directions keep, 0 to 1."""
    mean_s: float = 5.0
    """Expected length of a segment, seconds."""
    minimum_s: float = 1.5
    """Shortest segment, seconds."""
    state_counts: tuple[int, ...] = (4, 6, 8, 10, 12, 16)
    """Numbers of states to choose from by held-out likelihood; one number fixes it."""
    folds: int = 4
    """Times that other stretches are held out, for the choice."""
    restarts: int = 8
    """Random starts of the final fit; the one with the highest likelihood is taken."""

    def __post_init__(self) -> None:
        lengths = 0.0 < self.step_s <= self.window_s and 0.0 <= self.minimum_s < self.mean_s
        if not lengths:
            raise InputError(
                "DiscoveryConfig", expected="0 < step_s <= window_s, 0 <= minimum_s < mean_s", got=f"{self}"
            )
        if not self.state_counts or min(self.state_counts) < 2 or min(self.folds, self.restarts) < 1:
            raise InputError("DiscoveryConfig", expected="state_counts >= 2, folds and restarts >= 1", got=f"{self}")
        if not 0.0 < self.share <= 1.0:
            raise InputError("DiscoveryConfig: share", expected="0 < share <= 1", got=f"{self.share}")


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """What was found; a state is called "state 0", "state 1", ..., the most frequent first."""

    paths: list[NDArray[np.int_]]
    """(T,) number of the state at each frame of each recording."""
    segments: list[list[Segment]]
    """Segments of each recording."""
    states: int
    """Number of states of the model; some may be unused."""
    log_likelihood: float
    """Of the final fit, its rows weighted by their overlap."""
    held_out: dict[int, float] = field(default_factory=dict)
    """Mean log-likelihood of a held-out row for each number of states; empty if the number was given."""


def discover_segments(
    recordings: Sequence[tuple[ArrayLike, ArrayLike]],
    *,
    rng: np.random.Generator,
    config: DiscoveryConfig = DiscoveryConfig(),  # noqa: B008
) -> Discovery:
    """Cut recordings into segments of recurring states with no labels.

    A Gaussian hidden semi-Markov model over principal directions of the motion in windows, fitted to all recordings
    together. The number of states is the one that best predicts stretches of a second, hidden with a window's margin.

    Args:
        recordings: `(time_s (T,) growing, series (T, C))` each: joint angles, keypoints over body size, sensors; the
            same channels in all, NaN where not seen.
        rng: for held-out stretches and random starts.
        config: lengths and numbers to choose from.
    """
    if not recordings or len({np.shape(series)[1:] for _, series in recordings}) != 1:
        shapes = [np.shape(series) for _, series in recordings]
        raise InputError("discover_segments", expected="recordings with the same channels", got=f"shapes {shapes}")
    rows, rate_hz, weight = _rows(recordings, config)
    if sum(np.isfinite(each.rows).all(axis=1).sum() for each in rows) < 2 * max(config.state_counts):
        raise InputError(
            "discover_segments",
            expected=f"at least {2 * max(config.state_counts)} windows of {config.step_s} s for that many states",
            got=f"{[len(each.rows) for each in rows]}",
        )
    law = NegativeBinomial(mean_s=config.mean_s, shape=3.0, minimum_s=config.minimum_s)

    def fit(among: Sequence[UnlabelledRows], count: int) -> FittedStates:
        return fit_states(among, count, law, rate_hz=rate_hz, weight=weight, rng=rng)

    held_out = {}
    if len(config.state_counts) > 1:
        hidden = [_hide(rows, rate_hz, config.window_s, rng) for _ in range(config.folds)]
        for count in config.state_counts:
            scores = [
                sum(map(fit(among, count).predicted, among, scored)) / max(1, sum(int(each.sum()) for each in scored))
                for among, scored in hidden
            ]
            held_out[count] = float(np.mean(scores))
    count = max(held_out, key=held_out.__getitem__) if held_out else config.state_counts[0]
    best = max((fit(rows, count) for _ in range(config.restarts)), key=lambda fitted: fitted.log_likelihood)
    return _described(best, count, rows, recordings, rate_hz, held_out)


def _rows(
    recordings: Sequence[tuple[ArrayLike, ArrayLike]], config: DiscoveryConfig
) -> tuple[list[UnlabelledRows], float, float]:
    """Features of every recording, their rate, and how much of each row is news."""
    steps = [np.diff(np.asarray(time_s, dtype=float)) for time_s, _ in recordings]
    together = np.concatenate(steps)
    if not len(together) or not (together > 0.0).all() or any(not np.size(time_s) for time_s, _ in recordings):
        lengths = [np.size(time_s) for time_s, _ in recordings]
        raise InputError("discover_segments", expected="recordings of frames, times growing", got=f"{lengths} frames")
    frame_hz = 1.0 / float(np.median(together))
    even = [even_recording(series, time_s, frame_hz) for time_s, series in recordings]
    if config.method == "autoregressive":
        parts = principal_parts(standardised(even), config.share)
        lagged = [np.hstack([np.ones((len(part), 1)), _earlier(part, 1), _earlier(part, 2)]) for part in parts]
        hidden = [np.zeros(len(part), dtype=bool) for part in parts]
        made = [UnlabelledRows(rows=a, regressors=b, hidden=c) for a, b, c in zip(parts, lagged, hidden, strict=True)]
        return made, frame_hz, 1.0
    step, window = max(1, round(config.step_s * frame_hz)), max(3, 2 * round(0.5 * config.window_s * frame_hz) + 1)
    parts = principal_parts(window_features(even, window=window, step=step), config.share)
    plain = [
        UnlabelledRows(rows=part, regressors=np.ones((len(part), 1)), hidden=np.zeros(len(part), dtype=bool))
        for part in parts
    ]
    return plain, frame_hz / step, min(1.0, step / window)


def _earlier(part: FloatArray, frames: int) -> FloatArray:
    return np.vstack([np.full((min(frames, len(part)), part.shape[1]), np.nan), part[:-frames]])


def _hide(
    rows: Sequence[UnlabelledRows], rate_hz: float, window_s: float, rng: np.random.Generator
) -> tuple[list[UnlabelledRows], list[NDArray[np.bool_]]]:
    """Recordings with a second hidden in every eight, a window's margin on both sides hidden but not scored."""
    scored_rows, every, margin = (max(1, round(s * rate_hz)) for s in (_SCORED_S, _EVERY_S, window_s))
    among, scored = [], []
    for each in rows:
        number = np.arange(len(each.rows)) + int(rng.integers(every))
        phase = number % every
        seen = np.isfinite(each.rows).all(axis=1) & np.isfinite(each.regressors).all(axis=1)
        scored.append((phase >= margin) & (phase < margin + scored_rows) & seen)
        among.append(replace(each, hidden=phase < 2 * margin + scored_rows))
    return among, scored


def _described(
    fitted: FittedStates,
    count: int,
    rows: Sequence[UnlabelledRows],
    recordings: Sequence[tuple[ArrayLike, ArrayLike]],
    rate_hz: float,
    held_out: dict[int, float],
) -> Discovery:
    emissions = [fitted.emissions(each) for each in rows]
    coarse = [best_path(each, fitted.tables)[0] for each in emissions]
    order = np.argsort(-np.bincount(np.concatenate(coarse), minlength=count), kind="stable")
    rank = np.argsort(order)
    names = [f"state {k}" for k in range(count)]
    paths, segments = [], []
    for (time_s, _), path, emission in zip(recordings, coarse, emissions, strict=True):
        times = np.asarray(time_s, dtype=float)
        at = np.clip(np.rint((times - times[0]) * rate_hz).astype(int), 0, len(path) - 1)
        chances = posteriors(emission, fitted.tables).frames[:, order]
        paths.append(rank[path[at]])
        segments.append(segments_of(paths[-1], times, names, chances[at]))
    return Discovery(
        paths=paths, segments=segments, states=count, log_likelihood=fitted.log_likelihood, held_out=held_out
    )
