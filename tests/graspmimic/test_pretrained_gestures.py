"""The gesture networks that come along, on somebody of quite another kind: the simulated person, before a camera."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from envs.humanoid import JOINTS, BodyMotion, noisy_keypoints
from perception.behavior.network import BehaviorModel, joints_of_track
from perception.pose import SKELETONS, PersonTrack

RATE_HZ = 30.0
GESTURES_S = ((5.0, 8.0), (12.0, 15.0))
STILL_S = ((9.0, 12.0), (16.0, 20.0))
"""The seconds before the first movement are left out: a network that measures by the movements so far can but guess."""


def gesturing() -> BodyMotion:
    """20 seconds of standing with the forearms forward, and twice of raising and beating with them."""
    time_s = np.arange(int(20 * RATE_HZ)) / RATE_HZ
    rise = np.zeros(len(time_s))
    for low, high in GESTURES_S:
        rise += np.clip(np.minimum(time_s - low, high - time_s) / 0.5, 0.0, 1.0)
    beat = rise * (0.9 + 0.4 * np.sin(2.0 * np.pi * 1.5 * time_s))
    quats = np.tile([0.0, 0.0, 0.0, 1.0], (len(time_s), len(JOINTS), 1))
    for side in ("left", "right"):
        for limb, angle_rad in (("shoulder", 0.2 + 0.5 * beat), ("elbow", 1.2 + 0.6 * beat)):
            turn = Rotation.from_rotvec(np.outer(angle_rad, [0.0, -1.0, 0.0]))
            quats[:, JOINTS.index(f"{side}_{limb}")] = turn.as_quat()
    return BodyMotion(time_s=time_s, root_m=np.tile([0.0, 0.0, 1.0], (len(time_s), 1)), quats_xyzw=quats)


@pytest.mark.parametrize("name", ["gesture_phases", "gesture_phases_2d"])
def test_the_simulated_persons_gestures_are_told_from_rest(name: str) -> None:
    motion = gesturing()
    noisy = noisy_keypoints(motion.keypoints_m(), 0.004, np.random.default_rng(0))
    seen = noisy[..., [1, 2, 0]] * [1.0, -1.0, -1.0] + [0.0, 1.0, 3.0]  # as a camera 3 m in front of the person does
    points: NDArray[np.float64] = 500.0 * seen[..., :2] / seen[..., 2:] if name.endswith("2d") else seen
    track = PersonTrack(
        skeleton=SKELETONS["body18"], time_s=motion.time_s, keypoints=points, scores=np.ones(points.shape[:2])
    )
    model = BehaviorModel.from_pretrained(name)
    best = model.frame_probabilities(joints_of_track(model.spec.preparation, track)).argmax(axis=1)

    def share(phase: str, spans_s: ArrayLike) -> float:
        within = np.any([(motion.time_s >= low) & (motion.time_s < high) for low, high in np.asarray(spans_s)], axis=0)
        return float((best[within] == model.spec.label_names.index(phase)).mean())

    assert share("Rest", STILL_S) > 0.8 and share("Rest", GESTURES_S) < 0.1
    assert share("Stroke", GESTURES_S) > 0.5 and share("Stroke", STILL_S) < 0.1
