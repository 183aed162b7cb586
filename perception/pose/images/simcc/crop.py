"""The crop that a top-down network sees of a box in the image: an affine map without rotation, and its inverse.

As RTMPose's training has it: the box grows by 1.25 about its centre, is widened or heightened to the input's shape,
and is scaled so that its centre falls on (width / 2, height / 2) of the input (mmpose, `TopdownAffine`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from geometry import FloatArray, InputError

PADDING = 1.25
"""How much more than the box the network sees."""
MEAN_RGB, STD_RGB = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""Of ImageNet's colours, by which inputs are normalised."""


@dataclass(frozen=True, kw_only=True)
class Crop:
    """A part of the image, scaled to a network's input."""

    center_px: FloatArray
    """(2,) middle of the part in the image."""
    extent_px: FloatArray
    """(2,) columns and rows of the image that it covers."""
    size: tuple[int, int]
    """Columns and rows of the input."""

    @classmethod
    def around(cls, box_px: ArrayLike, size: tuple[int, int], *, padding: float = PADDING) -> Crop:
        """The crop of a box u0, v0, u1, v1.

        Raises:
            InputError: if the box has no area.
        """
        box = np.asarray(box_px, dtype=float)
        if box.shape != (4,) or not np.isfinite(box).all() or (box[2:] <= box[:2]).any():
            raise InputError("Crop", expected="a box u0, v0, u1, v1 with an area", got=f"{box}")
        width, height = padding * (box[2:] - box[:2])
        shape = size[0] / size[1]
        extent = np.array([max(width, shape * height), max(height, width / shape)])
        return cls(center_px=(box[:2] + box[2:]) / 2.0, extent_px=extent, size=size)

    @property
    def scale(self) -> FloatArray:
        """(2,) pixels of the input in one of the image."""
        return np.array(self.size) / self.extent_px

    def to_input(self, points_px: ArrayLike) -> FloatArray:
        """(..., 2) image points in the input."""
        return (np.asarray(points_px, dtype=float) - self.center_px) * self.scale + np.array(self.size) / 2.0

    def to_image(self, points_input: ArrayLike) -> FloatArray:
        """(..., 2) input points in the image."""
        return (np.asarray(points_input, dtype=float) - np.array(self.size) / 2.0) / self.scale + self.center_px

    def cut(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The input as an image (rows, columns, 3), interpolated linearly; black outside of the image."""
        (step_u, step_v), (first_u, first_v) = 1.0 / self.scale, self.to_image((0.0, 0.0))
        # Pillow counts from pixels' corners and asks at middles: half a pixel on either side of the map
        matrix = (step_u, 0.0, first_u + 0.5 - 0.5 * step_u, 0.0, step_v, first_v + 0.5 - 0.5 * step_v)
        image = Image.fromarray(rgb)
        cut = image.transform(self.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
        return np.asarray(cut, dtype=np.uint8)


def normalized(cut: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(1, 3, rows, columns) float32: a network's input of a crop."""
    values = (cut.astype(np.float32) - np.array(MEAN_RGB, np.float32)) / np.array(STD_RGB, np.float32)
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])
