"""The gesture phases' beliefs made consistent: which phase follows which, and how long each lasts.

Grammar and durations are counted from the labels of the people trained on. How much a frame's belief weighs against
them is chosen among those people, each left out in turn. Whole recordings are decoded, so that this belongs to the
evaluation's offline mode. It rids the beliefs of short wrong segments, of which macro-F1 takes little notice; frame by
frame, as `OnlineDecoder` does it for the causal mode, it gained nothing, which is why that is not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from perception.behavior.decoding import decode, emissions_from_chances, learn_semi_markov
from perception.behavior.network.cross_validation import HeldOut, join_held_out
from perception.behavior.sets import BehaviorSet

WEIGHTS = (0.1, 0.2, 0.4, 1.0)
"""Of a frame's belief, to choose from: neighbouring frames say the same thing again, so that 1 counts them often."""


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """What a network that was trained on some people says of others."""

    training: BehaviorSet
    """The people it was trained on, with frame labels."""
    test: BehaviorSet
    """The others."""
    beliefs: HeldOut
    """About them."""
    balance: float
    """The training's `TrainingConfig.balance`, which tells the label shares that the network takes for granted."""


def decoded(unseen: Unseen, weight: float) -> HeldOut:
    """The most likely segments of every recording, as beliefs of 1 in the label of each frame's segment.

    Args:
        unseen: beliefs, and the people to learn grammar and durations from.
        weight: of a frame's belief, above 0 and at most 1.
    """
    training, names = unseen.training, tuple(unseen.test.label_names.tolist())
    sequences = [(each.time_s, np.asarray(each.frame_labels)) for each in training]
    model = learn_semi_markov(sequences, names)
    labels = np.concatenate([each for _, each in sequences])
    shares = np.maximum(np.bincount(labels[labels >= 0], minlength=len(names)), 1.0) ** (1.0 - unseen.balance)
    paths = []
    for chances, sequence in zip(unseen.beliefs.probabilities, unseen.test, strict=True):
        emissions = emissions_from_chances(chances, priors=shares / shares.sum(), weight=weight)
        paths.append(np.eye(len(names))[decode(emissions, model, sequence.time_s).path])
    return replace(unseen.beliefs, probabilities=tuple(paths))


def best_weight(inner: Sequence[Unseen]) -> float:
    """The weight with the highest macro-F1, pooled over what are inner folds of the people trained on."""
    scores = [join_held_out([decoded(each, weight) for each in inner]).results()["macro_f1"] for weight in WEIGHTS]
    return WEIGHTS[int(np.argmax(scores))]


def decoded_figures(plain: HeldOut, consistent: HeldOut) -> dict[str, Any]:
    """Figures after the decoder, and how many segments the truth, the network alone and the decoder have."""
    results = consistent.results()
    return {
        "decoded_macro_f1": results["macro_f1"],
        "decoded_accuracy": results["accuracy"],
        "decoded_user_macro_f1_mean": results["subject_macro_f1_mean"],
        "segments": sum(_changes(each) for each in plain.labels),
        "network_segments": sum(_changes(each.argmax(axis=1)) for each in plain.probabilities),
        "decoded_segments": sum(_changes(each.argmax(axis=1)) for each in consistent.probabilities),
    }


def _changes(labels: np.ndarray[Any, np.dtype[np.int64]]) -> int:
    """Stretches of one label."""
    return 1 + int((np.diff(labels) != 0).sum())
