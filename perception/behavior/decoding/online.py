"""Decoding while it happens: a provisional label at every frame, and segments that are settled after a bounded wait.

The model is unrolled over (label, frames since the segment began), so a frame costs O(D S + S^2) however long the
stream runs. Frames that were dropped count as seen nothing. Two recursions go on side by side: sums, for what is likely
now, and maxima, for the best path. A segment is settled once the best path says that it ended more than `lag_s` ago;
every path that contradicts it is then dropped, so that settled segments always join into one path that the grammar
allows. With an endless lag the settled segments are the offline best path.
"""

from __future__ import annotations

import itertools
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

    tick: int
    frame: int
    time_s: float
    label: int
    mass: FloatArray
    before: _Entry | None


class OnlineDecoder:
    """Takes frames one by one.

    Args:
        model: grammar and durations.
        rate_hz: frames per second, about: a clock at this rate ticks with the frames, and for those that are late.
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
        self._end_chances = np.exp(self._ends)
        self._shares, self._tops, self._ones = np.empty(0), np.empty(0), np.ones(len(self._ends))
        shape = (len(self._goes_on), len(model.labels))
        self._sums, self._best = np.full(shape, -np.inf), np.full(shape, -np.inf)
        self._tail_entry: list[_Entry | None] = [None] * shape[1]
        self._entries: list[list[_Entry | None]] = []
        self._mass = np.zeros(shape[1])
        self._tick, self._frame, self._time_s, self._origin_s = -1, -1, -np.inf, 0.0
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
        row = checked_emissions(np.asarray(emission, dtype=float)[None], len(self.model.labels))[0]
        self._frame += 1
        late = self._ticks_until(float(time_s)) - 1
        for missed in range(late):
            step_s = (float(time_s) - self._time_s) / (late + 1 - missed)
            self._step(self._time_s + step_s, np.zeros_like(row))
        chances = self._step(float(time_s), row)
        settled = self._settle(self._current())
        now = int(chances.argmax())
        return OnlineStep(
            label=self.model.labels[now], confidence=float(chances[now]), chances=chances, settled=settled
        )

    def finish(self) -> list[Segment]:
        """End of the stream: settle all that is left, the open segment included. No frame may follow."""
        last = self._current() if self._tick >= 0 and np.isfinite(self._time_s) else None
        if last is None:
            return []
        over_s = self._time_s + 1.0 / self._rate_hz
        chain = _chain(_Entry(self._tick + 1, self._frame + 1, over_s, -1, self._mass, last))
        self._time_s = np.inf
        return self._segments(chain)

    def _ticks_until(self, time_s: float) -> int:
        """Ticks from the last frame to this one, at least one; after a very long gap the clock starts anew."""
        if self._tick < 0:
            self._origin_s = time_s
            return 1
        due = round((time_s - self._origin_s) * self._rate_hz) - self._tick
        if due > len(self._ends):
            due = len(self._ends)
            self._origin_s = time_s - (self._tick + due) / self._rate_hz
        return max(1, due)

    def _step(self, time_s: float, row: FloatArray) -> FloatArray:
        """One tick of the clock; (S,) chance of each label now."""
        self._tick, self._time_s = self._tick + 1, time_s
        self._advance(row)
        chances = self._filtered()
        self._mass = self._mass + chances
        return chances

    def _advance(self, row: FloatArray) -> None:
        """One step of both recursions; row a is the age of a + 1 frames, the last row every greater age."""
        if self._tick == 0:
            begin_sum = begin_best = self._tables.initial
            origin: list[_Entry | None] = [None] * len(row)
        else:
            step = self._tables.transition
            begin_sum = np.logaddexp.reduce(self._ended()[:, None] + step, axis=0)
            over = self._best + self._ends
            weights = over.max(axis=0)[:, None] + step
            begin_best, came = weights.max(axis=0), weights.argmax(axis=0).tolist()
            ended = {label: self._entry(label, int(over[:, label].argmax())) for label in set(came)}
            origin = [ended[label] for label in came]
        older = self._best + self._goes_on
        for label in np.flatnonzero(older[-2] > older[-1]).tolist():
            self._tail_entry[label] = self._entry(label, len(self._ends) - 2)
        self._sums = _aged(self._sums + self._goes_on, begin_sum, np.logaddexp)
        self._best = _aged(older, begin_best, np.maximum)
        self._sums += row
        self._best += row
        self._entries.append(
            [
                _Entry(self._tick, self._frame, self._time_s, label, self._mass, before)
                for label, before in enumerate(origin)
            ]
        )
        if len(self._entries) > len(self._ends):
            self._entries.pop(0)

    def _ended(self) -> FloatArray:
        """(S,) log chance that a segment of this label ended with the last frame."""
        chances = np.einsum("as,as->s", self._shares, self._end_chances)
        if not chances.all():  # too small for the sum, or none
            return log_sum(self._sums + self._ends)
        return np.asarray(np.log(chances) + self._tops)

    def _entry(self, label: int, age: int) -> _Entry | None:
        """Where the best segment of this label and age (0 = one frame) began."""
        if age == len(self._ends) - 1:
            return self._tail_entry[label]
        return self._entries[-1 - age][label] if age < len(self._entries) else None

    def _filtered(self) -> FloatArray:
        """(S,) chance of each label now; both tables are brought back to a top of 0 so that they never grow."""
        self._tops = np.maximum(self._sums.max(axis=0), np.finfo(float).min)
        self._shares = np.exp(self._sums - self._tops)
        with np.errstate(divide="ignore"):
            weights = np.log(self._ones @ self._shares) + self._tops
        top = float(np.logaddexp.reduce(weights))
        if not np.isfinite(top):
            raise InputError(
                "OnlineDecoder.push",
                expected="a frame that the grammar allows here",
                got=f"none possible at frame {self._frame}",
                remedy="a label with no successor needs a law without an end, or allow it one",
            )
        self._log_likelihood += top
        self._sums -= top
        self._tops -= top
        self._best -= self._best.max()
        return np.asarray(np.exp(weights - top))

    def _current(self) -> _Entry | None:
        age, label = divmod(int(self._best.argmax()), self._best.shape[1])
        return self._entry(label, age)

    def _settle(self, last: _Entry | None) -> list[Segment]:
        """Segments of the best path whose end lies more than the lag back."""
        chain = _chain(last) if last else []
        old = [k for k, entry in enumerate(chain) if k > 0 and entry.tick <= self._tick - self._lag]
        if not old:
            return []
        self._keep_only(chain[old[-1]])
        return self._segments(chain[: old[-1] + 1])

    def _keep_only(self, root: _Entry) -> None:
        """Drop every path that does not go through this begin of a segment, and forget what lies before it."""
        known = {id(root): True}

        def passes(entry: _Entry | None) -> bool:
            walked = []
            while entry is not None and id(entry) not in known and entry.tick > root.tick:
                walked.append(entry)
                entry = entry.before
            through = entry is not None and known.get(id(entry), False)
            known.update({id(each): through for each in walked})
            return through

        tail = len(self._best) - 1
        younger = min(self._tick - root.tick + 1, tail)
        self._best[younger:tail] = -np.inf
        for age in (*range(younger), tail):
            for label in np.flatnonzero(np.isfinite(self._best[age])):
                if not passes(self._entry(int(label), age)):
                    self._best[age, label] = -np.inf
        root.before = None

    def _segments(self, chain: list[_Entry]) -> list[Segment]:
        """Segments from one begin to the next with their mean filtered chances; none for missed frames alone."""
        segments = [
            Segment(
                start_s=entry.time_s,
                end_s=over.time_s,
                label=self.model.labels[entry.label],
                confidence=float(np.clip((over.mass - entry.mass)[entry.label] / (over.tick - entry.tick), 0.0, 1.0)),
                first_frame=entry.frame,
                last_frame=over.frame - 1,
            )
            for entry, over in itertools.pairwise(chain)
            if over.frame > entry.frame
        ]
        return mark_unsure(segments, least_confidence=self._least)


def _hazards(tables: LogTables) -> tuple[FloatArray, FloatArray]:
    """(D + 1, S) log chance to go on and to end at each age; the last row is every age above D."""
    reached = tables.survival[:-1]
    possible = np.isfinite(reached)
    safe = np.where(possible, reached, 0.0)
    goes_on = np.where(possible, tables.survival[1:] - safe, -np.inf)
    ends = np.where(possible, tables.length - safe, 0.0)
    return np.vstack([goes_on, tables.tail_stay]), np.vstack([ends, tables.tail_end])


def _aged(older: FloatArray, begin: FloatArray, combine: np.ufunc) -> FloatArray:
    """Segments that went on one row further down, the last two rows as one, and new ones in the first."""
    aged = np.empty_like(older)
    aged[0], aged[1:-1] = begin, older[:-2]
    combine(older[-2], older[-1], out=aged[-1])
    return aged


def _chain(last: _Entry) -> list[_Entry]:
    """Begins of the path's segments, oldest first."""
    chain = [last]
    while chain[-1].before is not None:
        chain.append(chain[-1].before)
    return chain[::-1]
