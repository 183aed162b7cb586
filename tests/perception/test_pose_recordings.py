"""Recorded keypoints: every kind read, the project's own written, and what is damaged said."""

import json

import numpy as np
import pytest

from geometry import InputError, PinholeCamera
from perception.pose import Hand, Person, PersonTrack, PoseFrame, SeenObject, Skeleton, track_of_person
from perception.pose.recordings import (
    Recording,
    read_deeplabcut,
    read_openpose,
    read_recording,
    recording_of_arrays,
    save_recording,
)
from perception.pose.skeletons import BODY18, OPENPOSE25

CAMERA = PinholeCamera(width=640, height=480, fx=600.0, fy=601.0, cx=319.5, cy=239.5)
ARM = Skeleton(name="arm", joints=("shoulder", "elbow", "wrist"), bones=(("shoulder", "elbow"), ("elbow", "wrist")))


def frames_with_everything():
    """Three moments: two persons, one with hands; nobody but a cup; one person with an unseen joint."""
    rng = np.random.default_rng(0)
    unseen = rng.normal(size=(3, 3))
    unseen[1] = np.nan
    hand = Hand(scores=rng.uniform(0.1, 1.0, 21), keypoints_px=rng.normal(size=(21, 2)))
    cup = SeenObject(name="cup_1", category="cup", T_reference_object=np.eye(4), score=0.7)
    box = SeenObject(name="box", box_px=np.array([1.0, 2.0, 3.0, 4.0]), size_m=np.array([0.1, 0.2, 0.3]))
    first = (
        Person(id=7, scores=np.array([0.5, 0.6, 0.7]), keypoints_px=rng.normal(size=(3, 2)), left_hand=hand),
        Person(id=-1, scores=np.ones(3), keypoints_px=rng.normal(size=(3, 2)), keypoints_m=rng.normal(size=(3, 3))),
    )
    last = (Person(id=7, scores=np.array([1.0, 0.0, 1.0]), keypoints_m=unseen),)
    shared = {"skeleton": ARM, "camera": CAMERA, "reference": "camera"}
    return [
        PoseFrame(time_s=0.0, persons=first, objects=(box,), **shared),
        PoseFrame(time_s=0.1, objects=(cup, box), **shared),
        PoseFrame(time_s=0.35, persons=last, **shared),
    ]


def test_our_file_gives_back_what_was_written(tmp_path):
    frames = frames_with_everything()
    save_recording(tmp_path / "all.npz", frames)
    recording = read_recording(tmp_path / "all.npz")
    assert recording.skeleton == ARM and len(recording) == 3
    for _ in range(2):  # plays anew each time
        for wanted, got in zip(frames, recording, strict=True):
            assert got.time_s == wanted.time_s and got.camera == CAMERA and got.reference == "camera"
            assert {thing.name for thing in got.objects} == {thing.name for thing in wanted.objects}
            for a, b in zip(wanted.persons, got.persons, strict=True):
                assert a.id == b.id
                np.testing.assert_array_equal(a.scores, b.scores)
                for points, read in ((a.keypoints_px, b.keypoints_px), (a.keypoints_m, b.keypoints_m)):
                    if points is not None:
                        np.testing.assert_array_equal(points, read)
                    else:
                        assert read is None or np.isnan(read).all()
    first, second, _ = recording.frames
    np.testing.assert_array_equal(first.persons[0].left_hand.keypoints_px, frames[0].persons[0].left_hand.keypoints_px)
    assert first.persons[0].right_hand is None and first.persons[1].left_hand is None
    cup = next(thing for thing in second.objects if thing.name == "cup_1")
    assert cup.category == "cup" and cup.score == 0.7 and cup.box_px is None and cup.size_m is None
    np.testing.assert_array_equal(cup.T_reference_object, np.eye(4))


