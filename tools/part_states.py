"""Fit the part states that come with graspmimic: python tools/part_states.py HAND_KEYPOINTS.csv.

Hands: static MediaPipe hands with labels open, close, pointer, OK (kinivi/hand-gesture-recognition-mediapipe on GitHub,
Apache-2.0); of each class the first 70 % of the rows are fitted to, the rest are judged. Bodies: pybullet_data's motion
clips at several speeds and headings with 1 cm of noise, in 3D and in pictures; judged at other speeds, headings and
noise of the same clips, for there are no others.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from envs.humanoid import CLIP_NAMES, KEYPOINTS, noisy_keypoints, read_clip
from geometry import FloatArray, PinholeCamera, invert, look_at, transform_points
from perception.behavior.features import FeatureSettings, FeatureTrack, person_features
from perception.behavior.part_states import (
    Factor,
    PartStates,
    Predicate,
    feature_settings,
    fit_predicate,
    reliability,
    save_predicates,
)
from perception.behavior.part_states.part_states import FITTED
from perception.behavior.part_states.predicate import below
from perception.pose import PersonTrack, Skeleton
from perception.pose.skeletons import BODY18

HUMANOID = Skeleton(name="humanoid", joints=KEYPOINTS, bones=BODY18.bones)
CAMERA = PinholeCamera(width=1280, height=720, fx=900.0, fy=900.0, cx=640.0, cy=360.0)
RATE_HZ, NOISE_M, NOISE_PX = 30.0, 0.01, 2.5
FINGERS = ("thumb", "index", "middle", "ring", "pinky")
HAND_STATES = {"open": 0, "close": 1, "point-to": 2, "pinch": 3}
HAND_FEATURES = (
    "aperture",
    "openness",
    *(f"{finger}_curl" for finger in FINGERS),
)
STRIDE_FEATURES = (
    "torso_speed", "trunk_lean", "left_foot_speed", "right_foot_speed", "left_foot_height", "right_foot_height",
    "left_knee_angle", "right_knee_angle", "hand_to_hand",
)  # fmt: skip
FOOT_FEATURES = ("left_foot_height", "right_foot_height", "torso_rise_speed", "trunk_lean")

MEANS = {
    "open": tuple(below(f"{finger}_curl", 0.25, 0.03) for finger in FINGERS),
    "close": (below("openness", 1.3, 0.08),),
    "pinch": (below("aperture", 0.4, 0.05),),
}
"""What the words mean besides: no finger bent; tips near the wrist; tips that meet. Labelled hands that bend one finger
alone there are none."""

HOLDS = {"leg:walk": "walk", "leg:run": "run", "leg:jump": "jump", "left_foot:kick": "left kick",
         "right_foot:kick": "right kick"}  # fmt: skip
"""Which truth judges which state."""


def hands(path: Path) -> tuple[FloatArray, FloatArray]:
    """Features (N, 7) of the labelled hands and their labels (N,)."""
    table = np.loadtxt(path, delimiter=",", encoding="utf-8-sig")
    unseen = np.full((1, len(BODY18), 2), np.nan)
    rows = []
    for points in table[:, 1:].reshape(-1, 21, 2):
        track = PersonTrack(
            skeleton=BODY18, time_s=np.zeros(1), keypoints=unseen, scores=np.zeros((1, len(BODY18))),
            right_hand=points[None],
        )  # fmt: skip
        rows.append(person_features(track).select([f"right_{name}" for name in HAND_FEATURES]).values[0])
    return np.array(rows), table[:, 0].astype(int)


def hand_states(path: Path) -> list[Predicate]:
    """One state for each label, for either hand."""
    values, labels = hands(path)
    first = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        first[rows[: int(0.7 * len(rows))]] = True
    states = []
    for state, label in HAND_STATES.items():
        names = [f"right_{name}" for name in HAND_FEATURES]
        fitted = fit_predicate(
            f"right_hand:{state}", names, values[first], labels[first] == label,
            origin="labelled MediaPipe hands (kinivi)",
        )  # fmt: skip
        fitted = replace(fitted, factors=(*fitted.factors, *map(_of_right_hand, MEANS.get(state, ()))))
        columns = [values[~first][:, [names.index(each) for each in factor.features]] for factor in fitted.factors]
        truths = np.prod([factor.truth(read) for factor, read in zip(fitted.factors, columns, strict=True)], axis=0)
        print(fitted.name, reliability(truths, labels[~first] == label))
        states += [fitted, _other_side(fitted)]
    return states


def _of_right_hand(factor: Factor) -> Factor:
    return replace(factor, features=tuple(f"right_{name}" for name in factor.features))


def _other_side(state: Predicate) -> Predicate:
    factors = tuple(
        replace(factor, features=tuple(name.replace("right_", "left_") for name in factor.features))
        for factor in state.factors
    )
    return replace(state, name=state.name.replace("right_", "left_"), factors=factors)


def clips(rng: np.random.Generator) -> Iterator[tuple[FeatureTrack, dict[str, FloatArray]]]:
    """Features of every clip at three speeds, in 3D and in a picture, and which states hold at each moment."""
    for name in CLIP_NAMES:
        clip = read_clip(name)
        for pace in rng.uniform(0.8, 1.25, 3):
            length_s = clip.duration_s / pace
            times = np.arange(0.0, max(3.0, length_s) if clip.cyclic else length_s, 1.0 / RATE_HZ)
            motion = clip.looped(pace * times) if clip.cyclic else clip.sample(pace * times)
            points = motion.keypoints_m()
            truth = what_holds(name, points)
            noisy = noisy_keypoints(points, NOISE_M, rng)
            yield features(times, noisy, feature_settings("world")), truth
            yield features(times, picture(points, rng), feature_settings("camera")), truth


def features(times: FloatArray, points: FloatArray, settings: FeatureSettings) -> FeatureTrack:
    """Features of points (T, 18, D)."""
    track = PersonTrack(skeleton=HUMANOID, time_s=times, keypoints=points, scores=np.ones(points.shape[:2]))
    return person_features(track, settings)


def picture(points_m: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Points (T, 18, 2) in a camera that stands 5 m away anywhere around."""
    angle, middle = rng.uniform(0.0, 2.0 * np.pi), points_m.reshape(-1, 3).mean(0)
    eye = middle + (5.0 * np.cos(angle), 5.0 * np.sin(angle), 0.4)
    pixels = CAMERA.project(transform_points(invert(look_at(eye, middle)), points_m))
    return pixels + NOISE_PX * rng.standard_normal(pixels.shape)


