"""People as lists of named keypoints and back, and what is drawn of them."""

from __future__ import annotations

import numpy as np
import pytest

from geometry import InputError
from perception.pose import Hand, Person, PoseFrame
from perception.pose.skeletons import BODY18, COCO17, HAND21
from ros_nodes.behavior_recognizer.body_lines import body_lines, caption_place
from ros_nodes.behavior_recognizer.keypoint_rows import KeypointRow, persons_of_rows, rows_of_frame


def person(number: int, width: int, *, seed: int, hand: bool = False) -> Person:
    rng = np.random.default_rng(seed)
    points, scores = rng.uniform(0.0, 3.0, (17, width)), rng.uniform(0.1, 1.0, 17)
    points[4], scores[4] = np.nan, 0.0
    name = "keypoints_m" if width == 3 else "keypoints_px"
    fingers = Hand(scores=np.full(21, 0.8), **{name: rng.uniform(0.0, 1.0, (21, width))}) if hand else None
    return Person(id=number, scores=scores, right_hand=fingers, **{name: points})


@pytest.mark.parametrize("width", [2, 3])
def test_people_come_back_as_they_were(width: int) -> None:
    people = (person(3, width, seed=0, hand=True), person(7, width, seed=1))
    frame = PoseFrame(time_s=1.0, skeleton=COCO17, persons=people)
    rows = rows_of_frame(frame)
    assert len(rows) == 16 + 21 + 16, "what was not seen is left out"
    read = persons_of_rows(rows, COCO17)
    assert read.unknown == () and [each.id for each in read.persons] == [3, 7]
    for before, after in zip(people, read.persons, strict=True):
        name = "keypoints_m" if width == 3 else "keypoints_px"
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
        np.testing.assert_array_equal(before.scores, after.scores)
        assert getattr(after, "keypoints_px" if width == 3 else "keypoints_m") is None
    hand, again = people[0].right_hand, read.persons[0].right_hand
    assert hand and again and read.persons[0].left_hand is None and read.persons[1].right_hand is None
    np.testing.assert_array_equal(hand.scores, again.scores)


def test_names_tell_which_row_a_keypoint_is() -> None:
    rows = [
        KeypointRow(0, "right_wrist", (1.0, 2.0, 3.0), 0.9),
        KeypointRow(0, "left_hand/index_tip", (4.0, 5.0, 6.0), 0.7),
        KeypointRow(0, "tail", (0.0, 0.0, 0.0), 0.5),
        KeypointRow(0, "left_hand/claw", (0.0, 0.0, 0.0), 0.5),
        KeypointRow(0, "third_hand/index_tip", (0.0, 0.0, 0.0), 0.5),
    ]
    read = persons_of_rows(rows, COCO17)
    (who,) = read.persons
    assert who.keypoints_m is not None and who.left_hand is not None and who.left_hand.keypoints_m is not None
    assert who.keypoints_m[COCO17.joints.index("right_wrist")].tolist() == [1.0, 2.0, 3.0]
    assert np.isfinite(who.keypoints_m).sum() == 3
    assert who.left_hand.keypoints_m[8].tolist() == [4.0, 5.0, 6.0], "index_tip is row 8 of every hand of 21 points"
    assert read.unknown == ("tail", "left_hand/claw", "third_hand/index_tip")


def test_of_two_with_one_name_the_surer_counts() -> None:
    rows = [KeypointRow(0, "nose", (1.0, 1.0), 0.4), KeypointRow(0, "nose", (2.0, 2.0), 0.8)]
    for order in (rows, rows[::-1]):
        (who,) = persons_of_rows(order, COCO17).persons
        assert who.keypoints_px is not None and who.keypoints_px[0].tolist() == [2.0, 2.0]


def test_nobody_is_nobody() -> None:
    assert persons_of_rows([], COCO17).persons == ()


@pytest.mark.parametrize(
    "rows",
    [
        [KeypointRow(0, "nose", (1.0, np.nan), 0.5)],
        [KeypointRow(0, "nose", (1.0, 1.0), 1.5)],
        [KeypointRow(0, "nose", (1.0, 1.0), float("nan"))],
        [KeypointRow(0, "nose", (1.0, 1.0), 0.5), KeypointRow(1, "nose", (1.0, 1.0, 1.0), 0.5)],
    ],
)
def test_keypoints_that_make_no_sense_are_refused(rows: list[KeypointRow]) -> None:
    with pytest.raises(InputError, match="keypoint"):
        persons_of_rows(rows, COCO17)


def test_bones_are_drawn_where_both_ends_were_seen() -> None:
    points = np.full((18, 3), np.nan)
    for joint, place in (("pelvis", (0, 0, 1.0)), ("spine", (0, 0, 1.2)), ("neck", (0, 0, 1.5)), ("head", (0, 0, 1.7))):
        points[BODY18.index(joint)] = place
    points[BODY18.index("left_wrist")] = (1.0, 1.0, 1.0)
    who = Person(scores=np.ones(18), keypoints_m=points)
    lines = body_lines(who, BODY18)
    assert lines.reshape(-1, 2, 3)[:, :, 2].tolist() == [[1.0, 1.2], [1.2, 1.5], [1.5, 1.7]]
    place = caption_place(who, "world")
    assert place is not None and place[2] == pytest.approx(1.95)
    down = caption_place(who, "camera")
    assert down is not None and down[1] == pytest.approx(-0.25), "up is -y in a camera's frame; 0 is the highest"
    in_pixels = Person(scores=np.ones(18), keypoints_px=np.zeros((18, 2)))
    assert body_lines(in_pixels, BODY18).shape == (0, 3) and caption_place(in_pixels, "world") is None
    assert len(HAND21) == 21
