"""Hands go to the right persons; and with mediapipe and its models here, people in images are found."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from geometry import FloatArray, InputError
from perception.pose import Person
from perception.pose.images import ImageFrame, LandmarkModels, MediaPipePose, VideoFile, open_images
from perception.pose.images.landmarks import find_landmark_models
from perception.pose.images.landmarks.hand_assignment import persons_with_hands
from perception.pose.images.landmarks.mediapipe_tasks import FoundBody, FoundHand
from perception.pose.skeletons import HAND21, MEDIAPIPE33

SIZE = (640, 480)


def body(left_wrist: tuple[float, float], right_wrist: tuple[float, float]) -> FoundBody:
    points = np.full((33, 2), 50.0)
    points[MEDIAPIPE33.index("left_wrist")], points[MEDIAPIPE33.index("right_wrist")] = left_wrist, right_wrist
    return FoundBody(points, np.ones(33))


def hand(wrist: tuple[float, float], side: str, score: float = 0.9) -> FoundHand:
    """Fingers up, 30 wide and 40 high: 50 along its diagonal."""
    points = np.array(wrist) + np.linspace((0.0, 0.0), (30.0, -40.0), 21)
    return FoundHand(points, side, score)


def wrist_of(person: Person, side: str) -> FloatArray | None:
    found = person.left_hand if side == "left" else person.right_hand
    return None if found is None or found.keypoints_px is None else found.keypoints_px[0]


def test_hands_go_to_the_nearest_wrists() -> None:
    bodies = [body((100, 200), (160, 200)), body((300, 200), (360, 200))]
    hands = [hand((362, 203), "right"), hand((98, 203), "left"), hand((158, 205), "right")]
    first, second = persons_with_hands(bodies, hands, size_px=SIZE, alone=False)
    assert wrist_of(first, "left") == pytest.approx([98, 203])
    assert wrist_of(first, "right") == pytest.approx([158, 205])
    assert wrist_of(second, "left") is None and wrist_of(second, "right") == pytest.approx([362, 203])
    assert second.keypoints_px is not None and second.scores.min() == 1.0


def test_two_hands_at_one_place_go_by_their_sides() -> None:
    """By distance alone each would go to the other's wrist."""
    hands = [hand((202, 200), "right"), hand((208, 200), "left")]
    (person,) = persons_with_hands([body((200, 200), (210, 200))], hands, size_px=SIZE, alone=False)
    assert wrist_of(person, "left") == pytest.approx([208, 200])
    assert wrist_of(person, "right") == pytest.approx([202, 200])


def test_a_hand_out_of_reach_is_a_person_of_its_own() -> None:
    persons = persons_with_hands([body((100, 200), (160, 200))], [hand((400, 300), "left")], size_px=SIZE, alone=False)
    assert len(persons) == 2 and wrist_of(persons[0], "left") is None
    assert persons[1].keypoints_px is not None and np.isnan(persons[1].keypoints_px).all()
    assert (persons[1].scores == 0.0).all() and wrist_of(persons[1], "left") == pytest.approx([400, 300])


def test_hands_without_bodies_are_one_persons_where_there_is_one() -> None:
    hands = [hand((100, 300), "left", 0.6), hand((300, 300), "right"), hand((500, 300), "left", 0.9)]
    (alone,) = persons_with_hands([], hands, size_px=SIZE, alone=True)
    assert wrist_of(alone, "left") == pytest.approx([500, 300]) and wrist_of(alone, "right") == pytest.approx(
        [300, 300]
    )
    assert len(persons_with_hands([], hands, size_px=SIZE, alone=False)) == 3
    assert persons_with_hands([], [], size_px=SIZE, alone=True) == ()


def test_a_hand_that_was_taken_for_a_body_is_no_body() -> None:
    """33 joints within a hand's box are the hand; the same joints at a person's size are a person."""
    found = hand((300, 300), "right")
    joints = np.array([285.0, 250.0]) + 30.0 * np.random.default_rng(0).uniform(size=(33, 2))
    middle = joints.mean(axis=0)
    (person,) = persons_with_hands([FoundBody(joints, np.ones(33))], [found], size_px=SIZE, alone=True)
    assert (person.scores == 0.0).all() and wrist_of(person, "right") == pytest.approx([300, 300])
    whole = FoundBody(middle + 10.0 * (joints - middle), np.ones(33))
    assert persons_with_hands([whole], [found], size_px=SIZE, alone=True)[0].scores.min() == 1.0


def test_points_out_of_the_image_are_not_seen() -> None:
    (person,) = persons_with_hands([], [hand((620, 300), "left", 0.8)], size_px=SIZE, alone=True)
    assert person.left_hand is not None and person.left_hand.keypoints_px is not None
    outside = 620 + np.linspace(0.0, 30.0, 21) >= 639.5
    assert outside.any() and (np.isnan(person.left_hand.keypoints_px).any(axis=1) == outside).all()
    assert (person.left_hand.scores == np.where(outside, 0.0, 0.8)).all()


