"""Performances and their films: labels say what plays, joins are smooth, and the images show the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from envs.humanoid import KEYPOINTS, Act, film, perform, random_acts, read_clip
from envs.humanoid.actor import HumanoidActor
from envs.world import World
from geometry import InputError, PinholeCamera, look_at

CAMERA = PinholeCamera(width=320, height=240, fx=280.0, fy=280.0, cx=159.5, cy=119.5)
ACTS = (Act(clip="walk", duration_s=3.0), Act(clip="run", duration_s=2.0), Act(clip="kick"), Act(clip="punch"))


def test_labels_say_what_plays() -> None:
    show = perform(ACTS, rate_hz=50.0, fade_s=0.4)
    assert show.label_names == ("kick", "punch", "run", "walk")
    played = [show.label_names[label] for label in show.labels]
    time_s = show.motion.time_s
    assert played[0] == "walk" and played[-1] == "punch"
    changes = time_s[1:][np.diff(show.labels) != 0]
    kick = read_clip("kick").duration_s
    assert changes == pytest.approx([3.2, 5.2, 5.2 + kick], abs=0.021)
    assert time_s[-1] == pytest.approx(5.0 + kick + read_clip("punch").duration_s, abs=0.021)


def test_away_from_the_joins_the_recording_plays_as_it_is() -> None:
    show, clip = perform(ACTS, rate_hz=50.0, fade_s=0.4), read_clip("punch")
    start = 5.0 + read_clip("kick").duration_s
    after = show.motion.time_s > start + 0.41
    wanted = clip.sample(show.motion.time_s[after] - start)
    turn = Rotation.from_quat(show.motion.quats_xyzw[after][:, 1:].reshape(-1, 4)).inv()
    assert (turn * Rotation.from_quat(wanted.quats_xyzw[:, 1:].reshape(-1, 4))).magnitude().max() < 1e-6
    moved = np.linalg.norm(np.diff(show.motion.root_m[after], axis=0), axis=1)
    assert moved == pytest.approx(np.linalg.norm(np.diff(wanted.root_m, axis=0), axis=1), abs=1e-9)


def test_nobody_jumps_at_a_join() -> None:
    show = perform((*ACTS, Act(clip="cartwheel"), Act(clip="walk", duration_s=2.0)), rate_hz=100.0)
    speed = 100.0 * np.linalg.norm(np.diff(show.motion.keypoints_m(), axis=0), axis=-1)
    assert speed.max() < 16.0  # the recorded kick's and cartwheel's feet do 12 m/s
    root = 100.0 * np.linalg.norm(np.diff(show.motion.root_m, axis=0), axis=-1)
    assert root.max() < 5.0


def test_random_acts_never_repeat_themselves_and_depend_on_the_seed() -> None:
    one, same, other = (random_acts(np.random.default_rng(seed), ("walk", "run", "punch"), 40) for seed in (1, 1, 2))
    assert one == same and one != other
    assert all(a.clip != b.clip for a, b in zip(one, one[1:], strict=False))
    assert {act.clip for act in one} == {"walk", "run", "punch"}


def test_bad_wishes_are_told() -> None:
    with pytest.raises(InputError, match="an act"):
        perform(())
    with pytest.raises(InputError, match="fade_s"):
        perform((Act(clip="walk", duration_s=0.1), Act(clip="run")))
    with pytest.raises(InputError, match="duration_s"):
        Act(clip="walk", duration_s=-1.0)
    with pytest.raises(InputError, match="two different"):
        random_acts(np.random.default_rng(0), ("walk",), 3)
    with pytest.raises(InputError, match="motion"):
        film((), CAMERA, np.eye(4))
    with pytest.raises(InputError, match="T_world_camera"):
        film((read_clip("walk").motion,), CAMERA, np.eye(3))


def test_the_actor_stands_as_the_kinematics_say() -> None:
    motion = read_clip("cartwheel").motion
    origins, _ = motion.joint_frames()
    with World() as world:
        actor = HumanoidActor(world)
        for row in (0, 70):
            actor.pose(motion.root_m[row], motion.quats_xyzw[row])
            for joint, number, _ in actor._joints:
                state = world.bullet.getLinkState(actor.body.uid, joint, computeForwardKinematics=True)
                assert state[4] == pytest.approx(origins[row, number], abs=2e-5)


def test_the_image_shows_the_person_where_the_keypoints_are() -> None:
    motion = read_clip("walk").sample([0.0, 0.6])
    (first, second) = film((motion,), CAMERA, look_at((3.0, 0.5, 1.2), (0.3, 0.0, 0.85)))
    assert first.rgb.shape == (240, 320, 3) and first.depth_m.shape == (240, 320)
    assert second.time_s == 0.6 and not (first.rgb == second.rgb).all()
    for frame in (first, second):
        depth = (frame.keypoints_m[0] - frame.T_world_camera[:3, 3]) @ frame.T_world_camera[:3, 2]
        for joint in ("head", "spine", "pelvis", "left_knee", "right_elbow"):
            row = KEYPOINTS.index(joint)
            column, line = frame.keypoints_px[0, row].round().astype(int)
            behind = depth[row] - frame.depth_m[line, column]  # the surface lies before the joint
            assert 0.0 < behind < 0.25
        head = frame.keypoints_px[0, KEYPOINTS.index("head")].round().astype(int)
        red, green, blue = frame.rgb[head[1], head[0]].astype(int)
        assert red > green > blue  # skin: he faces the camera


def test_who_stands_behind_is_seen_behind() -> None:
    motion = read_clip("walk").sample([0.0])
    T = np.eye(4)
    T[0, 3] = -1.5
    (frame,) = film((motion, motion.moved(T)), CAMERA, look_at((3.0, 0.0, 1.2), (0.3, 0.0, 0.85)))
    assert frame.visible[0].mean() > 0.9 and frame.visible[1].mean() < 0.6
