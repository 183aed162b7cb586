"""What varies between episodes (domain randomisation), and one episode's draw of it.

Factors rescale the default and magnitudes are added to it; never to the last draw, so nothing compounds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from geometry import InputError

Range = tuple[float, float]
Triple = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Randomization:
    """How far each property strays from its default. All defaults mean "not at all".

    A range of factors is drawn from evenly in the logarithm, a magnitude evenly from minus to plus, delays
    evenly from whole numbers, all anew for every episode; noise and faults strike at every step.
    """

    mass: Range = (1.0, 1.0)
    """Factors on each prop's mass; the moment of inertia follows."""
    friction: Range = (1.0, 1.0)
    """Factors on each prop's lateral friction."""
    size: Range = (1.0, 1.0)
    """Factors on the edges of all props together."""
    size_variants: int = 5
    """How many sizes, spread over the range from end to end. Each is a world of its own, made when first drawn."""
    color: float = 0.0
    """Largest change of each channel, from 0 to 1, of the props' and the table's colours."""
    light_turn_rad: float = 0.0
    """Largest turn of the light's direction about each axis."""
    ambient: Range = (1.0, 1.0)
    """Factors on the share of light that comes from everywhere."""
    camera_shift_m: float = 0.0
    """Largest displacement of the policy's camera along each of its axes. The robot does not know: clouds are where
    the default camera would have seen them. More than about 1 cm lifts the table into the default region of clouds."""
    camera_turn_rad: float = 0.0
    """Largest turn of the policy's camera about each of its axes."""
    field_of_view: Range = (1.0, 1.0)
    """Factors on the camera's field of view."""
    action_gain: Range = (1.0, 1.0)
    """Factors on how far the arm goes for an action; the gripper's action is not touched."""
    action_delay: tuple[int, int] = (0, 0)
    """Fewest and most steps until an action takes effect; until then the robot stays as it is."""
    observation_delay: tuple[int, int] = (0, 0)
    """Fewest and most steps by which state, images and clouds are late; goals are not (see `Observer`)."""
    position_bias_m: float = 0.0
    """Largest constant error of a perceived position along each axis."""
    position_noise_m: float = 0.0
    """Standard deviation of white noise on perceived positions."""
    rotation_noise: float = 0.0
    """Standard deviation of white noise on the entries of perceived rotation matrices."""
    velocity_noise: float = 0.0
    """Standard deviation of white noise on perceived velocities, m/s and rad/s."""
    stuck: float = 0.0
    """Probability that the state's reading of a step is the last one again."""
    depth_noise_m: float = 0.0
    """Standard deviation of white noise on depth at 1 m; it grows with the square of the depth."""
    depth_holes: float = 0.0
    """Share of a depth image that is lost, in squares of 3 x 3 pixels."""
    dropped_frames: float = 0.0
    """Probability that the images of a step are the last ones again."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, tuple):
                whole = field.name.endswith("delay")
                least = 0 if whole else 1e-6
                good = len(value) == 2 and least <= value[0] <= value[1] < math.inf
                good = good and not (whole and any(int(v) != v for v in value))
            else:
                good = 0.0 <= value < math.inf
            if not good:
                expected = "(low, high) with 0 < low <= high; whole numbers from 0 for delays; magnitudes of at least 0"
                raise InputError(f"Randomization.{field.name}", expected=expected, got=f"{value}")
        if max(self.stuck, self.dropped_frames, self.depth_holes) > 1.0:
            raise InputError("Randomization", expected="stuck, dropped_frames and depth_holes up to 1", got=f"{self}")
        if self.size_variants < 2 and self.size[0] < self.size[1]:
            raise InputError("Randomization", expected="size_variants of at least 2 for a range", got=f"{self}")

    @property
    def size_factors(self) -> tuple[float, ...]:
        """The sizes that there are, from the smallest to the largest."""
        low, high = self.size
        return (low,) if low == high else tuple(np.geomspace(low, high, self.size_variants).tolist())

    @property
    def state_faults(self) -> bool:
        """Whether the state's reading is ever wrong."""
        return (
            max(self.position_bias_m, self.position_noise_m, self.rotation_noise, self.velocity_noise, self.stuck) > 0
        )

    def draw(self, rng: np.random.Generator, props: int) -> Draw:
        """What varies in one episode; how many random numbers are used depends on `props` alone."""
        u = iter(rng.random(18 + 8 * props).tolist())

        def factor(ends: Range) -> float:
            low, high = (math.log(end) for end in ends)
            return math.exp(low + next(u) * (high - low))

        def whole(ends: tuple[int, int]) -> int:
            return min(int(ends[0] + next(u) * (ends[1] - ends[0] + 1)), ends[1])

        def about_zero(most: float) -> Triple:
            x, y, z = (most * (2.0 * next(u) - 1.0) for _ in range(3))
            return x, y, z

        sizes = self.size_factors
        return Draw(
            size=min(int(next(u) * len(sizes)), len(sizes) - 1),
            ambient=factor(self.ambient),
            field_of_view=factor(self.field_of_view),
            action_gain=factor(self.action_gain),
            action_delay=whole(self.action_delay),
            observation_delay=whole(self.observation_delay),
            light_turn_rad=about_zero(self.light_turn_rad),
            camera_shift_m=about_zero(self.camera_shift_m),
            camera_turn_rad=about_zero(self.camera_turn_rad),
            masses=[factor(self.mass) for _ in range(props)],
            frictions=[factor(self.friction) for _ in range(props)],
            colors=[about_zero(self.color) for _ in range(props + 1)],
            biases_m=[about_zero(self.position_bias_m) for _ in range(props)],
        )


class Draw(NamedTuple):
    """One episode's draw. Lists have a row for each prop; the table's colour comes last."""

    size: int = 0
    ambient: float = 1.0
    field_of_view: float = 1.0
    action_gain: float = 1.0
    action_delay: int = 0
    observation_delay: int = 0
    light_turn_rad: Triple = (0.0, 0.0, 0.0)
    camera_shift_m: Triple = (0.0, 0.0, 0.0)
    camera_turn_rad: Triple = (0.0, 0.0, 0.0)
    masses: Sequence[float] = ()
    frictions: Sequence[float] = ()
    colors: Sequence[Triple] = ()
    biases_m: Sequence[Triple] = ()


DEFAULT = Draw()
"""The draw of an environment that does not vary."""
SIM_TO_REAL = Randomization(
    mass=(0.5, 2.0),
    friction=(0.6, 1.6),
    size=(0.85, 1.2),
    color=0.2,
    light_turn_rad=0.5,
    ambient=(0.6, 1.5),
    camera_shift_m=0.008,
    camera_turn_rad=0.008,
    field_of_view=(0.95, 1.05),
    action_gain=(0.9, 1.1),
    action_delay=(0, 1),
    observation_delay=(0, 1),
    position_bias_m=0.003,
    position_noise_m=0.002,
    rotation_noise=0.02,
    velocity_noise=0.02,
    stuck=0.02,
    depth_noise_m=0.003,
    depth_holes=0.05,
    dropped_frames=0.02,
)
"""A start for policies that shall leave the simulation: moderate everywhere. Measure your own robot and narrow it."""
