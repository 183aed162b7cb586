"""The arrays that a step of many environments goes through, laid out in one block of memory.

The same block is mapped by the process that learns and by those that simulate; a row of every array
belongs to one environment, so nobody ever writes where another one does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from mmap import mmap
from typing import Any

import numpy as np
from gymnasium import Space, spaces
from numpy.typing import DTypeLike, NDArray

from geometry import InputError

Tree = Any
"""Arrays in the shape of a space: one array, or a dict of trees."""

_ALIGNMENT = 64
_ABSENT = 0
_KINDS: tuple[type[bool] | type[int] | type[float], ...] = (bool, int, float)
"""Types of an entry of `info` by their code, which counts from 1; a code of 0 means that there is none."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What has to find room in the block; equal layouts put everything in the same places."""

    observation_space: Space[Any]
    """Of one environment: arrays, numbers, or dicts of them."""
    action_space: Space[Any]
    """Of one environment, likewise."""
    num_envs: int
    """Rows."""
    info_keys: tuple[str, ...]
    """Numbers of `info` that every step brings."""

    @property
    def size_bytes(self) -> int:
        """Of the block."""
        taken = 0

        def count(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
            nonlocal taken
            taken += _room(shape, dtype)
            return np.empty(0)

        self._fill(count)
        return taken

    def over(self, memory: mmap) -> StepArrays:
        """The arrays as views of a block of at least `size_bytes`."""
        taken = 0

        def view(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
            nonlocal taken
            array = np.ndarray(shape, dtype, buffer=memory, offset=taken)
            taken += _room(shape, dtype)
            return array

        return self._fill(view)

    def _fill(self, make: Callable[[tuple[int, ...], DTypeLike], NDArray[Any]]) -> StepArrays:
        count, keys = self.num_envs, len(self.info_keys)
        return StepArrays(
            info_keys=self.info_keys,
            observation=_tree(self.observation_space, count, make),
            final_observation=_tree(self.observation_space, count, make),
            action=_tree(self.action_space, count, make),
            reward=make((count,), np.float64),
            terminated=make((count,), np.bool_),
            truncated=make((count,), np.bool_),
            info_value=make((count, keys), np.float64),
            info_kind=make((count, keys), np.uint8),
        )


@dataclass(frozen=True, kw_only=True)
class StepArrays:
    """Views of the block; the first axis counts the environments."""

    info_keys: tuple[str, ...]
    """Names of the columns of `info_value`."""
    observation: Tree
    """Newest observations; of a new episode where one has just ended."""
    final_observation: Tree
    """Last observations of the episodes that the newest step has ended."""
    action: Tree
    """What to do in the next step."""
    reward: NDArray[np.float64]
    """(n,)."""
    terminated: NDArray[np.bool_]
    """(n,)."""
    truncated: NDArray[np.bool_]
    """(n,)."""
    info_value: NDArray[np.float64]
    """(n, keys)."""
    info_kind: NDArray[np.uint8]
    """(n, keys) codes of the types, 0 for "not in this info"."""

    def put_info(self, row: int, info: dict[str, Any]) -> None:
        """Write the numbers of one environment's `info`."""
        for column, key in enumerate(self.info_keys):
            value = info.get(key)
            self.info_kind[row, column] = _kind(value)
            if value is not None:
                self.info_value[row, column] = value

    def infos(self) -> dict[str, NDArray[Any]]:
        """The numbers of all environments as Gymnasium has them: `key` (n,), and `_key` (n,) for who has one."""
        found: dict[str, NDArray[Any]] = {}
        for key, values, kinds in zip(self.info_keys, self.info_value.T, self.info_kind.T, strict=True):
            if kind := int(kinds.max()):
                present = kinds > _ABSENT
                found[key] = np.where(present, values, 0.0).astype(_KINDS[kind - 1])
                found[f"_{key}"] = present
        return found


def put_row(tree: Tree, row: int, value: Any) -> None:
    """Write one environment's observation or action."""
    if isinstance(tree, dict):
        for key, part in tree.items():
            put_row(part, row, value[key])
    else:
        tree[row] = value


def take_row(tree: Tree, row: int) -> Any:
    """A copy of one environment's observation or action."""
    if isinstance(tree, dict):
        return {key: take_row(part, row) for key, part in tree.items()}
    return tree[row].copy()


def copy_tree(tree: Tree) -> Tree:
    """A copy of all rows, in memory of the caller's own."""
    return {key: copy_tree(part) for key, part in tree.items()} if isinstance(tree, dict) else tree.copy()


def put_all(tree: Tree, values: Any, name: str = "actions") -> None:
    """Write the rows of all environments.

    Raises:
        InputError: if a shape is wrong; NumPy would spread one row over all.
    """
    if isinstance(tree, dict):
        for key, part in tree.items():
            put_all(part, values[key], f"{name}[{key!r}]")
    elif np.shape(values) != tree.shape:
        raise InputError("step", expected=f"{name} of shape {tree.shape}", got=f"{np.shape(values)}")
    else:
        tree[...] = values


def _tree(space: Space[Any], count: int, make: Callable[[tuple[int, ...], DTypeLike], NDArray[Any]]) -> Tree:
    if isinstance(space, spaces.Dict):
        return {key: _tree(part, count, make) for key, part in space.spaces.items()}
    if space.shape is None or space.dtype is None or isinstance(space, spaces.Text):
        raise InputError(
            "SharedMemoryVectorEnv",
            expected="spaces that are arrays, numbers, or dicts of them",
            got=f"{space}",
            remedy="gymnasium.vector.AsyncVectorEnv(shared_memory=False) takes any space",
        )
    return make((count, *space.shape), space.dtype)


def _room(shape: tuple[int, ...], dtype: DTypeLike) -> int:
    """Bytes of an array, rounded up so that the next one is aligned."""
    return -(-prod(shape) * np.dtype(dtype).itemsize // _ALIGNMENT) * _ALIGNMENT


def _kind(value: Any) -> int:
    if value is None:
        return _ABSENT
    if isinstance(value, bool | np.bool_):
        return 1
    return 2 if isinstance(value, int | np.integer) else 3
