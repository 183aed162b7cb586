"""What the rules say of one layer: part states of a person and of every object, turned into chances of labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from geometry import FloatArray
from perception.behavior.part_states import SIDES, PartStates, PartStateTrack
from perception.behavior.reasoning import PredicateTrack, Reason, Reasoner, RuleBook
from perception.behavior.reasoning.reasoner import RuleTruths, evaluate_rules, explain_rules
from perception.behavior.watching.hands_in_company import full_hands
from perception.behavior.watching.layers import Layer

_LEAST_MISSED = 1e-3
"""Odds of a behaviour against nothing are taken as if at least this much were missing."""
_LEAST_CHANCE = 1e-4
"""What `emissions_from_chances` takes as the least."""


@dataclass(frozen=True, kw_only=True)
class LayerTruths:
    """Truths of a layer's behaviours, each with the object that it is truest of."""

    layer: Layer
    """Whose behaviours."""
    truths: FloatArray
    """(T, B): each moment counts to what it turns out to be a part of."""
    proofs: FloatArray
    """(T, B): only what is complete at that moment."""
    objects: tuple[str, ...]
    """Names of the objects that `tracks` tell of; "" for none."""
    choice: FloatArray
    """(T, B) row of `objects` for each truth."""
    seen: FloatArray
    """(T,) whether any of the rules' predicates could be seen."""
    tracks: tuple[PredicateTrack, ...]
    """One for each of `objects`."""
    rules: Reasoner
    """The rules that were asked: of a book the layer's own."""
    said: tuple[RuleTruths, ...]
    """What they say of each of `tracks`."""

    def chances(self) -> FloatArray:
        """(T, 1 + B) of nothing and of each behaviour; NaN where nothing could be seen."""
        return chances_of(self.truths, self.seen)

    def object_of(self, behavior: str, rows: slice) -> str:
        """The object that a behaviour is mostly about in some frames."""
        column = self.layer.behaviors.index(behavior)
        weight = np.bincount(
            self.choice[rows, column].astype(int), self.truths[rows, column] + 1e-9, minlength=len(self.objects)
        )
        return self.objects[int(weight.argmax())]

    def reasons(self, behavior: str, rows: slice, top: int = 2) -> tuple[Reason, ...]:
        """The weightiest rules where the behaviour was most true in some frames."""
        column = self.layer.behaviors.index(behavior)
        row = rows.start + int(self.proofs[rows, column].argmax())
        chosen = int(self.choice[row, column])
        return explain_rules(self.rules, self.tracks[chosen], behavior, row, top, said=self.said[chosen]).reasons


def chances_of(truths: FloatArray, seen: FloatArray) -> FloatArray:
    """(T, 1 + B) chances of nothing and of each behaviour, of which one is the case, from truths (T, B).

    Odds of each behaviour against nothing are t / (1 - t): with one behaviour its chance is its truth.
    """
    odds = truths / np.maximum(1.0 - truths, _LEAST_MISSED)
    shares = np.concatenate([np.ones((len(truths), 1)), odds], axis=1)
    chances = shares / shares.sum(axis=1, keepdims=True)
    return np.where(np.asarray(seen, dtype=bool)[:, None], chances, np.nan)


def emission_now(truths: Sequence[float] | None, behaviors: int, weight: float) -> FloatArray:
    """(1 + B,) `emissions_from_chances` of `chances_of` at a single moment: the same numbers, many times as quick.

    Args:
        truths: (B,) of each behaviour; None where nothing could be seen, which gives NaN.
        behaviors: how many there are, B.
        weight: how much a frame counts.
    """
    if truths is None:
        return np.full(1 + behaviors, np.nan)
    odds = [1.0, *(truth / max(1.0 - truth, _LEAST_MISSED) for truth in truths)]
    total, prior = sum(odds), math.log(1.0 / len(odds))
    return np.array([weight * (math.log(max(each / total, _LEAST_CHANCE)) - prior) for each in odds])


