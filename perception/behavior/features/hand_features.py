"""What each hand does: how fast it moves, how far it is open, where it is on the body."""

from __future__ import annotations

import numpy as np

from geometry import FloatArray
from perception.behavior.features.geometry_of_points import distance, separation_rate
from perception.behavior.features.motion import Motion
from perception.pose.skeletons import BODY18, HAND21

FINGERS = ("thumb", "index", "middle", "ring", "pinky")

HAND_FEATURES: tuple[tuple[str, str], ...] = (
    ("hand_speed", "torso/s"),
    ("hand_acceleration", "torso/s2"),
    ("hand_rise_speed", "torso/s"),
    ("aperture", "palm"),
    ("aperture_rate", "palm/s"),
    ("openness", "palm"),
    *((f"{finger}_curl", "1") for finger in FINGERS),
    ("wrist_over_hips", "torso"),
    ("wrist_over_shoulders", "torso"),
    ("hand_to_head", "torso"),
)
"""Name and unit of each feature of one hand; in a track the side stands before it, as in "left_aperture"."""

_TIPS = np.array([HAND21.index(f"{finger}_tip") for finger in FINGERS])
_CHAINS = np.array(
    [[HAND21.index(f"{finger}_{part}") for part in ("mcp", "pip", "dip", "tip")] for finger in FINGERS[1:]]
    + [[HAND21.index(f"thumb_{part}") for part in ("cmc", "mcp", "ip", "tip")]]
)[[4, 0, 1, 2, 3]]
_WRISTS = [BODY18.index("left_wrist"), BODY18.index("right_wrist")]
_THUMB, _INDEX = HAND21.index("thumb_tip"), HAND21.index("index_tip")
_PELVIS, _NECK, _HEAD = BODY18.index("pelvis"), BODY18.index("neck"), BODY18.index("head")


def hand_features(motion: Motion) -> FloatArray:
    """(T, 2, len(HAND_FEATURES)) of the left and the right hand.

    The aperture is the distance of the tips of thumb and index finger; the openness is the mean distance of the
    finger tips that are seen from the wrist; a curl is 0 for a straight finger and 1 for one whose tip touches its
    root: 1 - |tip - root| / length along its bones.
    """
    hands, torso, palm = motion.hands, motion.torso[:, None], motion.palm[:, None]
    wrist, velocity = motion.body[:, _WRISTS], motion.body_velocity[:, _WRISTS]
    grip = hands[:, :, _INDEX] - hands[:, :, _THUMB]
    grip_rate = motion.hands_velocity[:, :, _INDEX] - motion.hands_velocity[:, :, _THUMB]
    height = motion.height(motion.body)
    return np.stack(
        [
            np.linalg.norm(velocity, axis=-1) / torso,
            motion.wrist_acceleration / torso,
            motion.height(velocity) / torso,
            np.linalg.norm(grip, axis=-1) / palm,
            separation_rate(grip, grip_rate) / palm,
            _mean_of_seen(distance(hands[:, :, _TIPS], hands[:, :, :1])) / palm,
            *np.moveaxis(_curls(hands), -1, 0),
            (height[:, _WRISTS] - height[:, [_PELVIS]]) / torso,
            (height[:, _WRISTS] - height[:, [_NECK]]) / torso,
            distance(wrist, motion.body[:, [_HEAD]]) / torso,
        ],
        axis=-1,
    )


def _curls(hands: FloatArray) -> FloatArray:
    """(T, 2, 5) of hands (T, 2, 21, D)."""
    chains = hands[:, :, _CHAINS]  # (T, 2, 5, 4, D)
    along = distance(chains[..., 1:, :], chains[..., :-1, :]).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(along > 0.0, 1.0 - distance(chains[..., -1, :], chains[..., 0, :]) / along, np.nan)


def _mean_of_seen(values: FloatArray) -> FloatArray:
    """Mean over the last axis of what is finite; NaN where nothing is."""
    seen = np.isfinite(values)
    count = seen.sum(axis=-1)
    return np.where(count > 0, np.where(seen, values, 0.0).sum(axis=-1) / np.maximum(count, 1), np.nan)
