"""Decoding while it happens: a provisional label at every frame, and segments that are settled after a bounded wait.

The model is unrolled over (label, frames since the segment began), so a frame costs O(D S + S^2) however long the
stream runs. Two recursions go on side by side: sums, for what is likely now, and maxima, for the best path. A segment
is settled once the best path says that it ended more than `lag_s` ago; every path that contradicts it is then dropped,
so that settled segments always join into one path that the grammar allows. With an endless lag the settled segments
are the offline best path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from geometry import FloatArray, InputError
from perception.behavior.decoding.decoder import checked_emissions
from perception.behavior.decoding.recursions import log_sum
from perception.behavior.decoding.segment import Segment, mark_unsure
from perception.behavior.decoding.semi_markov import LogTables, SemiMarkov


@dataclass(frozen=True, kw_only=True)
class OnlineStep:
    """What is known after a frame."""

    label: str
    """Most likely label now."""
    confidence: float
    """Its chance given all frames so far."""
    chances: FloatArray
    """(S,) chance of each label now."""
    settled: list[Segment]
    """Segments that became final with this frame, mostly none."""


@dataclass(slots=True)
class _Entry:
    """Begin of a segment on a path, with all that came before and the filter's chances summed up to here."""

    frame: int
    time_s: float
    label: int
    mass: FloatArray
    before: _Entry | None


