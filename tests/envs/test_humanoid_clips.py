"""The humanoid's clips and kinematics, against Bullet's own and against the files' numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from envs.humanoid import CLIP_NAMES, JOINTS, KEYPOINTS, BodyMotion, read_clip
from envs.humanoid.body import HUMANOID_URDF, UP_FROM_FILE
from envs.humanoid.clip import CLIP_FOLDER
from envs.world import World
from geometry import InputError, transform
from perception.pose import SKELETONS

OURS = {"root": "pelvis", "chest": "spine"}


def file_frames(name: str) -> np.ndarray:
    return np.array(json.loads((CLIP_FOLDER / f"humanoid3d_{name}.txt").read_text())["Frames"])


def bullet_links(frame: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Where Bullet puts the links' frames for one frame of a file, in a world with z up."""
    wxyz = frame[4:8]
    root = Rotation.from_matrix(UP_FROM_FILE) * Rotation.from_quat([*wxyz[1:], wxyz[0]])
    columns = {"chest": slice(8, 12), "neck": slice(12, 16)}
    begin = 16
    for side in ("right", "left"):
        for limb, width in (("hip", 4), ("knee", 1), ("ankle", 4), ("shoulder", 4), ("elbow", 1)):
            columns[f"{side}_{limb}"] = slice(begin, begin + width)
            begin += width
    assert begin == len(frame)
    with World() as world:
        body = world.load_urdf(HUMANOID_URDF, transform(root, UP_FROM_FILE @ frame[1:4]), scale=0.25)
        bullet, links = world.bullet, {}
        for joint in range(bullet.getNumJoints(body.uid)):
            name = bullet.getJointInfo(body.uid, joint)[12].decode()
            if name in columns:
                value = frame[columns[name]]
                value = [*value[1:], value[0]] if len(value) == 4 else value
                bullet.resetJointStateMultiDof(body.uid, joint, targetValue=list(value))
        for joint in range(bullet.getNumJoints(body.uid)):
            name = bullet.getJointInfo(body.uid, joint)[12].decode()
            state = bullet.getLinkState(body.uid, joint, computeForwardKinematics=True)
            links[OURS.get(name, name)] = np.array(state[4]), Rotation.from_quat(state[5]).as_matrix()
    return links