def what_holds(name: str, points_m: FloatArray) -> dict[str, FloatArray]:
    """Each state at each moment (T,), from the clip's name and the true places."""
    height = {joint: points_m[:, KEYPOINTS.index(joint), 2] for joint in KEYPOINTS}
    feet = np.stack([height["left_toe"], height["right_toe"]]) - np.min([height["left_toe"], height["right_toe"]])
    upright, standing = (height["head"] > height["pelvis"] + least for least in (0.35, 0.0))
    return {
        "stride": np.full(len(points_m), name in ("walk", "run")),
        "walk": np.full(len(points_m), name == "walk"),
        "run": np.full(len(points_m), name == "run"),
        "jump": upright & (feet.min(0) > 0.12),
        "left kick": standing & (feet[0] > 0.45) & (feet[1] < 0.12),
        "right kick": standing & (feet[1] > 0.45) & (feet[0] < 0.12),
    }


def body_states(rng: np.random.Generator) -> list[Predicate]:
    """Walking, running, kicking."""
    parts = list(clips(rng))
    names = tuple(dict.fromkeys((*STRIDE_FEATURES, *FOOT_FEATURES)))
    values = np.concatenate([track.select(names).values for track, _ in parts])
    truth = {state: np.concatenate([each[state] for _, each in parts]) for state in parts[0][1]}
    origin = "pybullet_data's motion clips"
    columns = {name: column for column, name in enumerate(names)}

    def fit(name: str, wanted: tuple[str, ...], labels: FloatArray, rows: FloatArray | slice) -> Predicate:
        given = values[:, [columns[each] for each in wanted]]
        return fit_predicate(name, wanted, given[rows], labels[rows], origin=origin)

    everything, strides = slice(None), truth["stride"]
    stride = fit("leg:stride", STRIDE_FEATURES, strides, everything)
    pace = fit("leg:walk", STRIDE_FEATURES, truth["walk"], strides)
    rush = fit("leg:run", STRIDE_FEATURES, truth["run"], strides)
    return [
        Predicate(name="leg:walk", factors=(*stride.factors, *pace.factors), origin=origin),
        Predicate(name="leg:run", factors=(*stride.factors, *rush.factors), origin=origin),
        *(fit(f"{side}_foot:kick", FOOT_FEATURES, truth[f"{side} kick"], everything) for side in ("left", "right")),
    ]


def main() -> None:
    """Fit, judge, save."""
    rng = np.random.default_rng(0)
    states = [*hand_states(Path(sys.argv[1])), *body_states(rng)]
    judged = [(PartStates(states).track(track), truth) for track, truth in clips(rng)]
    for name, state in HOLDS.items():
        truths = np.concatenate([track.column(name) for track, _ in judged])
        print(name, reliability(truths, np.concatenate([truth[state] for _, truth in judged])))
    save_predicates(FITTED, states)


if __name__ == "__main__":
    main()