class OnlineDecoder:
    """Takes frames one by one at an even rate.

    Args:
        model: grammar and durations.
        rate_hz: frames per second; a frame in which nobody is seen is pushed as NaN.
        lag_s: how long after its end a segment is settled, seconds.
        least_confidence: settled segments below it are marked unsure.
    """

    def __init__(self, model: SemiMarkov, *, rate_hz: float, lag_s: float = 0.5, least_confidence: float = 0.0) -> None:
        if not lag_s >= 0.0:
            raise InputError("OnlineDecoder: lag_s", expected="at least 0", got=f"{lag_s}")
        self.model = model
        self._rate_hz, self._lag, self._least = rate_hz, lag_s * rate_hz, least_confidence
        self._tables = model.tables(rate_hz)
        self._goes_on, self._ends = _hazards(self._tables)
        shape = (len(self._goes_on), len(model.labels))
        self._sums, self._best = np.full(shape, -np.inf), np.full(shape, -np.inf)
        self._tail_entry: list[_Entry | None] = [None] * shape[1]
        self._entries: list[list[_Entry | None]] = []
        self._mass = np.zeros(shape[1])
        self._frame, self._time_s = -1, -np.inf
        self._log_likelihood = 0.0

    @property
    def log_likelihood(self) -> float:
        """Log P(all frames so far)."""
        return self._log_likelihood

    def push(self, time_s: float, emission: ArrayLike) -> OnlineStep:
        """Take one frame.

        Args:
            time_s: later than the last one.
            emission: (S,) log-likelihood of each label up to a constant; NaN throughout if nothing was seen.
        """
        if not self._time_s < time_s < np.inf:
            raise InputError("OnlineDecoder.push", expected="growing time_s", got=f"{time_s}")
        row = checked_emissions(np.atleast_2d(np.asarray(emission, dtype=float)), len(self.model.labels))[0]
        self._frame, self._time_s = self._frame + 1, float(time_s)
        self._advance(row)
        chances = self._filtered()
        self._mass = self._mass + chances
        settled = self._settle(self._current())
        now = int(chances.argmax())
        return OnlineStep(
            label=self.model.labels[now], confidence=float(chances[now]), chances=chances, settled=settled
        )

    def finish(self) -> list[Segment]:
        """End of the stream: settle all that is left, the open segment included."""
        last = self._current() if self._frame >= 0 else None
        if last is None:
            return []
        over = _Entry(self._frame + 1, self._time_s + 1.0 / self._rate_hz, -1, self._mass, last)
        chain = _chain(over)
        self._best[:] = -np.inf
        return [self._segment(*pair) for pair in zip(chain[:-1], chain[1:], strict=True)]

    def _advance(self, row: FloatArray) -> None:
        """One step of both recursions; row a is the age of a + 1 frames, the last row every greater age."""
        if self._frame == 0:
            begin_sum = begin_best = self._tables.initial
            origin: list[_Entry | None] = [None] * len(row)
        else:
            step = self._tables.transition
            begin_sum = log_sum(log_sum(self._sums + self._ends)[:, None] + step)
            over = self._best + self._ends
            weights = over.max(axis=0)[:, None] + step
            begin_best, came = weights.max(axis=0), weights.argmax(axis=0)
            ages = over.argmax(axis=0)
            origin = [self._entry(int(i), int(ages[i])) for i in came]
        grown_tail = self._best[-2] + self._goes_on[-2] > self._best[-1] + self._goes_on[-1]
        for label in np.flatnonzero(grown_tail):
            self._tail_entry[label] = self._entry(int(label), len(self._ends) - 2)
        self._sums = _aged(self._sums, self._goes_on, begin_sum, np.logaddexp) + row
        self._best = _aged(self._best, self._goes_on, begin_best, np.maximum) + row
        self._entries.append(
            [_Entry(self._frame, self._time_s, k, self._mass, before) for k, before in enumerate(origin)]
        )
        if len(self._entries) > len(self._ends):
            self._entries.pop(0)

    def _entry(self, label: int, age: int) -> _Entry | None:
        """Where the best segment of this label and age (0 = one frame) began."""
        if age == len(self._ends) - 1:
            return self._tail_entry[label]
        return self._entries[-1 - age][label] if age < len(self._entries) else None

    def _filtered(self) -> FloatArray:
        """(S,) chance of each label now; both tables are brought back to a top of 0 so that they never grow."""
        weights = log_sum(self._sums)
        top = float(log_sum(weights))
        if not np.isfinite(top):
            raise InputError(
                "OnlineDecoder.push",
                expected="a frame that the grammar allows here",
                got=f"none possible at frame {self._frame}",
                remedy="a label with no successor needs a law without an end, or allow it one",
            )
        self._log_likelihood += top
        self._sums -= top
        self._best -= self._best.max()
        return np.asarray(np.exp(weights - top))

    def _current(self) -> _Entry | None:
        age, label = np.unravel_index(int(self._best.argmax()), self._best.shape)
        return self._entry(int(label), int(age))

    def _settle(self, last: _Entry | None) -> list[Segment]:
        """Segments of the best path whose end lies more than the lag back."""
        chain = _chain(last) if last else []
        old = [k for k, entry in enumerate(chain) if k > 0 and entry.frame <= self._frame - self._lag]
        if not old:
            return []
        self._keep_only(chain[old[-1]])
        return [self._segment(chain[k], chain[k + 1]) for k in range(old[-1])]

    def _keep_only(self, root: _Entry) -> None:
        """Drop every path that does not go through this begin of a segment, and forget what lies before it."""
        known = {id(root): True, id(None): False}

        def passes(entry: _Entry | None) -> bool:
            if id(entry) not in known:
                assert entry is not None
                known[id(entry)] = entry.frame > root.frame and passes(entry.before)
            return known[id(entry)]

        for age, label in np.argwhere(np.isfinite(self._best)):
            if not passes(self._entry(int(label), int(age))):
                self._best[age, label] = -np.inf
        root.before = None

    def _segment(self, entry: _Entry, over: _Entry) -> Segment:
        """The segment from one begin to the next, with its mean filtered chance."""
        mass = over.mass[entry.label] - entry.mass[entry.label]
        segment = Segment(
            start_s=entry.time_s,
            end_s=over.time_s,
            label=self.model.labels[entry.label],
            confidence=float(np.clip(mass / (over.frame - entry.frame), 0.0, 1.0)),
            first_frame=entry.frame,
            last_frame=over.frame - 1,
        )
        return mark_unsure([segment], least_confidence=self._least)[0]


def _hazards(tables: LogTables) -> tuple[FloatArray, FloatArray]:
    """(D + 1, S) log chance to go on and to end at each age; the last row is every age above D."""
    reached = tables.survival[:-1]
    possible = np.isfinite(reached)
    safe = np.where(possible, reached, 0.0)
    goes_on = np.where(possible, tables.survival[1:] - safe, -np.inf)
    ends = np.where(possible, tables.length - safe, 0.0)
    return np.vstack([goes_on, tables.tail_stay]), np.vstack([ends, tables.tail_end])


def _aged(table: FloatArray, goes_on: FloatArray, begin: FloatArray, combine: np.ufunc) -> FloatArray:
    """Every segment one frame older, new ones in the first row."""
    older = table + goes_on
    return np.vstack([begin, older[:-2], combine(older[-2], older[-1])])


def _chain(last: _Entry) -> list[_Entry]:
    """Begins of the path's segments, oldest first."""
    chain = [last]
    while chain[-1].before is not None:
        chain.append(chain[-1].before)
    return chain[::-1]
