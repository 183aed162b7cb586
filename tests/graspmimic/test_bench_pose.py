"""The benchmark of pose: its measures on cases worked out by hand, and one short run."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from scipy.spatial.transform import Rotation

from envs.humanoid import JOINTS, read_clip
from geometry import InputError
from graspmimic.bench_pose import BenchPose
from graspmimic.pose_crowds import CrowdScores, score_crowds
from graspmimic.pose_latency import CHAIN, WARM_UP, StageClock, filmed_person, time_watching, watching_chain
from graspmimic.pose_report import flat_results
from graspmimic.pose_rotations import MotionErrors, measure_clip_errors, rotation_errors, seen_track
from perception.pose import SKELETONS
from perception.pose.kinematics import BodyPose, BodyShape, solve_ik
from perception.pose.tracking import TrackingScore

BODY = SKELETONS["body18"]


def true_pose() -> tuple[BodyPose, BodyShape, object]:
    """The walk clip's true rotations in the terms of the inverse kinematics, feet turned to its own rest pose."""
    motion = read_clip("walk").sample(np.arange(20) / 30.0)
    shape = BodyShape.from_keypoints(motion.keypoints_m())
    quats = np.tile([0.0, 0.0, 0.0, 1.0], (20, 18, 1))
    for row, joint in enumerate(JOINTS):
        quats[:, BODY.index(joint)] = motion.quats_xyzw[:, row]
    drop = shape.rest_directions()[BODY.index("left_toe")]
    lower = np.arctan2(0.09, 0.18 + 0.354) - np.arctan2(-drop[2], drop[0])  # the URDF's toe, in its own units
    for side in ("left", "right"):
        row = BODY.index(f"{side}_ankle")
        fixed = Rotation.from_quat(quats[:, row]) * Rotation.from_rotvec([0.0, lower, 0.0])
        quats[:, row] = fixed.as_quat()
    pose = BodyPose(
        root_m=motion.root_m, quats_xyzw=quats, residual_m=np.zeros((20, 18)), filled=np.zeros((20, 18), bool)
    )
    return pose, shape, motion


def test_the_true_rotations_have_no_error() -> None:
    pose, shape, motion = true_pose()
    assert np.degrees(rotation_errors(pose, shape, motion)).max() < 0.01


def test_a_turn_of_one_joint_is_its_error_and_that_of_all_it_carries() -> None:
    pose, shape, motion = true_pose()
    quats = pose.quats_xyzw.copy()
    knee = BODY.index("left_knee")
    turned = Rotation.from_quat(quats[:, knee]) * Rotation.from_rotvec([0.0, np.radians(12.0), 0.0])
    quats[:, knee] = turned.as_quat()
    errors = np.degrees(rotation_errors(replace(pose, quats_xyzw=quats), shape, motion))
    for row, joint in enumerate(JOINTS):
        assert errors[:, row] == pytest.approx(12.0 if joint in ("left_knee", "left_ankle") else 0.0, abs=0.01)


def test_inverse_kinematics_is_fed_what_was_seen() -> None:
    motion = read_clip("punch").sample(np.arange(30) / 30.0)
    track = seen_track(motion, 0.0, np.random.default_rng(100))
    assert (track.keypoints == motion.keypoints_m()).all()
    shape = BodyShape.from_track(track)
    told = [row for row, joint in enumerate(JOINTS) if joint in ("pelvis", "spine")]
    assert np.degrees(rotation_errors(solve_ik(track.keypoints, shape), shape, motion))[:, told].max() < 1.0


def test_noise_makes_errors_and_the_offline_smoother_takes_them_away() -> None:
    found = {(each.variant, each.noise_cm): each for each in measure_clip_errors([100], ("walk", "punch"))}
    assert len(found) == 12
    exact, noisy, smooth = found["raw", 0], found["raw", 2], found["rts", 2]
    assert exact.keypoints_mm == 0.0 and exact.position_mm < 5.0 and abs(exact.lag_ms) < 1.0
    assert noisy.keypoints_mm == pytest.approx(10.0 * 2.0 * np.sqrt(8.0 / np.pi), rel=0.02)  # Maxwell's mean
    assert smooth.rotation_deg < noisy.rotation_deg and smooth.position_mm < noisy.position_mm
    assert smooth.jerk_m_s3 < noisy.jerk_m_s3


def test_both_trackers_get_the_same_crowds() -> None:
    calls: list[int] = []
    ours, iou = score_crowds(3, (102, 103), 2.0, lambda: calls.append(1))
    assert (ours.tracker, iou.tracker, len(calls)) == ("ours", "iou", 2)
    assert [score.truths for score in ours.scores] == [score.truths for score in iou.scores]
    assert 0.5 < ours.idf1 <= 1.0


