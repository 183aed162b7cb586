"""Weights of mined rules: for each behaviour a sparse logistic layer over the truths of conditions.

    P(behaviour) = sigmoid( b + sum_r w_r t_r )

Rules enter one by one. With residuals y - p of the rules so far, the candidate with the largest score statistic

    ( sum_i t_i (y_i - p_i) )^2 / ( sum_i t_i^2 p_i (1 - p_i) + ridge ) / ( 1 + length_penalty (literals - 1) )

enters, and all weights are fitted anew by Newton's method on the penalised likelihood, until no candidate exceeds
`least_score` or the rules are as many as a person would read. (Rao's score test; forward selection.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from geometry import FloatArray, InputError
from perception.behavior.reasoning.predicate_track import PredicateTrack
from perception.behavior.reasoning.rule import Rule
from perception.behavior.reasoning.rule_mining import (
    Condition,
    CountedExamples,
    MiningSettings,
    condition_expression,
    condition_truths,
    count_examples,
    mine_conditions,
)
from perception.behavior.reasoning.rule_model import RuleModel


@dataclass(frozen=True, kw_only=True)
class FittingSettings:
    """How rules are chosen and weighed."""

    most_rules: int = 20
    """Rules of one behaviour."""
    ridge: float = 1.0
    """Half of it times the squared weights is added to the negative log-likelihood."""
    least_score: float = 0.5
    """Score statistic from which on a rule may enter."""
    length_penalty: float = 0.25
    """How much each literal beyond the first takes from the score."""

    def __post_init__(self) -> None:
        if self.most_rules < 1 or not self.ridge > 0.0 or self.least_score < 0.0 or self.length_penalty < 0.0:
            raise InputError(
                "FittingSettings",
                expected="most_rules of 1 or more, ridge above 0, least_score and length_penalty of 0 or more",
                got=f"{self}",
            )


def learn_rules(
    track: PredicateTrack,
    labels: NDArray[np.bool_],
    behaviors: tuple[str, ...],
    mining: MiningSettings | None = None,
    fitting: FittingSettings | None = None,
    may_negate: NDArray[np.bool_] | None = None,
) -> RuleModel:
    """Mine rules from examples and weigh them.

    Args:
        track: (N, P) predicates of the examples; rows are taken one by one, without their time.
        labels: (N, C) which behaviours each example has.
        behaviors: (C,) their names.
        mining: what counts as a condition.
        fitting: how many rules, how weighed.
        may_negate: (P,) predicates that may stand under NOT; None: all.
    """
    mining, fitting = mining or MiningSettings(), fitting or FittingSettings()
    if labels.shape != (len(track), len(behaviors)):
        wanted = f"labels of shape ({len(track)}, {len(behaviors)})"
        raise InputError("learn_rules", expected=wanted, got=f"{labels.shape}")
    examples = count_examples(track.truths, labels)
    conditions = mine_conditions(examples, mining, may_negate)
    truths = condition_truths(examples.truths, conditions)
    rules: list[Rule] = []
    biases: dict[str, float] = {}
    for column, behavior in enumerate(behaviors):
        chosen, weights, biases[behavior] = _fit(truths, conditions, examples, column, fitting)
        for number, weight in zip(chosen, weights.tolist(), strict=True):
            rules.append(_rule(behavior, conditions[number], truths[:, number], weight, examples, column, track.names))
    return RuleModel(tuple(rules), biases)


def _fit(
    truths: NDArray[np.float32],
    conditions: tuple[Condition, ...],
    examples: CountedExamples,
    column: int,
    settings: FittingSettings,
) -> tuple[list[int], FloatArray, float]:
    """Numbers of the chosen conditions, their weights, and the bias."""
    counts, positives = examples.counts, examples.positives[:, column]
    lengths = np.array([len(condition) for condition in conditions])
    discount = 1.0 + settings.length_penalty * (lengths - 1)
    squared = truths * truths
    chosen: list[int] = []
    total, right = counts.sum(), positives.sum()
    parameters = np.array([np.log((right + 0.5) / (total - right + 0.5))])
    if not right or not conditions:
        return chosen, parameters[:-1], float(parameters[-1])
    while len(chosen) < settings.most_rules:
        design = np.column_stack([truths[:, chosen].astype(float), np.ones(len(truths))])
        probability = expit(design @ parameters)
        slope = (positives - counts * probability).astype(np.float32) @ truths
        spread = (counts * probability * (1.0 - probability)).astype(np.float32) @ squared
        score = slope**2 / (spread + settings.ridge) / discount
        score[chosen] = -1.0
        best = int(np.argmax(score))
        if not score[best] > settings.least_score:
            break
        chosen.append(best)
        design = np.column_stack([truths[:, chosen].astype(float), np.ones(len(truths))])
        parameters = _newton(design, counts, positives, np.insert(parameters, -1, 0.0), settings.ridge)
    return chosen, parameters[:-1], float(parameters[-1])


def _newton(
    design: FloatArray, counts: FloatArray, positives: FloatArray, start: FloatArray, ridge: float
) -> FloatArray:
    """Least penalised negative log-likelihood; the last column is the bias, all but unpenalised."""
    penalty = np.full(len(start), ridge)
    penalty[-1] = 1e-3

    def loss(at: FloatArray) -> float:
        odds = design @ at
        return float(counts @ np.logaddexp(0.0, odds) - positives @ odds + 0.5 * penalty @ (at * at))

    at, least = start, loss(start)
    for _ in range(25):
        probability = expit(design @ at)
        slope = design.T @ (counts * probability - positives) + penalty * at
        curve = (design * (counts * probability * (1.0 - probability))[:, None]).T @ design + np.diag(penalty)
        step, share = np.linalg.solve(curve, slope), 1.0
        while loss(at - share * step) > least and share > 1e-4:
            share *= 0.5
        now = loss(at - share * step)
        if not now < least - 1e-6:
            break
        at, least = at - share * step, now
    return at


def _rule(
    behavior: str,
    condition: Condition,
    truths: NDArray[np.float32],
    weight: float,
    examples: CountedExamples,
    column: int,
    names: tuple[str, ...],
) -> Rule:
    covered, support = float(examples.counts @ truths), float(examples.positives[:, column] @ truths)
    share = float(examples.positives[:, column].sum() / examples.counts.sum())
    return Rule(
        behavior=behavior,
        when=condition_expression(condition, names),
        weight=weight,
        support=round(support),
        confidence=support / covered,
        lift=support / covered / share,
    )
