"""Why a behaviour was decided on: rules, their parts, and the frames that made each part true."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray
from perception.behavior.reasoning.predicate_track import PredicateTrack
from perception.behavior.reasoning.rule import Rule
from perception.behavior.reasoning.temporal import HALF


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One predicate of a rule, as it was seen."""

    predicate: str
    """Its name."""
    negated: bool
    """Whether the rule wants it false."""
    truth: float
    """Truth of the literal (after the negation): its best between the rule's beginning and the moment explained."""
    intervals_s: tuple[tuple[float, float], ...] = ()
    """First and last frame, seconds, of each stretch in which the literal is at least one half; empty for an image."""

    def __str__(self) -> str:
        name = f"NOT {self.predicate}" if self.negated else self.predicate
        when = ", ".join(f"{begin:.2f}-{end:.2f} s" for begin, end in self.intervals_s)
        return f"{name} {self.truth:.2f}{f' ({when})' if when else ''}"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One rule that spoke for (or against) a behaviour."""

    rule: str
    """The rule as it is written."""
    truth: float
    """How true its condition was."""
    contribution: float
    """What it added: log-odds in a model, -ln(1 - weight * truth) in a rule book. Negative: it spoke against."""
    since_s: float | None
    """When what makes it true began, seconds; None for an image."""
    evidence: tuple[Evidence, ...]
    """Its predicates, from left to right."""

    def __str__(self) -> str:
        return f"{self.contribution:+.2f}  {self.rule}  [{'; '.join(map(str, self.evidence))}]"


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """A decision with its reasons, the weightiest first."""

    behavior: str
    """What was decided on."""
    probability: float
    """0 to 1."""
    time_s: float | None
    """The moment explained; None for an image."""
    reasons: tuple[Reason, ...]
    """The rules with the largest contributions."""

    def __str__(self) -> str:
        when = "" if self.time_s is None else f" at {self.time_s:.2f} s"
        return "\n".join([f"{self.behavior} {self.probability:.2f}{when}", *(f"  {reason}" for reason in self.reasons)])

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def reason_of(rule: Rule, track: PredicateTrack, row: int, *, truth: float, since_s: float, gain: float) -> Reason:
    """What one rule says at one row of a track.

    Args:
        rule: the rule.
        track: what it was evaluated on.
        row: the moment.
        truth: the condition's truth there.
        since_s: when what makes it true began.
        gain: what the rule contributed.
    """
    first = row if track.time_s is None else int(np.searchsorted(track.time_s, since_s - 1e-9))
    seen = dict.fromkeys(rule.when.literals())
    evidence = tuple(_evidence(name, negated, track, first, row) for name, negated in seen)
    began = None if track.time_s is None else float(since_s)
    return Reason(rule=str(rule), truth=truth, contribution=gain, since_s=began, evidence=evidence)


def _evidence(name: str, negated: bool, track: PredicateTrack, first: int, last: int) -> Evidence:
    truths = track.column(name)[first : last + 1]
    truths = np.nan_to_num(1.0 - truths if negated else truths, nan=0.0)
    times = None if track.time_s is None else track.time_s[first : last + 1]
    spans = () if times is None else _stretches(truths >= HALF, times)
    return Evidence(predicate=name, negated=negated, truth=float(truths.max()), intervals_s=spans)


def _stretches(on: NDArray[np.bool_], time_s: FloatArray) -> tuple[tuple[float, float], ...]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(int), [0]])))
    return tuple(
        (float(time_s[begin]), float(time_s[end - 1])) for begin, end in zip(edges[::2], edges[1::2], strict=True)
    )
