"""Do verbs carry over to objects they were never seen with? Isolated streams against coupled ones on HAKE's images.

Protocol of `perception.behavior.reasoning.hake.unseen_pairs`: 120 verb-object pairs are drawn, every training image
that shows one of them is left out, and a pair's score in a test image is P(verb | image) where its object is present.
Object stream: which objects are in the image, and it learns to name (the first of) them. Dynamics stream, of one
moment: the 76 part states. Seed k draws the k-th set of pairs and the k-th weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.reasoning.average_precision import average_precision
from perception.behavior.reasoning.hake import HakeImages
from perception.behavior.reasoning.hake.unseen_pairs import draw_unseen_pairs
from perception.behavior.semi_coupled.nested_bootstrap import nested_interval
from perception.behavior.semi_coupled.training import (
    StreamData,
    StreamTraining,
    predict_behaviors,
    train_two_streams,
)
from perception.behavior.semi_coupled.two_streams import TwoStreamConfig

ARMS: dict[str, float | None] = {"isolated": 0.0, "quarter": 0.25, "coupled": 1.0, "states_alone": None}
"""Openness of the gate; None: a network whose object stream says nothing, for comparison."""
LEAST_TEST = 10
_WIDTH = 128
_EPOCHS, _BATCH, _RATE = 30, 256, 1e-2


@dataclass(frozen=True, kw_only=True)
class PairTransfer:
    """How well A arms with K seeds find P verb-object pairs in test images."""

    precisions: FloatArray
    """(A, K, P) average precision; P counts pairs with at least `LEAST_TEST` test images."""
    unseen: NDArray[np.bool_]
    """(K, P) pairs that were left out of training."""
    changes: FloatArray
    """(A, K) mean change of a verb's probability when the image's objects are taken from another image."""

    def results(self, name: str, rng: np.random.Generator) -> dict[str, Any]:
        """Flat: mean precision of seen and unseen pairs and the gap, and differences to `coupled`.

        Intervals of 95 % are over seeds and pairs.
        """
        flat: dict[str, Any] = {}
        together = np.full(self.unseen.shape[1], "pairs")
        for number, arm in enumerate(ARMS):
            flat[f"{name}_{arm}_change"] = float(self.changes[number].mean())
            for kind in ("seen", "unseen", "gap"):
                for other in (None,) if arm == "coupled" else (None, "coupled"):
                    score = partial(self._score, arm=arm, kind=kind, other=other)
                    found = nested_interval(score, together, rng)
                    key = f"{name}_{arm}{'' if other is None else f'_minus_{other}'}_{kind}"
                    flat |= {key: found.value, f"{key}_low": found.low, f"{key}_high": found.high}
        return flat

    def _score(self, weights: FloatArray, *, arm: str, kind: str, other: str | None) -> FloatArray:
        """(B, K) of weights of pairs (B, P); less another arm's if one is named."""
        values = self.precisions[list(ARMS).index(arm)]
        values = values if other is None else values - self.precisions[list(ARMS).index(other)]
        seen, unseen = (
            weights @ (values * chosen).T / np.maximum(weights @ chosen.T.astype(float), 1e-12)
            for chosen in (~self.unseen, self.unseen)
        )
        return np.asarray({"seen": seen, "unseen": unseen, "gap": seen - unseen}[kind])


def measure_pair_transfer(images: HakeImages, *, seeds: Sequence[int], removed: int = 120) -> PairTransfer:
    """Train all arms without some pairs, and judge every pair.

    Args:
        images: what `read_hake` gives.
        seeds: of the draws of pairs and of the weights.
        removed: pairs in a draw.
    """
    if not len(seeds):
        raise InputError("measure_pair_transfer", expected="at least one seed", got="none")
    train, test = images.split()
    labels = images.interactions[test]
    judged = np.flatnonzero(labels.sum(axis=0) >= LEAST_TEST)
    precisions = np.zeros((len(ARMS), len(seeds), len(judged)))
    changes = np.zeros((len(ARMS), len(seeds)))
    unseen = np.zeros((len(seeds), len(judged)), dtype=bool)
    for k, seed in enumerate(seeds):
        rng = np.random.default_rng(seed)
        gone = draw_unseen_pairs(images, rng, removed=removed, least_test=LEAST_TEST)
        unseen[k] = np.isin(judged, gone)
        rows = train[~images.interactions[train][:, gone].any(axis=1)]
        swapped = rng.permutation(len(test))
        for a, openness in enumerate(ARMS.values()):
            verbs, others = _verbs(images, rows, test, swapped, openness, seed)
            changes[a, k] = float(np.abs(verbs - others).mean())
            scores = verbs[:, images.verb_of[judged]] * images.objects[test][:, images.object_of[judged]]
            precisions[a, k] = [
                average_precision(column, label) for column, label in zip(scores.T, labels[:, judged].T, strict=True)
            ]
    return PairTransfer(precisions=precisions, unseen=unseen, changes=changes)


def _verbs(
    images: HakeImages,
    rows: NDArray[np.int64],
    test: NDArray[np.int64],
    swapped: NDArray[np.int64],
    openness: float | None,
    seed: int,
) -> tuple[FloatArray, FloatArray]:
    """(N, V) probabilities of verbs in the test images, with their own objects and with those of others."""
    data = _streams(images, rows, said=openness is not None)
    config = TwoStreamConfig(
        object_features=data.objects.shape[-1],
        motion_features=data.motion.shape[-1],
        behaviors=data.behaviors.shape[-1],
        objects=len(images.object_names),
        width=_WIDTH,
        layers=0,
        openness=openness or 0.0,
    )
    network = train_two_streams(
        config, data, StreamTraining(epochs=_EPOCHS, batch=_BATCH, learning_rate=_RATE, seed=seed)
    )
    own = _streams(images, test, said=openness is not None)
    other = StreamData(
        objects=own.objects[swapped], motion=own.motion, behaviors=own.behaviors, object_labels=own.object_labels
    )
    first, second = (1.0 / (1.0 + np.exp(-predict_behaviors(network, each)[:, 0])) for each in (own, other))
    return first, second


def _streams(images: HakeImages, rows: NDArray[np.int64], *, said: bool) -> StreamData:
    """Images as sequences of one moment; without a word of the objects if not `said`."""
    objects = images.objects[rows]
    return StreamData(
        objects=(objects if said else np.zeros_like(objects)).astype(float)[:, None],
        motion=images.states[rows].astype(float)[:, None],
        behaviors=images.verbs[rows].astype(float)[:, None],
        object_labels=objects.argmax(axis=1).astype(np.int64),
    )
