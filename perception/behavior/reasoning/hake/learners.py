"""What `evaluate_unseen_pairs` can be asked about: rules and the network, with and without sight of the object."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray
from perception.behavior.reasoning.hake.annotations import HakeImages
from perception.behavior.reasoning.hake.unseen_pairs import LearnVerbs
from perception.behavior.reasoning.hake.verb_rules import learn_verb_rules


def rule_learner(images: HakeImages, with_objects: bool = False) -> LearnVerbs:
    """Learns rules for verbs from the images that it is given."""
    track = images.track(with_objects)

    def learn(rows: NDArray[np.int64]) -> Callable[[NDArray[np.int64]], FloatArray]:
        model = learn_verb_rules(images, rows, with_objects=with_objects)
        return lambda asked: model.evaluate(track.rows(asked)).truths

    return learn


def network_learner(images: HakeImages, with_objects: bool = False, seed: int = 0) -> LearnVerbs:
    """Trains the network on the images that it is given."""
    from perception.behavior.reasoning.hake.verb_network import VerbNetwork  # torch

    truths, verbs = images.track(with_objects).truths, images.verbs

    def learn(rows: NDArray[np.int64]) -> Callable[[NDArray[np.int64]], FloatArray]:
        network = VerbNetwork.train(truths[rows], verbs[rows], seed=seed)
        return lambda asked: network.evaluate(truths[asked])

    return learn
