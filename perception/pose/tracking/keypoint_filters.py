"""Where every joint of every tracked person is expected: a bank of Kalman filters, all moved at once.

A joint's velocity is that of its body plus a part of its own that dies away, so that somebody who is hidden walks
on while a swinging arm does not fly off: an Ornstein-Uhlenbeck process about a constant velocity. All axes of a joint
share one covariance. Variances are in squared body sizes.

Source: discrete form of the process: Singer, "Estimating optimal tracking filter performance for manned maneuvering
targets", IEEE Trans. AES 6(4), 1970, with velocity in the place of acceleration.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray
from perception.pose.tracking.detections import Detections, box_diagonals


@dataclass(frozen=True, kw_only=True)
class MotionModel:
    """How people move and how well joints are seen, in body sizes and seconds."""

    swing_s: float = 0.2
    """Time in which a joint's own velocity falls to 1/e."""
    swing_speed: float = 0.5
    """Spread of a joint's own velocity, body sizes per second."""
    start_speed: float = 1.0
    """Spread of the velocity of a joint seen for the first time, body sizes per second."""
    noise: float = 0.015
    """Standard deviation of a seen coordinate of score 1; of score s: noise / s."""
    body_memory_s: float = 0.3
    """Time over which the velocity of the body is averaged."""
    size_memory_s: float = 0.5
    """Time over which the size of the body is averaged."""


