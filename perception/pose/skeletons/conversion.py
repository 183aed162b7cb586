"""From one keypoint layout to another: joints of one name are carried over, the rest is built from neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.pose.skeletons.layouts import HAND21
from perception.pose.skeletons.skeleton import Skeleton

_Recipe = tuple[tuple[str, float], ...]

_SIDED: dict[str, tuple[_Recipe, ...]] = {
    "toe": ((("{}_big_toe", 1.0),),),
    "big_toe": ((("{}_toe", 1.0),),),
    "hand": (
        (("{}_hand_middle_mcp", 1.0),),
        (("{}_index", 0.5), ("{}_pinky", 0.5)),
        (("{}_wrist", 1.0),),
    ),
    "index": ((("{}_hand_index_mcp", 1.0),),),
    "pinky": ((("{}_hand_pinky_mcp", 1.0),),),
    "thumb": ((("{}_hand_thumb_tip", 1.0),),),
    "hand_wrist": ((("{}_wrist", 1.0),),),
}

RECIPES: dict[str, tuple[_Recipe, ...]] = {
    "pelvis": ((("left_hip", 0.5), ("right_hip", 0.5)),),
    "neck": ((("left_shoulder", 0.5), ("right_shoulder", 0.5)),),
    "head": ((("left_ear", 0.5), ("right_ear", 0.5)), (("nose", 1.0),)),
    "nose": ((("head", 1.0),),),
    "spine": (
        (("pelvis", 0.5), ("neck", 0.5)),
        (("left_hip", 0.25), ("right_hip", 0.25), ("left_shoulder", 0.25), ("right_shoulder", 0.25)),
    ),
    "chest": ((("neck", 1.0),), (("left_shoulder", 0.5), ("right_shoulder", 0.5))),
} | {
    f"{side}_{limb}": tuple(tuple((name.format(side), weight) for name, weight in recipe) for recipe in recipes)
    for limb, recipes in _SIDED.items()
    for side in ("left", "right")
}
"""How a joint that a layout lacks is built: the first recipe whose joints are all there, as a weighted mean."""


def convert(
    keypoints: FloatArray, scores: FloatArray, source: Skeleton, target: Skeleton
) -> tuple[FloatArray, FloatArray]:
    """Keypoints of one layout in the order of another.

    A built joint has the lowest score of those it was built from. What can neither be carried over nor built is
    NaN with score 0.

    Args:
        keypoints: (..., K, D) pixels or metres.
        scores: (..., K), 0 to 1.
        source: their layout.
        target: the wanted layout.

    Returns:
        keypoints (..., L, D) and scores (..., L) of the target's L joints.

    Raises:
        InputError: if the arrays do not have the source's number of joints.
    """
    points, confidence = np.asarray(keypoints, dtype=float), np.asarray(scores, dtype=float)
    if points.ndim < 2 or points.shape[-2] != len(source) or confidence.shape != points.shape[:-1]:
        raise InputError(
            "convert",
            expected=f"keypoints (..., {len(source)}, D) and scores (..., {len(source)}) of {source.name}",
            got=f"{points.shape} and {confidence.shape}",
        )
    out = np.full((*points.shape[:-2], len(target), points.shape[-1]), np.nan)
    out_scores = np.zeros(out.shape[:-1])
    missing = np.ones(out.shape[:-1], dtype=bool)
    for attempt in _attempts(source, target):
        if not missing.any():
            break
        built = np.einsum("...jwd,jw->...jd", points[..., attempt.rows, :], attempt.weights)
        found = missing[..., attempt.joints] & np.isfinite(built).all(-1)
        out[..., attempt.joints, :] = np.where(found[..., None], built, out[..., attempt.joints, :])
        lowest = confidence[..., attempt.rows].min(-1)
        out_scores[..., attempt.joints] = np.where(found, lowest, out_scores[..., attempt.joints])
        missing[..., attempt.joints] &= ~found
    return out, out_scores


class _Attempt(NamedTuple):
    """One way for each of J joints of the target, out of W joints of the source."""

    joints: NDArray[np.intp]
    """(J,) rows of the target."""
    rows: NDArray[np.intp]
    """(J, W) rows of the source; shorter recipes repeat their first."""
    weights: FloatArray
    """(J, W); 0 for what is repeated."""


@lru_cache(maxsize=64)
def _attempts(source: Skeleton, target: Skeleton) -> tuple[_Attempt, ...]:
    """Every joint's first way, then the second of those that have one, and so on."""
    ways = [(row, list(_ways(joint, source))) for row, joint in enumerate(target.joints)]
    return tuple(
        _attempt([(row, each[number]) for row, each in ways if len(each) > number], source)
        for number in range(max((len(each) for _, each in ways), default=0))
    )


def _attempt(recipes: Sequence[tuple[int, _Recipe]], source: Skeleton) -> _Attempt:
    width = max(len(recipe) for _, recipe in recipes)
    rows, weights = np.zeros((len(recipes), width), dtype=np.intp), np.zeros((len(recipes), width))
    for place, (_, recipe) in enumerate(recipes):
        rows[place] = source.index(recipe[0][0])
        rows[place, : len(recipe)] = [source.index(name) for name, _ in recipe]
        weights[place, : len(recipe)] = [weight for _, weight in recipe]
    return _Attempt(np.array([row for row, _ in recipes], dtype=np.intp), rows, weights)


def _ways(joint: str, source: Skeleton) -> Iterator[_Recipe]:
    """The joint itself where the source has it, then every recipe that the source can follow."""
    if source.has(joint):
        yield ((joint, 1.0),)
    yield from (recipe for recipe in RECIPES.get(joint, ()) if source.has(*(name for name, _ in recipe)))


def hand_of_wholebody(
    keypoints: FloatArray, scores: FloatArray, source: Skeleton, side: str
) -> tuple[FloatArray, FloatArray]:
    """The 21 points of one hand out of a layout that holds hands ("left" or "right"), as `HAND21`."""
    rows = [source.index(f"{side}_hand_{joint}") for joint in HAND21.joints]
    return np.asarray(keypoints, dtype=float)[..., rows, :], np.asarray(scores, dtype=float)[..., rows]
