"""Depth, colour and mask images <-> sensor_msgs/Image."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sensor_msgs.msg import Image

from geometry import InputError
from ros_nodes.messages.buffers import bytes_of, data_from

DepthEncoding = Literal["16UC1", "32FC1"]

_DEPTH = {"16UC1": ("u2", 1), "mono16": ("u2", 1), "32FC1": ("f4", 1)}
_COLOUR = {"rgb8": ("u1", 3), "bgr8": ("u1", 3), "rgba8": ("u1", 4), "bgra8": ("u1", 4), "mono8": ("u1", 1)}
_MASK = {"mono8": ("u1", 1), "8UC1": ("u1", 1), "mono16": ("u2", 1), "16UC1": ("u2", 1)}
_LARGEST_MM = 65535


def depth_from_image(msg: Any) -> NDArray[np.float32]:
    """Depth of a 16UC1 or mono16 (millimetres) or a 32FC1 (metres) image.

    Returns:
        (H, W) float32 metres along +z, a copy; 0 where there is no return (NaN, infinity, below 0).
    Raises:
        InputError: for another encoding, or data that do not fit the stated size.
    """
    pixels = _pixels(msg, _DEPTH, "a depth image", "take the depth topic, not the colour one")[..., 0]
    if msg.encoding == "32FC1":
        depth_m = pixels.astype(np.float32)
        depth_m[~(np.isfinite(depth_m) & (depth_m > 0.0))] = 0.0
        return depth_m
    return np.multiply(pixels, np.float32(0.001), dtype=np.float32)


def rgb_from_image(msg: Any) -> NDArray[np.uint8]:
    """Colour of an rgb8, bgr8, rgba8, bgra8 or mono8 image: (H, W, 3) uint8 red, green, blue, a copy.

    Raises:
        InputError: for another encoding, or data that do not fit the stated size.
    """
    pixels = _pixels(msg, _COLOUR, "a colour image", "set the camera driver's colour format to one of these")
    if msg.encoding == "mono8":
        return np.repeat(pixels, 3, axis=2)
    rgb = pixels[..., 2::-1] if msg.encoding.startswith("bgr") else pixels[..., :3]
    return np.array(rgb, order="C")


def mask_from_image(msg: Any) -> NDArray[np.bool_]:
    """(H, W) bool of a mono8, 8UC1, mono16 or 16UC1 image: True where it is not 0.

    Raises:
        InputError: for another encoding, or data that do not fit the stated size.
    """
    return _pixels(msg, _MASK, "a mask image", "publish it as mono8, 0 outside")[..., 0] != 0


def image_from_depth(depth_m: ArrayLike, header: Any, encoding: DepthEncoding = "16UC1") -> Image:
    """Message of a depth image.

    Args:
        depth_m: (H, W) metres; 0 and what is no positive number become 0, no return.
        header: std_msgs/Header with the optical frame's name.
        encoding: "16UC1", whole millimetres up to 65.535 m (further is no return), or "32FC1", metres.
    """
    depth = np.asarray(depth_m)
    _check_shape("image_from_depth: depth_m", depth, "(H, W)", depth.ndim == 2)
    seen = np.where(np.isfinite(depth) & (depth > 0.0), depth, 0.0)
    if encoding == "32FC1":
        return _message(seen.astype("<f4"), header, encoding)
    if encoding != "16UC1":
        raise InputError("image_from_depth", expected="encoding '16UC1' or '32FC1'", got=repr(encoding))
    millimetres = np.rint(seen * 1000.0)
    return _message(np.where(millimetres > _LARGEST_MM, 0, millimetres).astype("<u2"), header, encoding)


def image_from_rgb(rgb: ArrayLike, header: Any) -> Image:
    """rgb8 message of a (H, W, 3) uint8 image."""
    pixels = np.asarray(rgb)
    _check_shape("image_from_rgb: rgb", pixels, "(H, W, 3) uint8", pixels.ndim == 3 and pixels.shape[2] == 3)
    _check_shape("image_from_rgb: rgb", pixels, "(H, W, 3) uint8", pixels.dtype == np.uint8)
    return _message(pixels, header, "rgb8")


def image_from_mask(mask: ArrayLike, header: Any) -> Image:
    """mono8 message of a (H, W) mask: 255 where it is true."""
    pixels = np.asarray(mask)
    _check_shape("image_from_mask: mask", pixels, "(H, W)", pixels.ndim == 2)
    return _message(np.where(pixels, np.uint8(255), np.uint8(0)), header, "mono8")


def _pixels(msg: Any, known: dict[str, tuple[str, int]], what: str, remedy: str) -> NDArray[Any]:
    """(H, W, C) view of a message's data in its own type, byte order and row length."""
    encoding, height, width, step = str(msg.encoding), int(msg.height), int(msg.width), int(msg.step)
    if encoding not in known:
        raise InputError(f"Image: encoding of {what}", expected=", ".join(known), got=repr(encoding), remedy=remedy)
    kind, channels = known[encoding]
    dtype = np.dtype(kind).newbyteorder(">" if msg.is_bigendian else "<")
    if height <= 0 or width <= 0:
        raise InputError(f"Image {encoding}: size", expected="height and width above 0", got=f"{height} x {width}")
    row = width * channels * dtype.itemsize
    if step < row:
        raise InputError(
            f"Image {encoding}: step",
            expected=f"at least {row} bytes for {width} pixels a row",
            got=f"{step}",
            remedy="see that the publisher fills in step = width * bytes a pixel",
        )
    data = bytes_of(msg.data)
    needed = step * (height - 1) + row
    if len(data) < needed:
        raise InputError(
            f"Image {encoding}: data",
            expected=f"{needed} bytes or more for {height} rows of {step}",
            got=f"{len(data)}",
            remedy="see that the message arrives whole",
        )
    strides = (step, channels * dtype.itemsize, dtype.itemsize)
    return np.ndarray((height, width, channels), dtype, data, strides=strides)


def _message(pixels: NDArray[Any], header: Any, encoding: str) -> Image:
    height, width = pixels.shape[:2]
    return Image(
        header=header,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=width * pixels[0, 0].nbytes,
        data=data_from(pixels),
    )


def _check_shape(where: str, values: NDArray[Any], expected: str, right: bool) -> None:
    if not right or 0 in values.shape:
        raise InputError(where, expected=f"{expected}, not empty", got=f"{values.shape} {values.dtype}")
