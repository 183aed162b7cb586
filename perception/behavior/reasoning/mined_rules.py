"""Mined rules as a person reads them: the best few of each behaviour, ready for a rule book."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from perception.behavior.reasoning.predicate_track import PredicateTrack
from perception.behavior.reasoning.rule import Rule
from perception.behavior.reasoning.rule_mining import (
    MiningSettings,
    condition_expression,
    condition_truths,
    count_examples,
    mine_conditions,
)

_DEVIATIONS = 1.96
"""Standard deviations of the confidence's lower bound (Wilson's, 95 %), by which rules are ranked."""


def mine_rules(
    track: PredicateTrack,
    labels: NDArray[np.bool_],
    behaviors: tuple[str, ...],
    *,
    settings: MiningSettings | None = None,
    least_lift: float = 2.0,
    top: int = 5,
) -> tuple[Rule, ...]:
    """The surest conditions of each behaviour by counting alone; `learn_rules` weighs them against each other.

    A rule's weight is its confidence, so that `RuleBook(mine_rules(...))` can be used, written to YAML and edited.

    Args:
        track: (N, P) predicates of the examples; rows are taken one by one.
        labels: (N, C) which behaviours each example has.
        behaviors: (C,) their names.
        settings: what counts as a condition.
        least_lift: how many times more frequent than usual the behaviour is where the condition is true.
        top: rules of a behaviour, by the lower bound of their confidence.
    """
    settings = settings or MiningSettings()
    if labels.shape != (len(track), len(behaviors)):
        wanted = f"labels of shape ({len(track)}, {len(behaviors)})"
        raise InputError("mine_rules", expected=wanted, got=f"{labels.shape}")
    examples = count_examples(track.truths, labels)
    conditions = mine_conditions(examples, settings)
    truths = condition_truths(examples.truths, conditions).astype(float)
    covered, share = examples.counts @ truths, examples.positives.sum(axis=0) / examples.counts.sum()
    rules = []
    for column, behavior in enumerate(behaviors):
        support = examples.positives[:, column] @ truths
        confidence = support / np.maximum(covered, 1e-9)
        lift = confidence / max(share[column], 1e-12)
        able = np.flatnonzero((support >= settings.least_support) & (lift >= least_lift))
        bound = _lower_bound(confidence, covered)
        for number in able[np.argsort(-bound[able], kind="stable")][:top]:
            rules.append(
                Rule(
                    behavior=behavior,
                    when=condition_expression(conditions[number], track.names),
                    weight=float(min(confidence[number], 1.0)),
                    support=round(float(support[number])),
                    confidence=float(confidence[number]),
                    lift=float(lift[number]),
                )
            )
    return tuple(rules)


def _lower_bound(share: NDArray[np.float64], count: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lower end of Wilson's interval of a share."""
    count, z2 = np.maximum(count, 1e-9), _DEVIATIONS**2
    spread = _DEVIATIONS * np.sqrt(np.maximum(share * (1.0 - share), 0.0) / count + z2 / (4.0 * count**2))
    return np.asarray((share + z2 / (2.0 * count) - spread) / (1.0 + z2 / count))
