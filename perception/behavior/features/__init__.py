"""Kinematic and relational features per frame, in units of the person's own body."""

from perception.behavior.features.feature_track import FeatureTrack
from perception.behavior.features.motion import FeatureSettings
from perception.behavior.features.object_features import OBJECT_FEATURES, ObjectTrack, object_features, object_track
from perception.behavior.features.person_features import PERSON_FEATURES, person_features
from perception.behavior.features.stream import FeatureStream
from perception.behavior.features.user_normalizer import UserNormalizer

__all__ = [
    "OBJECT_FEATURES",
    "PERSON_FEATURES",
    "FeatureSettings",
    "FeatureStream",
    "FeatureTrack",
    "ObjectTrack",
    "UserNormalizer",
    "object_features",
    "object_track",
    "person_features",
]