def test_options_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    models = LandmarkModels(hand=tmp_path / "h", pose=tmp_path / "p")
    for options in ({"body": False, "hands": False}, {"max_persons": 0}, {"min_score": 2.0}):
        with pytest.raises(InputError, match="MediaPipePose"):
            MediaPipePose(Images([]), models=models, **options)  # type: ignore[arg-type]


def test_without_mediapipe_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    models = LandmarkModels(hand=tmp_path / "h", pose=tmp_path / "p")
    with pytest.raises(InputError, match=r"graspmimic\[pose\].*graspmimic setup pose"):
        MediaPipePose(Images([]), models=models)


class Images:
    """Images from memory, one a second."""

    rate_hz, continuous, camera = None, False, None

    def __init__(self, images: list[np.ndarray]) -> None:
        self.images = images

    def __iter__(self) -> Iterator[ImageFrame]:
        return (ImageFrame(time_s=float(n), rgb=image) for n, image in enumerate(self.images))

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def models() -> LandmarkModels:
    pytest.importorskip("mediapipe", reason="mediapipe comes with the extra [pose]")
    try:
        return find_landmark_models()
    except InputError as error:
        pytest.skip(str(error))


def test_models_that_cannot_be_loaded_are_refused(models: LandmarkModels, tmp_path: Path) -> None:
    bad = tmp_path / "pose.task"
    bad.write_bytes(models.pose.read_bytes()[:5000])
    with pytest.raises(InputError, match="graspmimic setup pose"):
        MediaPipePose(Images([]), models=LandmarkModels(hand=models.hand, pose=bad))


def test_an_empty_image_has_nobody(models: LandmarkModels) -> None:
    source = MediaPipePose(Images([np.full((240, 320, 3), 128, dtype=np.uint8)]), models=models)
    (frame,) = source
    assert frame.persons == () and frame.rgb is not None and frame.skeleton is MEDIAPIPE33
    source.close()
    source.close()


def test_the_skier_is_found_where_she_is(models: LandmarkModels, shared_data: Path) -> None:
    """Marked by eye in the photograph, in which she is 340 pixels tall; her left glove hides its wrist."""
    photo = shared_data / "pose_images" / "000000000785.jpg"
    (frame,) = MediaPipePose(open_images(photo), models=models, max_persons=4)
    (person,) = frame.persons
    assert person.keypoints_px is not None
    marked = {
        "nose": (368, 81), "right_wrist": (309, 179), "left_wrist": (446, 163), "right_knee": (367, 272),
        "left_knee": (430, 292), "right_ankle": (398, 342), "left_ankle": (466, 361),
    }  # fmt: skip
    rows = [MEDIAPIPE33.index(joint) for joint in marked]
    off = np.linalg.norm(person.keypoints_px[rows] - np.array(list(marked.values())), axis=1)
    assert np.median(off) < 8.0 and off.max() < 30.0 and (person.scores[rows] > 0.5).all()


def test_the_hand_is_followed_and_its_side_is_right(models: LandmarkModels, shared_data: Path) -> None:
    """The film shows a right palm, thumb at the image's right; mirrored, it must be a left one.

    The palm faces the camera, so that the way from the index to the little finger tells the side as well: of a right
    hand with its fingers up it leads to the image's left.
    """
    film = VideoFile(shared_data / "pose_images" / "dexretargeting_human_hand_video.mp4")
    images = [frame.rgb for frame in islice(film, 0, 60, 6)]
    for mirrored, side in ((False, "right"), (True, "left")):
        shown = [np.ascontiguousarray(image[:, ::-1]) if mirrored else image for image in images]
        persons = [f.persons for f in MediaPipePose(Images(shown), models=models, body=False)]
        assert all(len(found) == 1 for found in persons)
        for (person,) in persons:
            found = person.right_hand if side == "right" else person.left_hand
            assert found is not None and found.keypoints_px is not None and found.scores.min() > 0.5
            across = found.keypoints_px[HAND21.index("pinky_mcp")] - found.keypoints_px[HAND21.index("index_mcp")]
            assert (across[0] < 0.0) == (side == "right")


def test_a_film_is_followed_in_order(models: LandmarkModels, shared_data: Path) -> None:
    film = VideoFile(shared_data / "pose_images" / "dexretargeting_human_hand_video.mp4")
    source = MediaPipePose(film, models=models)
    frames = list(islice(iter(source), 30))
    assert all((person.scores == 0.0).all() for frame in frames for person in frame.persons)  # there is only a hand
    assert source.rate_hz == 30.0 and [frame.time_s for frame in frames] == pytest.approx(np.arange(30) / 30.0)
    assert sum(person.right_hand is not None for frame in frames for person in frame.persons) == 30
