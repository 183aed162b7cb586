"""Behaviours that exclude each other: a person walks or runs, while each hand does something of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perception.behavior.decoding import LogNormal, SemiMarkov
from perception.behavior.watching.timeline import NOTHING

_BODY = ("stand", "walk", "run", "jump", "sit", "bend", "kick")
_HAND = (
    "reach", "grasp", "lift", "carry", "place", "release", "pour", "push", "throw", "drink", "eat", "hand_over",
    "wave", "point", "punch",
)  # fmt: skip
_FINGERS = ("open_hand", "closed_hand", "pinch")
_LEFT_OUT = ("idle", "in_the_hand", "swing")
"""What other labels say already: nothing is done; one of lift, carry and place; walking."""

_AFTER: Mapping[str, Sequence[str]] = {
    "lift": ("grasp", "reach", "carry", "place", "pour"),
    "place": ("lift", "carry", "pour", "drink", "eat", "grasp"),
    "pour": ("lift", "carry", "grasp", "place"),
    "release": ("grasp", "place", "carry", "push", "hand_over", "lift"),
}
"""What a behaviour comes after, where that is not arbitrary; to come after nothing is always possible."""

_MEDIAN_S = {
    "jump": 0.5,
    "kick": 0.5,
    "punch": 0.4,
    "grasp": 0.3,
    "lift": 0.4,
    "place": 0.5,
    "release": 0.3,
    "throw": 0.4,
    NOTHING: 1.0,
}


_PAUSE = 0.5
"""How often nothing follows a behaviour, beyond what the others leave."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Behaviours of which one at a time is told."""

    name: str
    """ "body", "right hand", ... """
    behaviors: tuple[str, ...]
    """Names of rules."""
    hidden_side: str = ""
    """ "left" or "right": part states of that side do not count here."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The behaviours after the label for none of them."""
        return (NOTHING, *self.behaviors)

    def model(self) -> SemiMarkov:
        """Grammar and durations of the layer."""
        follows = {
            label: [
                after
                for after in self.labels
                if after != label and (label == NOTHING or after not in _AFTER or label in _AFTER[after])
            ]
            for label in self.labels
        }
        durations = {label: LogNormal(median_s=_MEDIAN_S.get(label, 0.8), spread=0.9) for label in self.labels}
        model = SemiMarkov.from_grammar(follows, durations)
        towards_nothing = np.arange(len(self.labels)) == 0
        mixed = (1.0 - _PAUSE) * model.transitions + _PAUSE * towards_nothing
        return replace(model, transitions=np.where(np.arange(len(mixed))[:, None] == 0, model.transitions, mixed))


def layers_of(behaviors: Sequence[str]) -> tuple[Layer, ...]:
    """The layers of a rule book's behaviours; each that the house does not know is a layer of its own."""
    known = [name for name in behaviors if name not in _LEFT_OUT]
    body = tuple(name for name in known if name in _BODY)
    layers = [Layer(name="body", behaviors=body)] if body else []
    for part, house in (("hand", _HAND), ("fingers", _FINGERS)):
        told = tuple(name for name in known if name in house)
        layers += [
            Layer(name=f"{side} {part}", behaviors=told, hidden_side=other)
            for side, other in (("right", "left"), ("left", "right"))
            if told
        ]
    own = (name for name in known if name not in (*_BODY, *_HAND, *_FINGERS))
    return (*layers, *(Layer(name=name, behaviors=(name,)) for name in own))
