"""Verb-object pairs that were never seen together in training: does "what the body does" carry over to new objects?

Protocol. Pairs with at least `least_test` test images and `least_train` training images, whose verb and whose object
both occur in another such pair, may be removed; `removed` of them are drawn. Every training image that shows one of
them is left out of training. A pair's score in a test image is composed as

    score(verb, object | image) = P(verb | image) * [object is in the image]

and its average precision is taken over all test images. "Seen" and "unseen" are means over the pairs with at least
`least_test` test images, so that both groups are chosen alike; the gap is seen - unseen. As the groups hold different
pairs, the same unseen pairs are measured under full training as well: `drop` is what removal alone costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.reasoning.average_precision import average_precision
from perception.behavior.reasoning.hake.annotations import HakeImages

LearnVerbs = Callable[[NDArray[np.int64]], Callable[[NDArray[np.int64]], FloatArray]]
"""From rows to train on to a function from rows to (N, 117) probabilities of verbs."""


def draw_unseen_pairs(
    images: HakeImages, rng: np.random.Generator, *, removed: int = 120, least_test: int = 10, least_train: int = 10
) -> NDArray[np.int64]:
    """Pairs to remove from training, such that their verbs and objects stay known from other pairs."""
    train, test = images.split()
    in_train, in_test = images.interactions[train].sum(axis=0), images.interactions[test].sum(axis=0)
    eligible = rng.permutation(np.flatnonzero((in_test >= least_test) & (in_train >= least_train)))
    kept = set(eligible.tolist())
    chosen: list[int] = []
    for pair in eligible.tolist():
        others = kept - {pair}
        verb_stays = any(images.verb_of[other] == images.verb_of[pair] for other in others)
        object_stays = any(images.object_of[other] == images.object_of[pair] for other in others)
        if len(chosen) < removed and verb_stays and object_stays:
            chosen.append(pair)
            kept = others
    if len(chosen) < removed:
        raise InputError("draw_unseen_pairs", expected=f"{removed} pairs that may go", got=f"{len(chosen)}")
    return np.sort(np.array(chosen))


def evaluate_unseen_pairs(
    images: HakeImages, learn: LearnVerbs, *, draws: Iterable[int] = (0, 1, 2), removed: int = 120, least_test: int = 10
) -> dict[str, Any]:
    """Average precision of seen and unseen pairs.

    Args:
        images: what `read_hake` gives.
        learn: the model under test.
        draws: seeds of the draws of removed pairs; figures are means over them.
        removed: pairs in a draw.
        least_test: test images that a pair needs to be averaged.
    Returns:
        flat results; the gap's interval is of 95 % over draws and pairs (a bootstrap of both).
    """
    draws = tuple(draws)
    if not draws:
        raise InputError("evaluate_unseen_pairs", expected="at least one draw", got="none")
    train, test = images.split()
    full = _pair_precisions(images, learn(train)(test), test, least_test)
    prior = np.broadcast_to(images.verbs[train].mean(axis=0), (len(test), len(images.verb_names)))
    base = _pair_precisions(images, prior, test, least_test)
    seen, unseen, whole, trivial, left = [], [], [], [], []
    for draw in draws:
        gone = draw_unseen_pairs(images, np.random.default_rng(draw), removed=removed, least_test=least_test)
        rows = train[~images.interactions[train][:, gone].any(axis=1)]
        found = _pair_precisions(images, learn(rows)(test), test, least_test)
        hidden = np.isin(np.arange(len(found)), gone)
        unseen.append(found[hidden])
        seen.append(found[~hidden & ~np.isnan(found)])
        whole.append(full[hidden])
        trivial.append(base[hidden])
        left.append(len(rows))
    low, high = _interval(seen, unseen, np.random.default_rng(0))
    groups = {"seen": seen, "unseen": unseen, "unseen_full_training": whole, "unseen_prior": trivial}
    means = {name: float(np.mean([group.mean() for group in found])) for name, found in groups.items()}
    gaps = [a.mean() - b.mean() for a, b in zip(seen, unseen, strict=True)]
    return {
        **means,
        "gap": means["seen"] - means["unseen"],
        "gap_low": low,
        "gap_high": high,
        "gap_largest": float(max(gaps, key=abs)),
        "drop": means["unseen_full_training"] - means["unseen"],
        "pairs_unseen": removed,
        "pairs_seen": int(np.mean([len(group) for group in seen])),
        "train_images": int(np.mean(left)),
        "draws": len(draws),
    }


def _pair_precisions(images: HakeImages, verbs: FloatArray, rows: NDArray[np.int64], least_test: int) -> FloatArray:
    """(600,) average precision of each pair; NaN where it has too few images."""
    labels, objects = images.interactions[rows], images.objects[rows]
    result = np.full(labels.shape[1], np.nan)
    for pair in np.flatnonzero(labels.sum(axis=0) >= least_test):
        scores = verbs[:, images.verb_of[pair]] * objects[:, images.object_of[pair]]
        result[pair] = average_precision(scores, labels[:, pair])
    return result


def _interval(seen: list[FloatArray], unseen: list[FloatArray], rng: np.random.Generator) -> tuple[float, float]:
    gaps = []
    for _ in range(1000):
        chosen = rng.integers(len(seen), size=len(seen))
        ones = [rng.choice(seen[draw], len(seen[draw])).mean() for draw in chosen]
        others = [rng.choice(unseen[draw], len(unseen[draw])).mean() for draw in chosen]
        gaps.append(np.mean(ones) - np.mean(others))
    low, high = np.quantile(gaps, (0.025, 0.975))
    return float(low), float(high)
