"""Where images come from: anything that yields them in order of time, with depth where a camera measured it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from geometry import InputError, PinholeCamera


@dataclass(frozen=True, kw_only=True)
class ImageFrame:
    """One image, and the depth that was measured with it."""

    time_s: float
    """Seconds since the source's start."""
    rgb: NDArray[np.uint8]
    """(H, W, 3)."""
    depth_m: NDArray[np.float32] | None = None
    """(H, W) metres along +z, pixel by pixel with the image; 0 where there is no return."""

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8 or 0 in self.rgb.shape:
            raise InputError("ImageFrame", expected="rgb (H, W, 3) uint8", got=f"{self.rgb.shape} {self.rgb.dtype}")
        if self.depth_m is not None and self.depth_m.shape != self.rgb.shape[:2]:
            raise InputError(
                "ImageFrame",
                expected=f"depth_m of the image's size {self.rgb.shape[:2]}",
                got=f"{self.depth_m.shape}",
                remedy="register the depth to the colour image",
            )


class ImageSource(Protocol):
    """A stream of images with growing times.

    What plays files begins anew with every `iter`; a camera goes on. `close` frees what it holds and may be
    called twice.
    """

    @property
    def rate_hz(self) -> float | None:
        """Images a second where it is known."""
        ...

    @property
    def continuous(self) -> bool:
        """Whether one image follows from the last, so that a tracker may start from what it found there."""
        ...

    @property
    def camera(self) -> PinholeCamera | None:
        """The camera's intrinsics where they are known."""
        ...

    def __iter__(self) -> Iterator[ImageFrame]:
        """Images in order of time."""
        ...

    def close(self) -> None:
        """Free what the source holds."""
        ...
