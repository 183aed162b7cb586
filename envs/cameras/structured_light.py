"""What an active stereo camera such as the RealSense D435 makes of a scene: errors in disparity, and holes.

Sources:
- Depth and disparity, z = f b / d, so that an error grows with z^2; steps of 1/32 pixel; shadows of
  the baseline and holes where the match fails: Grunnet-Jepsen, Sweetser and Woodfill, "Tuning
  depth cameras for best performance", and Grunnet-Jepsen et al., "Subpixel linearity improvement
  for Intel RealSense depth camera D400 series" (Intel white papers).
- Ragged outlines by reading the depth a random fraction of a pixel away: Bohg et al., ICRA 2014,
  and Handa et al., ICRA 2014 (ICL-NUIM).
- The sizes are set by eye and by measure on real D435 frames (ClearGrasp, Sajjan et al., ICRA 2020):
  residual of a local plane 0.4 to 0.6 mm at 0.6 m, outlines of 2 to 6 pixels, holes on 10 to 30 % of a frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, grey_dilation, grey_erosion
from scipy.special import ndtr

from envs.cameras.frame import Frame
from geometry import FloatArray, InputError

Pixels = tuple[NDArray[np.intp], NDArray[np.intp]]
BAND_RAD = np.radians(5.0)
"""Half the range of angles over which a grazing surface fades from seen to lost."""


@dataclass(frozen=True, kw_only=True)
class StructuredLight:
    """An active stereo depth camera; the defaults resemble a RealSense D435 on a table top."""

    baseline_m: float = 0.05
    """Between the two imagers; the second one is on the right."""
    subpixel_step_px: float = 1.0 / 32.0
    """Smallest step of disparity; 0 for none."""
    noise_px: float = 0.05
    """Standard deviation of disparity."""
    noise_grain_px: float = 2.0
    """Extent of one grain of that noise, about the matching window's; 0 makes each pixel independent."""
    depth_step_m: float = 0.001
    """Unit of the depth image; 0 for none."""
    max_disparity_px: float = 126.0
    """Search range; what is nearer than f b / this is lost."""
    ragged_px: float = 1.0
    """Standard deviation of the sideways displacement that frays outlines."""
    edge_jump: float = 0.02
    """A step in depth by more than this share of it is an edge."""
    edge_width_px: int = 5
    """Width of the strip along an edge in which the match may fail."""
    edge_dropout: float = 0.6
    """Share of that strip that is lost."""
    shadow: bool = True
    """Lose what one imager sees and the other does not: a strip to the left of what stands in front."""
    grazing_rad: float = float(np.radians(78.0))
    """Surfaces that the view meets at this angle to their normal are half lost; a little more, wholly."""
    dark_reflectance: float = 0.06
    """Surfaces that send back less light than this lose depth, in proportion."""
    speckle: float = 0.003
    """Share of all pixels that is lost for no reason, in small blobs."""

    def __post_init__(self) -> None:
        numbers = {key: float(value) for key, value in vars(self).items()}
        bad = {key: value for key, value in numbers.items() if not np.isfinite(value) or value < 0.0}
        shares = {key: numbers[key] for key in ("edge_dropout", "speckle") if numbers[key] > 1.0}
        if bad or shares or self.baseline_m == 0.0 or self.max_disparity_px == 0.0:
            raise InputError(
                "StructuredLight",
                expected="values of at least 0, shares of at most 1, baseline_m and max_disparity_px above 0",
                got=f"{bad or shares or dict(baseline_m=self.baseline_m, max_disparity_px=self.max_disparity_px)}",
            )

    def apply(
        self, frame: Frame, rng: np.random.Generator, *, reflectance: Mapping[int, float] | None = None
    ) -> NDArray[np.float32]:
        """The depth image that the camera would have given.

        Args:
            frame: exact depth with normals, as from `RaycastCamera`.
            rng: draws all noise; how much it draws depends on the image's size alone.
            reflectance: share of the projector's light that a body sends back, by uid; 1 where not
                named. 0 is a mirror, glass or black velvet: it loses all its depth.

        Returns:
            (H, W) metres, 0 where there is no return.

        Raises:
            InputError: if the frame has no normals.
        """
        if frame.normals_camera is None:
            raise InputError(
                "StructuredLight.apply",
                expected="a frame with normals",
                got="none",
                remedy="render it with RaycastCamera, with normals=True",
            )
        shape = frame.depth_m.shape
        depth, pixels = self._frayed(np.asarray(frame.depth_m, dtype=np.float64), rng)
        lost = self._loss(frame, reflectance or {})[pixels] > ndtr(_grain(shape, self.noise_grain_px, rng))
        lost |= self._edge_loss(depth) > ndtr(_grain(shape, self.noise_grain_px, rng))
        focal_baseline = frame.camera.fx * self.baseline_m
        seen = depth > 0.0
        disparity = focal_baseline / np.where(seen, depth, 1.0)
        if self.shadow:
            lost |= _shadowed(np.where(seen, disparity, 0.0))
        lost |= ~seen | (disparity > self.max_disparity_px)
        disparity = disparity + self.noise_px * _grain(shape, self.noise_grain_px, rng)
        measured = focal_baseline / np.maximum(_rounded(disparity, self.subpixel_step_px), 1e-3)
        return np.where(lost, 0.0, _rounded(measured, self.depth_step_m)).astype(np.float32)

    def _frayed(self, depth: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, Pixels]:
        """Depth (H, W) whose pixels near an edge read the other side of it at times, and the pixels read."""
        rows, columns = np.indices(depth.shape)
        shift = np.round(self.ragged_px * np.stack([_grain(depth.shape, 1.5, rng) for _ in range(2)])).astype(np.intp)
        other = (
            np.clip(rows + shift[0], 0, depth.shape[0] - 1),
            np.clip(columns + shift[1], 0, depth.shape[1] - 1),
        )
        across = np.abs(depth[other] - depth) > self.edge_jump * np.maximum(depth[other], depth)
        pixels = np.where(across, other[0], rows), np.where(across, other[1], columns)
        return depth[pixels], pixels

    def _loss(self, frame: Frame, reflectance: Mapping[int, float]) -> FloatArray:
        """Probability (H, W) that a pixel is lost for what its surface is like."""
        assert frame.normals_camera is not None
        rays = frame.camera.rays()
        rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
        angle = np.arccos(np.clip(-np.einsum("hwc,hwc->hw", frame.normals_camera, rays), 0.0, 1.0))
        loss = np.clip((angle - self.grazing_rad) / (2.0 * BAND_RAD) + 0.5, 0.0, 1.0)
        for uid, share in reflectance.items():
            dark = 1.0 - share / self.dark_reflectance if self.dark_reflectance > 0.0 else float(share <= 0.0)
            mine = frame.segmentation == uid
            loss[mine] = np.maximum(loss[mine], dark)
        return np.maximum(loss, self.speckle)

    def _edge_loss(self, depth: FloatArray) -> FloatArray:
        """Probability (H, W) that a pixel is lost because the matching window lies across an edge."""
        near = grey_erosion(np.where(depth > 0.0, depth, np.inf), size=3, mode="nearest")
        far = grey_dilation(depth, size=3, mode="nearest")
        near = np.where(np.isfinite(near), near, 0.0)
        edge = far - near > self.edge_jump * far
        strip = grey_dilation(edge.astype(np.uint8), size=max(self.edge_width_px, 1), mode="nearest")
        return self.edge_dropout * strip


