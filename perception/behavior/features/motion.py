"""Points with their velocities and the person's own units: what features are computed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry import FloatArray, InputError
from perception.behavior.features.body_points import BodyPoints
from perception.behavior.features.body_scale import RunningQuantile, palm_lengths, torso_lengths
from perception.behavior.features.slopes import slopes
from perception.pose.skeletons import BODY18

_LIMIT_ROWS = 10_000
_ANKLES = [BODY18.index("left_ankle"), BODY18.index("right_ankle")]
_WRISTS = [BODY18.index("left_wrist"), BODY18.index("right_wrist")]
_GROUND_LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class FeatureSettings:
    """How features are measured."""

    span_s: float = 0.12
    """Window over which velocities are fitted; a causal velocity lags by half of it."""
    scale_rows: int = 300
    """Number of past frames whose median is the person's size (and whose low quantile is the ground), if causal."""
    reference: str = "camera"
    """Reference of points in metres: "camera" (optical, y down) or "world" (z up). Pixels need none."""
    minimum_score: float = 0.0
    """Joints with a lower score count as not seen."""

    def __post_init__(self) -> None:
        if not self.span_s > 0.0 or not 1 <= self.scale_rows <= _LIMIT_ROWS:
            raise InputError(
                "FeatureSettings",
                expected=f"span_s > 0 and scale_rows from 1 to {_LIMIT_ROWS}",
                got=f"{self.span_s} and {self.scale_rows}",
            )
        if self.reference not in ("camera", "world"):
            raise InputError("FeatureSettings", expected='reference "camera" or "world"', got=f"{self.reference!r}")

    def up(self, width: int) -> FloatArray:
        """(D,) unit vector against gravity in 2D pixels or 3D metres."""
        if width == 2:
            return np.array([0.0, -1.0])
        return np.array([0.0, -1.0, 0.0]) if self.reference == "camera" else np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, kw_only=True)
class Motion:
    """T moments of one person, in pixels or metres, with the lengths that turn them into the person's own units."""

    body: FloatArray
    """(T, 18, D)."""
    hands: FloatArray
    """(T, 2, 21, D)."""
    body_velocity: FloatArray
    """(T, 18, D) a second."""
    hands_velocity: FloatArray
    """(T, 2, 21, D) a second."""
    wrist_acceleration: FloatArray
    """(T, 2) length of the wrists' acceleration."""
    torso: FloatArray
    """(T,) length of the torso."""
    palm: FloatArray
    """(T,) length of the palm."""
    ground: FloatArray
    """(T,) height of the lowest ankle."""
    up: FloatArray
    """(D,) against gravity."""

    def height(self, vectors: FloatArray) -> FloatArray:
        """(...) component of vectors (..., D) against gravity."""
        return vectors @ self.up


@dataclass(frozen=True)
class Lengths:
    """Running sizes of one person: median torso, median palm, low ankles."""

    torso: RunningQuantile
    palm: RunningQuantile
    ground: RunningQuantile

    @classmethod
    def start(cls, rows: int) -> Lengths:
        """Nothing seen yet; `rows` frames of memory."""
        return cls(RunningQuantile(0.5, rows), RunningQuantile(0.5, rows), RunningQuantile(_GROUND_LEVEL, rows))

    def over(self, points: BodyPoints, up: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(T,) each: torso, palm and ground after every row."""
        palms = palm_lengths(points.hands)
        heights = points.body[:, _ANKLES] @ up
        return (
            self.torso.over(torso_lengths(points.body, palms)),
            self.palm.over(palms),
            self.ground.over(np.fmin(heights[:, 0], heights[:, 1])),
        )


def motion_of(points: BodyPoints, settings: FeatureSettings, *, causal: bool) -> Motion:
    """Velocities and sizes of a whole recording; not causal: from both sides, and one size for all of it."""
    up = settings.up(points.body.shape[-1])
    count = len(points.time_s)
    torso, palm, ground = Lengths.start(settings.scale_rows if causal else max(count, 1)).over(points, up)
    if not causal and count:
        torso, palm, ground = (np.full(count, rows[-1], dtype=float) for rows in (torso, palm, ground))
    body_velocity = slopes(points.time_s, points.body, settings.span_s, causal=causal)
    bend = slopes(points.time_s, body_velocity[:, _WRISTS], settings.span_s, causal=causal)
    return Motion(
        body=points.body,
        hands=points.hands,
        body_velocity=body_velocity,
        hands_velocity=slopes(points.time_s, points.hands, settings.span_s, causal=causal),
        wrist_acceleration=np.linalg.norm(bend, axis=-1),
        torso=torso,
        palm=palm,
        ground=ground,
        up=up,
    )
