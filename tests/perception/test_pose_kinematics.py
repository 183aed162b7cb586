"""Inverse kinematics against the simulated person's true rotations, and against rotations made here."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from envs.humanoid import JOINTS, KEYPOINTS, humanoid_body, read_clip
from geometry import InputError
from perception.pose import PersonTrack
from perception.pose.kinematics import (
    PARENTS,
    BodyPose,
    BodyShape,
    CausalIk,
    IkSettings,
    forward_kinematics,
    ik_errors,
    solve_ik,
    solve_track,
)
from perception.pose.skeletons import BODY18, COCO17, HAND21, convert

ROWS = [BODY18.index(joint) for joint in JOINTS]
EXACT = IkSettings(noise_m=1e-6, limits=False)
CLIPS = ("walk", "run", "punch", "dance_b", "cartwheel")


def row(joint):
    return BODY18.index(joint)


@pytest.fixture(scope="module")
def humanoid_shape():
    """The simulated person's bones: same rest pose and tree as ours, so that its joint rotations are ours by name."""
    assert KEYPOINTS == BODY18.joints
    body, offsets = humanoid_body(), np.zeros((18, 3))
    for joint, offset, parent in zip(JOINTS, body.offsets_m, body.parents, strict=True):
        assert parent < 0 or PARENTS[row(joint)] == row(JOINTS[parent])
        offsets[row(joint)] = offset
    for keypoint, carrier, point in zip(KEYPOINTS, body.carriers, body.points_m, strict=True):
        if keypoint not in JOINTS:
            assert PARENTS[row(keypoint)] == row(JOINTS[carrier])
            offsets[row(keypoint)] = point
    return BodyShape(offsets_m=offsets)


def truth(clip):
    """Times, keypoints (T, 18, 3) and rotations (T, 18, 4) of a clip; what a clip does not turn is at rest."""
    motion = read_clip(clip).motion
    quats = np.tile([0.0, 0.0, 0.0, 1.0], (len(motion), 18, 1))
    quats[:, ROWS] = motion.quats_xyzw
    return motion.time_s, motion.keypoints_m(), quats


def noisy(points, sigma_m, seed=0):
    return points + np.random.default_rng(seed).normal(scale=sigma_m, size=points.shape)


def errors(clip, shape, sigma_m=0.0, settings=EXACT, solved_with=None):
    time_s, points, quats = truth(clip)
    pose = solve_ik(noisy(points, sigma_m), solved_with or shape, settings=settings)
    return ik_errors(pose, solved_with or shape, true_m=points, true_quats_xyzw=quats, time_s=time_s)


def test_forward_kinematics_is_the_simulated_persons(humanoid_shape):
    _, points, quats = truth("cartwheel")
    pose = BodyPose(
        root_m=points[:, 0], quats_xyzw=quats, residual_m=np.zeros((len(points), 18)),
        filled=np.zeros((len(points), 18), dtype=bool),
    )  # fmt: skip
    np.testing.assert_allclose(forward_kinematics(pose, humanoid_shape), points, atol=1e-12)


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("adaptive", [True, False])
def test_without_noise_every_rotation_that_keypoints_tell_is_exact(humanoid_shape, clip, adaptive):
    """No keypoint tells the twist of neck and ankle; a straight knee does not tell the hip's, nor so what is below."""
    settings = IkSettings(noise_m=1e-6, limits=False, adaptive=adaptive)
    found = errors(clip, humanoid_shape, settings=settings)
    assert found.place_m.max() < 1e-6
    _, _, quats = truth(clip)
    for column, joint in enumerate(found.joints):
        told = np.ones(len(quats), dtype=bool)
        if joint.endswith(("hip", "knee", "ankle")):
            knee = row(f"{joint.split('_')[0]}_knee")
            told = np.abs(Rotation.from_quat(quats[:, knee]).as_rotvec()[:, 1]) > np.radians(0.5)
            assert told.mean() > 0.8
        error = found.swing_rad if joint == "neck" or joint.endswith("ankle") else found.rotation_rad
        assert np.degrees(error[told, column].max()) < 0.05, joint
    assert found.lag_s == pytest.approx(0.0, abs=1e-6) and found.jerk == pytest.approx(found.true_jerk, rel=1e-6)


