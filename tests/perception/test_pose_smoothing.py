"""Smoothing: against a scalar reference, a brute-force solve of the same model, and signals worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from geometry import InputError
from perception.pose import SKELETONS, Hand, Person, PersonTrack, PoseFrame
from perception.pose.smoothing import OneEuro, OneEuroSettings, PoseSmoother, RtsSettings, rts_smooth, smooth_track

RATE_HZ = 30.0
BODY18 = SKELETONS["body18"]


def scalar_one_euro(times: np.ndarray, values: np.ndarray, settings: OneEuroSettings, body_size: float) -> list[float]:
    """The filter of one coordinate, written out as in the paper's listing."""

    def alpha(step: float, cutoff: float) -> float:
        tau = 1.0 / (2.0 * math.pi * cutoff)
        return 1.0 / (1.0 + tau / step)

    out, speed, value_before, time_before = [values[0]], 0.0, values[0], times[0]
    for time, value in zip(times[1:], values[1:], strict=True):
        step = time - time_before
        a = alpha(step, settings.speed_cutoff_hz)
        speed = a * (value - value_before) / step + (1 - a) * speed
        a = alpha(step, settings.min_cutoff_hz + settings.speed_gain * abs(speed) / body_size)
        out.append(a * value + (1 - a) * out[-1])
        value_before, time_before = value, time
    return out


def test_one_euro_is_the_scalar_filter_for_each_point_on_a_line() -> None:
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.01, 0.08, 60))
    values = np.cumsum(rng.normal(0.0, 0.05, (60, 4)), axis=0)
    direction = np.array([2.0, -1.0, 2.0]) / 3.0
    online = OneEuro(OneEuroSettings(), body_size=1.3)
    got = np.array([online.update(t, v[:, None] * direction) for t, v in zip(times, values, strict=True)])
    for column in range(4):
        wanted = scalar_one_euro(times, values[:, column], OneEuroSettings(), 1.3)
        np.testing.assert_allclose(got[:, column] @ direction, wanted, atol=1e-12)


def test_one_euro_turns_with_the_axes() -> None:
    rng = np.random.default_rng(1)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    points = np.cumsum(rng.normal(0.0, 0.03, (30, 5, 3)), axis=0)
    plain, turned = OneEuro(), OneEuro()
    for frame, row in enumerate(points):
        np.testing.assert_allclose(
            turned.update(frame / 30, row @ turn), plain.update(frame / 30, row) @ turn, atol=1e-12
        )


def test_one_euro_leaves_rest_alone_and_reaches_a_step_monotonically() -> None:
    online = OneEuro()
    for frame in range(20):
        np.testing.assert_array_equal(online.update(frame / RATE_HZ, np.ones((1, 2))), 1.0)
    after = np.array([online.update(1.0 + frame / RATE_HZ, np.full((1, 2), 2.0))[0, 0] for frame in range(60)])
    assert np.all(np.diff(after) > 0.0)
    assert 1.0 < after[0] < 2.0
    assert after[-1] == pytest.approx(2.0, abs=1e-3)


def test_one_euro_predicts_what_is_unseen_then_gives_up() -> None:
    settings = OneEuroSettings(max_gap_s=0.31)
    online = OneEuro(settings)
    for frame in range(60):
        seen = online.update(frame / RATE_HZ, np.array([[frame / RATE_HZ, 0.0]]))
    unseen = np.array([online.update((60 + k) / RATE_HZ, np.full((1, 2), np.nan))[0] for k in range(12)])
    coast_m = unseen[:9, 0] - seen[0, 0]
    assert np.all(np.diff(coast_m) > 0.0)
    left = np.exp(-np.arange(1, 10) / RATE_HZ / settings.coast_s)
    np.testing.assert_allclose(coast_m, settings.coast_s * (1.0 - left), rtol=1e-3)
    assert np.isnan(unseen[9:]).all()
    back = online.update(73 / RATE_HZ, np.array([[5.0, 5.0]]))
    np.testing.assert_array_equal(back, [[5.0, 5.0]])


