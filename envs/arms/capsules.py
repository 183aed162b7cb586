"""Links as capsules: the thickness of an arm whose meshes are not at hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from geometry import FloatArray, InputError, transform


@dataclass(frozen=True, eq=False)
class LinkCapsule:
    """All points within a radius of a segment that moves with a link.

    Raises:
        InputError: for numbers that are not finite or a radius that is not above 0.
    """

    link: int
    """Number of the joint that moves it, from 0."""
    start_m: FloatArray
    """(3,) in the link's frame."""
    end_m: FloatArray
    """(3,) in the link's frame."""
    radius_m: float
    """Of the capsule."""

    def __post_init__(self) -> None:
        ends = np.concatenate([self.start_m, self.end_m])
        if ends.shape != (6,) or not np.isfinite(ends).all() or not self.radius_m > 0.0 or self.link < 0:
            raise InputError("LinkCapsule", expected="two points (3,) and a radius above 0", got=f"{self}")

    @property
    def size(self) -> tuple[float, float]:
        """(radius, length of the segment)."""
        return self.radius_m, float(np.linalg.norm(self.end_m - self.start_m))

    @property
    def T_link_capsule(self) -> FloatArray:
        """(4, 4) pose of the capsule in the link's frame: its middle, with z along the segment."""
        along = self.end_m - self.start_m
        length = np.linalg.norm(along)
        turn = Rotation.identity() if length < 1e-9 else Rotation.align_vectors([along / length], [[0.0, 0.0, 1.0]])[0]
        return transform(turn, 0.5 * (self.start_m + self.end_m))


def capsules_along(origins: FloatArray, T_last_hand: FloatArray, radius_m: float) -> tuple[LinkCapsule, ...]:
    """From each joint to the next, and from the last one to the hand.

    Right for arms whose links follow the lines between their joints; others (Universal Robots' upper arm stands
    beside its axis) say where their links are, see `capsules_of_rows`.

    Args:
        origins: (n, 4, 4) as in `ArmModel`.
        T_last_hand: (4, 4) where the palm begins, in the frame of the last joint.
        radius_m: of every link.
    """
    ends = [*origins[1:, :3, 3], T_last_hand[:3, 3]]
    return tuple(LinkCapsule(link, np.zeros(3), np.array(end), radius_m) for link, end in enumerate(ends))


def capsules_of_rows(rows: ArrayLike) -> tuple[LinkCapsule, ...]:
    """Capsules from a table: link number from 0, start x y z, end x y z (in the link's frame), radius.

    Raises:
        InputError: if it is no table (k, 8).
    """
    table = np.asarray(rows, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != 8:
        raise InputError("link capsules", expected="rows of 8: link, start, end, radius", got=f"{table.shape}")
    return tuple(LinkCapsule(int(row[0]), row[1:4], row[4:7], float(row[7])) for row in table)