def test_our_file_may_be_written_by_anyone_with_numpy(tmp_path):
    points = np.random.default_rng(0).normal(size=(5, 18, 3))
    np.savez(tmp_path / "a.npz", time_s=np.arange(5) / 10.0, keypoints=points, skeleton="body18", reference="world")
    recording = read_recording(tmp_path / "a.npz")
    assert recording.skeleton == BODY18 and recording.rate_hz == pytest.approx(10.0)
    track = track_of_person(recording, 0)
    np.testing.assert_array_equal(track.keypoints, points)
    assert (track.scores == 1.0).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"time_s": np.array([0.0, 0.2, 0.1, 0.3])}, "growing order"),
        ({"time_s": np.array([0.0, np.nan, 0.1, 0.3])}, "finite times"),
        ({"keypoints": np.zeros((4, 17, 3))}, r"shape \(4, any, 18, any\)"),
        ({"keypoints": np.full((4, 18, 3), np.inf)}, "finite coordinates"),
        ({"scores": np.full((4, 18), np.nan)}, "scores from 0 to 1"),
        ({"scores": np.full((4, 17), 0.5)}, "shape"),
        ({"skeleton": "dog"}, "one of body18"),
        ({"keypoints": np.array([None])}, "npz file of plain arrays"),
        ({"time_s": np.zeros(0), "keypoints": np.zeros((0, 18, 3))}, "at least one frame"),
        ({"ids": np.zeros((3, 7))}, r"ids: expected whole numbers of shape \(4, 1\) or \(1,\), got \(3, 7\)"),
        ({"ids": np.array([np.nan])}, "ids: .*NaN or fractions"),
        ({"ids": np.array([0.5])}, "ids: .*NaN or fractions"),
        ({"keypoints": np.zeros((4, 2, 18, 3)), "ids": np.array([3, 3])}, r"each person's id once.*\[3, 3\]"),
        ({"joints": np.array("head")}, "joints: expected an array of texts"),
        ({"joints": np.arange(18)}, "joints: expected an array of texts"),
        ({"joints": np.array(BODY18.joints), "bones": np.array(["neck", "head", "neck"])}, r"bones: .*\(B, 2\)"),
        ({"object_names": np.array("cup")}, "object_names: expected an array of texts"),
        ({"object_names": np.array(["cup", "cup"])}, "object_names that differ"),
        ({"object_names": np.array(["cup"]), "object_categories": np.array("mug")}, "object_categories: expected"),
        ({"camera": np.full(6, np.nan)}, "camera: expected width"),
        ({"camera": np.array([640.0, np.nan, 600.0, 600.0, 320.0, 240.0])}, "camera: expected width"),
        ({"reference": "mars"}, r"bad\.npz: reference: expected"),
    ],
)
def test_our_file_with_something_wrong_is_said(tmp_path, change, said):
    arrays = {"time_s": np.arange(4.0), "keypoints": np.zeros((4, 18, 3)), "skeleton": "body18"} | change
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InputError, match=said):
        read_recording(tmp_path / "bad.npz")


def test_a_rate_of_zero_is_said_and_not_taken_for_none(tmp_path):
    (tmp_path / "a.csv").write_text("scorer,m,m,m\nbodyparts,p,p,p\ncoords,x,y,likelihood\n0,1,2,0.9\n1,1,2,0.9\n")
    assert read_recording(tmp_path / "a.csv").rate_hz == pytest.approx(30.0)
    with pytest.raises(InputError, match="rate_hz above 0"):
        read_recording(tmp_path / "a.csv", rate_hz=0.0)