def _shadowed(disparity: FloatArray) -> NDArray[np.bool_]:
    """Pixels (H, W) that the right imager does not see.

    Pixel u lands on u - d there; one further right that lands on the same place or left of it is
    nearer and hides it.
    """
    landing = np.arange(disparity.shape[1]) - disparity
    right_of = np.minimum.accumulate(landing[:, ::-1], axis=1)[:, ::-1]
    hidden = np.zeros(disparity.shape, dtype=bool)
    hidden[:, :-1] = landing[:, :-1] >= right_of[:, 1:]
    return hidden


def _grain(shape: tuple[int, ...], size_px: float, rng: np.random.Generator) -> FloatArray:
    """Gaussian noise of mean 0 and variance 1 whose neighbouring pixels go together."""
    white = rng.standard_normal(shape)
    if size_px <= 0.0:
        return white
    smooth: FloatArray = gaussian_filter(white, size_px, mode="wrap")
    return smooth / np.sqrt(_smoothing_variance(size_px))


def _smoothing_variance(size_px: float) -> float:
    """Variance that white noise of variance 1 keeps under SciPy's sampled Gaussian filter in two dimensions."""
    x = np.arange(-int(4.0 * size_px + 0.5), int(4.0 * size_px + 0.5) + 1)
    weights = np.exp(-0.5 * (x / size_px) ** 2)
    return float((np.sum(weights**2) / np.sum(weights) ** 2) ** 2)


def _rounded(values: FloatArray, step: float) -> FloatArray:
    return np.round(values / step) * step if step > 0.0 else values
