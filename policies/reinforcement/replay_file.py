"""A replay buffer on disk: what is in it, and not the room that is still free.

With images or clouds the room for half a million transitions takes gigabytes, of which a short run fills little.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.save_util import save_to_pkl

Change = Callable[[NDArray[Any]], NDArray[Any]]


def save_replay(model: OffPolicyAlgorithm, path: Path) -> None:
    """Write a model's replay: a pickle, as Stable-Baselines3 writes it."""
    buffer = model.replay_buffer
    assert buffer is not None
    if not buffer.full:
        filled = buffer.pos
        buffer = copy.copy(buffer)
        _change_tables(buffer, buffer.buffer_size, lambda table: table[:filled])
    save_to_pkl(path, buffer)


def load_replay(model: OffPolicyAlgorithm, path: Path) -> None:
    """Give a model the replay that `save_replay` wrote, with its room for more; only from a file of your own."""
    model.load_replay_buffer(path)
    buffer = model.replay_buffer
    assert buffer is not None
    free = buffer.buffer_size - buffer.pos
    if not buffer.full:
        _change_tables(buffer, buffer.pos, lambda table: _extended(table, free))


def _change_tables(buffer: ReplayBuffer, rows: int, change: Change) -> None:
    """Replace the tables (rows, environments, ...) of a buffer."""

    def is_table(value: Any) -> bool:
        return isinstance(value, np.ndarray) and value.ndim > 1 and len(value) == rows

    for name, value in list(vars(buffer).items()):
        if is_table(value):
            setattr(buffer, name, change(value))
        elif isinstance(value, dict) and value and all(map(is_table, value.values())):
            setattr(buffer, name, {key: change(table) for key, table in value.items()})


def _extended(table: NDArray[Any], free: int) -> NDArray[Any]:
    larger = np.zeros((len(table) + free, *table.shape[1:]), table.dtype)
    larger[: len(table)] = table
    return larger
