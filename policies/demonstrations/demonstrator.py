"""Who demonstrates: anything that acts in an environment, an expert, a policy, or a person at a gamepad."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from policies.experts import Expert


class EpisodeDropped(Exception):
    """Raised by `Demonstrator.act`: this try is not to be kept; the next begins."""


class CollectingStopped(Exception):
    """Raised by `Demonstrator.act` or `reset`: no more; what was kept is kept."""


class Demonstrator(Protocol):
    """Plays episodes of one environment."""

    def reset(self, env: Any, rng: np.random.Generator) -> None:
        """An episode has begun.

        Args:
            env: unwrapped, as it stands after its reset.
            rng: for all that the demonstrator draws in this episode.
        """

    def act(self, env: Any, observation: Any) -> NDArray[Any]:
        """(A,) the action for what is seen.

        Args:
            env: unwrapped; an expert looks into it, a policy does not.
            observation: as the environment gives it.
        """


class ExpertDemonstrator:
    """A scripted expert as it is.

    Args:
        expert: of the environment's task.
    """

    def __init__(self, expert: Expert) -> None:
        self._expert = expert

    def reset(self, env: Any, rng: np.random.Generator) -> None:
        """See `Demonstrator.reset`."""
        self._expert.reset(env)

    def act(self, env: Any, observation: Any) -> NDArray[Any]:
        """See `Demonstrator.act`."""
        return self._expert.act(env)


class PolicyDemonstrator:
    """A trained policy.

    Args:
        act: from an observation to an action.
        reset: what a policy with a memory does when an episode begins.
    """

    def __init__(self, act: Callable[[Any], NDArray[Any]], reset: Callable[[], None] | None = None) -> None:
        self._act, self._reset = act, reset

    def reset(self, env: Any, rng: np.random.Generator) -> None:
        """See `Demonstrator.reset`."""
        if self._reset is not None:
            self._reset()

    def act(self, env: Any, observation: Any) -> NDArray[Any]:
        """See `Demonstrator.act`."""
        return self._act(observation)
