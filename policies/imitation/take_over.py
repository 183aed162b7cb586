"""When the expert takes over from the learner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from geometry import InputError

Verdict = Literal["drive", "take", "enough"]
"""The learner drives on; the expert takes over; the episode needs nobody and is called off."""


class TakeOver(Protocol):
    """Watches the learner drive; a person with a finger on a key is one too."""

    def reset(self, env: Any, rng: np.random.Generator) -> None:
        """An episode has begun in `env` (unwrapped)."""

    def verdict(self, env: Any, step: int, success: bool) -> Verdict:
        """What is to happen before the learner's action number `step`, counted from 0.

        Args:
            env: unwrapped, as the learner brought it there.
            step: actions of the learner so far.
            success: whether the task is done as things stand.
        """


@dataclass(kw_only=True)
class RandomMoment:
    """The expert takes over at a step drawn anew for each episode, whatever the learner does."""

    earliest: int = 2
    """First step at which it may, about 5 % of an episode."""
    latest: int = 35
    """Last step at which it may, about 70 % of an episode."""

    def __post_init__(self) -> None:
        if not 0 <= self.earliest <= self.latest:
            raise InputError("RandomMoment", expected="0 <= earliest <= latest", got=f"{self.earliest}, {self.latest}")
        self._moment = self.latest

    def reset(self, env: Any, rng: np.random.Generator) -> None:
        """Draw the moment."""
        self._moment = int(rng.integers(self.earliest, self.latest + 1))

    def verdict(self, env: Any, step: int, success: bool) -> Verdict:
        """See `TakeOver.verdict`."""
        return "take" if step >= self._moment else "drive"


@dataclass(kw_only=True)
class Stalled:
    """The expert takes over when the hand has not got anywhere for a while, or the time is nearly over.

    It looks at what a person at the robot's side sees: a hand that hovers about one spot although the task is
    not done. Where the learner succeeds and stays there, nobody takes over.
    """

    window: int = 15
    """Steps over which the hand must get somewhere."""
    travel_m: float = 0.012
    """Farther than this from where it was at any step of the window is somewhere."""
    latest: int = 45
    """Step at which the expert takes over where the task is not done."""
    satisfied: int = 8
    """Steps of success in a row after which the learner needs nobody."""

    def __post_init__(self) -> None:
        if min(self.window, self.latest, self.satisfied) < 1 or self.travel_m <= 0.0:
            raise InputError("Stalled", expected="window, latest, satisfied >= 1, travel_m > 0", got=f"{self}")
        self._path: list[Any] = []
        self._successes = 0

    def reset(self, env: Any, rng: np.random.Generator) -> None:
        """Forget the last episode."""
        self._path, self._successes = [], 0

    def verdict(self, env: Any, step: int, success: bool) -> Verdict:
        """See `TakeOver.verdict`."""
        self._path = [*self._path[-self.window :], np.array(env.scene.arm.state.position)]
        self._successes = self._successes + 1 if success else 0
        if success:
            return "enough" if self._successes >= self.satisfied else "drive"
        if step >= self.latest:
            return "take"
        path = np.array(self._path)
        still = len(path) > self.window and np.linalg.norm(path - path[-1], axis=1).max() < self.travel_m
        return "take" if still else "drive"