def test_one_euro_does_not_use_joints_of_low_score() -> None:
    online, points = OneEuro(), np.zeros((2, 3))
    online.update(0.0, points, np.ones(2))
    result = online.update(0.033, points + 9.0, np.array([1.0, 0.1]))
    assert result[0, 0] > 1.0
    np.testing.assert_array_equal(result[1], 0.0)
    np.testing.assert_allclose(online.unseen_s, [0.0, 0.033])


def test_one_euro_names_what_is_wrong() -> None:
    online = OneEuro()
    online.update(0.0, np.zeros((3, 2)))
    with pytest.raises(InputError, match="after 0"):
        online.update(0.0, np.zeros((3, 2)))
    with pytest.raises(InputError, match="as before"):
        online.update(1.0, np.zeros((4, 2)))
    with pytest.raises(InputError, match="body_size"):
        OneEuro(body_size=0.0)
    with pytest.raises(InputError, match="min_cutoff_hz"):
        OneEuroSettings(min_cutoff_hz=0.0)


def most_likely_path(times, values, variances, order: int, drive: float) -> np.ndarray:  # type: ignore[no-untyped-def]
    """The path of largest posterior density: one dense least-squares problem over all states at once.

    Noise of a step is integrated numerically here, not taken from a formula.
    """
    count = len(times)
    rows, rhs = [], []

    def add(block: np.ndarray, right: np.ndarray, covariance: np.ndarray) -> None:
        root = np.linalg.inv(np.linalg.cholesky(covariance))
        rows.append(root @ block)
        rhs.append(root @ right)

    first = np.zeros((order, order * count))
    first[:, :order] = np.eye(order)
    seen = np.isfinite(variances)
    mean = np.zeros(order)
    mean[0] = values[seen][0]
    add(first, mean, np.diag(np.array([10.0, 2.0, 20.0][:order]) ** 2))
    for k in range(count):
        if seen[k]:
            row = np.zeros((1, order * count))
            row[0, order * k] = 1.0
            add(row, values[k : k + 1], np.array([[variances[k]]]))
        if k:
            step = times[k] - times[k - 1]
            move = np.array([[step ** (j - i) / math.factorial(j - i) if j >= i else 0.0 for j in range(order)]
                             for i in range(order)])  # fmt: skip
            fine = (np.arange(4000) + 0.5) / 4000 * step
            kernel = np.stack([fine ** (order - 1 - i) / math.factorial(order - 1 - i) for i in range(order)])
            noise = drive**2 * kernel @ kernel.T * step / 4000
            block = np.zeros((order, order * count))
            block[:, order * k : order * (k + 1)] = np.eye(order)
            block[:, order * (k - 1) : order * k] = -move
            add(block, np.zeros(order), noise)
    return np.linalg.lstsq(np.concatenate(rows), np.concatenate(rhs), rcond=None)[0][::order]


@pytest.mark.parametrize(("motion", "drive"), [("velocity", 3.0), ("acceleration", 40.0)])
def test_rts_is_the_most_likely_path(motion: str, drive: float) -> None:
    rng = np.random.default_rng(2)
    times = np.cumsum(rng.uniform(0.02, 0.06, 25))
    points = np.sin(3.0 * times)[:, None, None] + rng.normal(0.0, 0.02, (25, 2, 2))
    scores = rng.uniform(0.4, 1.0, (25, 2))
    points[8:12, 0] = np.nan
    scores[15, 1] = 0.1
    settings = RtsSettings(motion=motion, drive=drive, noise=0.02)  # type: ignore[arg-type]
    got = rts_smooth(times, points, scores, settings, body_size=1.0)
    seen = np.isfinite(points).all(-1) & (scores >= 0.3)
    for joint in range(2):
        variances = np.where(seen[:, joint], (0.02 / scores[:, joint]) ** 2, np.inf)
        for axis in range(2):
            wanted = most_likely_path(times, points[:, joint, axis], variances, 2 if motion == "velocity" else 3, drive)
            np.testing.assert_allclose(got[:, joint, axis], wanted, atol=2e-6)


def test_rts_leaves_a_constant_and_scales_with_the_unit() -> None:
    times, scores = np.arange(30) / RATE_HZ, np.ones((30, 2))
    constant = np.tile([[3.0, 4.0]], (30, 2, 1)).reshape(30, 2, 2)
    np.testing.assert_allclose(rts_smooth(times, constant, scores), constant, atol=1e-9)
    noisy = np.random.default_rng(3).normal(size=(30, 2, 2))
    metres = rts_smooth(times, noisy, scores, body_size=1.7)
    np.testing.assert_allclose(rts_smooth(times, 400 * noisy, scores, body_size=680.0), 400 * metres, rtol=1e-9)


