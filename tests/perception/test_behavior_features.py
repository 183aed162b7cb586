"""Features against motions whose answers are known on paper."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from geometry import InputError
from perception.behavior.features import (
    OBJECT_FEATURES,
    PERSON_FEATURES,
    FeatureSettings,
    FeatureStream,
    ObjectTrack,
    UserNormalizer,
    object_features,
    object_track,
    person_features,
)
from perception.behavior.features.body_scale import RunningQuantile
from perception.behavior.features.slopes import slopes
from perception.pose import Hand, Person, PersonTrack, PoseFrame, SeenObject
from perception.pose.skeletons import BODY18, HAND21

NAMES = tuple(name for name, _ in PERSON_FEATURES)

STANDING = {
    "pelvis": (0, 0, 1.0), "spine": (0, 0, 1.25), "neck": (0, 0, 1.5), "head": (0, 0, 1.7),
    "left_shoulder": (0, 0.2, 1.5), "left_elbow": (0, 0.2, 1.2), "left_wrist": (0.3, 0.2, 1.2),
    "left_hip": (0, 0.1, 1.0), "left_knee": (0, 0.1, 0.5), "left_ankle": (0, 0.1, 0.1), "left_toe": (0.2, 0.1, 0.0),
    "right_shoulder": (0, -0.2, 1.5), "right_elbow": (0, -0.2, 1.2), "right_wrist": (0, -0.2, 0.9),
    "right_hip": (0, -0.1, 1.0), "right_knee": (0.3, -0.1, 1.0), "right_ankle": (0.3, -0.1, 0.6),
    "right_toe": (0.4, -0.1, 0.5),
}  # fmt: skip
"""A person of 0.5 m from hips to neck, facing +x: left elbow, right hip and right knee bent by a right angle."""


def hand_at(wrist: tuple[float, ...], aperture: float) -> np.ndarray:
    """A hand of 0.1 m palm with straight fingers along +x; thumb and index tips `aperture` apart along +y."""
    points = np.zeros((21, 3))
    for number in range(5):
        for part in range(4):
            points[1 + 4 * number + part] = (0.1 + 0.02 * part, 0.01 * (number - 2), 0.0)
    points[HAND21.index("middle_mcp")] = (0.1, 0.0, 0.0)
    points[HAND21.index("thumb_tip")] = (0.15, -0.5 * aperture, 0.0)
    points[HAND21.index("index_tip")] = (0.15, 0.5 * aperture, 0.0)
    return points + wrist


def standing(times: np.ndarray, **moved: np.ndarray) -> PersonTrack:
    """The standing person, with some joints on given ways (T, 3)."""
    points = np.tile(np.array([STANDING[joint] for joint in BODY18.joints], dtype=float), (len(times), 1, 1))
    for joint, way in moved.items():
        points[:, BODY18.index(joint)] = way
    return PersonTrack(skeleton=BODY18, time_s=times, keypoints=points, scores=np.ones(points.shape[:2]))


WORLD = FeatureSettings(reference="world")
CLOCK = np.arange(90) / 30.0


def with_hands(track: PersonTrack, left: np.ndarray) -> PersonTrack:
    return PersonTrack(
        skeleton=track.skeleton, time_s=track.time_s, keypoints=track.keypoints, scores=track.scores, left_hand=left
    )


def test_a_standing_person_measured_by_hand():
    track = with_hands(standing(CLOCK), np.tile(hand_at((0.3, 0.2, 1.2), 0.05), (90, 1, 1)))
    row = dict(zip(NAMES, person_features(track, WORLD).values[40], strict=True))
    wanted = {
        "left_elbow_angle": np.pi / 2, "right_elbow_angle": np.pi, "left_knee_angle": np.pi,
        "left_hip_angle": np.pi - np.arctan(0.1 / 0.5),
        "right_knee_angle": np.pi / 2, "right_hip_angle": np.pi / 2, "trunk_lean": 0.0, "torso_speed": 0.0,
        "left_wrist_over_hips": 0.4, "right_wrist_over_hips": -0.2, "left_wrist_over_shoulders": -0.6,
        "left_hand_to_head": np.hypot(np.hypot(0.3, 0.2), 0.5) / 0.5, "hand_to_hand": np.sqrt(0.34) / 0.5,
        "feet_apart": np.sqrt(0.3**2 + 0.2**2 + 0.5**2) / 0.5, "left_foot_height": 0.0, "right_foot_height": 1.0,
        "left_aperture": 0.5, "left_aperture_rate": 0.0, "left_hand_speed": 0.0, "heading_rate": 0.0,
        "left_ring_curl": 0.0,
    }  # fmt: skip
    for name, value in wanted.items():
        assert row[name] == pytest.approx(value, abs=1e-6), name
    assert np.isnan(row["right_aperture"])


def test_features_have_the_size_of_the_person_taken_out():
    track = with_hands(
        standing(CLOCK, left_wrist=np.array([0.3, 0.2, 1.2]) + 0.1 * np.sin(3 * CLOCK)[:, None]),
        np.tile(hand_at((0.3, 0.2, 1.2), 0.05), (90, 1, 1)),
    )
    large = PersonTrack(
        skeleton=BODY18,
        time_s=CLOCK,
        keypoints=7.0 * track.keypoints + 2.0,
        scores=track.scores,
        left_hand=7.0 * track.left_hand + 2.0,
    )
    for causal in (False, True):
        np.testing.assert_allclose(
            person_features(large, WORLD, causal=causal).values,
            person_features(track, WORLD, causal=causal).values,
            atol=1e-9,
        )


def test_a_wrist_on_a_circle_has_the_speed_and_acceleration_of_the_circle():
    radius, turn = 0.2, 2.0
    way = np.array([0.3, 0.0, 1.2]) + radius * np.stack(
        [np.cos(turn * CLOCK), np.sin(turn * CLOCK), 0.0 * CLOCK], axis=1
    )
    for causal in (False, True):
        features = person_features(standing(CLOCK, left_wrist=way), WORLD, causal=causal)
        speed, bend = features.column("left_hand_speed")[10:-10], features.column("left_hand_acceleration")[10:-10]
        np.testing.assert_allclose(speed, radius * turn / 0.5, rtol=0.02)
        np.testing.assert_allclose(bend, radius * turn**2 / 0.5, rtol=0.03)


def test_a_minimum_jerk_reach_peaks_where_theory_says():
    duration, length = 1.0, 0.4
    s = np.clip((CLOCK - 1.0) / duration, 0.0, 1.0)
    way = np.array([0.1, 0.2, 1.0]) + (length * (10 * s**3 - 15 * s**4 + 6 * s**5))[:, None] * np.array([1.0, 0, 0])
    track = standing(CLOCK, left_wrist=way)
    speed = person_features(track, WORLD).column("left_hand_speed")
    assert CLOCK[np.nanargmax(speed)] == pytest.approx(1.5, abs=0.02)
    assert np.nanmax(speed) == pytest.approx(1.875 * length / duration / 0.5, rel=0.02)
    lagging = person_features(track, WORLD, causal=True).column("left_hand_speed")
    assert CLOCK[np.nanargmax(lagging)] == pytest.approx(1.5 + 0.05, abs=0.02)  # four frames fit into 0.12 s


def test_heading_rate_of_a_turning_person():
    angle = 0.8 * CLOCK
    ways = {
        f"{side}_shoulder": np.stack([-sign * 0.2 * np.sin(angle), sign * 0.2 * np.cos(angle), 1.5 + 0 * angle], axis=1)
        for side, sign in (("left", 1.0), ("right", -1.0))
    }
    rate = person_features(standing(CLOCK, **ways), WORLD).column("heading_rate")
    np.testing.assert_allclose(rate[5:-5], 0.8, rtol=0.01)


def test_a_hand_that_meets_and_carries_a_thing():
    x = np.clip(CLOCK - 0.5, 0.0, 1.0) * 0.3  # the hand goes 0.3 m in a second, then rests, then both rise together
    z = 1.0 + np.clip(CLOCK - 2.0, 0.0, 0.8) * 0.5
    hand = np.stack([x, 0.0 * x, z], axis=1)
    thing = np.stack([0.3 + 0.0 * x, 0.0 * x, z], axis=1)
    features = object_features(standing(CLOCK, left_wrist=hand), ObjectTrack(positions=thing), WORLD)
    reaching, carrying = features.values[30], features.values[72]
    row = {name: (reaching[f], carrying[f]) for f, name in enumerate(features.names)}
    assert row["left_hand_distance"] == pytest.approx((0.3 * 0.5 / 0.5, 0.0), abs=1e-9)
    assert row["left_hand_closing_speed"][0] == pytest.approx(0.6)
    assert row["left_hand_comotion"][1] == pytest.approx(1.0)
    assert row["left_hand_relative_speed"] == pytest.approx((0.6, 0.0), abs=1e-9)
    assert row["speed"] == pytest.approx((0.0, 1.0), abs=1e-9)
    assert row["height"] == pytest.approx((0.0, 0.4), abs=1e-9)
    assert np.isnan(row["tilt"]).all()


def test_objects_come_out_of_frames_with_their_tilt():
    def frame(number: int) -> PoseFrame:
        angle = 0.1 * number
        pose = np.eye(4)
        pose[:3, 1:3] = [[0, 0], [np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        pose[:3, 3] = (number, 0, 0)
        seen = SeenObject(name="cup", T_reference_object=pose, box_px=np.array([0.0, 0, 10, 20]))
        return PoseFrame(time_s=CLOCK[number], skeleton=BODY18, objects=(seen,) if number != 3 else ())

    frames = [frame(number) for number in range(6)]
    cup = object_track(frames, "cup", metres=True)
    assert np.isnan(cup.positions[3]).all() and cup.positions[5, 0] == 5.0
    tilt = object_features(standing(CLOCK[:6]), cup, WORLD).column("tilt")
    np.testing.assert_allclose(tilt[[0, 1, 5]], [0.0, 0.1, 0.5], atol=1e-9)
    assert np.isnan(tilt[3])
    np.testing.assert_allclose(object_track(frames, "cup", metres=False).positions[0], [5.0, 10.0])


def test_slopes_at_irregular_times_with_gaps_match_polyfit():
    rng = np.random.default_rng(5)
    times = np.cumsum(rng.uniform(0.01, 0.06, 60))
    values = rng.normal(size=(60, 3))
    values[rng.random((60, 3)) < 0.2] = np.nan
    for causal in (False, True):
        got = slopes(times, values, 0.2, causal=causal)
        for row in range(60):
            low, high = (times[row] - 0.2, times[row]) if causal else (times[row] - 0.1, times[row] + 0.1)
            for column in range(3):
                rows = (times >= low) & (times <= high) & np.isfinite(values[:, column])
                if rows.sum() < 2 or np.isnan(values[row, column]):
                    assert np.isnan(got[row, column])
                else:
                    assert got[row, column] == pytest.approx(np.polyfit(times[rows], values[rows, column], 1)[0])


def random_walk(rng: np.random.Generator, count: int = 60) -> PersonTrack:
    times = np.cumsum(rng.uniform(0.02, 0.05, count))
    track = standing(times)
    points = track.keypoints + np.cumsum(0.02 * rng.normal(size=track.keypoints.shape), axis=0)
    points[rng.random(points.shape[:2]) < 0.1] = np.nan
    hands = [
        np.tile(hand_at((0.3, 0.2, 1.2), 0.05), (count, 1, 1)) + 0.01 * rng.normal(size=(count, 21, 3))
        for _ in range(2)
    ]
    hands[0][10:20] = np.nan
    return PersonTrack(
        skeleton=BODY18, time_s=times, keypoints=points, scores=np.isfinite(points[..., 0]).astype(float),
        left_hand=hands[0], right_hand=hands[1],
    )  # fmt: skip


def test_a_stream_gives_the_causal_features_frame_by_frame():
    rng = np.random.default_rng(1)
    track = random_walk(rng)
    settings = FeatureSettings(reference="world", scale_rows=20)
    thing = np.cumsum(0.02 * rng.normal(size=(60, 3)), axis=0)
    thing[4] = np.nan
    axes = np.tile([0.0, 0.6, 0.8], (60, 1)) + 0.1 * rng.normal(size=(60, 3))
    whole = person_features(track, settings, causal=True).values
    related = object_features(track, ObjectTrack(positions=thing, axes=axes), settings, causal=True).values
    stream = FeatureStream(BODY18, settings, metres=True)
    started = time.perf_counter()
    for row in range(60):
        hands = [
            Hand(scores=np.ones(21), keypoints_m=side[row]) for side in (track.left_hand, track.right_hand)
        ]  # fmt: skip
        person = Person(
            scores=track.scores[row], keypoints_m=track.keypoints[row], left_hand=hands[0], right_hand=hands[1]
        )
        np.testing.assert_allclose(stream.update(track.time_s[row], person), whole[row], atol=1e-9, err_msg=f"{row}")
        np.testing.assert_allclose(stream.object_row("cup", thing[row], axes[row]), related[row], atol=1e-9)
    assert (time.perf_counter() - started) / 60 < 0.02


def test_causal_features_do_not_see_the_future():
    rng = np.random.default_rng(2)
    track = random_walk(rng)
    cut = PersonTrack(
        skeleton=BODY18, time_s=track.time_s[:40], keypoints=track.keypoints[:40], scores=track.scores[:40],
        left_hand=track.left_hand[:40], right_hand=track.right_hand[:40],
    )  # fmt: skip
    whole, part = (person_features(some, WORLD, causal=True).values for some in (track, cut))
    np.testing.assert_allclose(part, whole[:40])


def test_the_torso_is_guessed_from_what_is_seen():
    points = standing(CLOCK).keypoints.copy()
    hidden = [BODY18.index(j) for j in BODY18.joints if "hip" in j or j in ("pelvis", "spine")]
    points[:, hidden] = np.nan
    track = PersonTrack(skeleton=BODY18, time_s=CLOCK, keypoints=points, scores=np.ones(points.shape[:2]))
    near = person_features(track, WORLD).column("left_hand_to_head")[40]
    assert near == pytest.approx(np.hypot(np.hypot(0.3, 0.2), 0.5) / (0.4 * 0.288 / 0.259), rel=1e-6)


def test_a_hand_alone_is_measured_by_its_palm():
    points = np.full((90, 18, 3), np.nan)
    x = 0.3 * CLOCK
    hand = np.tile(hand_at((0.0, 0.0, 1.0), 0.05), (90, 1, 1)) + np.stack([x, 0 * x, 0 * x], axis=1)[:, None]
    track = PersonTrack(
        skeleton=BODY18, time_s=CLOCK, keypoints=points, scores=np.zeros((90, 18)), right_hand=hand
    )  # fmt: skip
    features = person_features(track, WORLD)
    np.testing.assert_allclose(features.column("right_aperture"), 0.5)
    np.testing.assert_allclose(features.column("right_hand_speed"), 0.3 / (0.1 / 0.19))
    assert np.isnan(features.column("right_wrist_over_hips")).all()


def test_feature_tracks_stand_beside_each_other():
    track = standing(CLOCK)
    person = person_features(track, WORLD)
    thing = object_features(track, ObjectTrack(positions=np.tile([0.3, 0.2, 1.0], (90, 1))), WORLD)
    both = person.beside(thing, prefix="cup_")
    np.testing.assert_allclose(both.column("cup_left_hand_distance"), 0.2 / 0.5)
    chosen = both.select(["cup_height", "left_elbow_angle"])
    assert chosen.units == ("torso", "rad") and chosen.values.shape == (90, 2)
    with pytest.raises(InputError, match="same moments"):
        person.beside(object_features(standing(CLOCK[:5]), ObjectTrack(positions=np.zeros((5, 3))), WORLD))


def test_bad_input_and_nobody_in_view():
    empty = np.full((5, 18, 2), np.nan)
    track = PersonTrack(skeleton=BODY18, time_s=np.arange(5.0), keypoints=empty, scores=np.zeros((5, 18)))
    assert np.isnan(person_features(track).values).all()
    assert person_features(standing(CLOCK[:1]), WORLD).values.shape == (1, len(PERSON_FEATURES))
    nobody = standing(CLOCK[:0])
    assert person_features(nobody, WORLD).values.shape == (0, len(PERSON_FEATURES))
    of_thing = object_features(nobody, ObjectTrack(positions=np.zeros((0, 3))), WORLD)
    assert of_thing.values.shape == (0, len(OBJECT_FEATURES))
    with pytest.raises(InputError, match="one for every frame"):
        object_features(standing(CLOCK), ObjectTrack(positions=np.zeros((3, 3))), WORLD)
    stream = FeatureStream(BODY18)
    person = Person(scores=np.ones(18), keypoints_px=np.zeros((18, 2)))
    stream.update(1.0, person)
    with pytest.raises(InputError, match="time after"):
        stream.update(1.0, person)
    with pytest.raises(InputError, match="metres"):
        FeatureStream(BODY18, metres=True).update(0.0, person)
    with pytest.raises(InputError, match="one of"):
        person_features(standing(CLOCK)).column("nothing")
    with pytest.raises(InputError, match="span_s"):
        FeatureSettings(span_s=0.0)


def test_running_quantile_matches_numpy():
    values = np.random.default_rng(3).normal(size=50)
    values[10] = np.nan
    got = RunningQuantile(0.3, 12).over(values)
    seen = values[np.isfinite(values)]
    assert got[-1] == pytest.approx(np.quantile(seen[-12:], 0.3))
    assert got[10] == got[9] == pytest.approx(np.quantile(values[:10], 0.3))
    assert np.isnan(RunningQuantile(0.5, 3).update(np.nan))


def test_a_normalizer_removes_a_users_own_scale():
    rng = np.random.default_rng(4)
    everybody = UserNormalizer(("speed", "aperture"))
    everybody.update(rng.normal(size=(900, 2)))
    user = UserNormalizer(("speed", "aperture"), population=everybody, prior_rows=0.0)
    user.update(5.0 + 3.0 * rng.normal(size=(900, 2)))
    mapped = user.transform(5.0 + 3.0 * np.array([[0.0, 1.0], [-1.0, np.nan], [4.0, -4.0]]))
    np.testing.assert_allclose(mapped, [[0.0, 1.0], [-1.0, np.nan], [4.0, -4.0]], atol=0.35)
    fresh = UserNormalizer(("speed", "aperture"), population=everybody)
    values = np.array([[0.3, -0.7], [2.5, -3.0]])
    np.testing.assert_allclose(fresh.transform(values), values, atol=1e-9)
    quantile = everybody.transform(np.array([0.0, np.nan]))
    assert abs(quantile[0]) < 0.1 and np.isnan(quantile[1])


def test_a_normalizer_is_the_same_online_and_from_its_file(tmp_path: Path):
    rng = np.random.default_rng(6)
    rows = rng.gamma(2.0, size=(5000, 3))
    rows[rng.random(rows.shape) < 0.1] = np.nan
    everybody = UserNormalizer(("a", "b", "c"))
    everybody.update(rows)
    at_once, online = (UserNormalizer(("a", "b", "c"), population=everybody) for _ in range(2))
    at_once.update(rows)
    for row in rows:
        online.update(row)
    np.testing.assert_array_equal(online.knots(), at_once.knots())
    exact = np.nanquantile(rows, 0.5, axis=0)
    np.testing.assert_allclose(at_once.knots()[16], exact, atol=0.15)
    at_once.save(tmp_path / "user.json")
    again = UserNormalizer.load(tmp_path / "user.json")
    np.testing.assert_allclose(again.transform(rows[:9]), at_once.transform(rows[:9]), atol=1e-5)
    (tmp_path / "wrong.json").write_text("{}")
    with pytest.raises(InputError, match="UserNormalizer.save"):
        UserNormalizer.load(tmp_path / "wrong.json")


def test_a_normalizer_goes_through_numpys_quantiles():
    rng = np.random.default_rng(7)
    rows = rng.gamma(2.0, size=(700, 4))
    rows[rng.random(rows.shape) < 0.3] = np.nan
    rows[:, 2], rows[:, 3] = 1.5, np.nan
    user = UserNormalizer(("a", "b", "constant", "never"))
    user.update(rows)
    levels = np.linspace(0.02, 0.98, 33)
    knots = np.nanquantile(rows[:, :3], levels, axis=0)
    np.testing.assert_allclose(user.knots()[:, :3], knots, rtol=1e-12)
    values = np.array([0.7, 2.9, knots[5, 0], knots[0, 0] - 1.0, np.nan])
    got = user.transform(np.tile(values[:, None], (1, 4)))
    wanted = np.interp(values, knots[:, 0], 2.0 * levels - 1.0)
    wanted[3] -= 2.0 * 0.96 / (knots[-1, 0] - knots[0, 0])
    np.testing.assert_allclose(got[:, 0], wanted, rtol=1e-9)
    np.testing.assert_allclose(got[:, 2], [0.0, 0.0, 0.0, 0.0, np.nan], atol=1e-12)
    assert np.isnan(got[:, 3]).all()


def test_a_normalizer_keeps_up_with_a_stream_when_its_memory_is_full():
    rows = np.random.default_rng(8).normal(size=(1500, 45))
    user = UserNormalizer(tuple(map(str, range(45))))
    user.update(rows[:1200])
    start = time.process_time()
    for row in rows[1200:]:
        user.update(row)
        user.transform(row)
    assert (time.process_time() - start) / 300 < 1.5e-3
