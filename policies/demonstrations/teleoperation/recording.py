"""What is recorded of one try."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policies.demonstrations.episode import Episode


class Recording:
    """Grows step by step.

    Args:
        seen: first observation.
        info: of the reset.
    """

    def __init__(self, seen: Any, info: Mapping[str, Any]) -> None:
        self._seen, self._actions, self._rewards = [_named(seen)], [], []  # type: ignore[var-annotated]
        self.success = bool(info.get("is_success", False))
        """Whether the task is done as things stand."""
        self._terminated = False

    def __len__(self) -> int:
        """Steps."""
        return len(self._actions)

    def add(self, action: NDArray[np.float32], outcome: tuple[Any, Any, bool, bool, Mapping[str, Any]]) -> bool:
        """Take in a step.

        Args:
            action: what was done.
            outcome: what `env.step` gave.

        Returns:
            whether the episode is over.
        """
        seen, reward, terminated, truncated, info = outcome
        self._seen.append(_named(seen))
        self._actions.append(action)
        self._rewards.append(float(reward))
        self.success, self._terminated = bool(info.get("is_success", False)), bool(terminated)
        return bool(terminated or truncated)

    def episode(self, task: str, provenance: Mapping[str, Any]) -> Episode:
        """All of it, at least one step."""
        return Episode(
            observations={key: np.stack([seen[key] for seen in self._seen]) for key in self._seen[0]},
            actions=np.stack(self._actions),
            rewards=np.array(self._rewards, dtype=np.float32),
            success=self.success,
            terminated=self._terminated,
            task=task,
            provenance=provenance,
        )


def _named(seen: Any) -> Mapping[str, NDArray[Any]]:
    """A bare vector is the key "observation"."""
    return seen if isinstance(seen, Mapping) else {"observation": seen}
