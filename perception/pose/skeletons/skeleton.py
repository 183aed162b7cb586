"""What a skeleton is: named joints, the bones between them, and how exactly people mark each joint."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from geometry import FloatArray, InputError


@dataclass(frozen=True, kw_only=True)
class Skeleton:
    """Joints in the order of a detector's or a recording's columns.

    Joints carry the project's own names ("left_shoulder", "right_index_tip"), so that joints of two
    skeletons with the same name are the same place on the body.
    """

    name: str
    """What the layout is called, such as "coco17"."""
    joints: tuple[str, ...]
    """Name of each joint, unique."""
    bones: tuple[tuple[str, str], ...]
    """(parent, child) pairs, parents first."""
    sigmas: tuple[float, ...] = ()
    """Spread of human annotators for each joint in units of body size (COCO's kappa / 2); empty: 0.07 for all."""

    def __post_init__(self) -> None:
        unknown = sorted({joint for bone in self.bones for joint in bone} - set(self.joints))
        if len(set(self.joints)) != len(self.joints) or unknown:
            raise InputError(
                f"Skeleton {self.name}",
                expected="joints with unique names, and bones between them",
                got=f"bones to {', '.join(unknown)}" if unknown else "a name twice",
            )
        if self.sigmas and len(self.sigmas) != len(self.joints):
            raise InputError(
                f"Skeleton {self.name}", expected=f"{len(self.joints)} sigmas, or none", got=f"{len(self.sigmas)}"
            )

    def __len__(self) -> int:
        """Number of joints."""
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Row of a joint.

        Raises:
            InputError: if the skeleton has no such joint.
        """
        try:
            return self._rows[joint]
        except KeyError:
            raise InputError(
                f"skeleton {self.name}", expected=f"one of {', '.join(self.joints)}", got=f"joint {joint!r}"
            ) from None

    def has(self, *joints: str) -> bool:
        """Whether all of these joints are there."""
        return all(joint in self._rows for joint in joints)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {joint: row for row, joint in enumerate(self.joints)}

    @cached_property
    def bone_rows(self) -> tuple[tuple[int, int], ...]:
        """Bones as pairs of rows."""
        return tuple((self.index(parent), self.index(child)) for parent, child in self.bones)

    @cached_property
    def oks_sigmas(self) -> FloatArray:
        """(K,) spread of each joint for object keypoint similarity."""
        return np.array(self.sigmas or (0.07,) * len(self.joints))

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """Row of each joint's partner on the other side; a joint without one is its own."""
        return tuple(self._rows.get(_other_side(joint), row) for row, joint in enumerate(self.joints))


def _other_side(joint: str) -> str:
    for side, other in (("left_", "right_"), ("right_", "left_")):
        if joint.startswith(side):
            return other + joint.removeprefix(side)
    return joint
