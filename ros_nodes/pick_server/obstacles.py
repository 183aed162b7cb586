"""What the arm must not touch, from the parameters: the table and boxes on and about it."""

from __future__ import annotations

import numpy as np

from envs.arms import ArmModel, PathCollision
from geometry import FloatArray, transform
from ros_nodes.pick_server.settings import BOX_NUMBERS, PickSettings

_TABLE_M = 0.10


class Surroundings:
    """The collision world, made anew only where it has changed.

    Not for two threads at once.
    """

    def __init__(self) -> None:
        self._collision: PathCollision | None = None
        self._key: object = None

    def collision(self, arm: ArmModel, T_world_base: FloatArray, settings: PickSettings) -> PathCollision:
        """Table and boxes around the arm where it stands; ours to close."""
        table = (settings.table_z_m, *settings.table_size_m)
        key = (id(arm), T_world_base.round(6).tobytes(), table, settings.obstacles, settings.margin_m)
        if self._collision is None or key != self._key:
            self.close()
            self._collision, self._key = PathCollision(T_world_base, margin_m=settings.margin_m, arm=arm), key
            _add_table(self._collision, settings)
            for number, box in enumerate(np.reshape(settings.obstacles, (-1, BOX_NUMBERS))):
                self._collision.add_box(0.5 * box[3:], transform(translation=box[:3]), f"box {number}")
        return self._collision

    def close(self) -> None:
        """Free it."""
        if self._collision is not None:
            self._collision.close()
        self._collision = None


def _add_table(collision: PathCollision, settings: PickSettings) -> None:
    x, y = settings.table_size_m
    if min(x, y) > 0.0:
        middle = (0.0, 0.0, settings.table_z_m - 0.5 * _TABLE_M)
        collision.add_box((0.5 * x, 0.5 * y, 0.5 * _TABLE_M), transform(translation=middle), "table")