@pytest.mark.parametrize("sigma_m", [0.01, 0.02])
def test_adaptive_comes_nearer_than_naive_and_than_the_keypoints_themselves(humanoid_shape, sigma_m):
    """A point with noise s along each axis is off by s sqrt(8 / pi) in the mean."""
    means = {}
    for adaptive in (True, False):
        found = [errors(c, humanoid_shape, sigma_m, IkSettings(noise_m=sigma_m, adaptive=adaptive)) for c in CLIPS]
        means[adaptive] = [np.mean([e.place_m.mean() for e in found]), np.mean([e.rotation_rad.mean() for e in found])]
    assert means[True][0] < sigma_m * np.sqrt(8.0 / np.pi) < means[False][0]
    assert means[True][1] < means[False][1] < np.radians(1000.0 * sigma_m)


def test_bones_keep_their_length_whatever_the_keypoints_do(humanoid_shape):
    _, points, _ = truth("dance_b")
    places = forward_kinematics(solve_ik(noisy(points, 0.05), humanoid_shape), humanoid_shape)
    for child, parent in enumerate(PARENTS):
        if parent >= 0:
            length = np.linalg.norm(places[:, child] - places[:, parent], axis=-1)
            np.testing.assert_allclose(length, np.linalg.norm(humanoid_shape.offsets_m[child]), atol=1e-9)


def test_the_mean_of_measured_twist_and_rest_is_better_than_either(humanoid_shape):
    """What the elbow's and knee's planes tell is trusted as far as noise allows: never, always, and as derived."""
    twists = []
    for noise_m in (0.9, 1e-6, 0.02):
        found = [errors(clip, humanoid_shape, 0.02, IkSettings(noise_m=noise_m)) for clip in CLIPS]
        columns = [
            found[0].joints.index(f"{side}_{limb}") for side in ("left", "right") for limb in ("hip", "shoulder")
        ]
        twists.append(np.mean([(e.twist_rad[:, columns] ** 2).mean() for e in found]))
    assert twists[2] < min(twists[:2])


def test_frame_by_frame_is_the_same_as_all_at_once_with_gaps_too(humanoid_shape):
    _, points, _ = truth("walk")
    points = noisy(points, 0.01)
    points[np.random.default_rng(1).random(points.shape[:2]) < 0.2] = np.nan
    points[7] = np.nan
    whole = solve_ik(points, humanoid_shape)
    live = CausalIk(humanoid_shape)
    frames = [live.update(frame) for frame in points]
    np.testing.assert_allclose(np.concatenate([frame.root_m for frame in frames])[1:], whole.root_m[1:], atol=1e-9)
    together = np.concatenate([frame.quats_xyzw for frame in frames])
    same = np.abs((together * whole.quats_xyzw).sum(axis=-1))
    np.testing.assert_allclose(same, 1.0, atol=1e-9)
    assert np.isfinite(together).all() and whole.filled[7].any()
    np.testing.assert_allclose(whole.quats_xyzw[7], whole.quats_xyzw[6], atol=1e-9)


def test_an_unseen_elbow_is_put_where_both_bones_reach_the_wrist(humanoid_shape):
    """Lost for five frames of a quick punch: the wrist stays exact, the elbow on its circle, near where it was."""
    _, points, _ = truth("punch")
    elbow, wrist, shoulder = (row(f"left_{joint}") for joint in ("elbow", "wrist", "shoulder"))
    lost = points.copy()
    lost[20:25, elbow] = np.nan
    pose = solve_ik(lost, humanoid_shape, settings=EXACT)
    assert not pose.filled[:, shoulder].any()
    assert np.isnan(pose.residual_m[20:25, elbow]).all()
    places = forward_kinematics(pose, humanoid_shape)
    np.testing.assert_allclose(places[:, wrist], points[:, wrist], atol=1e-9)
    off = np.linalg.norm(places - points, axis=-1)
    held = np.linalg.norm(points[20:25, elbow] - points[20:25, shoulder] - points[19, elbow] + points[19, shoulder],
                          axis=-1)  # fmt: skip
    assert (off[20:25, elbow] < held).all()


