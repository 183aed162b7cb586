"""Policies that foresee a chunk of actions from the last few observations: what they have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geometry import InputError
from policies.imitation.action_chunks import ActionChunks
from policies.imitation.data_layout import DataLayout
from policies.imitation.policy import Observation, Policy


class ChunkPolicy(Policy):
    """Keeps the last observations, asks for a chunk when it needs one, and does its actions.

    Args:
        layout: of the data.
        keys: of the observations that it looks at.
        history: H.
        chunk: K.
        execute: actions of a chunk that are done before the next chunk is asked for.
        ensemble_rate: of the temporal ensemble (see `ActionChunks`); None does without.
    """

    def __init__(
        self,
        layout: DataLayout,
        *,
        keys: tuple[str, ...],
        history: int = 1,
        chunk: int = 1,
        execute: int = 1,
        ensemble_rate: float | None = None,
    ) -> None:
        super().__init__()
        if not 1 <= execute <= chunk or history < 1:
            raise InputError(
                type(self).__name__,
                expected="history of at least 1, 1 <= execute <= chunk",
                got=f"history {history}, chunk {chunk}, execute {execute}",
            )
        self.layout, self.keys, self.history, self.chunk = layout, keys, history, chunk
        self._chunks = ActionChunks(execute=execute, ensemble_rate=ensemble_rate)
        self._seen: deque[dict[str, Tensor]] = deque(maxlen=history)

    @abstractmethod
    def predict(self, observations: Mapping[str, Tensor]) -> Tensor:
        """(B, H, ...) observations by key to (B, K, A) actions, in the environment's units and bounds."""

    def reset(self) -> None:
        """See `Policy.reset`."""
        self._chunks.reset()
        self._seen.clear()

    def select_action(self, observation: Observation) -> NDArray[np.float32]:
        """See `Policy.select_action`."""
        row = checked_row(observation, self.keys, self.layout, type(self).__name__)
        self._seen.extend([row] * (self.history - len(self._seen) if not self._seen else 1))
        if self._chunks.wants_chunk:
            device = next(self.parameters()).device
            with torch.inference_mode():
                window = {key: torch.stack([row[key] for row in self._seen])[None].to(device) for key in self.keys}
                self._chunks.add(self.predict(window)[0].cpu().numpy())
        return self._chunks.next()


def checked_row(observation: Observation, keys: tuple[str, ...], layout: DataLayout, where: str) -> dict[str, Tensor]:
    """The entries of an observation that a policy looks at, as float32 tensors.

    Raises:
        InputError: if a key is missing, of another shape, or not finite.
    """
    row = {}
    for key in keys:
        shape = layout.observations[key]
        array = np.asarray(observation[key]) if key in observation else None
        if array is None or array.shape != shape:
            got = f"only {', '.join(observation)}" if array is None else f"{array.shape}"
            raise InputError(where, expected=f"{key} of shape {shape}", got=got)
        if not np.isfinite(array).all():
            raise InputError(where, expected="finite observations", got=f"NaN or infinity in {key}")
        row[key] = torch.from_numpy(array.astype(np.float32))
    return row
