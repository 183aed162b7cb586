"""Where frames stood, from the TF messages of a bag."""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import Any

import numpy as np

from geometry import FloatArray, invert
from ros_nodes.messages.poses import matrix_from_transform
from ros_nodes.messages.stamps import seconds_of

_DEEPEST = 64


class RecordedFrames:
    """The tree of frames; a frame that moves stands where it was last said to, nothing is interpolated."""

    def __init__(self) -> None:
        self._fixed: dict[str, tuple[str, FloatArray]] = {}
        self._moving: dict[str, list[tuple[float, int]]] = {}
        self._poses: list[tuple[str, FloatArray]] = []

    def take(self, msg: Any, *, fixed: bool) -> None:
        """Take a TFMessage of /tf_static or /tf."""
        for transform in msg.transforms:
            told = (transform.header.frame_id, matrix_from_transform(transform))
            if fixed:
                self._fixed[transform.child_frame_id] = told
                continue
            self._poses.append(told)
            stamp_s = seconds_of(transform.header.stamp)
            insort(self._moving.setdefault(transform.child_frame_id, []), (stamp_s, len(self._poses) - 1))

    def pose(self, frame: str, base: str, time_s: float) -> tuple[FloatArray | None, str]:
        """The pose (4, 4) of a frame in another, or None and why not."""
        to_root, ours = self._chain(frame, time_s)
        base_to_root, theirs = self._chain(base, time_s)
        if ours != theirs:
            return None, f"the bag's TF does not join {frame!r} to {base!r}"
        return invert(base_to_root) @ to_root, ""

    def _chain(self, frame: str, time_s: float) -> tuple[FloatArray, str]:
        """The pose of a frame in the root of its tree, and the root's name."""
        T = np.eye(4)
        for _ in range(_DEEPEST):
            told = self._fixed.get(frame) or self._newest(frame, time_s)
            if told is None:
                break
            frame, T_parent_frame = told
            T = T_parent_frame @ T
        return T, frame

    def _newest(self, frame: str, time_s: float) -> tuple[str, FloatArray] | None:
        told = self._moving.get(frame)
        if not told:
            return None
        place = bisect_right(told, (time_s, len(self._poses))) - 1
        return self._poses[told[max(place, 0)][1]]
