"""Persons whom a detector reported twice.

Source: non-maximum suppression of whole poses, without the learned elimination of Fang et al., "RMPE", ICCV 2017.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geometry import FloatArray
from perception.pose.tracking.detections import Detections
from perception.pose.tracking.similarity import keypoint_similarity


def without_doubles(seen: Detections, sigmas: FloatArray, least: float) -> Detections:
    """The same detections; of those that are one person all but the one with the most confidence have score 0.

    Args:
        seen: N detections.
        sigmas: (K,) annotators' spread of the skeleton.
        least: two detections this alike over the joints they share are one person.
    """
    if len(seen) < 2:
        return seen
    alike = keypoint_similarity(seen.points, seen.points, seen.weights, seen.sizes, sigmas)
    kept: list[int] = []
    scores = seen.scores.copy()
    for row in np.argsort(-seen.weights.sum(axis=1), kind="stable"):
        if kept and alike[kept, row].max() >= least:
            scores[row] = 0.0
        else:
            kept.append(int(row))
    return replace(seen, scores=scores)
