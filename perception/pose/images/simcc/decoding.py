"""Keypoints from SimCC: each joint's column and row are two one-dimensional classifications.

Li et al., "SimCC: a simple coordinate classification perspective for human pose estimation" (2022): bins are finer
than pixels by the split ratio, 2 in RTMPose. A joint is at its highest bins, and as sure as the lesser of the two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from geometry import FloatArray, InputError


def decode_simcc(simcc_x: ArrayLike, simcc_y: ArrayLike, size: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """Keypoints in the input's pixels.

    Args:
        simcc_x: (..., K, Bx) evidence for each column bin.
        simcc_y: (..., K, By) evidence for each row bin.
        size: columns and rows of the network's input; bins are a multiple of them.

    Returns:
        keypoints (..., K, 2), NaN where there is no evidence above 0, and scores (..., K) between 0 and 1.

    Raises:
        InputError: if the shapes do not go together.
    """
    x, y = np.asarray(simcc_x, dtype=float), np.asarray(simcc_y, dtype=float)
    if x.ndim < 2 or x.shape[:-1] != y.shape[:-1] or x.shape[-1] % size[0] or y.shape[-1] % size[1]:
        raise InputError(
            "decode_simcc",
            expected=f"(..., K, n * {size[0]}) and (..., K, n * {size[1]})",
            got=f"{x.shape} and {y.shape}",
        )
    split = np.array([x.shape[-1] / size[0], y.shape[-1] / size[1]])
    points = np.stack([x.argmax(-1), y.argmax(-1)], axis=-1) / split
    evidence = np.minimum(x.max(-1), y.max(-1))
    seen = np.isfinite(evidence) & (evidence > 0.0)
    return np.where(seen[..., None], points, np.nan), np.where(seen, np.clip(evidence, 0.0, 1.0), 0.0)
