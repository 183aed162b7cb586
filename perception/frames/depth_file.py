"""Depth images from files: 16-bit PNG or TIFF, NPY, NPZ (key `depth`) and EXR, to float32 metres.

Integer files count units; `depth_scale` is the number of units in a metre (1000 for millimetres).
Float files hold metres already unless a scale is given. No return is 0 afterwards, whatever marked
it before: 0, a negative number, NaN or infinity.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from perception.frames.array_file import read_array

_PLAUSIBLE_MEDIAN_M = (0.02, 20.0)
_FAR_FOR_MILLIMETRES_M = 6.0
_EXR_CHANNELS = ("Z", "Y", "depth", "V", "R")


class DepthFile(NamedTuple):
    """A depth image and how its numbers were read."""

    depth_m: NDArray[np.float32]
    """(H, W) metres along +z, 0 where there is no return."""
    depth_scale: float
    """Units per metre that were divided out."""
    guessed: bool
    """True where nobody stated the scale of an integer file."""


def read_depth(path: str | Path, *, depth_scale: float | None = None) -> DepthFile:
    """Read a depth image.

    Args:
        path: `.png`, `.tif`, `.npy`, `.npz` or `.exr`.
        depth_scale: units per metre; None is 1 for float files, and for integer files 1000, or
            10000 where millimetres would put the median beyond 6 m.

    Raises:
        InputError: if the file cannot be read, is no depth image, has no valid pixel, or its depths
            cannot be metres (median outside 2 cm to 20 m).
    """
    path = Path(path)
    if depth_scale is not None and not (np.isfinite(depth_scale) and depth_scale > 0.0):
        raise InputError("depth_scale", expected="units per metre above 0, such as 1000", got=f"{depth_scale}")
    raw = _as_depth_image(_read_raw(path), path)
    valid = np.isfinite(raw) & (raw > 0)
    if not valid.any():
        raise InputError(
            str(path),
            expected="at least one pixel with a depth above 0",
            got=f"{raw.size} pixels that are all 0, negative, NaN or infinite",
            remedy="check the sensor and the file",
        )
    median = float(np.median(raw[valid]))
    guessed = depth_scale is None and np.issubdtype(raw.dtype, np.integer)
    scale = _guess_scale(median) if guessed else 1.0 if depth_scale is None else depth_scale
    _check_plausible(path, median, scale)
    depth_m = np.where(valid, raw, 0).astype(np.float32) / np.float32(scale)
    return DepthFile(depth_m, scale, guessed)


def _read_raw(path: Path) -> NDArray[Any]:
    suffix = path.suffix.lower()
    if suffix in (".npy", ".npz"):
        return read_array(path, ("depth", "depth_m"))
    if suffix == ".exr":
        return _read_exr(path)
    if suffix not in (".png", ".tif", ".tiff"):
        raise InputError(
            str(path),
            expected="a depth image as .png, .tif, .npy, .npz or .exr",
            got=suffix or "no suffix",
            remedy="JPEG cannot hold depth" if suffix in (".jpg", ".jpeg") else "",
        )
    try:
        return np.asarray(iio.imread(path, plugin="pillow"))
    except (OSError, ValueError, SyntaxError) as error:
        got = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise InputError(str(path), expected="a readable depth image", got=got) from None


def _read_exr(path: Path) -> NDArray[Any]:
    """The depth channel of an OpenEXR file: Z, Y, depth, V or R, or the only one."""
    import OpenEXR  # here, because its library is large and needed for this one format

    if not path.is_file():  # OpenEXR would print a line of its own
        raise InputError(str(path), expected="a readable EXR file", got="no such file")
    try:
        complete = OpenEXR.InputFile(str(path)).isComplete()
        channels = OpenEXR.File(str(path), separate_channels=True).channels() if complete else {}
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(str(path), expected="a readable EXR file", got=str(error).splitlines()[0]) from None
    if not complete:
        raise InputError(str(path), expected="a complete EXR file", got="one that was cut off")
    names = [name for name in _EXR_CHANNELS if name in channels] or list(channels)[: len(channels) == 1]
    if not names:
        raise InputError(str(path), expected=f"one of the channels {_EXR_CHANNELS}", got=f"{sorted(channels)}")
    return np.asarray(channels[names[0]].pixels)


def _as_depth_image(raw: NDArray[Any], path: Path) -> NDArray[Any]:
    """The array as (H, W) numbers, or an error that says why it is no depth image."""
    if raw.ndim == 3 and raw.shape[2] == 1:
        raw = raw[:, :, 0]
    if raw.ndim != 2 or 0 in raw.shape:
        colour = raw.ndim == 3 and raw.shape[2] in (3, 4)
        raise InputError(
            str(path),
            expected="a depth image of shape (H, W)",
            got=f"{'a colour image of shape ' if colour else ''}{raw.shape}",
            remedy="pass a colour image by --color" if colour else "",
        )
    if raw.dtype.kind not in "uif" or raw.dtype.itemsize == 1:
        raise InputError(
            str(path),
            expected="depth as 16-bit or 32-bit integers or floats",
            got=f"{raw.dtype}",
            remedy="8-bit images are previews; save the depth itself",
        )
    return raw


def _guess_scale(median: float) -> float:
    """1000 units per metre, or 10000 where millimetres would put the scene beyond 6 m."""
    return 1000.0 if median / 1000.0 <= _FAR_FOR_MILLIMETRES_M else 10000.0


def _check_plausible(path: Path, median: float, scale: float) -> None:
    low, high = _PLAUSIBLE_MEDIAN_M
    if low <= median / scale <= high:
        return
    remedy = "pass --depth-scale 1000 if the file holds millimetres" if median / scale > high else "lower --depth-scale"
    raise InputError(
        str(path),
        expected=f"depths in metres with a median between {low:g} and {high:g} m",
        got=f"a median of {median / scale:.4g} m at {scale:g} units per metre",
        remedy=remedy,
    )