def score(**counts: int) -> TrackingScore:
    zeros = dict.fromkeys(("truths", "given", "misses", "false_alarms", "switches", "identity_hits"), 0)
    return TrackingScore(**zeros | counts)


def test_the_results_by_hand() -> None:
    scores = (
        score(truths=10, given=10, switches=1, identity_hits=8),
        score(truths=30, given=10, misses=20, false_alarms=4, switches=2, identity_hits=10),
    )
    error = MotionErrors(
        variant="rts", noise_cm=1, keypoints_mm=9.0, position_mm=8.0, rotation_deg=5.0, told_deg=4.0,
        joint_deg=np.arange(13.0), seeds_deg=np.array([4.0, 6.0]), jerk_m_s3=20.0, true_jerk_m_s3=10.0, lag_ms=3.0,
    )  # fmt: skip
    results = flat_results([CrowdScores(5, "ours", scores)], [error], {"total": np.arange(101.0)})
    assert results["track_5_ours_switches"] == 3 and results["track_5_ours_switches_by_seed"] == [1, 2]
    assert results["track_5_ours_idf1"] == pytest.approx(2 * 18 / 60)
    assert (results["track_5_ours_idf1_low"], results["track_5_ours_idf1_high"]) == (0.5, 0.8)
    assert results["track_5_ours_mota"] == pytest.approx(1 - 27 / 40)
    assert results["ik_rts_1cm_rotation_deg"] == 5.0 and results["ik_rts_1cm_rotation_deg_high"] == 6.0
    assert results["ik_rts_1cm_neck_deg"] == 2.0 and results["true_jerk_m_s3"] == 10.0
    assert results["total_ms_p50"] == 50.0 and results["total_ms_p95"] == 95.0


def test_the_clock_counts_each_stage_and_leaves_out_the_first_frames() -> None:
    clock = StageClock()
    for number in range(WARM_UP + 4):
        clock.begin()
        for stage in ("busy", "idle", "busy"):
            end = time.process_time() + (0.002 if stage == "busy" and number >= WARM_UP else 0.0)
            while time.process_time() < end:
                pass
            clock.done(stage)
    costs = clock.costs()
    assert list(costs) == ["busy", "idle", "total"] and [len(values) for values in costs.values()] == [4, 4, 4]
    assert costs["busy"].min() >= 4.0 and np.median(costs["idle"]) < 0.5
    assert costs["total"] == pytest.approx(costs["busy"] + costs["idle"])


def test_the_whole_chain_is_run_and_timed() -> None:
    moments = filmed_person(105, WARM_UP + 24, with_object=True)
    clock = StageClock()
    watch = watching_chain(moments, clock)
    steps = [watch(moment) for moment in moments]
    lifted = [person.keypoints_m for step in steps[WARM_UP:] for person in step.frame.persons]
    assert len(lifted) >= 22 and np.isfinite(np.array(lifted, dtype=float)).mean() > 0.8
    assert {doing.object for step in steps for now in step.doing.values() for doing in now} >= {"cup"}
    costs = clock.costs()
    assert set(costs) == {*CHAIN, "total"} and all(np.median(values) > 0.0 for values in costs.values())


@pytest.mark.slow
def test_a_thing_in_the_hand_costs_features_and_rules() -> None:
    alone, holding = (time_watching(filmed_person(106, WARM_UP + 30, with_object=some)) for some in (False, True))
    for stage in ("features", "rules"):
        assert np.median(holding[stage]) > 1.1 * np.median(alone[stage])


@pytest.mark.slow
def test_a_short_run_writes_what_it_says(tmp_path: Path) -> None:
    said = io.StringIO()
    bench = BenchPose(people=(2,), seeds=1, duration_s=2.0, timed_people=4, frames=50, seed=106, output=tmp_path)
    results = bench.run(Console(file=said, width=200))
    assert (tmp_path / "bench-pose.png").stat().st_size > 10_000
    chain = [f"latency_{stage}{ending}" for stage in (*CHAIN, "total") for ending in ("", "_with_object")]
    for stage in (*chain, "track_4_people"):
        assert 0.0 <= results[f"{stage}_ms_p50"] <= results[f"{stage}_ms_p95"]
    assert results["track_2_ours_idf1"] > 0.5 and 1.0 < results["ik_raw_1cm_rotation_deg"] < 30.0
    assert "IDF1" in said.getvalue() and "one-euro" in said.getvalue()


@pytest.mark.parametrize("wrong", [{"people": ()}, {"people": (0,)}, {"seeds": 0}, {"frames": 5}, {"seed": -1}])
def test_wrong_options_are_told(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match="options"):
        BenchPose(**wrong)  # type: ignore[arg-type]
