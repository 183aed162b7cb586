"""Limits of a serial arm's joints and of its hand's motion."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from geometry import FloatArray, InputError


@dataclass(frozen=True, kw_only=True)
class JointLimits:
    """Limits of a serial arm, one number a joint; rates are symmetric about zero."""

    lower_rad: tuple[float, ...]
    """Smallest joint positions, rad."""
    upper_rad: tuple[float, ...]
    """Largest joint positions, rad."""
    velocity: tuple[float, ...]
    """Largest joint speeds, rad/s."""
    acceleration: tuple[float, ...]
    """Largest joint accelerations, rad/s^2."""
    jerk: tuple[float, ...]
    """Largest joint jerks, rad/s^3."""
    torque_nm: tuple[float, ...]
    """Largest joint torques, N m."""

    def __post_init__(self) -> None:
        sizes = {name: len(values) for name, values in vars(self).items()}
        if len(set(sizes.values())) != 1:
            raise InputError("JointLimits", expected="as many numbers in each field", got=f"{sizes}")
        rates = (*self.velocity, *self.acceleration, *self.jerk, *self.torque_nm)
        if min(rates) <= 0.0 or not np.all(np.less(self.lower_rad, self.upper_rad)):
            raise InputError("JointLimits", expected="lower < upper and rates above 0", got=f"{self}")

    def scaled(self, *, velocity: float = 1.0, acceleration: float = 1.0, jerk: float = 1.0) -> JointLimits:
        """The same arm driven more gently: rates times the factors."""
        return replace(
            self,
            velocity=tuple(velocity * v for v in self.velocity),
            acceleration=tuple(acceleration * a for a in self.acceleration),
            jerk=tuple(jerk * j for j in self.jerk),
        )

    def clamp(self, q: FloatArray, margin_rad: float = 0.0) -> FloatArray:
        """`q` (..., n) brought within the position limits, `margin_rad` away from them."""
        return np.clip(q, np.add(self.lower_rad, margin_rad), np.subtract(self.upper_rad, margin_rad))

    def margin(self, q: FloatArray) -> FloatArray:
        """(..., n) distance in radians to the nearer position limit; negative outside."""
        return np.minimum(q - np.asarray(self.lower_rad), np.asarray(self.upper_rad) - q)


@dataclass(frozen=True, kw_only=True)
class CartesianLimits:
    """Limits of the end effector's motion."""

    velocity: float = 1.7
    """Largest translational speed, m/s."""
    acceleration: float = 13.0
    """Largest translational acceleration, m/s^2."""
    jerk: float = 6500.0
    """Largest translational jerk, m/s^3."""
    angular_velocity: float = 2.5
    """Largest rotational speed, rad/s."""
    angular_acceleration: float = 25.0
    """Largest rotational acceleration, rad/s^2."""
    angular_jerk: float = 12500.0
    """Largest rotational jerk, rad/s^3."""
