"""A scripted expert with the variation of someone who does the same thing again: pace, height, tremor, pauses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from policies.experts import Expert


@dataclass(frozen=True, kw_only=True)
class Variation:
    """How episodes differ."""

    pace: tuple[float, float] = (0.75, 1.0)
    """Least and greatest share of the expert's speed, drawn for each episode."""
    heights: tuple[float, float] = (0.8, 1.3)
    """Least and greatest factor on the heights at which it travels, drawn for each episode."""
    noise: float = 0.08
    """Standard deviation of what is added to a movement, as a share of its speed."""
    tremor: float = 0.015
    """Standard deviation of what is added at rest, in the units of the action space."""
    memory: float = 0.8
    """Correlation of that noise from one step to the next: hands do not jump."""
    pauses_hz: float = 0.2
    """Mean number of hesitations in a second."""
    pause_s: tuple[float, float] = (0.08, 0.28)
    """Least and greatest length of a hesitation."""

    def __post_init__(self) -> None:
        for name in ("pace", "heights", "pause_s"):
            low, high = getattr(self, name)
            if not 0.0 < low <= high < math.inf:
                raise InputError("Variation", expected=f"{name} as 0 < least <= greatest", got=f"{(low, high)}")
        rest = (self.noise, self.tremor, self.pauses_hz)
        if min(rest) < 0 or not all(map(math.isfinite, rest)) or not 0.0 <= self.memory < 1.0:
            raise InputError("Variation", expected="noise, tremor, pauses_hz >= 0 and 0 <= memory < 1", got=f"{self}")


STEADY = Variation(pace=(1.0, 1.0), heights=(1.0, 1.0), noise=0.0, tremor=0.0, pauses_hz=0.0)
"""The expert as it is."""
VARIATIONS: dict[str, Variation] = {
    "Detour": Variation(noise=0.05, tremor=0.01),
    "Slide": Variation(pace=(1.0, 1.0), noise=0.0, tremor=0.003, pauses_hz=0.0),
    "Stack": Variation(pace=(0.95, 1.0), heights=(0.8, 1.1), noise=0.09, tremor=0.02, pauses_hz=0.0),
    "Stack3": Variation(pace=(0.95, 1.0), noise=0.02, tremor=0.01, pauses_hz=0.0),
}
"""Of the tasks that do not bear the default: a pillar must not be touched, a strike must have its speed, towers
are built within millimetres and with little time to spare."""


class VariedExpert:
    """A `Demonstrator` that plays as an expert does, every time a little differently.

    The noise is a first-order autoregression that grows with the speed, as that of human movements does
    (Harris and Wolpert, "Signal-dependent noise determines motor planning", Nature 394, 1998). The gripper is left
    as it is. The expert looks at the state that comes of all this, so it corrects what the noise did.

    Args:
        expert: of the environment's task.
        variation: how much of what.
    """

    def __init__(self, expert: Expert, variation: Variation | None = None) -> None:
        self.expert = expert
        self.variation = variation or Variation()
        self._rng = np.random.default_rng(0)
        self._noise: NDArray[np.float64] = np.zeros(0)
        self._pace, self._still = 1.0, 0
        self._period_s = 0.0

    def reset(self, env: Any, rng: np.random.Generator) -> None:
        """See `Demonstrator.reset`; `env` is a `ManipulationEnv`."""
        how = self.variation
        self._rng, self._still, self._period_s = rng, 0, env.physics.control_period_s
        self._pace = rng.uniform(*how.pace)
        self.expert.heights = rng.uniform(*how.heights)
        self._noise = rng.standard_normal(len(env.mode.entries))
        self.expert.reset(env)

    def act(self, env: Any, observation: Any) -> NDArray[np.float32]:
        """See `Demonstrator.act`."""
        how, action = self.variation, self.expert.act(env).astype(np.float64)
        moves = len(env.mode.entries)
        shocks = self._rng.standard_normal(moves)
        self._noise = how.memory * self._noise + math.sqrt(1.0 - how.memory**2) * shocks
        move = 0.0 * action[:moves] if self._pausing() else self._pace * action[:moves]
        move = move + (how.tremor + how.noise * np.abs(move).max()) * self._noise
        return np.clip([*move, *action[moves:]], -1.0, 1.0).astype(np.float32)

    def _pausing(self) -> bool:
        """Whether this step falls into a hesitation; draws whether one begins."""
        if self._still > 0:
            self._still -= 1
            return True
        if self._rng.random() < self.variation.pauses_hz * self._period_s:
            self._still = round(self._rng.uniform(*self.variation.pause_s) / self._period_s) - 1
            return self._still >= 0
        return False
