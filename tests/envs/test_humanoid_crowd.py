"""Crowds before a virtual camera: the truth is where it should be, and the errors are those that were asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.humanoid import (
    KEYPOINTS,
    DetectorErrors,
    KeypointDetector,
    Walking,
    crowd,
    noisy_keypoints,
    read_clip,
    see_people,
    walkers_m,
)
from geometry import InputError, PinholeCamera, look_at

CAMERA = PinholeCamera(width=1280, height=720, fx=900.0, fy=900.0, cx=639.5, cy=359.5)
T_WORLD_CAMERA = look_at((-6.0, 0.0, 1.2), (0.0, 0.0, 0.9))
FLAWLESS = DetectorErrors(
    sigma_m=0.0, floor_px=0.0, tail=0.0, lost=0.0, lost_hidden=0.0, stolen=0.0, found=1.0, gap_rate=0.0, false_rate=0.0
)


def standing(*places: tuple[float, float]) -> np.ndarray:
    """(N, 18, 3) people in mid-step who face the camera's way."""
    body = read_clip("walk").sample([0.3]).keypoints_m()[0]
    body = body - [*body[0, :2], 0.0]
    return np.array([body + (x, y, 0.0) for x, y in places])


def test_who_stands_behind_somebody_is_hidden_and_who_stands_beside_is_not() -> None:
    view = see_people(standing((0.0, 0.0), (2.0, 0.0), (2.0, 1.5)), CAMERA, T_WORLD_CAMERA)
    assert view.visible[0].all() and view.visible[2].all()
    assert (view.in_front[1][[KEYPOINTS.index(name) for name in ("pelvis", "spine", "neck")]] == 0).all()
    assert view.visible[1].mean() < 0.6


def test_hiding_agrees_with_lines_of_sight_in_space() -> None:
    """A keypoint is hidden when the line to it passes through a capsule: sampled finely, in 3D."""
    people = standing((0.0, 0.0), (1.1, 0.15), (1.9, -0.1), (3.0, 0.2))
    view, eye = see_people(people, CAMERA, T_WORLD_CAMERA), T_WORLD_CAMERA[:3, 3]
    torso = [KEYPOINTS.index("pelvis"), KEYPOINTS.index("neck")]
    agree = []
    for who in range(1, 4):
        for joint in range(len(KEYPOINTS)):
            line = eye + np.linspace(0.0, 1.0, 2000)[:, None] * (people[who, joint] - eye)
            distances = []
            for other in range(who):
                start, end = people[other, torso]
                along = np.clip(((line - start) @ (end - start)) / np.sum((end - start) ** 2), 0.0, 1.0)
                distances.append(np.linalg.norm(line - start - along[:, None] * (end - start), axis=-1).min())
            if min(distances) < 0.12:
                agree.append(view.in_front[who, joint] >= 0)
    assert len(agree) >= 10 and all(agree)


def test_a_flawless_detector_reports_the_truth() -> None:
    scene = crowd(3, np.random.default_rng(100), duration_s=2.0, errors=FLAWLESS)
    for row, (pixels, ids) in enumerate(zip(scene.keypoints_px, scene.true_ids, strict=True)):
        truth, visible = scene.true_px[row], scene.visible[row]
        assert set(np.flatnonzero(visible.mean(axis=1) >= 0.5)) <= set(ids) <= set(range(3))
        assert len(set(ids)) == len(ids)
        for points, who in zip(pixels, ids, strict=True):
            seen = visible[who]
            assert points[seen] == pytest.approx(truth[who][seen])


def test_the_projection_is_the_cameras() -> None:
    scene = crowd(2, np.random.default_rng(101), duration_s=0.2)
    eye, R = scene.T_world_camera[:3, 3], scene.T_world_camera[:3, :3]
    x, y, z = ((scene.keypoints_m[3, 1, 4] - eye) @ R).tolist()
    camera = scene.camera
    assert scene.true_px[3, 1, 4] == pytest.approx([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy])


def test_errors_are_those_that_were_asked_for() -> None:
    errors = replace(FLAWLESS, sigma_m=0.03, lost=0.1, found=0.9)
    view = see_people(standing((0.0, 0.0), (0.0, 1.5)), CAMERA, T_WORLD_CAMERA)
    detector = KeypointDetector(errors, np.random.default_rng(102))
    off, reports = [], 0
    for _ in range(600):
        report = detector.detect(view)
        reports += len(report.true_ids)
        off += [points - view.pixels[who] for points, who in zip(report.keypoints_px, report.true_ids, strict=True)]
    spread = np.array(off)
    assert reports == pytest.approx(0.9 * 1200, rel=0.05)
    assert np.isnan(spread[..., 0]).mean() == pytest.approx(0.1, abs=0.01)
    assert np.nanstd(spread) == pytest.approx(0.03 * view.px_per_m.mean(), rel=0.02)
    assert view.px_per_m.mean() == pytest.approx(900.0 / 6.0, rel=0.02)


