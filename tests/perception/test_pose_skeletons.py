"""Layouts and conversions: counts and orders as published, and joints built by hand."""

from __future__ import annotations

import numpy as np
import pytest

from geometry import InputError
from perception.pose import Hand, Person, PersonTrack, PoseFrame, persons_in, track_of_person
from perception.pose.skeletons import (
    BODY18,
    COCO17,
    HAND21,
    KINECT20,
    KINECT25,
    MEDIAPIPE33,
    OPENPOSE25,
    SKELETONS,
    WHOLEBODY133,
    Skeleton,
    convert,
    hand_of_wholebody,
)


@pytest.mark.parametrize(
    ("skeleton", "row", "joint"),
    [
        (COCO17, 9, "left_wrist"), (COCO17, 16, "right_ankle"), (MEDIAPIPE33, 0, "nose"),
        (MEDIAPIPE33, 15, "left_wrist"),
        (MEDIAPIPE33, 24, "right_hip"), (MEDIAPIPE33, 31, "left_toe"), (OPENPOSE25, 4, "right_wrist"),
        (OPENPOSE25, 8, "pelvis"), (OPENPOSE25, 24, "right_heel"), (HAND21, 4, "thumb_tip"), (HAND21, 8, "index_tip"),
        (HAND21, 20, "pinky_tip"), (WHOLEBODY133, 91, "left_hand_wrist"), (WHOLEBODY133, 112, "right_hand_wrist"),
        (KINECT20, 7, "left_hand"), (KINECT25, 20, "chest"), (KINECT25, 24, "right_thumb"),
    ],
)  # fmt: skip
def test_joints_stand_where_the_layouts_say(skeleton: Skeleton, row: int, joint: str) -> None:
    assert skeleton.joints[row] == joint


def test_counts_are_the_published_ones() -> None:
    counts = {name: len(skeleton) for name, skeleton in SKELETONS.items()}
    assert counts == {
        "body18": 18, "coco17": 17, "hand21": 21, "wholebody133": 133, "mediapipe33": 33, "openpose25": 25,
        "kinect20": 20, "kinect25": 25,
    }  # fmt: skip
    assert len(BODY18.bones) == 17
    assert len(HAND21.bones) == 20


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda skeleton: skeleton.name)
def test_mirroring_twice_changes_nothing_and_swaps_sides(skeleton: Skeleton) -> None:
    mirror = np.array(skeleton.mirror)
    assert (mirror[mirror] == np.arange(len(skeleton))).all()
    for row, partner in enumerate(mirror):
        assert (row == partner) == (not skeleton.joints[row].startswith(("left_", "right_")))


@pytest.mark.parametrize("skeleton", [BODY18, HAND21, KINECT20, KINECT25], ids=lambda skeleton: skeleton.name)
def test_bones_form_a_tree_with_parents_first(skeleton: Skeleton) -> None:
    known = {skeleton.joints[0]}
    for parent, child in skeleton.bones:
        assert parent in known
        assert child not in known
        known.add(child)
    assert known == set(skeleton.joints)


def test_middles_are_built_from_both_sides() -> None:
    points = np.zeros((17, 2))
    points[[5, 6]] = [[100.0, 50.0], [60.0, 54.0]]  # shoulders
    points[[11, 12]] = [[90.0, 150.0], [70.0, 150.0]]  # hips
    scores = np.ones(17)
    scores[6] = 0.25
    built, built_scores = convert(points, scores, COCO17, BODY18)
    assert built[BODY18.index("neck")] == pytest.approx([80.0, 52.0])
    assert built[BODY18.index("pelvis")] == pytest.approx([80.0, 150.0])
    assert built[BODY18.index("spine")] == pytest.approx([80.0, 101.0])
    assert built_scores[BODY18.index("neck")] == 0.25
    assert built_scores[BODY18.index("pelvis")] == 1.0


def test_what_cannot_be_built_is_unseen() -> None:
    built, scores = convert(np.zeros((4, 17, 3)), np.ones((4, 17)), COCO17, BODY18)
    toes = [BODY18.index("left_toe"), BODY18.index("right_toe")]
    assert np.isnan(built[:, toes]).all()
    assert (scores[:, toes] == 0.0).all()
    assert np.isfinite(np.delete(built, toes, axis=1)).all()


