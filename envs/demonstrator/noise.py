"""What measuring does to a demonstration: a stated mean error of the keypoints, gaps, and errors of the things' poses.

Keypoints: one offset for the whole recording, which all points share, as a camera's calibration gives; and jitter of
each point on its own, an AR(1) series with a correlation of 0.8 from frame to frame at 30 Hz, as a detector gives.
The offset has a fixed length and a random direction, and its square equals the jitter's mean square; together they give
the mean error asked for. For 10 mm: an offset of 7.5 mm, and jitter of 4.4 mm along each axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation

from envs.demonstrator.demonstration import Demonstration
from envs.demonstrator.hand_path import RATE_HZ
from envs.demonstrator.recording import DemonstrationRecording, RecordedPerson, exact, points_of_persons
from geometry import FloatArray, InputError, transform

CORRELATION = 0.8
"""Of a point's jitter from frame to frame."""
MEAN_ERROR = 2.2950
"""Mean length of an offset of sqrt(3) plus a Gaussian of unit variance along each of three axes: the mean of a
noncentral chi distribution, sqrt(2 / pi) exp(-3 / 2) + (sqrt(3) + 1 / sqrt(3)) erf(sqrt(3 / 2))."""


@dataclass(frozen=True, kw_only=True)
class MeasuringErrors:
    """Everything that goes wrong beside the keypoints' error; the same at every level of it above 0."""

    thing_m: float = 0.003
    """Standard deviation along each axis of a thing's place."""
    thing_rad: float = float(np.radians(2.0))
    """Root mean square of the angle of a thing's wrong turn."""
    thing_smooth_s: float = 0.15
    """Those errors are white noise, smoothed by a Gaussian of this width, as a tracker leaves it."""
    lost_points: float = 0.02
    """Share of single points that are not seen."""
    lost_hands: float = 0.02
    """Share of frames in which the whole hand is not seen."""
    gap_frames: float = 3.0
    """Mean length of such a gap."""

    def __post_init__(self) -> None:
        numbers = np.array(list(vars(self).values()))
        if not np.isfinite(numbers).all() or numbers.min() < 0.0 or max(self.lost_points, self.lost_hands) > 0.5:
            expected = "values of at least 0, shares of at most a half"
            raise InputError("MeasuringErrors", expected=expected, got=f"{self}")


def noisy(
    demonstration: Demonstration,
    noise_m: float,
    rng: np.random.Generator,
    *,
    errors: MeasuringErrors | None = None,
) -> DemonstrationRecording:
    """A recording whose keypoints are off by `noise_m` on average.

    Args:
        demonstration: what was shown.
        noise_m: mean distance of the measured keypoints from the true ones; 0: nothing is wrong at all.
        rng: draws the errors.
        errors: what else is wrong; None: the defaults.

    Raises:
        InputError: if `noise_m` is below 0.
    """
    if not np.isfinite(noise_m) or noise_m < 0.0:
        raise InputError("noisy", expected="noise_m of at least 0", got=f"{noise_m}")
    if noise_m == 0.0:
        return exact(demonstration)
    errors = MeasuringErrors() if errors is None else errors
    sigma = noise_m / MEAN_ERROR
    direction = rng.standard_normal(3)
    offset = np.sqrt(3.0) * sigma * direction / np.linalg.norm(direction)
    persons = tuple(
        _measured(body + offset, hand + offset, sigma, errors, rng) for body, hand in points_of_persons(demonstration)
    )
    return DemonstrationRecording(
        time_s=demonstration.time_s,
        persons=persons,
        things=demonstration.things,
        T_world_things=wrong_poses(demonstration.T_world_things, errors, rng),
    )


def wrong_poses(T_world_things: FloatArray, errors: MeasuringErrors, rng: np.random.Generator) -> FloatArray:
    """(T, N, 4, 4) poses with smooth errors of place and turn; each thing's are its own."""
    count, things = T_world_things.shape[:2]
    width = errors.thing_smooth_s * RATE_HZ
    margin = int(np.ceil(4.0 * width))
    white = rng.standard_normal((count + 2 * margin, things, 6))
    # a smoothed series keeps the sum of the squared weights of its variance
    kept = np.sum(gaussian_filter1d(np.eye(1, 2 * margin + 1, margin)[0], width) ** 2) if width > 0.0 else 1.0
    smooth = gaussian_filter1d(white, width, axis=0) / np.sqrt(kept) if width > 0.0 else white
    smooth = smooth[margin : margin + count]
    turns = Rotation.from_rotvec((errors.thing_rad / np.sqrt(3.0) * smooth[..., 3:]).reshape(-1, 3)).as_matrix()
    rotations = turns.reshape(count, things, 3, 3) @ T_world_things[..., :3, :3]
    return transform(rotations, T_world_things[..., :3, 3] + errors.thing_m * smooth[..., :3])


def _measured(
    body: FloatArray, hand: FloatArray, sigma: float, errors: MeasuringErrors, rng: np.random.Generator
) -> RecordedPerson:
    body_seen = rng.random(body.shape[:2]) >= errors.lost_points
    hand_seen = rng.random(hand.shape[:2]) >= errors.lost_points
    hand_seen &= ~_gaps(len(hand), errors, rng)[:, None]
    return RecordedPerson(
        body_m=np.where(body_seen[..., None], body + sigma * _jitter(body.shape, rng), np.nan),
        body_scores=body_seen.astype(np.float64),
        hand_m=np.where(hand_seen[..., None], hand + sigma * _jitter(hand.shape, rng), np.nan),
        hand_scores=hand_seen.astype(np.float64),
    )


def _jitter(shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    """AR(1) series along the first axis, of variance 1 from the first frame on."""
    white = rng.standard_normal(shape)
    white[1:] *= np.sqrt(1.0 - CORRELATION**2)
    series: FloatArray = lfilter([1.0], [1.0, -CORRELATION], white, axis=0)
    return series


def _gaps(count: int, errors: MeasuringErrors, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(T,) frames without a hand: gaps of geometric length that begin at random."""
    lost = np.zeros(count, dtype=bool)
    for start in np.flatnonzero(rng.random(count) < errors.lost_hands / max(errors.gap_frames, 1.0)):
        lost[start : start + rng.geometric(1.0 / max(errors.gap_frames, 1.0))] = True
    return lost
