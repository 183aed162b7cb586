"""A keypoint detector without images: what one would report of people who stand before a camera.

It errs as detectors do: a few of its errors are large, joints behind somebody are lost, guessed with a low score or
taken from the one in front, whole people are missed for a few frames at a time, and now and then somebody is reported
twice or where nobody is. The numbers are assumptions, not fitted to one detector. For comparison: in a film of this
humanoid (walk, punch, kick, jump, dance; 240 pixels tall) MediaPipe's joints are off by 2.2 cm in the median and
7.0 cm in one of ten; these, by 2.9 cm and 5.8 cm. What a limb hides of its own body is not modelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.humanoid.sight import View
from geometry import FloatArray, InputError


@dataclass(frozen=True, kw_only=True)
class DetectorErrors:
    """How a detector errs."""

    sigma_m: float = 0.02
    """Standard deviation of a joint's error, as a length at the person's distance."""
    floor_px: float = 0.7
    """Standard deviation that comes on top, pixels."""
    tail: float = 0.06
    """Share of joints whose error is `tail_factor` as large."""
    tail_factor: float = 4.0
    """How much larger these errors are; a joint guessed behind somebody has them as well."""
    lost: float = 0.02
    """Share of joints in plain sight that are not reported."""
    lost_hidden: float = 0.5
    """Share of hidden joints that are not reported."""
    stolen: float = 0.15
    """Share of the reported hidden joints that are put on the person in front."""
    found: float = 0.98
    """Share of the frames in which a person in plain sight is reported; falls to 0 at 15 % visible joints."""
    gap_rate: float = 0.004
    """Chance in each frame that a person begins to be missed for some frames."""
    gap_frames: float = 5.0
    """Frames that such a gap lasts on average."""
    false_rate: float = 0.1
    """False detections a frame: half of them someone reported twice, half where nobody is."""

    def __post_init__(self) -> None:
        shares = (self.tail, self.lost, self.lost_hidden, self.stolen, self.found, self.gap_rate)
        sizes = (self.sigma_m, self.floor_px, self.tail_factor, self.false_rate, self.gap_frames - 1.0)
        if any(not 0.0 <= share <= 1.0 for share in shares) or any(not 0.0 <= size < np.inf for size in sizes):
            raise InputError(
                "DetectorErrors", expected="shares in 0..1, sizes >= 0, gaps of at least 1 frame", got=f"{self}"
            )


class Detections(NamedTuple):
    """What is reported of one image, in no order. What was not seen is NaN with score 0."""

    keypoints_px: FloatArray
    """(M, 18, 2)."""
    scores: FloatArray
    """(M, 18), 0 to 1."""
    true_ids: NDArray[np.int64]
    """(M,) who it really is; -1 for nobody, and for a person's second report."""


class KeypointDetector:
    """Reports people image by image; remembers whom it is missing at present.

    Args:
        errors: how it errs.
        rng: where its errors come from.
    """

    def __init__(self, errors: DetectorErrors, rng: np.random.Generator) -> None:
        self.errors = errors
        self._rng = rng
        self._missing: NDArray[np.bool_] = np.zeros(0, dtype=bool)

    def detect(self, view: View) -> Detections:
        """What it makes of one image; always the same people in the same order in `view`."""
        found = np.flatnonzero(self._found(view))
        points, scores = self._joints(view, found)
        reports = [(points[row], scores[row], int(who)) for row, who in enumerate(found)]
        for _ in range(self._rng.poisson(self.errors.false_rate)):
            reports += self._false(view, points, scores)
        reports = [report for report in reports if report[1].any()]
        order = self._rng.permutation(len(reports))
        count = view.pixels.shape[1]
        return Detections(
            np.array([reports[row][0] for row in order]).reshape(-1, count, 2),
            np.array([reports[row][1] for row in order]).reshape(-1, count),
            np.array([reports[row][2] for row in order], dtype=np.int64),
        )

    def _found(self, view: View) -> NDArray[np.bool_]:
        """(N,) who is reported at all."""
        count = len(view.pixels)
        if len(self._missing) != count:
            self._missing = np.zeros(count, dtype=bool)
        ends = self._rng.random(count) < 1.0 / self.errors.gap_frames
        begins = self._rng.random(count) < self.errors.gap_rate
        self._missing = np.where(self._missing, ~ends, begins)
        chance = self.errors.found * np.clip((view.visible.mean(axis=1) - 0.15) / 0.35, 0.0, 1.0)
        return (self._rng.random(count) < chance) & ~self._missing

    def _joints(self, view: View, who: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Pixels (M, 18, 2) and scores (M, 18) of the people in these rows of the view."""
        errors, rng = self.errors, self._rng
        visible = view.visible[who]
        shape = visible.shape
        sigma = errors.sigma_m * view.px_per_m[who][:, None] + errors.floor_px
        wild = ~visible | (rng.random(shape) < errors.tail)
        spread = sigma * np.where(wild, errors.tail_factor, 1.0)
        stolen = ~visible & (view.in_front[who] >= 0) & (rng.random(shape) < errors.stolen)
        joints = np.broadcast_to(np.arange(shape[1]), shape)
        source = np.where(stolen, view.in_front[who], who[:, None])
        points = view.pixels[source, joints] + spread[..., None] * rng.standard_normal((*shape, 2))
        sure = np.clip(rng.normal(0.85, 0.07, shape) - 0.1 * (wild & visible), 0.05, 1.0)
        scores = np.where(visible, sure, rng.uniform(0.1, 0.45, shape))
        lost = rng.random(shape) < np.where(visible, errors.lost, errors.lost_hidden)
        lost |= ~view.in_image[source, joints] | ~np.isfinite(points).all(axis=-1)
        return np.where(lost[..., None], np.nan, points), np.where(lost, 0.0, scores)

    def _false(self, view: View, points: FloatArray, scores: FloatArray) -> list[tuple[FloatArray, FloatArray, int]]:
        """One false report: a part of somebody reported anew, or a body where nobody is."""
        if not len(points):
            return []
        rng = self._rng
        model = int(rng.integers(len(points)))
        unsure = scores[model] * rng.uniform(0.2, 0.6)
        if rng.random() < 0.5:
            kept = rng.random(len(unsure)) < 0.4
            off = rng.normal(0.0, 3.0 * self.errors.floor_px, 2)
            return [(np.where(kept[:, None], points[model] + off, np.nan), np.where(kept, unsure, 0.0), -1)]
        place = rng.uniform((0.0, 0.0), (view.camera.width, view.camera.height))
        return [(points[model] - np.nanmean(points[model], axis=0) + place, unsure, -1)]
