"""Part states against numbers worked out by hand, and against people whose state is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from envs.humanoid import KEYPOINTS, noisy_keypoints, read_clip
from geometry import FloatArray, InputError
from perception.behavior.features import (
    FeatureStream,
    FeatureTrack,
    ObjectTrack,
    object_features,
    person_features,
)
from perception.behavior.part_states import (
    Factor,
    PartStates,
    PartStateTrack,
    Predicate,
    feature_settings,
    fit_predicate,
    load_predicates,
    reliability,
    save_predicates,
)
from perception.behavior.reasoning.vocabulary import predicate_names
from perception.pose import Person, PersonTrack, Skeleton
from perception.pose.skeletons import BODY18

HUMANOID = Skeleton(name="humanoid", joints=KEYPOINTS, bones=BODY18.bones)
WORLD = feature_settings("world")


def test_a_factor_is_the_logistic_function_of_its_steps() -> None:
    factor = Factor(features=("a", "b"), centers=(1.0, 0.0), scales=(0.5, 2.0), weights=(2.0, -1.0), bias=0.3)
    # 0.3 + 2 (2 - 1) / 0.5 - (4 - 0) / 2 = 2.3
    assert factor.truth(np.array([[2.0, 4.0]])) == pytest.approx([1.0 / (1.0 + np.exp(-2.3))])


def test_what_is_unknown_speaks_neither_way_until_it_is_most_of_it() -> None:
    factor = Factor(features=("a", "b"), centers=(0.0, 0.0), scales=(1.0, 1.0), weights=(3.0, 1.0))
    told = factor.truth(np.array([[1.0, np.nan], [np.nan, 1.0]]))
    assert told[0] == pytest.approx(1.0 / (1.0 + np.exp(-3.0)))
    assert np.isnan(told[1])


def test_every_state_is_in_the_vocabulary_of_the_rules() -> None:
    states = PartStates.from_pretrained()
    names = [state.name for state in (*states.body, *states.of_object)]
    assert set(names) <= set(predicate_names())
    assert len(set(names)) == len(names)


def states_of(name: str, seconds: float = 2.0, noise_m: float = 0.01) -> PartStateTrack:
    """Of the humanoid with one of its motions."""
    clip = read_clip(name)
    times = np.arange(0.0, seconds if clip.cyclic else min(seconds, clip.duration_s), 1.0 / 30.0)
    motion = clip.looped(times) if clip.cyclic else clip.sample(times)
    points = noisy_keypoints(motion.keypoints_m(), noise_m, np.random.default_rng(7))
    track = PersonTrack(skeleton=HUMANOID, time_s=times, keypoints=points, scores=np.ones(points.shape[:2]))
    return PartStates.from_pretrained().track(person_features(track, WORLD))


@pytest.mark.parametrize(("clip", "state", "other"), [("walk", "leg:walk", "leg:run"), ("run", "leg:run", "leg:walk")])
def test_walking_and_running_are_told_apart(clip: str, state: str, other: str) -> None:
    track = states_of(clip)
    assert np.median(track.column(state)) > 0.7
    assert np.median(track.column(other)) < 0.3
    assert np.median(track.column("body:move")) > 0.9


def test_a_jump_has_both_feet_off_the_ground_for_a_while_only() -> None:
    clip = read_clip("jump")
    track = states_of("jump")
    points = clip.sample(track.time_s).keypoints_m()
    toes = points[:, [KEYPOINTS.index("left_toe"), KEYPOINTS.index("right_toe")], 2]
    airborne = (toes - toes.min()).min(-1) > 0.15
    grounded = (toes - toes.min()).max(-1) < 0.06
    assert track.column("leg:jump")[airborne].mean() > 0.7
    assert track.column("leg:jump")[grounded].mean() < 0.2


def reach_and_lift() -> tuple[PersonTrack, ObjectTrack, FloatArray]:
    """A person who stands still, and whose right hand reaches a cup in 1 s, rests there 0.5 s, and lifts it for 1 s."""
    times = np.arange(0.0, 2.5, 1.0 / 30.0)
    body = np.repeat(read_clip("walk").sample([0.0]).keypoints_m(), len(times), axis=0)
    start, cup = np.array([0.2, -0.3, 0.9]), np.array([0.6, -0.3, 0.9])
    share = np.clip(times, 0.0, 1.0)
    smooth = 10 * share**3 - 15 * share**4 + 6 * share**5
    rise = np.outer(np.clip(times - 1.5, 0.0, None) * 0.3, [0.0, 0.0, 1.0])
    body[:, KEYPOINTS.index("right_wrist")] = start + smooth[:, None] * (cup - start) + rise
    track = PersonTrack(skeleton=HUMANOID, time_s=times, keypoints=body, scores=np.ones(body.shape[:2]))
    return track, ObjectTrack(positions=cup + rise + (0.04, 0.0, 0.0)), times


def test_a_reach_a_hold_and_a_lift_come_one_after_the_other() -> None:
    track, cup, times = reach_and_lift()
    states = PartStates.from_pretrained().track_with(
        person_features(track, WORLD), object_features(track, cup, WORLD), "cup"
    )
    reach, hold, lift = (states.column(f"right_hand:{state}") for state in ("reach-for", "hold", "lift"))
    assert reach[(times > 0.3) & (times < 0.6)].min() > 0.7
    assert reach[times > 1.1].max() < 0.2
    assert hold[(times > 0.2) & (times < 0.6)].max() < 0.1
    assert hold[times > 1.2].min() > 0.9
    assert lift[times < 1.3].max() < 0.1
    assert lift[times > 1.8].min() > 0.8
    assert states.column("left_hand:hold").max() < 0.1
    evidence = states.evidence("right_hand:lift", len(times) - 5)
    assert evidence.truth == pytest.approx(np.prod([seen.truth for seen in evidence.factors]))
    assert str(evidence).startswith("right_hand:lift cup 1.00 (")
    assert "right_hand_distance 0.0" in str(evidence)


def test_frame_by_frame_equals_the_causal_recording() -> None:
    track, cup, times = reach_and_lift()
    states = PartStates.from_pretrained()
    body = states.track(person_features(track, WORLD, causal=True))
    held = states.track_with(
        person_features(track, WORLD, causal=True), object_features(track, cup, WORLD, causal=True), "cup"
    )
    stream = FeatureStream(HUMANOID, WORLD, metres=True)
    for moment, time_s in enumerate(times):
        person = Person(scores=track.scores[moment], keypoints_m=track.keypoints[moment])
        row = stream.update(time_s, person)
        of_cup = stream.object_row("cup", cup.positions[moment])
        assert list(states.row(row).values()) == pytest.approx(body.truths[moment], nan_ok=True)
        assert list(states.row(row, of_cup).values()) == pytest.approx(held.truths[moment], nan_ok=True)


def test_nobody_in_view_says_nothing() -> None:
    track = PersonTrack(
        skeleton=BODY18, time_s=np.arange(4) / 30.0, keypoints=np.full((4, 18, 3), np.nan), scores=np.zeros((4, 18))
    )
    assert np.isnan(PartStates.from_pretrained().track(person_features(track)).truths).all()


def test_a_fit_finds_the_odds_that_made_the_labels() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(20_000, 2))
    chance = 1.0 / (1.0 + np.exp(-(1.5 * values[:, 0] - 0.8 * values[:, 1])))
    labels = rng.random(20_000) < chance
    fitted = fit_predicate("hand:test", ("a", "b"), values, labels, origin="made", ridge=0.0)
    factor = fitted.factors[0]
    assert np.array(factor.weights) / factor.scales == pytest.approx([1.5, -0.8], abs=0.08)
    told = reliability(factor.truth(values), labels)
    assert told.calibration_error < 0.02
    assert reliability(np.where(chance > 0.5, 0.99, 0.01), labels).calibration_error > 0.1


def test_reliability_by_hand() -> None:
    told = reliability(np.array([0.9, 0.9, 0.1, 0.1]), np.array([True, True, False, True]))
    # true moments weigh 1/6, the false one 1/2; bin 0.9: mass 1/3, all true; bin 0.1: 1/6 true of 2/3
    assert told.accuracy == pytest.approx(0.5 * (2 / 3 + 1.0))
    assert told.calibration_error == pytest.approx(abs(1 / 3 - 0.3) + abs(1 / 6 - 0.1 * 2 / 3))


def test_states_come_back_from_their_file(tmp_path: Path) -> None:
    states = PartStates.from_pretrained().body
    save_predicates(tmp_path / "states.json", states)
    assert load_predicates(tmp_path / "states.json") == states


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[{", "part states as JSON"),
        ('[{"name": "a"}]', "part states as JSON, got 'factors'"),
        ('[{"name": "a:b", "origin": "x", "factors": [{"features": ["tail"], "centers": [0], "scales": [1], '
         '"weights": [1], "bias": 0}]}]', "features of a person, got tail"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "states.json").write_text(text)
    with pytest.raises(InputError, match=said):
        load_predicates(tmp_path / "states.json")
    with pytest.raises(InputError, match="readable file"):
        load_predicates(tmp_path / "none.json")


def test_too_few_moments_and_missing_features_are_named() -> None:
    with pytest.raises(InputError, match="20 moments of either outcome"):
        fit_predicate("a:b", ("x",), np.zeros((30, 1)), np.arange(30) < 5, origin="made")
    empty = FeatureTrack(names=("a",), units=("1",), values=np.zeros((1, 1)), time_s=np.zeros(1))
    with pytest.raises(InputError, match="a track without them"):
        PartStates().track(empty)
    with pytest.raises(InputError, match="a center, a scale"):
        Predicate(
            name="a:b", factors=(Factor(features=("a",), centers=(0.0,), scales=(0.0,), weights=(1.0,)),), origin="x"
        )
