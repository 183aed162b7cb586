"""RRT-Connect in joint space, with shortcuts.

Kuffner and LaValle, "RRT-Connect: an efficient approach to single-query path planning",
ICRA 2000.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from envs.arms.limits import JointLimits
from envs.arms.panda import PANDA_LIMITS
from geometry import FloatArray

_STEP_RAD = 0.3
_SHORTCUTS = 40
_GOAL_REGION_RAD = 0.8

IsFree = Callable[[FloatArray], bool]
"""Whether straight joint-space lines between waypoints (k, n) are free."""


class _Tree:
    """Postures and their parents, from one root."""

    def __init__(self, root: FloatArray, is_free: IsFree) -> None:
        self.postures = [root]
        self.parents = [-1]
        self.is_free = is_free

    def nearest(self, q: FloatArray) -> int:
        """Index of the posture nearest to `q`."""
        return int(np.square(np.asarray(self.postures) - q).sum(axis=1).argmin())

    def extend(self, index: int, q: FloatArray) -> int | None:
        """Grow one step from a posture towards `q`; the new index, or None where something is in the way."""
        step = q - self.postures[index]
        length = float(np.linalg.norm(step))
        new = q if length <= _STEP_RAD else self.postures[index] + step * (_STEP_RAD / length)
        if not self.is_free(np.stack([self.postures[index], new])):
            return None
        self.postures.append(new)
        self.parents.append(index)
        return len(self.postures) - 1

    def reach(self, q: FloatArray) -> int | None:
        """Grow as far as possible towards `q`; its index, or None where it is not reached."""
        index: int | None = self.nearest(q)
        while index is not None and not np.array_equal(self.postures[index], q):
            index = self.extend(index, q)
        return index

    def branch(self, index: int) -> list[FloatArray]:
        """Postures from the root to `index`."""
        found = []
        while index != -1:
            found.append(self.postures[index])
            index = self.parents[index]
        return found[::-1]


def connect(
    is_free: IsFree,
    start: FloatArray,
    goal: FloatArray,
    rng: np.random.Generator,
    *,
    tree_size: int = 400,
    limits: JointLimits = PANDA_LIMITS,
) -> FloatArray | None:
    """A free path between two free postures.

    Args:
        is_free: whether straight joint-space lines between waypoints (k, n) are free.
        start: (n,) rad.
        goal: (n,) rad.
        rng: draws the postures.
        tree_size: how many postures to draw at most.
        limits: of the joints.

    Returns:
        (k, n) waypoints from start to goal, or None where none was found.
    """
    trees = [_Tree(start, is_free), _Tree(goal, is_free)]
    for draw in range(tree_size):
        here, there = trees[draw % 2], trees[1 - draw % 2]
        sample = _draw(start, goal, rng, limits)
        new = here.extend(here.nearest(sample), sample)
        if new is None:
            continue
        met = there.reach(here.postures[new])
        if met is not None:
            path = np.array(here.branch(new) + there.branch(met)[-2::-1])
            return _shorten(path if draw % 2 == 0 else path[::-1], is_free, rng)
    return None


def _draw(start: FloatArray, goal: FloatArray, rng: np.random.Generator, limits: JointLimits) -> FloatArray:
    """A posture: half of the time anywhere, else near the box that start and goal span."""
    if rng.random() < 0.5:
        return rng.uniform(limits.lower_rad, limits.upper_rad)
    low, high = np.minimum(start, goal) - _GOAL_REGION_RAD, np.maximum(start, goal) + _GOAL_REGION_RAD
    return limits.clamp(rng.uniform(low, high), 0.01)


def _shorten(path: FloatArray, is_free: IsFree, rng: np.random.Generator) -> FloatArray:
    """Replace detours by straight lines between waypoints wherever those are free."""
    for _ in range(_SHORTCUTS):
        if len(path) <= 2:
            break
        i, j = sorted(rng.choice(len(path), size=2, replace=False))
        if j - i > 1 and is_free(path[[i, j]]):
            path = np.concatenate([path[: i + 1], path[j:]])
    return path
