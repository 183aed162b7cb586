"""Simple depth noise of the clutter-removal literature: "dex", "trans" and "norm".

All keep 0 as "no return" and leave their input alone. Source: the public evaluation code of
GIGA (Jiang et al., RSS 2021, github.com/UT-Austin-RPL/GIGA); "dex" is Dex-Net 2.0's model
(Mahler et al., RSS 2017): a Gamma factor for the sensor's scale and a smooth Gaussian field.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geometry import FloatArray, InputError


def dex_noise(
    depth_m: ArrayLike,
    rng: np.random.Generator,
    *,
    gamma_shape: float = 1000.0,
    gamma_scale: float = 0.001,
    field_sigma_m: float = 0.005,
    field_step: int = 4,
    field_rate: float = 0.5,
) -> NDArray[np.float32]:
    """One Gamma factor for the whole image and, at times, a smooth field of errors.

    Args:
        depth_m: (H, W) metres, 0 where there is no return.
        rng: draws the factor, then whether there is a field, then the field.
        gamma_shape: shape of the factor's distribution; its sigma is 1 / sqrt(shape).
        gamma_scale: scale of the distribution; the mean is shape times scale.
        field_sigma_m: standard deviation of the field at its grid points.
        field_step: pixels between grid points; between them the field is bilinear.
        field_rate: probability of the field.
    Returns:
        (H, W) metres.
    """
    depth = _image(depth_m, "dex_noise")
    noisy = depth * rng.gamma(gamma_shape, gamma_scale)
    if rng.random() < field_rate:
        height, width = depth.shape
        coarse = rng.standard_normal((int(height / field_step), int(width / field_step))) * field_sigma_m
        noisy = noisy + resize_bilinear(coarse, (height, width))
    return _where_seen(depth, noisy)


def trans_noise(
    depth_m: ArrayLike, rng: np.random.Generator, *, sigma_px: float = 1.0, sigma_m: float = 0.005
) -> NDArray[np.float32]:
    """Every pixel reads a neighbour some `sigma_px` away, plus white noise of `sigma_m`."""
    depth = _image(depth_m, "trans_noise")
    row, column = np.indices(depth.shape)
    row_from = np.clip(np.round(row + rng.standard_normal(depth.shape) * sigma_px), 0, depth.shape[0] - 1)
    column_from = np.clip(np.round(column + rng.standard_normal(depth.shape) * sigma_px), 0, depth.shape[1] - 1)
    moved = depth[row_from.astype(np.intp), column_from.astype(np.intp)]
    return _where_seen(moved, moved + rng.standard_normal(depth.shape) * sigma_m)


def norm_noise(depth_m: ArrayLike, rng: np.random.Generator, *, sigma_m: float = 0.005) -> NDArray[np.float32]:
    """White noise of `sigma_m` on every pixel."""
    depth = _image(depth_m, "norm_noise")
    return _where_seen(depth, depth + rng.standard_normal(depth.shape) * sigma_m)


def resize_bilinear(image: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Resize (h, w) to (H, W), bilinear between pixel centres, zero outside the image.

    Equal to `skimage.transform.resize(image, shape, order=1, mode="constant", anti_aliasing=False)`.
    """
    rows, row_weight = _stencil(image.shape[0], shape[0])
    columns, column_weight = _stencil(image.shape[1], shape[1])
    padded = np.pad(image, 1)
    tall = padded[rows] * (1.0 - row_weight)[:, None] + padded[rows + 1] * row_weight[:, None]
    wide: FloatArray = tall[:, columns] * (1.0 - column_weight) + tall[:, columns + 1] * column_weight
    return wide


def _stencil(size: int, target: int) -> tuple[NDArray[np.intp], FloatArray]:
    """For each target pixel its left neighbour in the image padded by 1, and the right one's weight."""
    x = (np.arange(target) + 0.5) * (size / target) - 0.5
    left = np.floor(x)
    return left.astype(np.intp) + 1, x - left


def _image(depth_m: ArrayLike, where: str) -> FloatArray:
    depth = np.asarray(depth_m, dtype=np.float64)
    if depth.ndim != 2:
        raise InputError(where, expected="depth_m of shape (H, W)", got=f"{depth.shape}")
    return depth


def _where_seen(depth: FloatArray, noisy: FloatArray) -> NDArray[np.float32]:
    return np.where(depth > 0.0, np.maximum(noisy, 0.0), 0.0).astype(np.float32)
