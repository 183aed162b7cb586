"""A network that tells behaviours of your own, from your own recordings; here simulated people stand in for them.

python examples/own_behaviors.py

The same from the shell, once own_behaviors.npz is written:

graspmimic train behavior --data own_behaviors.npz --held-out dora --output output/own
graspmimic eval behavior --what model --data own_behaviors.npz --model output/own/behavior.safetensors --subjects dora
"""

from __future__ import annotations

import numpy as np

from envs.humanoid import noisy_keypoints, perform, random_acts
from perception.behavior.network import BehaviorStream, TrainingConfig, predict, train
from perception.behavior.sets import LabelledTrack, held_out, load_behavior_set, save_behavior_set, set_of_tracks
from perception.pose import SKELETONS, PersonTrack


def recording(person: int, take: int) -> tuple[PersonTrack, list[str]]:
    """Some 15 seconds of somebody before a camera, and what is done in each frame ("" where nobody has said it)."""
    rng = np.random.default_rng([person, take])
    shown = perform(random_acts(rng, ("walk", "kick", "punch", "jump"), 8))
    size, away_m = 0.85 + 0.1 * person, 4.0
    points = size * shown.motion.keypoints_m()[..., [1, 2, 0]] * [1.0, -1.0, -1.0] + [0.0, 1.0, away_m]
    seen = noisy_keypoints(points, 0.01, rng, lost=0.02)  # x right, y down, z away from the camera
    scores = np.isfinite(seen).all(axis=2).astype(float)
    track = PersonTrack(skeleton=SKELETONS["body18"], time_s=shown.motion.time_s, keypoints=seen, scores=scores)
    return track, [shown.label_names[label] for label in shown.labels]


# Tracks of your own come from perception.pose: any source, then `track_of_person(frames, person_id)`.
people = ("anna", "ben", "carl", "dora")
recordings = []
for number, subject in enumerate(people):
    for take in range(2):
        track, doing = recording(number, take)
        recordings.append(LabelledTrack(track=track, name=f"{subject}_{take}", subject=subject, frame_labels=doing))
save_behavior_set("own_behaviors.npz", set_of_tracks(recordings))

data = load_behavior_set("own_behaviors.npz")
split = held_out(data, ("dora",))  # whom the network never sees
model = train(data.select(split.train), TrainingConfig(epochs=25, width=32))
figures = predict(model, data.select(split.test), "frame").results()
print(f"dora, whom it has not seen: macro-F1 {figures['macro_f1']:.2f}, accuracy {figures['accuracy']:.2f}")

stream = BehaviorStream(model)  # and live, one frame at a time
dora = data.of_subjects("dora").sequence(0)
for time_s, joints in zip(dora.time_s[:91], dora.keypoints, strict=False):
    belief = stream.push(time_s, joints)
    if belief is not None and belief.frame is not None and round(30 * time_s) % 30 == 0:
        best = int(belief.frame.argmax())
        print(f"{belief.time_s:4.1f} s  {data.label_names[best]} {belief.frame[best]:.2f}")