def test_an_unseen_arm_keeps_its_pose(humanoid_shape):
    _, points, _ = truth("punch")
    points[20:25, [row("left_elbow"), row("left_wrist")]] = np.nan
    pose = solve_ik(points, humanoid_shape, settings=EXACT)
    for joint in ("left_shoulder", "left_elbow"):
        assert pose.filled[20:25, row(joint)].all() and not pose.filled[[19, 25], row(joint)].any()
        np.testing.assert_array_equal(pose.quats_xyzw[20:25, row(joint)], pose.quats_xyzw[[19] * 5, row(joint)])


def test_a_person_behind_a_table_is_upright_by_the_chest(humanoid_shape):
    _, points, _ = truth("walk")
    hidden = points.copy()
    for joint in ("pelvis", "spine", *(f"{s}_{j}" for s in ("left", "right") for j in ("hip", "knee", "ankle", "toe"))):
        hidden[:, row(joint)] = np.nan
    pose = solve_ik(hidden, humanoid_shape, settings=EXACT)
    places = forward_kinematics(pose, humanoid_shape)
    above = [row(j) for j in BODY18.joints if j.endswith(("neck", "shoulder", "elbow", "wrist"))]
    assert np.linalg.norm(places - points, axis=-1)[:, above].max() < 0.01
    assert np.isfinite(places).all()


def test_two_arms_alone_are_met_in_a_frame_that_is_not_upright(humanoid_shape):
    """No trunk tells which way is up: no limit is held against a guess, and every seen joint is met."""
    points = truth("punch")[1] @ Rotation.from_euler("xyz", [1.5, -0.3, 2.0]).as_matrix().T
    arms = [row(f"{side}_{joint}") for side in ("left", "right") for joint in ("shoulder", "elbow", "wrist")]
    alone = np.full_like(points, np.nan)
    alone[:, arms] = points[:, arms]
    pose = solve_ik(alone, humanoid_shape)
    assert pose.filled[:, row("pelvis")].all()
    assert pose.residual_m[:, arms].max() < 1e-3
    one = np.full_like(points, np.nan)
    one[:, arms[:1]] = points[:, arms[:1]]
    assert solve_ik(one, humanoid_shape).residual_m[:, arms[0]].max() < 1e-9


def test_hands_tell_forearm_and_wrist(humanoid_shape):
    """Hands carried by known forearm twists and wrist rotations give these back; places of joints stay."""
    rng = np.random.default_rng(0)
    count = 40
    quats = np.tile([0.0, 0.0, 0.0, 1.0], (count, 18, 1))
    hands, world = {}, {}
    for side in ("left", "right"):
        upper = Rotation.from_rotvec(rng.uniform(-0.4, 0.4, (count, 3)))
        bend = Rotation.from_rotvec(rng.uniform(0.5, 1.5, (count, 1)) * [0.0, -1.0, 0.0])
        forearm = bend * Rotation.from_rotvec(rng.uniform(-1.2, 1.2, (count, 1)) * [0.0, 0.0, -1.0])
        wrist = Rotation.from_rotvec(rng.uniform(-0.6, 0.6, (count, 1)) * [0.0, 1.0, 0.0])
        for joint, turn in (("shoulder", upper), ("elbow", forearm), ("wrist", wrist)):
            quats[:, row(f"{side}_{joint}")] = turn.as_quat()
        world[side] = upper * forearm * wrist
    pose = BodyPose(root_m=np.zeros((count, 3)), quats_xyzw=quats, residual_m=np.zeros(1), filled=np.zeros(1, bool))
    points = forward_kinematics(pose, humanoid_shape)
    for side in ("left", "right"):
        hand = np.full((count, 21, 3), np.nan)
        for joint, at_rest in (
            ("wrist", (0, 0, 0)), ("index_mcp", (0.03, 0, -0.09)), ("middle_mcp", (0, 0, -0.1)),
            ("pinky_mcp", (-0.04, 0, -0.08)),
        ):  # fmt: skip
            hand[:, HAND21.index(joint)] = points[:, row(f"{side}_wrist")] + world[side].apply(at_rest)
        hands[f"{side}_hand_m"] = hand
    found = solve_ik(points, humanoid_shape, **hands, settings=IkSettings(noise_m=1e-6))
    for side in ("left", "right"):
        for joint in ("shoulder", "elbow", "wrist"):
            same = np.abs((found.quats_xyzw[:, row(f"{side}_{joint}")] * quats[:, row(f"{side}_{joint}")]).sum(-1))
            assert same.min() > 1.0 - 1e-6, (side, joint)


