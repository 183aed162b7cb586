"""How things move, from the poses in which they were seen."""

from __future__ import annotations

from collections import deque

import numpy as np
from scipy.spatial.transform import Rotation

from envs.manipulation.props import PropState
from geometry import FloatArray

_KEPT = 256
_SAME_S = 1e-9


class ObjectMotion:
    """Keeps the last poses of each thing; speeds are differences over about one control period.

    Poses alone do not tell what a simulator knows, the speed at this very moment: a difference tells that of half
    a period ago. What has been seen once is taken to stand still.

    Args:
        window_s: time over which a speed is taken.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._seen: dict[str, deque[tuple[float, FloatArray]]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Of the things seen so far."""
        return tuple(self._seen)

    def see(self, name: str, time_s: float, T_task_object: FloatArray) -> None:
        """Take a pose (4, 4); a time before the last one begins anew."""
        seen = self._seen.setdefault(name, deque(maxlen=_KEPT))
        if seen and time_s < seen[-1][0] - _SAME_S:
            seen.clear()
        if seen and time_s <= seen[-1][0] + _SAME_S:
            seen.pop()
        seen.append((time_s, T_task_object))
        while len(seen) > 2 and time_s - seen[1][0] >= self._window_s - _SAME_S:
            seen.popleft()

    def state(self, name: str) -> PropState:
        """Where a thing is, and how it moves, in the frame of its poses.

        Raises:
            KeyError: if it was never seen.
        """
        seen = self._seen[name]
        (began_s, first), (time_s, last) = seen[0], seen[-1]
        elapsed_s = time_s - began_s
        turn = Rotation.from_matrix(last[:3, :3] @ first[:3, :3].T).as_rotvec()
        speed = np.zeros(6)
        if elapsed_s > _SAME_S:
            speed = np.concatenate([last[:3, 3] - first[:3, 3], turn]) / elapsed_s
        quat_xyzw = Rotation.from_matrix(last[:3, :3]).as_quat()
        return PropState(last[:3, 3].tolist(), quat_xyzw.tolist(), speed[:3].tolist(), speed[3:].tolist())

    def forget(self) -> None:
        """Drop everything."""
        self._seen.clear()
