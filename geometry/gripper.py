"""The grasp frame, and the shape of a parallel gripper as a few boxes in that frame.

The grasp frame, fixed once for the whole project:
- origin midway between the fingertips (the far ends of the fingers) at closing;
- +z approach: from the palm through the fingertips into the object;
- +y closing direction: the fingers sit at +y and -y and move along y;
- x completes the right-handed frame.

So at the grasp pose the fingers reach from z = -finger_depth_m (palm) to z = 0 (tips).
Turning a grasp by 180 degrees about z swaps the fingers: the same grasp.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry.errors import InputError
from geometry.rigid import FloatArray, transform


@dataclass(frozen=True, kw_only=True)
class GripperSpec:
    """A parallel gripper, in metres; the defaults are the Franka Panda hand's."""

    name: str = "panda"
    """Name for files and figures."""
    max_width_m: float = 0.08
    """Largest opening between the inner faces of the fingers."""
    finger_depth_m: float = 0.046
    """From the palm's surface to the fingertips, along z."""
    finger_thickness_m: float = 0.0264
    """Outward extent of a finger along y at its root, measured from its inner face."""
    tip_thickness_m: float = 0.0195
    """Outward extent of a finger along y over its front part; fingers taper."""
    tip_depth_m: float = 0.018
    """Extent along z of that front part."""
    finger_breadth_m: float = 0.021
    """Extent of a finger along x."""
    palm_thickness_m: float = 0.092
    """Extent of the palm box along z, behind the palm's surface."""
    palm_length_m: float = 0.205
    """Extent of the palm box along y."""
    palm_breadth_m: float = 0.0632
    """Extent of the palm box along x."""
    hand_to_tip_m: float = 0.1122
    """From the origin of the robot's hand link (`panda_hand`) to the grasp frame, along z."""

    def __post_init__(self) -> None:
        sizes = {k: v for k, v in vars(self).items() if k != "name"}
        bad = {k: v for k, v in sizes.items() if not np.isfinite(v) or v <= 0.0}
        if bad:
            raise InputError("GripperSpec", expected="sizes above 0 m", got=f"{bad}")

    @property
    def T_hand_grasp(self) -> FloatArray:
        """(4, 4) pose of the grasp frame in the hand link's frame."""
        return transform(translation=(0.0, 0.0, self.hand_to_tip_m))

    def boxes(self, width_m: float | None = None) -> FloatArray:
        """The gripper as boxes in the grasp frame: two fingertips, two finger roots, the palm.

        Args:
            width_m: opening between the inner faces; None is fully open.
        Returns:
            (5, 2, 3) metres: for each box its lower and its upper corner, in the order left tip,
            right tip (at -y), left root, right root, palm. The palm does not move with the fingers.
        """
        inner = 0.5 * (self.max_width_m if width_m is None else width_m)
        x, px, py = 0.5 * self.finger_breadth_m, 0.5 * self.palm_breadth_m, 0.5 * self.palm_length_m
        palm, tip = -self.finger_depth_m, -self.tip_depth_m
        slim, thick = inner + self.tip_thickness_m, inner + self.finger_thickness_m
        return np.array(
            [
                [[-x, inner, tip], [x, slim, 0.0]],
                [[-x, -slim, tip], [x, -inner, 0.0]],
                [[-x, inner, palm], [x, thick, tip]],
                [[-x, -thick, palm], [x, -inner, tip]],
                [[-px, -py, palm - self.palm_thickness_m], [px, py, palm]],
            ]
        )

    def closing_region(self, width_m: float | None = None) -> FloatArray:
        """(2, 3) lower and upper corner of the volume that the fingers sweep when they close."""
        half = 0.5 * (self.max_width_m if width_m is None else width_m)
        x = 0.5 * self.finger_breadth_m
        return np.array([[-x, -half, -self.finger_depth_m], [x, half, 0.0]])


PANDA_HAND = GripperSpec()
"""The Franka Panda hand; sizes read off the collision meshes of its description."""
