"""Rules at work on a live stream: one moment at a time, with memory that does not grow."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Set

import numpy as np

from geometry import InputError
from perception.behavior.reasoning.evaluation import ConditionMonitor
from perception.behavior.reasoning.explanation import Explanation, reason_of
from perception.behavior.reasoning.predicate_track import PredicateTrack, check_truths, truth_now
from perception.behavior.reasoning.reasoner import Reasoner
from perception.behavior.reasoning.temporal import Truth


class RuleMonitor:
    """Tells the behaviours of a stream: the same numbers as `evaluate` gives for the whole recording."""

    def __init__(self, reasoner: Reasoner, memory_s: float = 10.0) -> None:
        """Begin before the first moment.

        Args:
            reasoner: a rule book or a rule model.
            memory_s: how far back evidence is kept for explanations, seconds; truths do not depend on it.
        """
        if not memory_s > 0.0:
            raise InputError("RuleMonitor", expected="memory_s above 0", got=f"{memory_s}")
        self._reasoner, self._memory_s = reasoner, memory_s
        conditions = list(dict.fromkeys(rule.when for rule in reasoner.rules))
        self._monitors = [ConditionMonitor(condition) for condition in conditions]
        place = {condition: number for number, condition in enumerate(conditions)}
        self._names = tuple(dict.fromkeys(name for condition in conditions for name, _ in condition.literals()))
        """What the rules look at, found once a moment for all of them."""
        self._place = [place[rule.when] for rule in reasoner.rules]
        """Which monitor tells of each rule."""
        self._seen: deque[tuple[float, dict[str, float]]] = deque()
        self._truths: list[Truth] = []

    def update(self, time_s: float, truths: Mapping[str, float]) -> dict[str, float]:
        """Take the next moment.

        Args:
            time_s: seconds; later than the moment before.
            truths: 0 to 1 by predicate; what is missing or NaN is unknown.
        Returns:
            probability by behaviour.
        """
        if not math.isfinite(time_s) or (self._seen and time_s <= self._seen[-1][0]):
            last = f"after {self._seen[-1][0]:g}" if self._seen else "as the first"
            raise InputError("RuleMonitor", expected="finite times in growing order", got=f"{time_s:g} {last}")
        if not all([0.0 <= truth <= 1.0 or math.isnan(truth) for truth in truths.values()]):
            check_truths(np.array(list(truths.values()), dtype=float), "RuleMonitor")
        told = {name: truth_now(name, truths) for name in self._names}
        self._truths = [monitor.update(time_s, told) for monitor in self._monitors]
        self._seen.append((time_s, dict(truths)))
        while self._seen[0][0] < time_s - self._memory_s:
            self._seen.popleft()
        probabilities = self._reasoner.joined(self._row()[None])[0]
        return dict(zip(self._reasoner.behaviors, probabilities.tolist(), strict=True))

    def explain(self, behavior: str, top: int = 3) -> Explanation:
        """Why the behaviour is told at the last moment; evidence older than the memory is cut off.

        Raises:
            InputError: if nothing has been seen yet, or no rule tells of it.
        """
        if behavior not in self._reasoner.behaviors or not self._seen:
            known = ", ".join(self._reasoner.behaviors)
            raise InputError("RuleMonitor", expected=f"a moment seen, and one of {known}", got=f"{behavior!r}")
        row, gains = self._row(), self._reasoner.contributions(self._row())
        rules = self._reasoner.rules
        mine = [number for number, rule in enumerate(rules) if rule.behavior == behavior and gains[number]]
        mine.sort(key=lambda number: -abs(gains[number]))
        track = self._recent({name for number in mine[:top] for name, _ in rules[number].when.literals()})
        reasons = []
        for number in mine[:top]:
            since_s, gain = self._truths[self._place[number]].since_s, float(gains[number])
            reasons.append(
                reason_of(rules[number], track, len(track) - 1, truth=float(row[number]), since_s=since_s, gain=gain)
            )
        probability = self._reasoner.joined(row[None])[0, self._reasoner.behaviors.index(behavior)]
        return Explanation(
            behavior=behavior, probability=float(probability), time_s=self._seen[-1][0], reasons=tuple(reasons)
        )

    def _row(self) -> np.ndarray:
        return np.array([self._truths[place].value for place in self._place])

    def _recent(self, wanted: Set[str]) -> PredicateTrack:
        """What was seen of some predicates within memory."""
        names = tuple(sorted(wanted))
        rows = [[truth_now(name, truths) for name in names] for _, truths in self._seen]
        times = np.array([time_s for time_s, _ in self._seen])
        return PredicateTrack(names=names, truths=np.reshape(rows, (len(times), len(names))), time_s=times)