def test_limits_keep_a_knee_from_bending_forward_and_a_head_from_turning_over(humanoid_shape):
    _, points, _ = truth("walk")
    broken = points[:1].copy()
    knee, ankle, hip = (row(f"left_{j}") for j in ("knee", "ankle", "hip"))
    thigh = broken[0, knee] - broken[0, hip]
    ahead = np.cross(np.array([0.0, 1.0, 0.0]), thigh / np.linalg.norm(thigh))
    broken[0, ankle] = broken[0, knee] + 0.41 * ahead * np.sign(ahead[0])
    broken[0, row("head")] = broken[0, row("neck")] - [0.0, 0.0, 0.17]
    pose, free = (solve_ik(broken, humanoid_shape, settings=IkSettings(limits=limits)) for limits in (True, False))
    neck = Rotation.from_quat(pose.quats_xyzw[0, row("neck")]).apply([0.0, 0.0, 1.0])
    assert np.degrees(np.arccos(neck[2])) == pytest.approx(50.0, abs=1e-6)
    bends = [-Rotation.from_quat(p.quats_xyzw[0, knee]).as_rotvec()[1] for p in (pose, free)]
    assert np.degrees(bends[0]) <= 10.0 + 1e-6 < 60.0
    assert pose.residual_m[0, ankle] > 0.1 > 1e-3 > free.residual_m[0, ankle]


def test_bone_lengths_come_out_of_unlabelled_motion_free_of_the_noises_share(humanoid_shape):
    _, points, _ = truth("dance_b")
    for sigma_m, tolerance_m in ((0.0, 1e-9), (0.02, 0.006)):
        shape = BodyShape.from_keypoints(noisy(np.concatenate([points] * 4), sigma_m))
        got, true = (np.linalg.norm(s.offsets_m, axis=-1) for s in (shape, humanoid_shape))
        np.testing.assert_allclose(got, true, atol=tolerance_m)
    naive = np.median(
        np.linalg.norm(np.diff(noisy(points, 0.02)[:, [row("left_ankle"), row("left_toe")]], axis=1), axis=-1)
    )
    assert naive - true[row("left_toe")] > 2.0 * abs(got[row("left_toe")] - true[row("left_toe")])
    np.testing.assert_allclose(shape.offsets_m[row("left_shoulder")], humanoid_shape.offsets_m[row("left_shoulder")],
                               atol=0.01)  # fmt: skip


def test_shape_of_a_track_in_another_layout_and_of_half_a_body(humanoid_shape):
    time_s, points, _ = truth("walk")
    coco, scores = convert(points, np.ones(points.shape[:2]), BODY18, COCO17)
    shape = BodyShape.from_track(PersonTrack(skeleton=COCO17, time_s=time_s, keypoints=coco, scores=scores))
    pose, same = solve_track(PersonTrack(skeleton=COCO17, time_s=time_s, keypoints=coco, scores=scores))
    np.testing.assert_array_equal(same.offsets_m, shape.offsets_m)
    assert np.nanmax(pose.residual_m[:, [row("left_wrist"), row("right_ankle")]]) < 0.01
    thigh = np.linalg.norm(shape.offsets_m[row("left_knee")])
    assert thigh == pytest.approx(0.4215, abs=1e-3)
    points[:, [row("left_elbow"), row("left_toe"), row("right_toe")]] = np.nan
    half = BodyShape.from_keypoints(points)
    assert np.linalg.norm(half.offsets_m[row("left_elbow")]) == pytest.approx(0.2748, abs=1e-3)
    assert 0.1 < np.linalg.norm(half.offsets_m[row("left_toe")]) < 0.3
    with pytest.raises(InputError, match="pixels"):
        BodyShape.from_track(
            PersonTrack(skeleton=BODY18, time_s=time_s, keypoints=points[..., :2], scores=np.ones(points.shape[:2]))
        )


