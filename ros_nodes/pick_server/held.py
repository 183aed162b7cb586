"""What is known of whether the gripper holds something: by what was done, else by the fingers' width."""

from __future__ import annotations

import numpy as np

from ros_nodes.pick_server.gripper_client import GripperClient


class Held:
    """Remembers the outcome of the last pick or place; after a start, a stop or a fault the width decides.

    Args:
        gripper: tells the width.
    """

    def __init__(self, gripper: GripperClient) -> None:
        self._gripper = gripper
        self._known: bool | None = None

    @property
    def unsure(self) -> bool:
        """Whether only the width tells."""
        return self._known is None

    def know(self, held: bool) -> None:
        """Something was picked up, or let go."""
        self._known = held

    def forget(self) -> None:
        """The last task did not end as it should."""
        self._known = None

    def told(self) -> str:
        """How it looks as if something were held; empty where nothing is."""
        width_m = self._gripper.width_m()
        if self._known is False:
            return ""
        if np.isnan(width_m):
            return "holds what was picked up" if self._known else ""
        if self._gripper.is_shut() or (self._known is None and self._gripper.is_open()):
            return ""
        return f"{'holds' if self._known else 'may hold'} something ({1e3 * width_m:.0f} mm)"
