"""Recorded looks as an environment of one-step episodes: thousands of attempts a second, all of them real ones.

Only what was tried can be chosen, and the reward is what became of it. What an attempt does to the rest of the
round is not in it; the live environment has that, at a thousand times the cost.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import EzPickle
from numpy.typing import NDArray

from geometry import InputError
from policies.reinforcement.clutter_pick.attempts import Looks

_LIMIT = 10.0


class RecordedLooks(gymnasium.Env[dict[str, NDArray[Any]], Any], EzPickle):
    """Draws a look in which the choice matters, and pays what the chosen proposal brought.

    Args:
        looks: recorded, of which some were tried.
        column: of a feature; only looks in which it is above 0 take part. None: all do.
    """

    def __init__(self, looks: Looks, column: int | None = None) -> None:
        EzPickle.__init__(self, looks, column)
        held, failed = (looks.outcome == 1).any(axis=1), (looks.outcome == 0).any(axis=1)
        wanted = held & failed
        if column is not None:
            wanted &= looks.proposals[:, 0, column] > 0.0
        if not wanted.any():
            raise InputError("RecordedLooks", expected="looks of which some proposals hold and some fail", got="none")
        self._looks = Looks(*[values[wanted] for values in looks])
        self._now = 0
        _, count, features = looks.proposals.shape
        self.action_space: gymnasium.Space[Any] = spaces.Discrete(count)
        self.observation_space: gymnasium.Space[Any] = spaces.Dict(
            {
                "proposals": spaces.Box(-_LIMIT, _LIMIT, (count * features,), np.float32),
                "mask": spaces.MultiBinary(count),
            }
        )

    def action_masks(self) -> NDArray[np.bool_]:
        """(K,) what was tried."""
        return self._looks.outcome[self._now] >= 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Draw a look."""
        super().reset(seed=seed)
        self._now = int(self.np_random.integers(len(self._looks.outcome)))
        return self._observation(), {}

    def step(self, action: Any) -> tuple[dict[str, NDArray[Any]], float, bool, bool, dict[str, Any]]:
        """Pay 1 for what held something; what was not tried pays nothing."""
        held = bool(self._looks.outcome[self._now, int(action)] == 1)
        return self._observation(), float(held), True, False, {"is_success": held}

    def _observation(self) -> dict[str, NDArray[Any]]:
        mask = self._looks.mask[self._now].astype(np.int8)
        return {"proposals": self._looks.proposals[self._now].ravel(), "mask": mask}
