"""What rule books and rule models share: truths of all behaviours over a track, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from geometry import FloatArray, InputError
from perception.behavior.reasoning.evaluation import TruthTrack, evaluate_condition
from perception.behavior.reasoning.explanation import Explanation, reason_of
from perception.behavior.reasoning.predicate_track import PredicateTrack
from perception.behavior.reasoning.rule import Rule


class Reasoner(Protocol):
    """Rules, and a way to join what they say."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """(R,) all rules."""
        ...

    @property
    def behaviors(self) -> tuple[str, ...]:
        """(C,) what they tell of."""
        ...

    def joined(self, truths: FloatArray) -> FloatArray:
        """(T, C) probabilities of the behaviours from the (T, R) truths of the rules."""
        ...

    def contributions(self, truths: FloatArray) -> FloatArray:
        """(R,) what each rule adds to its behaviour, from the (R,) truths at one moment."""
        ...


@dataclass(frozen=True, kw_only=True)
class RuleTruths:
    """What a reasoner says of a recording, or of images."""

    behaviors: tuple[str, ...]
    """(C,) names of the columns."""
    truths: FloatArray
    """(T, C) probability of each behaviour by what has been seen until then."""
    spans: FloatArray
    """(T, C) the offline form: each moment counts to what it turns out to be a part of."""
    rules: tuple[TruthTrack, ...]
    """(R,) of each rule."""


def evaluate_rules(reasoner: Reasoner, track: PredicateTrack) -> RuleTruths:
    """Truth of every rule and behaviour in every row of a track."""
    found: dict[object, TruthTrack] = {}
    for rule in reasoner.rules:
        if rule.when not in found:
            found[rule.when] = evaluate_condition(rule.when, track)
    tracks = tuple(found[rule.when] for rule in reasoner.rules)
    truths = reasoner.joined(_stacked([one.values for one in tracks], len(track)))
    spans = truths
    if track.time_s is not None:
        time_s = track.time_s
        spans = reasoner.joined(_stacked([one.over_its_span(time_s) for one in tracks], len(track)))
    return RuleTruths(behaviors=reasoner.behaviors, truths=truths, spans=spans, rules=tracks)


def explain_rules(
    reasoner: Reasoner,
    track: PredicateTrack,
    behavior: str,
    row: int | None = None,
    top: int = 3,
    *,
    said: RuleTruths | None = None,
) -> Explanation:
    """Why a behaviour is (or is not) told.

    Args:
        reasoner: the rules.
        track: what was seen.
        behavior: which.
        row: the moment or image; None: where it is most probable.
        top: how many rules to name, the largest contributions first.
        said: what `evaluate_rules` gave of this track, where it is known: explaining many moments of a long recording
            then costs one evaluation and not one each.

    Raises:
        InputError: for a behaviour that no rule tells of, a row that is not there, or truths of another track.
    """
    if behavior not in reasoner.behaviors:
        raise InputError("explain", expected=f"one of {', '.join(reasoner.behaviors)}", got=f"{behavior!r}")
    if not len(track):
        raise InputError("explain", expected="at least one row", got="an empty track")
    if row is not None and not -len(track) <= row < len(track):
        raise InputError("explain", expected=f"a row below {len(track)}", got=f"{row}")
    said = evaluate_rules(reasoner, track) if said is None else said
    if said.truths.shape != (len(track), len(reasoner.behaviors)):
        raise InputError("explain", expected=f"truths of these {len(track)} rows", got=f"{said.truths.shape}")
    column = said.truths[:, reasoner.behaviors.index(behavior)]
    row = int(np.argmax(column)) if row is None else row % len(track)
    gains = reasoner.contributions(np.array([one.values[row] for one in said.rules]))
    mine = [number for number, rule in enumerate(reasoner.rules) if rule.behavior == behavior and gains[number]]
    mine.sort(key=lambda number: -abs(gains[number]))
    reasons = [
        reason_of(
            reasoner.rules[number],
            track,
            row,
            truth=float(said.rules[number].values[row]),
            since_s=float(said.rules[number].since_s[row]),
            gain=float(gains[number]),
        )
        for number in mine[:top]
    ]
    time_s = None if track.time_s is None else float(track.time_s[row])
    return Explanation(behavior=behavior, probability=float(column[row]), time_s=time_s, reasons=tuple(reasons))


def _stacked(columns: list[FloatArray], rows: int) -> FloatArray:
    return np.stack(columns, axis=1) if columns else np.zeros((rows, 0))