def layer_truths(
    layer: Layer,
    reasoner: Reasoner,
    body: PartStateTrack,
    things: Mapping[str, PartStateTrack],
    categories: Mapping[str, str],
    company: Mapping[str, FloatArray] | None = None,
) -> LayerTruths:
    """Evaluate the rules once without an object and once with each.

    Args:
        layer: what to tell.
        reasoner: the rules.
        body: states of the person.
        things: states with each object, by its name.
        categories: class of each object.
        company: (T,) truths of states that no single person or thing tells, by name.
    """
    of_things = [dict(zip(each.names, each.truths.T, strict=True)) for each in things.values()]
    company = {**(company or {}), **full_hands(of_things)}
    objects = ("", *things) if about_objects(layer, reasoner) else ("",)
    tracks = tuple(
        predicates_of(layer, [body] if not name else [body, things[name]], categories.get(name, name), company)
        for name in objects
    )
    rules = rules_of(layer, reasoner)
    columns = [rules.behaviors.index(name) for name in layer.behaviors]
    found = [evaluate_rules(rules, track) for track in tracks]
    said = np.stack([each.spans[:, columns] for each in found])  # (O, T, B)
    choice = said.argmax(axis=0)
    proofs = np.stack([each.truths[:, columns] for each in found])
    return LayerTruths(
        layer=layer,
        truths=said.max(axis=0),
        proofs=np.take_along_axis(proofs, choice[None], axis=0)[0],
        objects=objects,
        choice=choice,
        seen=_any_seen(reasoner, layer, tracks),
        tracks=tracks,
        rules=rules,
        said=tuple(found),
    )


def about_objects(layer: Layer, reasoner: Reasoner) -> bool:
    """Whether any of the layer's rules looks at an object."""
    of_object = {state.name for state in PartStates().of_object}
    return any(
        name.startswith("object:") or name in of_object or any(f"{side}_{name}" in of_object for side in SIDES)
        for name in needed_predicates(layer, reasoner)
    )


def needed_predicates(layer: Layer, reasoner: Reasoner) -> set[str]:
    """Names that the layer's rules ask for."""
    rules = (rule for rule in reasoner.rules if rule.behavior in layer.behaviors)
    return {name for rule in rules for name, _ in rule.when.literals()}


def rules_of(layer: Layer, rules: Reasoner) -> Reasoner:
    """Of a book only the layer's own rules, which saves time; a model is one piece."""
    if isinstance(rules, RuleBook):
        return replace(rules, rules=tuple(rule for rule in rules.rules if rule.behavior in layer.behaviors))
    return rules


def read_by(layer: Layer, rules: Reasoner) -> tuple[str, ...]:
    """What can tell the layer's rules anything: of what they name, also each side that the layer looks at."""
    named = sorted(needed_predicates(layer, rules))
    told = dict.fromkeys(each for name in named for each in (name, *(f"{side}_{name}" for side in SIDES)))
    return tuple(name for name in told if not layer.hidden_side or not name.startswith(f"{layer.hidden_side}_"))


def predicates_of(
    layer: Layer, states: Sequence[PartStateTrack], category: str, company: Mapping[str, FloatArray]
) -> PredicateTrack:
    """States as predicates, without those of the side that the layer does not look at."""
    told = {name: track.column(name) for track in states for name in track.names} | dict(company)
    columns = {
        name: np.asarray(column)
        for name, column in told.items()
        if not layer.hidden_side or not name.startswith(f"{layer.hidden_side}_")
    }
    if category:
        columns[f"object:{category}"] = np.ones(len(states[0].time_s))
    return PredicateTrack.from_mapping(columns, states[0].time_s)


def _any_seen(reasoner: Reasoner, layer: Layer, tracks: Sequence[PredicateTrack]) -> FloatArray:
    needed = [name for name in needed_predicates(layer, reasoner) if not name.startswith("object:")]
    columns = [np.isfinite(track.column(name)) for track in tracks for name in needed]
    return np.any(columns, axis=0) if columns else np.ones(len(tracks[0]), dtype=bool)