def test_rts_fills_short_gaps_only() -> None:
    times = np.arange(90) / RATE_HZ
    truth = np.stack([np.sin(4 * times), np.cos(4 * times)], axis=-1)[:, None]
    points = truth.copy()
    points[:3], points[20:29], points[40:60], points[85:] = np.nan, np.nan, np.nan, np.nan
    smooth = rts_smooth(times, points, np.ones((90, 1)), RtsSettings(noise=0.002))
    missing = np.isnan(smooth).any(axis=(1, 2))
    assert set(np.flatnonzero(missing)) == {*range(3), *range(40, 60), *range(85, 90)}
    assert np.abs(smooth - truth)[20:29].max() < 0.02


@pytest.mark.parametrize(("motion", "drive"), [("velocity", 3.0), ("acceleration", 60.0)])
def test_rts_takes_what_lies_minutes_apart_as_well_as_what_lies_a_second_apart(motion: str, drive: float) -> None:
    """Each part as if it came alone, but for its prior: what is far apart leans less on how people usually begin."""
    settings = RtsSettings(motion=motion, drive=drive)  # type: ignore[arg-type]
    own, noise = np.arange(60) / RATE_HZ, np.random.default_rng(0).normal(0.0, 0.01, (120, 16, 3))

    def apart(gap_s: float) -> float:
        times = np.concatenate([own, own + own[-1] + gap_s])
        points = np.stack([np.sin(2.0 * times), np.cos(2.0 * times), 0.0 * times], axis=-1)[:, None] + noise
        together = rts_smooth(times, points, np.ones((120, 16)), settings)
        parts = (slice(60), slice(60, 120))
        alone = [rts_smooth(times[part], points[part], np.ones((60, 16)), settings) for part in parts]
        return float(np.abs(together - np.concatenate(alone)).max())

    for gap_s in (1.0, 100.0, 300.0, 1000.0):
        assert apart(gap_s) < 0.003


def test_rts_of_a_joint_seen_once_or_never() -> None:
    points = np.full((5, 2, 3), np.nan)
    points[2, 0] = [1.0, 2.0, 3.0]
    smooth = rts_smooth(np.arange(5.0), points, np.ones((5, 2)))
    np.testing.assert_allclose(smooth[2, 0], [1.0, 2.0, 3.0])
    assert np.isfinite(smooth).sum() == 3
    one = rts_smooth(np.zeros(1), points[2:3], np.ones((1, 2)))
    np.testing.assert_allclose(one[0, 0], [1.0, 2.0, 3.0])


def test_rts_names_what_is_wrong() -> None:
    with pytest.raises(InputError, match="growing"):
        rts_smooth(np.array([0.0, 0.0]), np.zeros((2, 1, 2)), np.ones((2, 1)))
    with pytest.raises(InputError, match="scores"):
        rts_smooth(np.arange(2.0), np.zeros((2, 1, 2)), np.ones((2, 3)))
    with pytest.raises(InputError, match="motion"):
        RtsSettings(motion="jerk")  # type: ignore[arg-type]


def waving(rng: np.random.Generator, noise_m: float, count: int = 120) -> tuple[PersonTrack, np.ndarray]:
    """A body of which every joint swings by 15 cm at 1 Hz, with noise, and both hands."""
    times = np.arange(count) / RATE_HZ
    swing = 0.15 * np.sin(2 * np.pi * times)[:, None, None] * np.array([1.0, 0.3, 0.0])
    truth = rng.normal(0.0, 0.4, (18, 3)) + swing
    track = PersonTrack(
        skeleton=BODY18,
        time_s=times,
        keypoints=truth + rng.normal(0.0, noise_m, truth.shape),
        scores=np.full((count, 18), 0.9),
        left_hand=np.repeat(swing, 21, axis=1) + rng.normal(0.0, noise_m, (count, 21, 3)),
    )
    return track, truth


