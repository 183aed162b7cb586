"""Whether somebody new is somebody lost: by where they would be by now, by their size, and by their limbs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.pose.tracking.keypoint_filters import KeypointFilters


@dataclass(frozen=True, kw_only=True)
class Reidentification:
    """How much a person may change while unseen. Lengths are in body sizes."""

    place: float = 0.2
    """Spread of where they are, without any gap."""
    drift_speed: float = 0.6
    """How fast this grows with the gap, body sizes per second."""
    size: float = 0.1
    """Spread of the logarithm of the sizes' ratio."""
    limb: float = 0.04
    """Spread of the logarithm of a limb's lengths' ratio, in metres only."""
    least: float = 0.2
    """Less alike than this is not the same person; 1: nobody ever is."""

    def __post_init__(self) -> None:
        for name in ("place", "drift_speed", "size", "limb", "least"):
            if not getattr(self, name) > 0.0:
                raise InputError("Reidentification", expected=f"{name} above 0", got=f"{getattr(self, name)}")


def lost_and_found(
    known: KeypointFilters,
    lost: NDArray[np.intp],
    new: NDArray[np.intp],
    bones: NDArray[np.intp],
    settings: Reidentification,
) -> FloatArray:
    """How likely each new person is each lost one.

    Args:
        known: everybody, at this moment.
        lost: (L,) rows of those unseen for a while.
        new: (M,) rows of the newcomers.
        bones: (B, 2) rows of joints.
        settings: how much may change.

    Returns:
        (L, M) between 0 and 1.
    """
    middles = np.nanmedian(known.points, axis=1)
    size = 0.5 * (known.sizes[lost, None] + known.sizes[new])
    off = np.sqrt(((middles[lost, None] - middles[new]) ** 2).sum(-1)) / size
    spread = settings.place + settings.drift_speed * known.unseen_s[lost, None]
    squares = (off / spread) ** 2 + (np.log(known.sizes[lost, None] / known.sizes[new]) / settings.size) ** 2
    if known.points.shape[-1] == 3 and len(bones):
        lengths = np.sqrt(((known.points[:, bones[:, 0]] - known.points[:, bones[:, 1]]) ** 2).sum(-1))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.log(lengths[lost, None] / lengths[new])
        common = np.isfinite(ratios)
        squared = np.where(common, ratios, 0.0) ** 2
        squares = squares + squared.sum(-1) / np.maximum(common.sum(-1), 1) / settings.limb**2
    return np.asarray(np.exp(-0.5 * squares))
