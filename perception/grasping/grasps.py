"""`Grasps`: a batch of parallel-jaw grasps in one frame, and what each of them holds.

The grasp frame is that of `geometry.gripper`: origin midway between the fingertips at
closing, +z approach, +y closing direction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray, InputError

IntArray = NDArray[np.int64]


def _empty(*shape: int) -> FloatArray:
    return np.zeros(shape)


@dataclass(frozen=True)
class Grasps:
    """N grasps. Arrays are copied in, converted to float64 and made read-only.

    A batch that is empty is a normal result: `note` then says why nothing was found.
    """

    poses: FloatArray = field(default_factory=lambda: _empty(0, 4, 4))
    """(N, 4, 4) `T_frame_grasp`."""
    widths_m: FloatArray = field(default_factory=lambda: _empty(0))
    """(N,) opening between the fingers that the grasp asks for, metres."""
    scores: FloatArray = field(default_factory=lambda: _empty(0))
    """(N,) quality, higher is better; the scale is the planner's own."""
    frame: str = "world"
    """Name of the frame that the poses stand in."""
    object_ids: IntArray | None = None
    """(N,) what each grasp holds: the planner's cluster or the data set's object id; -1 is unknown."""
    note: str = ""
    """One line for a person, above all why the batch is empty."""

    def __post_init__(self) -> None:
        poses = np.array(self.poses, dtype=np.float64)
        count = len(poses) if poses.ndim else 0
        ids = np.full(count, -1) if self.object_ids is None else self.object_ids
        columns = {
            "poses": (poses, (count, 4, 4)),
            "widths_m": (np.array(self.widths_m, dtype=np.float64), (count,)),
            "scores": (np.array(self.scores, dtype=np.float64), (count,)),
            "object_ids": (np.array(ids, dtype=np.int64), (count,)),
        }
        for name, (values, shape) in columns.items():
            if values.shape != shape:
                raise InputError(f"Grasps: {name}", expected=f"shape {shape}", got=f"{values.shape}")
            if not np.all(np.isfinite(values)):
                raise InputError(f"Grasps: {name}", expected="finite numbers", got="NaN or infinity")
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        self._check_values()

    def _check_values(self) -> None:
        rotation = self.poses[:, :3, :3]
        rigid = np.allclose(rotation @ rotation.transpose(0, 2, 1), np.eye(3), atol=1e-6)
        if not (rigid and np.all(np.linalg.det(rotation) > 0.0) and np.all(self.poses[:, 3] == (0, 0, 0, 1))):
            raise InputError(
                "Grasps: poses",
                expected="rigid transforms with the last row 0 0 0 1",
                got="another matrix",
                remedy="orthonormalise the rotations",
            )
        if np.any(self.widths_m < 0.0):
            raise InputError("Grasps: widths_m", expected="widths of at least 0 m", got=f"{self.widths_m.min()}")

    def __len__(self) -> int:
        return len(self.poses)

    def __iter__(self) -> Iterator[Grasps]:
        return (self[i : i + 1] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Grasps:
        """A batch of the chosen grasps: slice, boolean mask or indices; one integer gives a batch of one."""
        if isinstance(index, (int, np.integer)):
            index = [range(len(self))[index]]
        assert self.object_ids is not None
        return replace(
            self,
            poses=self.poses[index],
            widths_m=self.widths_m[index],
            scores=self.scores[index],
            object_ids=self.object_ids[index],
        )

    @property
    def positions(self) -> FloatArray:
        """(N, 3) points midway between the fingertips, metres."""
        return self.poses[:, :3, 3]

    @property
    def approaches(self) -> FloatArray:
        """(N, 3) unit approach directions (+z of the grasp frame)."""
        return self.poses[:, :3, 2]

    @property
    def closings(self) -> FloatArray:
        """(N, 3) unit closing directions (+y of the grasp frame)."""
        return self.poses[:, :3, 1]

    def sorted(self) -> Grasps:
        """The same grasps, best first; equal scores keep their order."""
        return self[np.argsort(-self.scores, kind="stable")]

    def top(self, count: int) -> Grasps:
        """The `count` best grasps, best first."""
        return self.sorted()[:count]

    def transformed(self, T_target_frame: ArrayLike, frame: str) -> Grasps:
        """The same grasps in another frame.

        Args:
            T_target_frame: (4, 4) pose of the present frame in the new one.
            frame: name of the new frame.
        """
        return replace(self, poses=np.asarray(T_target_frame, dtype=np.float64) @ self.poses, frame=frame)

    @staticmethod
    def concatenate(batches: Sequence[Grasps]) -> Grasps:
        """One batch of all grasps, in the given order.

        Raises:
            InputError: if there is no batch or the batches stand in different frames.
        """
        frames = sorted({b.frame for b in batches})
        if len(frames) != 1:
            raise InputError(
                "Grasps.concatenate", expected="batches in one frame", got=f"{frames}", remedy="use `transformed`"
            )
        return Grasps(
            poses=np.concatenate([b.poses for b in batches]),
            widths_m=np.concatenate([b.widths_m for b in batches]),
            scores=np.concatenate([b.scores for b in batches]),
            object_ids=np.concatenate([np.asarray(b.object_ids) for b in batches]),
            frame=frames[0],
            note="; ".join(dict.fromkeys(b.note for b in batches if b.note)),
        )