def test_bad_input_is_said(humanoid_shape):
    good = truth("walk")[1]
    for bad, said in (
        (np.full_like(good, np.nan), "seen in some frame"),
        (np.where(np.arange(18)[:, None] == 3, np.inf, good), "infinite"),
        (good[:, :17], "frames, 18, 3"),
        (good[0], "frames, 18, 3"),
        (good[:0], "frames, 18, 3"),
    ):
        with pytest.raises(InputError, match=said):
            solve_ik(bad, humanoid_shape)
    with pytest.raises(InputError, match="another number"):
        solve_ik(good, humanoid_shape, left_hand_m=np.zeros((3, 21, 3)))
    with pytest.raises(InputError, match="a bone that is seen"):
        BodyShape.from_keypoints(np.full((5, 18, 3), np.nan))
    with pytest.raises(InputError, match="millimetre"):
        BodyShape(offsets_m=np.zeros((18, 3)))
    with pytest.raises(InputError, match="noise_m"):
        IkSettings(noise_m=-1.0)
    assert len(solve_ik(good[:1], humanoid_shape)) == 1
    assert np.isfinite(CausalIk(humanoid_shape).update(np.full((18, 3), np.nan)).quats_xyzw).all()


def test_errors_are_taken_apart_into_swing_and_twist(humanoid_shape):
    """A pure swing at one joint, a pure twist at another, both at a third; the pelvis turns everything with it."""
    count = 12
    time_s = np.arange(count) / 30.0
    root = np.stack([np.sin(7.0 * time_s), np.cos(5.0 * time_s), 1.0 + time_s], axis=-1)
    still = np.tile([0.0, 0.0, 0.0, 1.0], (count, 18, 1))

    def pose_of(quats):
        return BodyPose(root_m=root, quats_xyzw=quats, residual_m=np.zeros(1), filled=np.zeros(1, bool))

    true_m = forward_kinematics(pose_of(still), humanoid_shape)
    wrong = still.copy()
    turns = {"left_shoulder": (0.2, 0.0, 0.0), "left_hip": (0.0, 0.0, 0.3), "right_knee": (0.0, 0.1, 0.0)}
    for joint, turn in turns.items():
        wrong[:, row(joint)] = Rotation.from_rotvec(turn).as_quat()
    both = Rotation.from_rotvec([0.0, 0.25, 0.0]) * Rotation.from_rotvec([0.0, 0.0, 0.4])
    wrong[:, row("right_hip")] = both.as_quat()
    wrong[:, row("pelvis")] = Rotation.from_rotvec([0.0, 0.0, 0.1]).as_quat()
    found = ik_errors(pose_of(wrong), humanoid_shape, true_m=true_m, true_quats_xyzw=still, time_s=time_s)
    columns = {joint: column for column, joint in enumerate(found.joints)}
    for joint, (whole, swing, twist) in {
        "left_shoulder": (0.2, 0.2, 0.0), "left_hip": (0.3, 0.0, 0.3), "right_knee": (0.1, 0.1, 0.0),
        "right_hip": (both.magnitude(), 0.25, 0.4), "pelvis": (0.1, 0.0, 0.1), "neck": (0.0, 0.0, 0.0),
    }.items():  # fmt: skip
        got = [e[0, columns[joint]] for e in (found.rotation_rad, found.swing_rad, found.twist_rad)]
        np.testing.assert_allclose(got, (whole, swing, twist), atol=1e-7, err_msg=joint)
    assert found.facing_rad[0, columns["neck"]] == pytest.approx(0.1, abs=1e-7)
    assert found.facing_rad[0, columns["left_hip"]] == pytest.approx(0.4, abs=1e-7)
    arm = humanoid_shape.offsets_m[[row("left_elbow"), row("left_wrist")]].sum(axis=0)
    moved = found.place_m[0, row("left_wrist")]
    turned = 2.0 * np.sin(0.1) * np.linalg.norm(arm)
    shoulder = 2.0 * np.sin(0.05) * np.linalg.norm(humanoid_shape.offsets_m[row("left_shoulder"), :2])
    assert abs(turned - shoulder) < moved < turned + shoulder
    assert found.lag_s == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(InputError, match="4 or more"):
        ik_errors(pose_of(wrong), humanoid_shape, true_m=true_m[:3], true_quats_xyzw=still, time_s=time_s)