def test_files_cut_off_anywhere_or_filled_with_noise_are_said(tmp_path):
    save_recording(tmp_path / "good.npz", frames_with_everything())
    whole = (tmp_path / "good.npz").read_bytes()
    for length in (0, 10, len(whole) // 3, len(whole) - 30):
        (tmp_path / "cut.npz").write_bytes(whole[:length])
        with pytest.raises(InputError):
            read_recording(tmp_path / "cut.npz")
    np.save(tmp_path / "single.npy", np.zeros(3))
    (tmp_path / "single.npy").rename(tmp_path / "single.npz")
    with pytest.raises(InputError, match="a single array"):
        read_recording(tmp_path / "single.npz")
    noise = np.random.default_rng(0).bytes(500)
    for name in ("noise.npz", "noise.csv", "noise.bvh", "noise.amc", "noise.asf"):
        (tmp_path / name).write_bytes(noise)
    for name in ("noise.npz", "noise.csv", "noise.bvh", "noise.amc"):
        with pytest.raises(InputError, match=name.split(".")[0]):
            read_recording(tmp_path / name)


def test_nothing_half_is_left_behind_and_empty_is_refused(tmp_path):
    with pytest.raises(InputError, match="no frames"):
        save_recording(tmp_path / "none.npz", [])
    moved = PoseFrame(time_s=0.0, skeleton=BODY18)
    with pytest.raises(InputError, match="one skeleton"):
        save_recording(tmp_path / "none.npz", [*frames_with_everything(), PoseFrame(time_s=9.0, skeleton=BODY18)])
    with pytest.raises(InputError, match="growing"):
        save_recording(tmp_path / "none.npz", [moved, moved])
    assert list(tmp_path.iterdir()) == []


def openpose_person(joints, hand=False):
    flat = np.stack([np.arange(joints), 10.0 + np.arange(joints), np.full(joints, 0.5)], axis=-1)
    flat[3] = 0.0
    person = {"person_id": [-1], "pose_keypoints_2d": flat.ravel().tolist()}
    if hand:
        person["hand_left_keypoints_2d"] = np.full((21, 3), 0.25).ravel().tolist()
        person["hand_right_keypoints_2d"] = np.zeros((21, 3)).ravel().tolist()
    return person


def write_openpose(folder, *frames, first=0):
    folder.mkdir()
    for number, people in enumerate(frames, start=first):
        (folder / f"clip2_{number:012d}_keypoints.json").write_text(json.dumps({"version": 1.3, "people": people}))


def test_openpose_folder(tmp_path):
    write_openpose(tmp_path / "op", [openpose_person(25, hand=True)], [], [openpose_person(25)] * 2, first=6)
    recording = read_recording(tmp_path / "op", rate_hz=20.0)
    assert recording.skeleton == OPENPOSE25 and recording.rate_hz == pytest.approx(20.0)
    assert [frame.time_s for frame in recording] == pytest.approx([0.3, 0.35, 0.4])
    assert [len(frame.persons) for frame in recording] == [1, 0, 2]
    person = recording.frames[0].persons[0]
    assert person.id == -1 and person.scores[2] == 0.5
    np.testing.assert_array_equal(person.keypoints_px[OPENPOSE25.index("right_wrist")], [4.0, 14.0])
    assert np.isnan(person.keypoints_px[3]).all() and person.scores[3] == 0.0
    assert person.left_hand.scores[0] == 0.25 and person.right_hand is None


def test_openpose_damaged_or_mixed_is_said(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="none in it"):
        read_openpose(tmp_path / "empty")
    write_openpose(tmp_path / "mixed", [openpose_person(25)], [openpose_person(18)])
    with pytest.raises(InputError, match="one layout"):
        read_openpose(tmp_path / "mixed")
    write_openpose(tmp_path / "coco", [openpose_person(18)])
    assert read_openpose(tmp_path / "coco").skeleton.name == "openpose18"
    file = next((tmp_path / "coco").iterdir())
    file.write_text(file.read_text()[:-20])
    with pytest.raises(InputError, match="JSON"):
        read_openpose(tmp_path / "coco")
    file.write_text('{"people": [{"pose_keypoints_2d": [1, 2, "x"]}]}')
    with pytest.raises(InputError, match="three a joint"):
        read_openpose(tmp_path / "coco")


DLC = """scorer,net,net,net,net,net,net
bodyparts,snout,snout,snout,tail,tail,tail
coords,x,y,likelihood,x,y,likelihood
0,1.5,2.5,0.9,3.5,4.5,0.8
1,1.6,2.6,0.9,,,
3,1.7,2.7,0.9,3.7,4.7,0.0
"""

DLC_MANY = """scorer,net,net,net,net,net,net,net,net,net
individuals,a,a,a,b,b,b,single,single,single
bodyparts,snout,snout,snout,snout,snout,snout,lever,lever,lever
coords,x,y,likelihood,x,y,likelihood,x,y,likelihood
0,1,2,0.9,3,4,0.8,5,6,0.7
1,1,2,0.9,,,,5,6,0.7
"""


def test_deeplabcut_of_one_animal(tmp_path):
    (tmp_path / "v.csv").write_text(DLC)
    recording = read_recording(tmp_path / "v.csv", rate_hz=10.0)
    assert recording.skeleton.joints == ("snout", "tail")
    assert [frame.time_s for frame in recording] == pytest.approx([0.0, 0.1, 0.3])
    track = track_of_person(recording, 0)
    np.testing.assert_array_equal(track.keypoints[0], [[1.5, 2.5], [3.5, 4.5]])
    np.testing.assert_array_equal(track.scores, [[0.9, 0.8], [0.9, 0.0], [0.9, 0.0]])
    assert np.isnan(track.keypoints[1:, 1]).all()


def test_deeplabcut_of_several_animals(tmp_path):
    (tmp_path / "v.csv").write_text(DLC_MANY)
    first, second = read_deeplabcut(tmp_path / "v.csv").frames
    assert [person.id for person in first.persons] == [0, 1, 2] and [p.id for p in second.persons] == [0, 2]
    np.testing.assert_array_equal(first.persons[1].keypoints_px[0], [3.0, 4.0])
    assert np.isnan(first.persons[1].keypoints_px[1]).all()
    np.testing.assert_array_equal(first.persons[2].keypoints_px[1], [5.0, 6.0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("3,1.7,2.7,0.9,3.7,4.7,0.0", "3,1.7,2."), "cut off"),
        (("2.6", "two"), "numbers"),
        (("scorer", "score"), "header rows"),
        (("tail,tail,tail", "snout,snout,snout"), "once"),
        (("\n3,", "\n1,"), "growing"),
        ((DLC[DLC.index("0,1.5") :], ""), "a row for each frame"),
    ],
)
def test_deeplabcut_damaged_is_said(tmp_path, change, said):
    (tmp_path / "v.csv").write_text(DLC.replace(*change))
    with pytest.raises(InputError, match=said):
        read_deeplabcut(tmp_path / "v.csv")


