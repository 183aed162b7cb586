"""What shall be grasped, as topics say it: a box or a mask in the image, for frames near its stamp, until cleared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError, PinholeCamera


@dataclass(frozen=True, kw_only=True)
class ImageTarget:
    """A part of the image; exactly one of box and mask."""

    stamp_s: float
    """Time of the image that it was found in."""
    box_px: FloatArray | None = None
    """(4,) columns and rows x0, y0, x1, y1, its ends included."""
    mask: NDArray[np.bool_] | None = None
    """(H, W) true on what shall be grasped."""

    def in_image(self, camera: PinholeCamera) -> FloatArray | NDArray[np.bool_]:
        """The target as a planner takes it.

        Raises:
            InputError: if it does not fit the camera's image.
        """
        if self.mask is not None:
            camera.check_image("target/mask", self.mask)
            return self.mask
        assert self.box_px is not None
        x0, y0, x1, y1 = self.box_px
        if x1 < 0.0 or y1 < 0.0 or x0 >= camera.width or y0 >= camera.height:
            raise InputError(
                "target/box",
                expected=f"a box that reaches into the image of {camera.width} x {camera.height} pixels",
                got=f"columns {x0:g} to {x1:g}, rows {y0:g} to {y1:g}",
            )
        return self.box_px


class TargetMemory:
    """The newest target that the topics named.

    Args:
        max_age_s: it counts for frames within so many seconds of its stamp, 0 for all until it is cleared.
    """

    def __init__(self, max_age_s: float) -> None:
        self.max_age_s = max_age_s
        self._target: ImageTarget | None = None

    def set_box(self, stamp_s: float, center_px: tuple[float, float], size_px: tuple[float, float]) -> None:
        """A box by its middle and size in pixels; without size it clears what was there.

        Raises:
            InputError: for numbers that make no box; the old target then stays.
        """
        if not np.isfinite([*center_px, *size_px]).all() or min(size_px) < 0.0:
            raise InputError(
                "target/box", expected="a finite center and a size of at least 0", got=f"{center_px}, {size_px}"
            )
        if min(size_px) == 0.0:
            self.clear()
            return
        (u, v), (width, height) = center_px, size_px
        box = np.array([u - width / 2.0, v - height / 2.0, u + width / 2.0, v + height / 2.0])
        self._target = ImageTarget(stamp_s=stamp_s, box_px=box)

    def set_mask(self, stamp_s: float, mask: NDArray[np.bool_]) -> None:
        """A mask; one without a true pixel clears what was there."""
        if mask.any():
            self._target = ImageTarget(stamp_s=stamp_s, mask=mask)
        else:
            self.clear()

    def clear(self) -> None:
        """Anything may be grasped."""
        self._target = None

    def at(self, stamp_s: float) -> ImageTarget | None:
        """The target of a frame of that time; None for anything."""
        target = self._target
        if target is None or (self.max_age_s > 0.0 and abs(stamp_s - target.stamp_s) > self.max_age_s):
            return None
        return target

    def state(self, stamp_s: float) -> str:
        """In a few words for diagnostics."""
        target = self._target
        if target is None:
            return "anything"
        kind = "box" if target.mask is None else "mask"
        if self.at(stamp_s) is None:
            return f"anything ({kind} is {stamp_s - target.stamp_s:.1f} s off)"
        return kind