def test_an_unseen_ear_leaves_the_head_to_the_nose() -> None:
    points = np.random.default_rng(0).normal(size=(2, 17, 2))
    points[1, COCO17.index("left_ear")] = np.nan
    built, _ = convert(points, np.ones((2, 17)), COCO17, BODY18)
    head, ears = BODY18.index("head"), [COCO17.index("left_ear"), COCO17.index("right_ear")]
    assert built[0, head] == pytest.approx(points[0, ears].mean(0))
    assert built[1, head] == pytest.approx(points[1, COCO17.index("nose")])


def test_there_and_back_keeps_what_both_have() -> None:
    points = np.random.default_rng(1).normal(size=(3, 18, 3))
    there, there_scores = convert(points, np.full((3, 18), 0.7), BODY18, KINECT25)
    back, back_scores = convert(there, there_scores, KINECT25, BODY18)
    assert back == pytest.approx(points)
    assert back_scores == pytest.approx(np.full((3, 18), 0.7))


def test_hands_come_out_of_the_whole_body() -> None:
    points = np.arange(133 * 2, dtype=float).reshape(133, 2)
    left, _ = hand_of_wholebody(points, np.ones(133), WHOLEBODY133, "left")
    right, _ = hand_of_wholebody(points, np.ones(133), WHOLEBODY133, "right")
    assert (left == points[91:112]).all()
    assert (right == points[112:]).all()


def test_a_wrong_count_is_named() -> None:
    with pytest.raises(InputError, match=r"17, D.*coco17.*\(18, 2\)"):
        convert(np.zeros((18, 2)), np.ones(18), COCO17, BODY18)
    with pytest.raises(InputError, match="18 joints"):
        PoseFrame(time_s=0.0, skeleton=COCO17, persons=(Person(scores=np.ones(18)),))
    with pytest.raises(InputError, match="one of pelvis, spine"):
        BODY18.index("tail")
    with pytest.raises(InputError, match="tail"):
        Skeleton(name="cat", joints=("nose",), bones=(("nose", "tail"),))


def frame(time_s: float, *persons: Person) -> PoseFrame:
    return PoseFrame(time_s=time_s, skeleton=COCO17, persons=persons)


def test_a_track_follows_one_person_and_keeps_hands() -> None:
    hand = Hand(scores=np.ones(21), keypoints_px=np.full((21, 2), 7.0))
    one = Person(id=4, scores=np.ones(17), keypoints_px=np.full((17, 2), 1.0), right_hand=hand)
    other = Person(id=2, scores=np.ones(17), keypoints_px=np.full((17, 2), 2.0))
    again = Person(id=4, scores=np.ones(17), keypoints_px=np.full((17, 2), 3.0))
    frames = [frame(0.0, other, one), frame(0.1, other), frame(0.2, again)]
    track = track_of_person(frames, 4)
    assert track.time_s.tolist() == [0.0, 0.2]
    assert track.keypoints[:, 0, 0].tolist() == [1.0, 3.0]
    assert track.left_hand is None
    assert track.right_hand is not None
    assert (track.right_hand[0] == 7.0).all()
    assert np.isnan(track.right_hand[1]).all()
    assert persons_in(frames) == {2: 2, 4: 2}


def test_bad_tracks_are_named() -> None:
    points, scores = np.zeros((3, 17, 2)), np.ones((3, 17))
    with pytest.raises(InputError, match=r"growing order, got \[0\.1 0\.1\] at frame 1"):
        PersonTrack(skeleton=COCO17, time_s=np.array([0.0, 0.1, 0.1]), keypoints=points, scores=scores)
    with pytest.raises(InputError, match="finite times"):
        PersonTrack(skeleton=COCO17, time_s=np.array([0.0, np.nan, 0.1]), keypoints=points, scores=scores)
    with pytest.raises(InputError, match="none with id 9"):
        track_of_person([frame(0.0)], 9)
    with pytest.raises(InputError, match="frames with neither"):
        track_of_person([frame(0.0, Person(id=1, scores=np.ones(17)))], 1)