def test_what_is_no_recording_is_said(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_recording(tmp_path / "nothing.npz")
    (tmp_path / "a.txt").write_text("1 2 3")
    with pytest.raises(InputError, match=".txt"):
        read_recording(tmp_path / "a.txt")
    with pytest.raises(InputError, match="one skeleton"):
        Recording(skeleton=ARM, frames=(PoseFrame(time_s=0.0, skeleton=BODY18),))


def test_arrays_with_gaps_and_hands_become_frames():
    points = np.zeros((2, 3, 2))
    points[1] = np.nan
    hand = np.full((2, 21, 2), np.nan)
    hand[0, 3] = 1.0
    first, second = recording_of_arrays(ARM, [0.0, 1.0], points, left_hand=hand).frames
    assert len(second.persons) == 0 and first.persons[0].left_hand.scores.sum() == 1.0
    for shape in ((2, 4, 2), (2, 3, 4), (3, 2)):
        with pytest.raises(InputError, match="keypoints"):
            recording_of_arrays(ARM, [0.0, 1.0], np.zeros(shape))
    with pytest.raises(InputError, match="left_hand"):
        recording_of_arrays(ARM, [0.0, 1.0], points, left_hand=hand[:1])


def test_plain_arrays_of_an_assembly_recording(shared_data):
    """Twenty trials of two arms in metres: six joints of three numbers a frame, trials one after the other."""
    file = np.load(shared_data / "behaviour" / "human_assembly_lego" / "arms.npz")
    sides = [f"{side}_{joint}" for joint in ("wrist", "elbow", "shoulder") for side in ("left", "right")]
    arms = Skeleton(name="arms", joints=tuple(sides), bones=(("left_shoulder", "left_elbow"),))
    first = file["x"][: file["offsets"][1]].reshape(-1, 6, 3)
    recording = recording_of_arrays(arms, np.arange(len(first)) / 30.0, first, reference="camera")
    assert len(recording) == len(first) and recording.rate_hz == pytest.approx(30.0)
    track = track_of_person(recording, 0)
    upper = np.linalg.norm(track.keypoints[:, arms.index("left_shoulder")] - track.keypoints[:, 2], axis=-1)
    assert 0.15 < np.median(upper) < 0.45


def test_plain_tables_of_a_handover(shared_data):
    """One table of a place and a rotation for each part of two people; their hands meet at the baton."""
    folder = shared_data / "behaviour" / "kth_handover_sample"
    parts = ("hip", "chest", "neck", "head", "LHand", "RHand")
    body = Skeleton(name="upper_body", joints=parts, bones=(("hip", "chest"), ("chest", "neck"), ("neck", "head")))
    tables = [
        [np.loadtxt(folder / f"{who}_{part}_pose_saved.csv", delimiter=",", skiprows=1)[:, :3] for part in parts]
        for who in ("giver", "taker")
    ]
    points = np.array(tables).transpose(2, 0, 1, 3)
    recording = recording_of_arrays(body, np.arange(len(points)) / 120.0, points)
    assert len(recording) == 801 and len(recording.frames[0].persons) == 2
    giver, taker = (track_of_person(recording, person) for person in (0, 1))
    assert isinstance(giver, PersonTrack)
    between = np.linalg.norm(giver.keypoints[:, None, 4:] - taker.keypoints[:, 4:, None], axis=-1).min(axis=(1, 2))
    assert between.min() < 0.5 * between[0]
