"""All features of one person, frame by frame."""

from __future__ import annotations

import numpy as np

from geometry import FloatArray
from perception.behavior.features.body_points import body_points
from perception.behavior.features.feature_track import FeatureTrack
from perception.behavior.features.hand_features import HAND_FEATURES, hand_features
from perception.behavior.features.motion import FeatureSettings, Motion, motion_of
from perception.behavior.features.whole_body_features import BODY_FEATURES, whole_body_features
from perception.pose import PersonTrack

PERSON_FEATURES: tuple[tuple[str, str], ...] = (
    *((f"{side}_{name}", unit) for side in ("left", "right") for name, unit in HAND_FEATURES),
    *BODY_FEATURES,
)
"""Name and unit of each feature of a person, in the order of their columns."""


def person_features(
    track: PersonTrack, settings: FeatureSettings | None = None, *, causal: bool = False
) -> FeatureTrack:
    """Features of a person's recording in units of the own body, so that people can be compared.

    Args:
        track: pixels or metres of any skeleton, irregular in time, with gaps.
        settings: None for the defaults.
        causal: use past frames alone, as `FeatureStream` does; otherwise velocities have no lag and the person's size
            is the median of the whole recording.

    Returns:
        (T, F) with the names and units of `PERSON_FEATURES`; NaN where a feature cannot be measured.
    """
    settings = settings or FeatureSettings()
    points = body_points(track, settings.minimum_score)
    return FeatureTrack(
        names=tuple(name for name, _ in PERSON_FEATURES),
        units=tuple(unit for _, unit in PERSON_FEATURES),
        values=feature_rows(motion_of(points, settings, causal=causal)),
        time_s=points.time_s,
    )


def feature_rows(motion: Motion) -> FloatArray:
    """(T, F) columns of `PERSON_FEATURES`."""
    hands = hand_features(motion)
    return np.hstack([hands.reshape(len(hands), 2 * len(HAND_FEATURES)), whole_body_features(motion)])
