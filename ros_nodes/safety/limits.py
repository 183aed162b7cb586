"""What the guard lets an arm do: joint positions, speeds and accelerations, and how far a peak may exceed them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry import FloatArray, InputError


@dataclass(frozen=True, kw_only=True)
class ArmLimits:
    """Limits of a serial arm of n joints, one number a joint; rates are symmetric about zero."""

    names: tuple[str, ...]
    """Joint names, in the order of every array here."""
    lower: tuple[float, ...]
    """Smallest positions, rad."""
    upper: tuple[float, ...]
    """Largest positions, rad."""
    velocity: tuple[float, ...]
    """Largest speeds, rad/s."""
    acceleration: tuple[float, ...]
    """Largest accelerations, rad/s^2."""

    def __post_init__(self) -> None:
        sizes = {name: len(values) for name, values in vars(self).items()}
        if len(set(sizes.values())) != 1 or not self.names or len(set(self.names)) != len(self.names):
            raise InputError("ArmLimits", expected="one number for each of the joint names", got=f"{sizes}")
        rates = np.array([self.velocity, self.acceleration])
        if not (np.all(np.less(self.lower, self.upper)) and np.all(rates > 0.0) and np.all(np.isfinite(rates))):
            raise InputError("ArmLimits", expected="lower < upper and finite rates above 0", got=f"{self}")

    def outside(self, q: FloatArray) -> FloatArray:
        """(..., n) how far positions `q` lie outside the limits, rad; 0 inside."""
        return np.maximum(np.maximum(np.asarray(self.lower) - q, q - np.asarray(self.upper)), 0.0)
