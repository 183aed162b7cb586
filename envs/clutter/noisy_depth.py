"""What a dialect's depth camera makes of an exact image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.cameras import Frame, StructuredLight, dex_noise
from envs.clutter.protocol import Dialect


def needs_normals(dialect: Dialect) -> bool:
    """Whether `noisy_depth` asks for a frame with normals."""
    return dialect.depth_noise == "structured light"


def noisy_depth(frame: Frame, dialect: Dialect, rng: np.random.Generator) -> NDArray[np.float32]:
    """The depth image (H, W) in metres with the dialect's `depth_noise`; 0 where there is no return.

    The Gaussian noise of `cloud_sigma_m` comes on top of it, see `ClutterSimulation.observe`.
    """
    if dialect.depth_noise == "dex":
        return dex_noise(frame.depth_m, rng)
    return StructuredLight().apply(frame, rng) if needs_normals(dialect) else frame.depth_m
