"""How joints find their depth: sizes in metres and the costs of what is unlikely."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry import InputError


@dataclass(frozen=True, kw_only=True)
class LiftConfig:
    """Sizes are metres; costs have no unit and weigh against each other."""

    radius_m: float = 0.025
    """Half size of the patch that a joint looks at: half a forearm."""
    layer_gap_m: float = 0.04
    """Depths further apart than this, and than the camera's noise, belong to two layers."""
    min_share: float = 0.06
    """A layer has at least this share of the patch's measured samples."""
    max_bone_m: float = 0.7
    """No bone of the skeleton is longer."""
    length_slack_m: float = 0.06
    """A bone of known length may be off by this, since what is seen is skin."""
    max_jump_m: float = 0.3
    """How far a joint may be from where it was a moment ago."""
    off_center_cost: float = 2.0
    """Of a layer that begins half a patch away from the joint's pixel."""
    behind_cost: float = 0.15
    """Of each layer that is in front of the chosen one."""
    given_up_cost: float = 2.0
    """Of a joint without depth; a bone or a jump that cannot be costs twice as much."""

    to_centers: bool = True
    """Whether joints are moved from the skin that is seen to their centres, by the mean girth of people
    (`half_thickness`) in proportion to the person's size."""

    def __post_init__(self) -> None:
        lengths = (self.radius_m, self.layer_gap_m, self.max_bone_m, self.length_slack_m, self.max_jump_m)
        costs = (self.off_center_cost, self.behind_cost, self.given_up_cost)
        if not all(np.isfinite(n) and n > 0.0 for n in (*lengths, *costs)) or not 0.0 < self.min_share < 1.0:
            raise InputError("LiftConfig", expected="numbers above 0, and min_share below 1", got=f"{self}")


BODY_LIFT = LiftConfig()
"""For joints of the body."""

HAND_LIFT = LiftConfig(radius_m=0.008, layer_gap_m=0.025, max_bone_m=0.13, max_jump_m=0.2, to_centers=False)
"""For joints of a hand: half a finger wide, no bone longer than a palm, and on the skin: a finger is thin."""