@dataclass
class KeypointFilters:
    """P persons of K joints in D dimensions."""

    model: MotionModel
    points: FloatArray
    """(P, K, D) where each joint is expected; NaN where it was never seen."""
    swings: FloatArray
    """(P, K, D) velocity of each joint beyond that of its body."""
    covariance: FloatArray
    """(3, P, K): of position, position with velocity, velocity."""
    velocity: FloatArray
    """(P, D) of the body."""
    sizes: FloatArray
    """(P,) diagonal of the body's box."""
    hits: NDArray[np.int64]
    """(P,) times seen."""
    unseen_s: FloatArray
    """(P,) seconds since last seen."""

    @classmethod
    def empty(cls, model: MotionModel, joints: int, axes: int) -> KeypointFilters:
        """Nobody yet."""
        return cls(
            model,
            np.empty((0, joints, axes)),
            np.empty((0, joints, axes)),
            np.empty((3, 0, joints)),
            np.empty((0, axes)),
            np.empty(0),
            np.empty(0, dtype=np.int64),
            np.empty(0),
        )

    def __len__(self) -> int:
        """Number of persons."""
        return len(self.sizes)

    @property
    def doubt(self) -> FloatArray:
        """(P, K) variance of each expected joint, in the points' unit squared."""
        return np.asarray(self.covariance[0] * (self.sizes**2)[:, None])

    def predict(self, step_s: float) -> None:
        """Move everybody on by a time."""
        model, (pp, pv, vv) = self.model, self.covariance
        kept = np.exp(-step_s / model.swing_s)
        reach_s, still = model.swing_s * (1.0 - kept), model.swing_speed**2
        self.points = self.points + reach_s * self.swings + (step_s * self.velocity)[:, None]
        self.swings = kept * self.swings
        spread = step_s / model.swing_s
        self.covariance = np.stack(
            [
                pp + 2.0 * reach_s * pv + reach_s**2 * vv
                + still * model.swing_s**2 * (2.0 * spread - 3.0 + 4.0 * kept - kept**2),
                kept * (pv + reach_s * vv) + still * model.swing_s * (1.0 - kept) ** 2,
                kept**2 * vv + still * (1.0 - kept**2),
            ]
        )  # fmt: skip
        self.unseen_s = self.unseen_s + step_s

    def correct(self, rows: NDArray[np.intp], seen: Detections, picks: NDArray[np.intp], step_s: float) -> None:
        """Take in what was seen of the persons `rows`: the detections `picks`."""
        if not len(rows):
            return
        points, weights = seen.points[picks], seen.weights[picks]
        known = np.isfinite(self.points[rows, :, 0])
        given = weights > 0.0
        noise = (self.model.noise / np.where(given, weights, 1.0)) ** 2
        pp, pv, vv = self.covariance[:, rows]
        use = (known & given) / (pp + noise)
        error = np.where((known & given)[..., None], points - self.points[rows], 0.0)
        self.points[rows] += (pp * use)[..., None] * error
        self.swings[rows] += (pv * use)[..., None] * error
        self.covariance[:, rows] = np.stack([pp - pp * use * pp, pv - pv * use * pp, vv - pv * use * pv])
        self._begin_joints(rows, points, ~known & given, noise)
        self.hits[rows] += 1
        self._average(rows, known & given, step_s)
        self.unseen_s[rows] = 0.0

    def _begin_joints(
        self, rows: NDArray[np.intp], points: FloatArray, new: NDArray[np.bool_], noise: FloatArray
    ) -> None:
        self.points[rows] = np.where(new[..., None], points, self.points[rows])
        self.swings[rows] = np.where(new[..., None], 0.0, self.swings[rows])
        start = np.stack([noise, np.zeros_like(noise), np.full_like(noise, self.model.start_speed**2)])
        self.covariance[:, rows] = np.where(new, start, self.covariance[:, rows])

    def _average(self, rows: NDArray[np.intp], used: NDArray[np.bool_], step_s: float) -> None:
        """Move the body's velocity towards the median joint's, keep every joint's velocity, and follow the size."""
        excess = _median_of(self.swings[rows], used)
        first = 1.0 / np.maximum(self.hits[rows] - 1.0, 1.0)
        share = np.maximum(1.0 - np.exp(-step_s / self.model.body_memory_s), first)
        gain = share[:, None] * excess
        self.velocity[rows] += gain
        self.swings[rows] -= gain[:, None]
        share = np.maximum(1.0 - np.exp(-step_s / self.model.size_memory_s), 1.0 / self.hits[rows])
        self.sizes[rows] += share * (np.maximum(box_diagonals(self.points[rows]), 1e-9) - self.sizes[rows])

    def begin(self, seen: Detections, picks: NDArray[np.intp]) -> None:
        """Add the persons `picks`, at rest."""
        points, given = seen.points[picks].copy(), seen.seen[picks]
        count, joints, axes = points.shape
        noise = (self.model.noise / np.where(given, seen.weights[picks], 1.0)) ** 2
        start = np.stack([noise, np.zeros_like(noise), np.full_like(noise, self.model.start_speed**2)])
        self.points = np.concatenate([self.points, points])
        self.swings = np.concatenate([self.swings, np.zeros((count, joints, axes))])
        self.covariance = np.concatenate([self.covariance, start], axis=1)
        self.velocity = np.concatenate([self.velocity, np.zeros((count, axes))])
        self.sizes = np.concatenate([self.sizes, seen.sizes[picks]])
        self.hits = np.concatenate([self.hits, np.ones(count, dtype=np.int64)])
        self.unseen_s = np.concatenate([self.unseen_s, np.zeros(count)])

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Forget everybody else."""
        self.covariance = self.covariance[:, rows]
        for field in fields(self):
            if field.name not in ("model", "covariance"):
                setattr(self, field.name, getattr(self, field.name)[rows])


def _median_of(values: FloatArray, used: NDArray[np.bool_]) -> FloatArray:
    """(P, D) median over the joints in use (P, K) of values (P, K, D); 0 where none is.

    NumPy's nanmedian costs ten times as much for few values.
    """
    ordered = np.sort(np.where(used[..., None], values, np.inf), axis=1)
    count, every = used.sum(axis=1), np.arange(len(values))
    middle = 0.5 * (ordered[every, np.maximum(count - 1, 0) // 2] + ordered[every, count // 2])
    return np.where(count[:, None] > 0, middle, 0.0)