def test_a_gap_lasts_as_long_as_asked() -> None:
    view = see_people(standing((0.0, 0.0)), CAMERA, T_WORLD_CAMERA)
    detector = KeypointDetector(replace(FLAWLESS, gap_rate=0.05, gap_frames=8.0), np.random.default_rng(103))
    seen = np.array([len(detector.detect(view).true_ids) for _ in range(20000)])
    edges = np.flatnonzero(np.diff(np.concatenate([[1], seen, [1]])))
    assert (edges[1::2] - edges[::2]).mean() == pytest.approx(8.0, rel=0.1)


def test_false_detections_come_as_often_as_asked_and_are_unsure() -> None:
    scene = crowd(4, np.random.default_rng(104), duration_s=20.0, errors=replace(FLAWLESS, false_rate=0.3))
    false = np.concatenate(scene.true_ids) < 0
    scores = np.concatenate(scene.scores).max(axis=1)
    assert false.sum() / len(scene.time_s) == pytest.approx(0.3, rel=0.2)
    assert scores[false].max() < 0.7 < np.median(scores[~false])


def test_one_seed_makes_one_crowd() -> None:
    one, same, other = (crowd(3, np.random.default_rng(seed), duration_s=1.0) for seed in (105, 105, 106))
    assert (one.keypoints_m == same.keypoints_m).all() and not (one.keypoints_m == other.keypoints_m).all()
    for a, b in zip(one.keypoints_px, same.keypoints_px, strict=True):
        np.testing.assert_array_equal(a, b)


def test_unseen_is_nan_with_score_0() -> None:
    scene = crowd(8, np.random.default_rng(107), duration_s=2.0)
    for points, scores in zip(scene.keypoints_px, scene.scores, strict=True):
        assert (np.isfinite(points).all(axis=-1) == (scores > 0.0)).all()
        assert (scores > 0.0).any(axis=1).all() and scores.max(initial=0.0) <= 1.0


@pytest.mark.parametrize("seed", range(108, 112))
def test_walkers_keep_apart_stay_in_the_place_and_on_the_floor(seed: int) -> None:
    times = np.arange(0.0, 8.0, 1.0 / 30.0)
    points = walkers_m(12, times, Walking(radius_m=3.5), np.random.default_rng(seed))
    pelvis = points[:, :, 0, :2]
    apart = np.linalg.norm(pelvis[:, :, None] - pelvis[:, None], axis=-1) + 9.0 * np.eye(12)
    assert apart.min() > 0.35 and np.linalg.norm(pelvis, axis=-1).max() < 4.2
    assert -0.05 < points[..., 2].min() and points[..., 2].max() < 1.8
    assert np.linalg.norm(np.diff(points, axis=0), axis=-1).max() * 30.0 < 14.0  # a runner's foot, no jump


def test_the_standing_foot_of_a_walker_hardly_slides() -> None:
    times = np.arange(0.0, 4.0, 1.0 / 60.0)
    points = walkers_m(1, times, Walking(radius_m=6.0, running=0.0), np.random.default_rng(112))
    ankles = points[:, 0, [KEYPOINTS.index("left_ankle"), KEYPOINTS.index("right_ankle")]]
    speed = np.linalg.norm(np.diff(ankles[..., :2], axis=0), axis=-1) * 60.0
    body = np.linalg.norm(np.diff(points[:, 0, 0, :2], axis=0), axis=-1) * 60.0
    assert np.median(speed.min(axis=1) / body) < 0.35


def test_noise_in_space_has_the_asked_spread() -> None:
    points = np.zeros((2000, 18, 3))
    noisy = noisy_keypoints(points, 0.02, np.random.default_rng(113), lost=0.25)
    assert np.nanstd(noisy) == pytest.approx(0.02, rel=0.02) and np.isnan(noisy).mean() == pytest.approx(0.25, abs=0.01)
    assert (points == 0.0).all()
    assert (noisy_keypoints(points, 0.0, np.random.default_rng(0)) == 0.0).all()


def test_bad_wishes_are_told() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="count"):
        crowd(0, rng)
    with pytest.raises(InputError, match="sigma_m"):
        noisy_keypoints(np.zeros((1, 3)), -1.0, rng)
    with pytest.raises(InputError, match="shares"):
        DetectorErrors(lost=1.5)
    with pytest.raises(InputError, match="radius_m"):
        Walking(radius_m=0.0)
