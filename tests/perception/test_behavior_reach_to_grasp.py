"""Reading a reaching hand: discriminants against algebra, features against hand-made numbers, phases against a scan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geometry import InputError
from perception.behavior.reach_to_grasp import (
    PHASES,
    OwnScale,
    PhaseDetector,
    PhaseSettings,
    ReachEvaluation,
    ReachingArm,
    ReachStream,
    ReachToGrasp,
    draw_reach_evaluation,
    find_phases,
    reaching_arm,
    save_model,
)
from perception.behavior.reach_to_grasp.discriminant import PeopleDiffer, fit_discriminant
from perception.behavior.reach_to_grasp.reach_to_grasp import PRETRAINED
from perception.behavior.reach_to_grasp.size_features import COUNT, GRIP_ROWS, MOMENTS, size_features
from perception.behavior.reach_to_grasp.size_model import PARTS_OF_REACH, tempered
from perception.behavior.reach_to_grasp.weights import load_model
from perception.pose import Person, PersonTrack, Skeleton
from perception.pose.skeletons import HAND21

RATE_HZ, ONSET_S, REACH_S, HOLD_S, MOVE_S = 60.0, 1.0, 0.6, 0.3, 0.5
CLOCK = np.arange(0.0, 3.2, 1.0 / RATE_HZ)
JOINTS = (
    "neck", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
    *(f"{side}_hand_{joint}" for side in ("left", "right") for joint in HAND21.joints),
)  # fmt: skip
SKELETON = Skeleton(name="upper", joints=JOINTS, bones=())


def jerk(part: np.ndarray) -> np.ndarray:
    s = np.clip(part, 0.0, 1.0)
    return 10 * s**3 - 15 * s**4 + 6 * s**5


def reach_track(gap_px: float = 15.0, scale: float = 1.0, side: str = "right") -> PersonTrack:
    """Rest, a reach of 40 rows and 25 columns while thumb and fingers open to `gap_px`, a pause, a move sideways."""
    other = "left" if side == "right" else "right"
    points = np.zeros((len(CLOCK), len(JOINTS), 2))
    flip = 1.0 if side == "right" else -1.0

    def put(joint: str, column: np.ndarray | float, row: np.ndarray | float) -> None:
        points[:, JOINTS.index(joint)] = np.stack(
            np.broadcast_arrays(300.0 + flip * (np.asarray(column) - 300.0), row, CLOCK)[:2], axis=1
        )

    reach = jerk((CLOCK - ONSET_S) / REACH_S)
    move = jerk((CLOCK - ONSET_S - REACH_S - HOLD_S) / MOVE_S)
    put("neck", 300.0, 40.0)
    put(f"{side}_shoulder", 273.5, 40.0)
    put(f"{other}_shoulder", 326.5, 40.0)
    wrist = 250.0 + 25.0 * reach + 45.0 * move, 100.0 + 40.0 * reach
    put(f"{side}_elbow", 260.0 + 8.0 * reach, 70.0 + 12.0 * reach)
    put(f"{side}_wrist", *wrist)
    put(f"{other}_elbow", 340.0, 70.0)
    put(f"{other}_wrist", 345.0, 100.0)
    for number, joint in enumerate(HAND21.joints):
        finger, part = divmod(number - 1, 4) if number else (0, -1)
        opening = (gap_px - 6.0) * reach * (0.5 if finger == 0 else -0.5) if number and part == 3 else 0.0
        put(f"{side}_hand_{joint}", wrist[0] + 6.0 * (part + 1) - opening, wrist[1] + 3.0 * finger)
        put(f"{other}_hand_{joint}", 345.0, 100.0)
    points = scale * points
    return PersonTrack(skeleton=SKELETON, time_s=CLOCK, keypoints=points, scores=np.ones(points.shape[:2]))


def cut(track: PersonTrack, until_s: float) -> PersonTrack:
    rows = track.time_s <= until_s + 1e-9
    return PersonTrack(
        skeleton=track.skeleton,
        time_s=track.time_s[rows],
        keypoints=track.keypoints[rows],
        scores=track.scores[rows],
    )


def scanned(wrist: np.ndarray, settings: PhaseSettings) -> tuple[float, float]:
    """Onset and end by the definition, written out as loops."""
    spread = []
    for row, now in enumerate(CLOCK):
        rows = [y for t, y in zip(CLOCK[: row + 1], wrist[: row + 1, 1], strict=True) if t > now - settings.window_s]
        spread.append(np.std(rows))
    first = next(row for row, value in enumerate(spread) if value >= settings.onset_spread_px)
    last = next(row for row in range(first, len(spread)) if spread[row] < settings.end_spread_px) - 1
    return float(CLOCK[first]), float(CLOCK[last])


def test_phases_follow_the_definition_and_come_in_order():
    arm = reaching_arm(reach_track())
    phases = find_phases(arm, causal=True)
    assert (phases.onset_s, phases.end_s) == scanned(arm.wrist, PhaseSettings())
    assert ONSET_S < phases.onset_s < phases.end_s < ONSET_S + REACH_S + 0.1
    assert phases.departure_s == pytest.approx(ONSET_S + REACH_S + HOLD_S + 0.15, abs=0.08)
    assert phases.arrival_s == pytest.approx(ONSET_S + REACH_S + HOLD_S + MOVE_S + 0.05, abs=0.1)
    labels = phases.labels(CLOCK)
    assert (np.diff(labels) >= 0).all() and set(labels) == set(range(len(PHASES)))
    assert PHASES[int(phases.labels(np.array([phases.end_s]))[0])] == "reach"


def test_outliers_do_not_end_a_reach_when_seen_afterwards():
    track = reach_track()
    clean = find_phases(reaching_arm(track))
    points = track.keypoints.copy()
    points[[20, 70, 80], JOINTS.index("right_wrist")] += 40.0
    spiked = PersonTrack(skeleton=SKELETON, time_s=CLOCK, keypoints=points, scores=track.scores)
    found = find_phases(reaching_arm(spiked))
    assert found.onset_s == pytest.approx(clean.onset_s, abs=0.02)
    assert found.end_s == pytest.approx(clean.end_s, abs=0.02)


def test_a_detector_knows_frame_by_frame_what_the_recording_says():
    arm = reaching_arm(reach_track())
    detector = PhaseDetector()
    said = [detector.update(float(t), wrist) for t, wrist in zip(arm.time_s, arm.wrist, strict=True)]
    assert detector.phases == find_phases(arm, causal=True)
    assert said[0] == "rest" and said[-1] == "after" and said[list(CLOCK).index(detector.phases.onset_s)] == "reach"
    assert detector.update(9.0, np.full(2, np.nan)) == "after"
    with pytest.raises(InputError, match="a time after"):
        detector.update(1.0, np.zeros(2))


def test_a_twitch_is_not_a_reach():
    wrist = np.zeros((len(CLOCK), 2))
    wrist[60:, 1] = 6.0
    arm = reaching_arm(reach_track())
    still = ReachingArm(time_s=CLOCK, neck=arm.neck, elbow=arm.elbow, wrist=wrist, hand=arm.hand)
    phases = find_phases(still, causal=True)
    assert np.isnan([phases.onset_s, phases.end_s, phases.departure_s, phases.arrival_s]).all()
    assert not phases.labels(CLOCK).any()
    with pytest.raises(InputError, match="end_spread_px"):
        PhaseSettings(onset_spread_px=1.0, end_spread_px=2.0)


def test_the_grip_is_measured_in_pixels_of_a_picture_with_shoulders_53_apart():
    row = dict(enumerate(size_features(reaching_arm(reach_track(gap_px=20.0, scale=3.0)), ONSET_S, 2.0)))
    now = GRIP_ROWS[0] * MOMENTS + MOMENTS - 1
    assert row[now] == pytest.approx(np.hypot(20.0 - 6.0, 2 * 3.0), abs=0.3)  # thumb to middle: 14 columns, 6 rows
    assert len(row) == COUNT * MOMENTS + 8


def test_size_features_do_not_depend_on_the_pictures_scale_or_the_side():
    wanted = size_features(reaching_arm(reach_track()), ONSET_S, 1.4)
    np.testing.assert_allclose(size_features(reaching_arm(reach_track(scale=2.5)), ONSET_S, 1.4), wanted, atol=1e-9)
    left = size_features(reaching_arm(reach_track(side="left"), "left"), ONSET_S, 1.4)
    np.testing.assert_allclose(left, wanted, atol=1e-9)


def test_nothing_after_now_is_looked_at():
    track = reach_track()
    early = size_features(reaching_arm(cut(track, 1.4)), ONSET_S, 1.4)
    np.testing.assert_allclose(size_features(reaching_arm(track), ONSET_S, 1.4), early)
    assert not np.allclose(size_features(reaching_arm(track), ONSET_S, 1.5), early)


def people_that_differ(rng: np.random.Generator, moments: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    people = np.repeat([f"P{n}" for n in range(6)], 60)
    labels = np.tile(np.repeat([0, 1], 30), 6)
    shift = np.repeat(rng.normal(size=(6, moments)), 60, axis=0)
    features = (2.0 * labels - 1.0)[:, None] * np.linspace(0.5, 1.0, moments) + shift
    return features + 0.3 * rng.normal(size=features.shape), labels, people


def test_one_feature_has_the_weight_that_algebra_gives():
    features, labels, people = people_that_differ(np.random.default_rng(0))
    prior = PeopleDiffer(person_weight=5.0, shrinkage=0.0, offset=0.0, size=0.0, timing=0.0)
    model = fit_discriminant(features, labels, people, np.zeros(1), (prior,))
    means = {(p, c): features[(people == p) & (labels == c), 0].mean() for p in set(people) for c in (0, 1)}
    middles = [np.mean([means[p, c] for p in sorted(set(people))]) for c in (0, 1)]
    within = sum((features[i, 0] - means[people[i], labels[i]]) ** 2 for i in range(len(labels))) / (360 - 12)
    between = sum((mean - middles[c]) ** 2 for (_, c), mean in means.items()) / (12 - 2)
    slope = (middles[1] - middles[0]) / (within + 5.0 * between)
    chances = model.chances(np.array([[0.4], [0.9]]))
    logits = np.log(chances[:, 1] / chances[:, 0])
    assert logits[1] - logits[0] == pytest.approx(0.5 * slope, rel=1e-6)
    assert logits[0] == pytest.approx(slope * (0.4 - np.mean(middles)), rel=1e-6)


def test_strong_priors_make_weights_blind_to_what_they_name():
    rng = np.random.default_rng(1)
    features, labels, people = people_that_differ(rng, moments=4)
    features = np.hstack([features + 3.0, 2.0 * features[:, ::-1] + 5.0])
    moments = np.linspace(0.0, 1.0, 4)

    def weights(**prior: float) -> np.ndarray:
        strengths = PeopleDiffer(person_weight=1.0, shrinkage=0.1, **({"offset": 0, "size": 0, "timing": 0} | prior))
        model = fit_discriminant(features, labels, people, moments, (strengths,))
        return (model.weights[0, :, 1] - model.weights[0, :, 0]) / model.spread

    free = weights()
    mean, slopes = features.mean(axis=0), np.concatenate([np.gradient(half.mean(0), moments) for half in
                                                          (features[:, :4], features[:, 4:])])  # fmt: skip
    for prior, blind in (("offset", np.r_[np.ones(4), np.zeros(4)]), ("size", mean), ("timing", slopes)):
        held = weights(**{prior: 1e7})
        assert abs(held @ blind) < 1e-3 * abs(free @ blind), prior
        assert np.abs(held).max() > 1e-2


def test_discriminants_of_people_that_differ_beat_ignoring_that_they_do():
    """A feature that people share at half the strength of one in which they differ: the first must win."""
    rng = np.random.default_rng(2)
    people, labels = np.repeat([f"P{n}" for n in range(8)], 40), np.tile(np.repeat([0, 1], 20), 8)
    shifts = np.repeat(4.0 * rng.normal(size=8), 40)
    features = np.column_stack([2.0 * labels + shifts, 1.0 * labels]) + 0.3 * rng.normal(size=(320, 2))
    new = people == "P7"

    def hit_rate(weight: float) -> float:
        prior = PeopleDiffer(person_weight=weight, shrinkage=0.0, offset=0, size=0, timing=0)
        model = fit_discriminant(features[~new], labels[~new], people[~new], np.zeros(1), (prior,))
        return float((model.chances(features[new]).argmax(1) == labels[new]).mean())

    assert hit_rate(1.0) > 0.9 > hit_rate(0.0)
    with pytest.raises(InputError, match="two people"):
        fit_discriminant(features[new], labels[new], people[new], np.zeros(1))


def test_own_scale_takes_out_how_one_user_opens_the_hand():
    features = np.abs(np.random.default_rng(3).normal(size=(len(PARTS_OF_REACH), 12, COUNT * MOMENTS + 8)))
    plain, wide = OwnScale.of(features), OwnScale.of(1.7 * features + 4.0)
    np.testing.assert_allclose(wide.scaled(1.7 * features[2] + 4.0, 2), plain.scaled(features[2], 2), atol=1e-6)
    with pytest.raises(InputError, match="some reaches"):
        OwnScale.of(features[:, :0])


def test_the_shipped_model_reads_a_reach_while_it_happens():
    reader = ReachToGrasp.from_pretrained()
    track = reach_track(gap_px=12.0)
    assert reader.predict(cut(track, 0.9)).size is None and reader.predict(cut(track, 0.9)).phase == "rest"
    during = reader.predict(cut(track, 1.4))
    assert during.phase == "reach" and during.size is not None and during.size.part < 1.0
    after = reader.predict(track, least_chance=0.0)
    assert after.phase == "after" and after.size is not None and after.size.part == 1.0
    assert sum(after.size.chances) == pytest.approx(1.0) and after.size.edge_m in (0.025, 0.055, 0.075)
    unsure = reader.predict(track, least_chance=1.0)
    assert unsure.size is not None and unsure.size.size is None and np.isnan(unsure.size.edge_m)
    own = reader.own_scale([reach_track(gap_px=gap) for gap in 2 * (6, 9, 12, 15, 18, 21)])
    few = reader.own_scale([track])
    assert reader.predict(track, own=few).size == reader.predict(track).size
    small, large = (reader.predict(reach_track(gap_px=gap), own=own).size for gap in (6.0, 21.0))
    assert small is not None and large is not None and small.own_scale
    assert (small.size, large.size) == ("S", "L")


def persons(track: PersonTrack) -> list[Person]:
    return [
        Person(scores=scores, keypoints_px=points) for points, scores in zip(track.keypoints, track.scores, strict=True)
    ]


def test_a_stream_says_what_is_said_of_the_track_so_far():
    reader, track = ReachToGrasp.from_pretrained(), reach_track(gap_px=12.0)
    stream = ReachStream(reader, SKELETON)
    for row, person in enumerate(persons(track)):
        reading = stream.update(float(CLOCK[row]), person)
        if row in (50, 80, 95, 120, len(CLOCK) - 1):
            whole = reader.predict(cut(track, CLOCK[row]))
            assert reading.phase == whole.phase
            assert (reading.size is None) == (whole.size is None)
            if reading.size is not None and whole.size is not None:
                np.testing.assert_allclose(reading.size.chances, whole.size.chances)


def test_a_stream_sees_one_reach_after_the_other_and_lives_with_gaps():
    stream, seen = ReachStream(ReachToGrasp.from_pretrained(), SKELETON), []
    people = persons(reach_track())
    blind = Person(scores=np.zeros(len(JOINTS)), keypoints_px=np.full((len(JOINTS), 2), np.nan))
    for number in range(2):
        for row, person in enumerate(people):
            nobody = row in (30, 85, 130)
            seen.append(stream.update(float(CLOCK[row]) + 4.0 * number, blind if nobody else person).phase)
        back = [reach_track().keypoints[0] * (1 - s) + reach_track().keypoints[-1] * s for s in 1 - jerk(CLOCK[:40])]
        for row, points in enumerate(back):
            person = Person(scores=np.ones(len(JOINTS)), keypoints_px=points)
            stream.update(4.0 * number + 3.25 + CLOCK[row], person)
    changes = [phase for phase, last in zip(seen[1:], seen, strict=False) if phase != last]
    assert changes.count("grasp") >= 2 and changes[:4] == ["reach", "grasp", "move", "after"]
    never = ReachStream(ReachToGrasp.from_pretrained(), SKELETON)
    assert {never.update(float(t), blind).phase for t in CLOCK[:60]} == {"rest"}
    with pytest.raises(InputError, match="later than the last"):
        never.update(0.0, blind)


def test_shipped_weights_are_small_and_say_where_they_are_from(tmp_path: Path):
    assert PRETRAINED.stat().st_size < 5e6
    model, bounds = load_model(PRETRAINED)
    save_model(tmp_path / "again.safetensors", model, bounds, {"data": "a test"})
    again, same = load_model(tmp_path / "again.safetensors")
    features = np.random.default_rng(4).normal(size=(3, COUNT * MOMENTS + 8))
    for row in range(len(PARTS_OF_REACH)):
        np.testing.assert_allclose(again.chances(features, row), model.chances(features, row))
    assert same == bounds and '"a test"' in (tmp_path / "again.json").read_text()
    (tmp_path / "again.safetensors").write_bytes(b"not a file of arrays")
    with pytest.raises(InputError, match="reach-to-grasp model"):
        ReachToGrasp.from_pretrained(tmp_path / "again.safetensors")
    with pytest.raises(InputError, match="reach-to-grasp model"):
        ReachToGrasp.from_pretrained(tmp_path / "missing.safetensors")


def test_the_figure_shows_what_was_measured():
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    parts = (20, 40, 60, 80, 100)
    results = {f"{kind}_{part}": 0.5 + part / 250 for kind in ("size", "size_own") for part in parts}
    rows = [{f"size_{part}": part / 100 for part in parts} for _ in range(4)]
    evaluation = ReachEvaluation(results=results | {f"{key}_sd": 0.1 for key in results}, rows=rows)
    ax = draw_reach_evaluation(evaluation, Figure().subplots())
    lines = [line.get_ydata() for line in ax.get_lines() if len(line.get_ydata()) == 5]
    assert any(np.allclose(line, [58, 66, 74, 82, 90]) for line in lines)
    assert any(np.allclose(line, [48.9, 61.3, 66.6, 63.8, 67.1]) for line in lines)


def test_temperature_keeps_the_order_and_softens():
    chances = np.array([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(tempered(chances, 1.0), chances, atol=1e-9)
    np.testing.assert_allclose(tempered(chances, 2.0)[0], np.sqrt(chances[0]) / np.sqrt(chances[0]).sum())


def test_bad_input_is_said_clearly():
    track = reach_track()
    unseen = track.keypoints.copy()
    unseen[:, JOINTS.index("right_wrist")] = np.nan
    unseen[:, JOINTS.index("right_hand_wrist")] = np.nan
    blind = PersonTrack(skeleton=SKELETON, time_s=CLOCK, keypoints=unseen, scores=track.scores)
    with pytest.raises(InputError, match="never seen"):
        reaching_arm(blind)
    with pytest.raises(InputError, match="side"):
        reaching_arm(track, "both")
    bodies = PersonTrack(
        skeleton=Skeleton(name="b", joints=JOINTS[:7], bones=()),
        time_s=CLOCK,
        keypoints=track.keypoints[:, :7],
        scores=track.scores[:, :7],
    )
    with pytest.raises(InputError, match="21 points"):
        reaching_arm(bodies)
    with pytest.raises(InputError, match="two frames"):
        size_features(reaching_arm(cut(track, 0.0)), 0.0, 0.0)
    assert ReachToGrasp.from_pretrained().predict(cut(track, 0.0)).phase == "rest"
    gappy = track.keypoints.copy()
    gappy[np.random.default_rng(5).random(gappy.shape[:2]) < 0.2] = np.nan
    holes = PersonTrack(skeleton=SKELETON, time_s=CLOCK, keypoints=gappy, scores=track.scores)
    assert ReachToGrasp.from_pretrained().predict(holes).phase == "after"
