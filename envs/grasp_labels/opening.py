"""How far the fingers must open to stand beside an object: the least opening at which they touch nothing.

The object is a cloud of points of its surface. Of those between the planes in which a finger moves,
the distances from the hand's middle plane are marked as bits of one 64-bit word, so that a gap wide
enough for the fingers is a run of empty bits. Both fingers stand equally far from the middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.grasp_labels.graspnet_grid import DEPTHS_M
from geometry import InputError

_BITS = 60
_ON_THE_EDGE = 1e-3
_AT_ONCE = 128
_SLACK_M = 0.001  # fingers are taken broader and longer by this, for the cloud has gaps

Words = NDArray[np.uint64]


@dataclass(frozen=True, kw_only=True)
class LabelGripper:
    """The hand that labels are made for, in metres; the defaults are GraspNet's."""

    max_width_m: float = 0.1
    """Largest opening between the fingers."""
    finger_width_m: float = 0.01
    """Thickness of a finger along the closing direction; the palm's along the approach."""
    finger_height_m: float = 0.02
    """Breadth of fingers and palm across the closing direction."""
    finger_length_m: float = 0.06
    """From the palm to the tips at the largest depth; the palm keeps its distance from the point."""
    clearance_m: float = 0.002
    """Room that each finger leaves to the object before it closes."""

    def __post_init__(self) -> None:
        sizes = vars(self)
        if not all(np.isfinite(v) and v > 0.0 for v in sizes.values()) or self.finger_length_m <= DEPTHS_M[-1]:
            raise InputError(
                "gripper",
                expected=f"sizes above 0 m and fingers longer than {DEPTHS_M[-1]} m",
                got=", ".join(f"{name}={value}" for name, value in sizes.items()),
            )

    @property
    def base_m(self) -> float:
        """From the grasp point back to the palm."""
        return self.finger_length_m - DEPTHS_M[-1]

    @property
    def reach_m(self) -> float:
        """Largest distance of any part of the hand from the grasp point."""
        along = max(self.base_m + self.finger_width_m, DEPTHS_M[-1])
        across = 0.5 * self.max_width_m + self.finger_width_m
        return float(np.linalg.norm([along, across, 0.5 * self.finger_height_m]))

    @property
    def bit_m(self) -> float:
        """What one bit is worth: a sixtieth of the way out to the fingers' outer faces, 1 mm by default."""
        return (0.5 * self.max_width_m + self.finger_width_m) / _BITS

    def bits(self, length_m: float) -> int:
        """A length in bits, rounded up."""
        return int(np.ceil(length_m / self.bit_m - _ON_THE_EDGE))


class Openings(NamedTuple):
    """For F frames and 4 depths."""

    width_m: NDArray[np.float32]
    """(F, 4) the least opening at which both fingers are free; the largest one where there is none."""
    free: NDArray[np.bool_]
    """(F, 4) whether there is one."""
    palm_hits: NDArray[np.bool_]
    """(F, 4) whether the palm, as wide as the open fingers, then stands in the object."""


def least_openings(rotations: NDArray[np.float32], points: NDArray[np.float32], gripper: LabelGripper) -> Openings:
    """Find the opening of hands at one grasp point.

    Args:
        rotations: (F, 3, 3) GraspNet's grasp axes in the object's frame, as columns.
        points: (K, 3) surface points relative to the grasp point, in the object's frame, metres.
        gripper: the hand.
    """
    fingers, palm = _marked(rotations, points, gripper)
    fingers = fingers | np.uint64(1)  # the grasp point itself
    finger, room = gripper.bits(gripper.finger_width_m), gripper.bits(gripper.clearance_m)
    start = _first_run(~fingers, finger + room) + room
    free = start * gripper.bit_m <= 0.5 * gripper.max_width_m + 1e-9
    start = np.where(free, start, 0)
    below = (np.uint64(1) << (start + finger).astype(np.uint64)) - np.uint64(1)
    return Openings(
        width_m=np.where(free, 2.0 * start * gripper.bit_m, gripper.max_width_m).astype(np.float32),
        free=free,
        palm_hits=free & ((palm[:, None] & below) != 0),
    )


def _marked(rotations: NDArray[np.float32], points: NDArray[np.float32], gripper: LabelGripper) -> tuple[Words, Words]:
    """Words (F, 4) of what lies where the fingers move, by depth, and (F,) of what lies in the palm's layer."""
    parts = [_marked_some(rotations[i : i + _AT_ONCE], points, gripper) for i in range(0, len(rotations), _AT_ONCE)]
    words = np.concatenate([np.zeros((0, 1 + len(DEPTHS_M)), dtype=np.uint64), *parts])
    return words[:, 1:], words[:, 0]


def _marked_some(rotations: NDArray[np.float32], points: NDArray[np.float32], gripper: LabelGripper) -> Words:
    """(F, 5) words: the palm's layer, then the fingers' by depth. Few frames at once stay in the cache."""
    half, base = np.float32(0.5 * gripper.finger_height_m + _SLACK_M), np.float32(gripper.base_m)
    ahead = np.array(DEPTHS_M, dtype=np.float32) + np.float32(_SLACK_M)
    across = rotations[:, :, 2] @ points.T
    level = np.flatnonzero(np.abs(across, out=across) < half)
    x = (rotations[:, :, 0] @ points.T).ravel()[level]
    y = np.abs((rotations[:, :, 1] @ points.T).ravel()[level])
    near = (x > -(base + np.float32(gripper.finger_width_m))) & (x < ahead[-1]) & (y < _BITS * gripper.bit_m)
    level, x, y = level[near], x[near], y[near]
    bit = np.left_shift(np.uint64(1), np.maximum(y / gripper.bit_m - _ON_THE_EDGE, 0.0).astype(np.uint64))
    words = np.zeros((len(rotations), 1 + len(DEPTHS_M)), dtype=np.uint64)
    if len(level):
        frame = level // len(points)
        starts = np.flatnonzero(np.concatenate([[True], frame[1:] != frame[:-1]]))
        behind = x < -base
        layers = (behind, *(~behind & (x < depth) for depth in ahead))
        for number, layer in enumerate(layers):
            words[frame[starts], number] = np.bitwise_or.reduceat(np.where(layer, bit, np.uint64(0)), starts)
    return words


def _first_run(free: Words, length: int) -> NDArray[np.int64]:
    """Number of the lowest bit at which `length` bits in a row are set; 64 where there is none."""
    runs, have = free.copy(), 1
    while have < length:
        step = min(have, length - have)
        runs &= runs >> np.uint64(step)
        have += step
    lowest = runs & (~runs + np.uint64(1))
    return np.where(runs == 0, 64, np.log2(np.maximum(lowest, 1).astype(np.float64))).astype(np.int64)
