"""Colour images and masks from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from perception.frames.array_file import read_array


def read_color(path: str | Path) -> NDArray[np.uint8]:
    """Read a colour image as (H, W, 3) uint8 RGB; grey is repeated, alpha dropped, 16 bits cut to 8.

    Raises:
        InputError: if the file cannot be read or is no image.
    """
    image = _read_image(Path(path), ("rgb", "color", "image"))
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.ndim == 2:
        image = np.repeat(image[:, :, None], 3, axis=2)
    if image.ndim != 3 or image.shape[2] not in (3, 4) or image.dtype != np.uint8:
        raise InputError(str(path), expected="an (H, W, 3) image of 8 bits", got=f"{image.shape} {image.dtype}")
    return np.ascontiguousarray(image[:, :, :3])


def read_mask(path: str | Path) -> NDArray[np.bool_]:
    """Read a mask as (H, W) bool: true where any channel is above 0.

    Raises:
        InputError: if the file cannot be read, is no mask, or selects nothing.
    """
    image = _read_image(Path(path), ("mask", "segmentation"))
    if image.ndim == 3:
        image = np.max(image[:, :, :3], axis=2)
    if image.ndim != 2 or image.dtype.kind not in "buif":
        raise InputError(str(path), expected="a mask of shape (H, W)", got=f"{image.shape} {image.dtype}")
    mask = np.asarray(image > 0)
    if not mask.any():
        raise InputError(str(path), expected="a mask with at least one pixel above 0", got="an empty mask")
    return mask


def _read_image(path: Path, keys: tuple[str, ...]) -> NDArray[Any]:
    if path.suffix.lower() in (".npy", ".npz"):
        return read_array(path, keys)
    try:
        return np.asarray(iio.imread(path, plugin="pillow"))
    except (OSError, ValueError, SyntaxError) as error:
        got = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise InputError(str(path), expected="a readable image", got=got) from None
