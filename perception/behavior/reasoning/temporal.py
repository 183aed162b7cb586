"""Operators over time, evaluated frame by frame with bounded state.

Two kinds of evidence are joined in two ways. Different predicates are taken for independent: AND is the product,
OR the noisy-OR. Frames of one predicate are the same evidence seen again, and a product of thirty of them a second
would fall to nothing however sure each is: over time, a maximum or a geometric mean weighted by duration stands in
its place, so that no result depends on the frame rate. With A_t, B_t the truths of the parts at time t:

    A for d          F_t = exp( 1/d * integral over (t - d, t] of ln max(A_s, e) ds ),   e = 0.01
                     before the first frame A counts as e. A lost frame in ten leaves 0.63, not 0.
    A then B         S_t = B_t * max over s < t, t - s <= w of A_s
    A while B        W_t = A_t * exp( mean over the present run of A of ln max(B_s, e) )
                     a run of A is a stretch with A_s >= 1/2; outside of one W_t = A_t * B_t
    A until B        U_t = min( max(A_t, U_(t-1)), 1 - B_t ),   U_(-1) = 0
                     from A on, whether or not A goes on, as long as B has not come

A frame stands for the time since the frame before it; the first for no time at all. Beside the truth goes `since_s`,
when the behaviour that is complete at t began: of the best path in the sense of the maxima above.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import islice
from typing import NamedTuple, Protocol

from perception.behavior.reasoning.expression import Expression, Operator

FLOOR = 0.01
"""Least truth in a mean over time: what one frame can do against the others."""
HALF = 0.5
"""Truth from which on something counts as going on."""


class Truth(NamedTuple):
    """How true something is now, and since when."""

    value: float
    """0 to 1."""
    since_s: float
    """When what is true now began, seconds."""


class TemporalCell(Protocol):
    """One temporal operator at work. What it remembers does not grow with the length of the recording."""

    def update(self, time_s: float, parts: tuple[Truth, ...]) -> Truth:
        """Take the truths of the operator's parts at the next moment; give its own."""
        ...


def make_cell(expression: Expression) -> TemporalCell:
    """The cell of a temporal operator's node."""
    if expression.operator is Operator.FOR:
        return _Lasting(expression.seconds)
    if expression.operator is Operator.THEN:
        return _Then(expression.seconds)
    return _While() if expression.operator is Operator.WHILE else _Until()


class _Lasting:
    def __init__(self, duration_s: float) -> None:
        self._duration_s = duration_s
        self._spans: deque[tuple[float, float, float]] = deque()
        """Begin, end and logarithm of the truth of each frame that reaches into the window."""
        self._areas: deque[float] = deque()
        """Of each of these frames, the logarithm times its length."""
        self._first_s = math.nan

    def update(self, time_s: float, parts: tuple[Truth, ...]) -> Truth:
        if math.isnan(self._first_s):
            self._first_s = time_s
        begin_s = self._spans[-1][1] if self._spans else self._first_s
        log = math.log(max(parts[0].value, FLOOR))
        self._spans.append((begin_s, time_s, log))
        self._areas.append((time_s - begin_s) * log)
        window_s = time_s - self._duration_s
        while self._spans[0][1] <= window_s:
            self._spans.popleft()
            self._areas.popleft()
        begin_s, end_s, log = self._spans[0]
        covered = sum(islice(self._areas, 1, None), (end_s - max(begin_s, window_s)) * log)
        unseen_s = max(self._first_s - window_s, 0.0)
        value = math.exp((covered + unseen_s * math.log(FLOOR)) / self._duration_s)
        return Truth(min(value, 1.0), max(window_s, self._first_s))


class _Then:
    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s
        self._best: deque[tuple[float, Truth]] = deque()
        """Past truths of the first part that a later one has not outdone, falling: the maximum of a sliding window."""
        self._run = _Run()

    def update(self, time_s: float, parts: tuple[Truth, ...]) -> Truth:
        first, second = parts
        while self._best and self._best[0][0] < time_s - self._pause_s:
            self._best.popleft()
        earlier = self._best[0][1] if self._best else Truth(0.0, time_s)
        since_s = self._run.began(first)
        while self._best and self._best[-1][1].value <= first.value:
            self._best.pop()
        self._best.append((time_s, Truth(first.value, since_s)))
        return Truth(second.value * earlier.value, earlier.since_s)


class _While:
    def __init__(self) -> None:
        self._run = _Run()
        self._log, self._duration_s, self._last_s = 0.0, 0.0, math.nan

    def update(self, time_s: float, parts: tuple[Truth, ...]) -> Truth:
        going, beside = parts
        begins = not self._run.going
        since_s = self._run.began(going)
        duration_s = 0.0 if math.isnan(self._last_s) else time_s - self._last_s
        self._last_s = time_s
        if begins:
            self._log, self._duration_s = 0.0, 0.0
        if not self._run.going:
            return Truth(going.value * beside.value, since_s)
        self._log += duration_s * math.log(max(beside.value, FLOOR))
        self._duration_s += duration_s
        mean = math.exp(self._log / self._duration_s) if self._duration_s else beside.value
        return Truth(going.value * mean, since_s)


class _Until:
    def __init__(self) -> None:
        self._held = Truth(0.0, math.nan)

    def update(self, time_s: float, parts: tuple[Truth, ...]) -> Truth:
        begin, end = parts
        began_before = self._held.value >= HALF or self._held.value >= begin.value
        since_s = self._held.since_s if began_before and not math.isnan(self._held.since_s) else begin.since_s
        value = min(max(begin.value, self._held.value), 1.0 - end.value)
        self._held = Truth(value, since_s)
        return self._held


class _Run:
    """Remembers when the present stretch of truth began."""

    def __init__(self) -> None:
        self.going = False
        self._since_s = math.nan

    def began(self, truth: Truth) -> float:
        """Take the next truth; give the time since which it has been going on, its own where it is not."""
        if truth.value < HALF:
            self.going = False
            return truth.since_s
        if not self.going:
            self.going, self._since_s = True, truth.since_s
        return self._since_s