@pytest.mark.parametrize("name", ["walk", "punch", "cartwheel", "getup_faceup"])
def test_bullet_puts_the_links_at_the_same_places(name: str) -> None:
    frames, clip = file_frames(name), read_clip(name)
    for row in (0, len(frames) // 3, len(frames) - 1):
        links = bullet_links(frames[row])
        origins, rotations = clip.motion.joint_frames()
        points = clip.motion.keypoints_m()
        for number, joint in enumerate(JOINTS):
            position, rotation = links[joint]
            assert origins[row, number] == pytest.approx(position, abs=2e-5)
            assert rotations[row, number] @ UP_FROM_FILE == pytest.approx(rotation, abs=2e-5)
        for wrist in ("left_wrist", "right_wrist"):
            assert points[row, KEYPOINTS.index(wrist)] == pytest.approx(links[wrist][0], abs=2e-5)
        foot, turn = links["left_ankle"]  # the box of the foot: middle (0.18, -0.09, 0), length 0.708, all by 0.25
        toe = foot + turn @ (0.25 * np.array([0.18 + 0.354, -0.09, 0.0]))
        assert points[row, KEYPOINTS.index("left_toe")] == pytest.approx(toe, abs=2e-5)
        neck, turn = links["neck"]
        assert points[row, KEYPOINTS.index("head")] == pytest.approx(neck + turn @ (0.0, 0.175, 0.0), abs=2e-5)


def test_the_keypoints_are_those_of_the_projects_layout() -> None:
    assert KEYPOINTS == SKELETONS["body18"].joints


def test_at_rest_the_person_stands_upright_and_faces_x() -> None:
    rest = BodyMotion(time_s=np.zeros(1), root_m=np.zeros((1, 3)), quats_xyzw=np.tile([0.0, 0, 0, 1], (1, 13, 1)))
    at = dict(zip(KEYPOINTS, rest.keypoints_m()[0], strict=True))
    assert at["head"][2] == pytest.approx(0.25 * (0.944604 + 0.895576 + 0.7))
    assert at["left_hip"] == pytest.approx([0.0, 0.25 * 0.339548, 0.0])
    assert at["right_toe"][0] == pytest.approx(0.25 * (0.18 + 0.354)) and at["right_toe"][1] < 0.0
    assert at["left_wrist"][2] < at["left_elbow"][2] < at["left_shoulder"][2]


@pytest.mark.parametrize("name", CLIP_NAMES)
def test_every_clip_reads(name: str) -> None:
    clip = read_clip(name)
    assert clip.duration_s == pytest.approx(file_frames(name)[:-1, 0].sum())
    points = clip.motion.keypoints_m()
    assert np.isfinite(points).all() and -0.15 < points[..., 2].min() and points[..., 2].max() < 2.6
    assert np.linalg.norm(clip.motion.quats_xyzw, axis=-1) == pytest.approx(1.0)


def test_sampling_between_frames_is_scipys_slerp() -> None:
    clip = read_clip("kick")
    times = np.linspace(0.0, clip.duration_s, 37)
    got = clip.sample(times)
    for joint in range(len(JOINTS)):
        oracle = Slerp(clip.motion.time_s, Rotation.from_quat(clip.motion.quats_xyzw[:, joint]))(times)
        assert (oracle.inv() * Rotation.from_quat(got.quats_xyzw[:, joint])).magnitude().max() < 1e-6
    at_frames = clip.sample(clip.motion.time_s)
    assert at_frames.keypoints_m() == pytest.approx(clip.motion.keypoints_m(), abs=1e-6)


def test_a_clip_stands_still_outside_its_time() -> None:
    clip = read_clip("walk")
    first, last = clip.sample([-1.0, clip.duration_s + 1.0]).keypoints_m()
    assert first == pytest.approx(clip.motion.keypoints_m()[0]) and last == pytest.approx(clip.motion.keypoints_m()[-1])


@pytest.mark.parametrize("name", ["walk", "run"])
def test_a_loop_walks_on_without_a_jump(name: str) -> None:
    clip = read_clip(name)
    times = np.arange(0.0, 5.0 * clip.duration_s, 1e-3)
    motion = clip.looped(times)
    steps = np.linalg.norm(np.diff(motion.keypoints_m(), axis=0), axis=-1)
    within = np.linalg.norm(np.diff(clip.sample(np.arange(0.0, clip.duration_s, 1e-3)).keypoints_m(), axis=0), axis=-1)
    assert steps.max() < 1.3 * within.max()
    travelled = clip.looped([0.3, 0.3 + 4.0 * clip.duration_s]).root_m
    assert travelled[1] - travelled[0] == pytest.approx(4.0 * clip.stride_m)
    assert clip.stride_m[0] / clip.duration_s == pytest.approx({"walk": 0.976, "run": 3.56}[name], rel=0.01)


def test_moving_a_motion_moves_its_keypoints() -> None:
    motion = read_clip("punch").sample(np.linspace(0.0, 1.0, 5))
    T = transform(Rotation.from_euler("zyx", [0.7, -0.2, 0.1]), (1.0, -2.0, 0.5))
    moved = motion.moved(T).keypoints_m()
    assert moved == pytest.approx(motion.keypoints_m() @ T[:3, :3].T + T[:3, 3])


def test_blending_begins_with_the_one_and_ends_with_the_other() -> None:
    times = np.linspace(0.0, 1.0, 3)
    one, other = read_clip("walk").sample(times), read_clip("punch").sample(times)
    points = one.blended(other, [0.0, 0.5, 1.0]).keypoints_m()
    assert points[0] == pytest.approx(one.keypoints_m()[0], abs=1e-6)
    assert points[2] == pytest.approx(other.keypoints_m()[2], abs=1e-6)


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"Frames": []}', '{"Frames": [[1, 2], [3, 4]]}', '{"Frames": [[1], [2, 3]]}', "truncated {"],
)
def test_a_broken_file_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "clip.txt"
    path.write_text(content)
    with pytest.raises(InputError, match="clip.txt"):
        read_clip(path)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="cartwheel"):
        read_clip("moonwalk")
