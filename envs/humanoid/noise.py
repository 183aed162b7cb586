"""What measuring adds to keypoints in space."""

from __future__ import annotations

import numpy as np

from geometry import FloatArray, InputError


def noisy_keypoints(
    keypoints_m: FloatArray, sigma_m: float, rng: np.random.Generator, *, lost: float = 0.0
) -> FloatArray:
    """Keypoints with independent Gaussian noise on every coordinate of every frame.

    Args:
        keypoints_m: (..., 3) metres.
        sigma_m: standard deviation along each axis, metres; a point is off by 1.6 times this on average.
        rng: where the noise comes from.
        lost: share of points that are not seen at all: NaN.

    Returns:
        (..., 3) metres.

    Raises:
        InputError: if `sigma_m` is below 0 or `lost` is no share.
    """
    if not (np.isfinite(sigma_m) and sigma_m >= 0.0 and 0.0 <= lost <= 1.0):
        raise InputError("noisy_keypoints", expected="sigma_m >= 0 and lost in 0..1", got=f"{sigma_m} and {lost}")
    points = np.asarray(keypoints_m, dtype=np.float64)
    measured = points + sigma_m * rng.standard_normal(points.shape)
    measured[rng.random(points.shape[:-1]) < lost] = np.nan
    return measured