@pytest.mark.parametrize(("settings", "jitter"), [(RtsSettings(noise=0.02), 0.1), (OneEuroSettings(), 0.6)])
def test_smooth_track_is_nearer_to_the_truth_and_steadier(
    settings: RtsSettings | OneEuroSettings, jitter: float
) -> None:
    track, truth = waving(np.random.default_rng(4), 0.03)
    track.keypoints[50:54, 3] = np.nan
    track.scores[50:54, 3] = 0.0
    smooth = smooth_track(track, settings)

    def error(points: np.ndarray) -> float:
        return float(np.sqrt(np.nanmean((points - truth) ** 2)))

    assert error(smooth.keypoints) < 0.9 * error(track.keypoints)
    jerk = [np.nanstd(np.diff(points, n=3, axis=0)) for points in (smooth.keypoints, track.keypoints)]
    assert jerk[0] < jitter * jerk[1]
    np.testing.assert_allclose(smooth.scores[50:54, 3], 0.45)
    assert np.isfinite(smooth.keypoints).all()
    assert track.left_hand is not None
    assert smooth.left_hand is not None
    assert smooth.right_hand is None
    assert np.std(np.diff(smooth.left_hand, n=3, axis=0)) < jitter * np.std(np.diff(track.left_hand, n=3, axis=0))


def test_smooth_track_marks_long_gaps_as_unseen() -> None:
    track, _ = waving(np.random.default_rng(5), 0.01)
    track.keypoints[30:80, 2] = np.nan
    for settings in (RtsSettings(), OneEuroSettings()):
        smooth = smooth_track(track, settings)
        assert np.isnan(smooth.keypoints[60, 2]).all()
        assert smooth.scores[60, 2] == 0.0
        assert np.array_equal(smooth.scores == 0.0, np.isnan(smooth.keypoints).all(-1))


def test_pose_smoother_keeps_persons_apart_in_any_order() -> None:
    rng = np.random.default_rng(6)
    paths = {7: rng.normal(0.0, 1.0, (20, 18, 3)), 2: rng.normal(0.0, 1.0, (20, 18, 3))}
    alone = {number: OneEuro() for number in paths}
    smoother = PoseSmoother()
    for k in range(20):
        order = [7, 2] if k % 2 else [2, 7]
        frame = PoseFrame(
            time_s=k / RATE_HZ,
            skeleton=BODY18,
            persons=tuple(Person(id=i, scores=np.ones(18), keypoints_m=paths[i][k]) for i in order),
        )
        for person in smoother.update(frame).persons:
            wanted = alone[person.id].update(k / RATE_HZ, paths[person.id][k])
            assert person.keypoints_m is not None
            np.testing.assert_allclose(person.keypoints_m, wanted)


def test_pose_smoother_predicts_joints_and_smooths_hands() -> None:
    smoother = PoseSmoother()
    hand = Hand(scores=np.ones(21), keypoints_px=np.full((21, 2), 50.0))
    pixels = np.random.default_rng(7).uniform(0.0, 400.0, (18, 2))
    person = Person(id=0, scores=np.ones(18), keypoints_px=pixels, right_hand=hand)
    smoother.update(PoseFrame(time_s=0.0, skeleton=BODY18, persons=(person,)))
    gone = Person(id=0, scores=np.zeros(18), keypoints_px=np.full((18, 2), np.nan), right_hand=hand)
    shown = smoother.update(PoseFrame(time_s=0.1, skeleton=BODY18, persons=(gone,))).persons[0]
    assert shown.keypoints_px is not None
    np.testing.assert_allclose(shown.keypoints_px, pixels)
    np.testing.assert_allclose(shown.scores, 0.15)
    assert shown.right_hand is not None
    np.testing.assert_allclose(shown.right_hand.scores, 1.0)
    late = smoother.update(PoseFrame(time_s=2.0, skeleton=BODY18, persons=(gone,))).persons[0]
    assert np.isnan(late.keypoints_px).all()  # type: ignore[arg-type]
    np.testing.assert_array_equal(late.scores, 0.0)


def test_pose_smoother_wants_ids() -> None:
    person = Person(scores=np.ones(18), keypoints_m=np.zeros((18, 3)))
    with pytest.raises(InputError, match="track"):
        PoseSmoother().update(PoseFrame(time_s=0.0, skeleton=BODY18, persons=(person,)))
