"""People of any layout read as a model wants them, and the models that come along."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import InputError
from perception.behavior.network.behavior_model import PRETRAINED, BehaviorModel
from perception.behavior.network.preparation import Preparation
from perception.behavior.network.reading import joints_of_person, joints_of_track
from perception.behavior.network.stream import BehaviorStream
from perception.pose import SKELETONS, Hand, Person, PersonTrack

JOINTS = ("head", "spine", "left_wrist", "right_wrist")
PREPARATION = Preparation(
    joints=JOINTS, dimensions=3, rate_hz=30.0, unit=(0, 1), pairs=((0, 2), (2, 3)), short_lag=3, long_lag=9
)


def person_of(points: NDArray[np.float64]) -> Person:
    return Person(scores=np.ones(len(points)), keypoints_m=points)


def test_a_persons_joints_come_in_the_models_order() -> None:
    preparation = PREPARATION
    body = SKELETONS["body18"]
    points = np.arange(54.0).reshape(18, 3)
    read = joints_of_person(preparation, person_of(points), body)
    np.testing.assert_array_equal(read, points[[body.index(joint) for joint in JOINTS]])
    tip = replace(preparation, joints=("head", "spine", "left_hand_wrist", "right_hand_wrist"))
    track = PersonTrack(
        skeleton=body,
        time_s=np.arange(2.0),
        keypoints=np.stack([points, points]),
        scores=np.ones((2, 18)),
        right_hand=np.full((2, 21, 3), 7.0),
    )
    read = joints_of_track(tip, track)
    assert (read[:, 3] == 7.0).all() and np.isnan(read[:, 2]).all() and (read[1, 0] == points[body.index("head")]).all()


def test_joints_that_a_layout_lacks_are_built_from_their_neighbours() -> None:
    names = ("left_hand", "right_hand", "head", "spine", "left_wrist")
    preparation = replace(PREPARATION, joints=names, unit=(2, 3), dimensions=2)
    rng = np.random.default_rng(0)

    def read(layout: str, unseen: tuple[str, ...] = (), hand: bool = False) -> dict[str, NDArray[np.float64]]:
        skeleton = SKELETONS[layout]
        points = rng.standard_normal((len(skeleton), 2))
        points[[skeleton.index(joint) for joint in unseen]] = np.nan
        right = Hand(keypoints_px=np.full((21, 2), 7.0), scores=np.ones(21)) if hand else None
        person = Person(scores=np.ones(len(skeleton)), keypoints_px=points, right_hand=right)
        seen = dict(zip(skeleton.joints, points, strict=True))
        rows = joints_of_person(preparation, person, skeleton)
        return {**seen, **{f"read {joint}": row for joint, row in zip(names, rows, strict=True)}}

    each = read("mediapipe33", hand=True)
    np.testing.assert_allclose(each["read left_hand"], (each["left_index"] + each["left_pinky"]) / 2)
    assert each["read right_hand"].tolist() == [7.0, 7.0]  # its middle knuckle
    np.testing.assert_allclose(each["read head"], (each["left_ear"] + each["right_ear"]) / 2)
    corners = [each[f"{side}_{joint}"] for side in ("left", "right") for joint in ("hip", "shoulder")]
    np.testing.assert_allclose(each["read spine"], np.mean(corners, axis=0))
    each = read("kinect25")
    np.testing.assert_array_equal(each["read left_hand"], each["left_hand"])
    each = read("body18", unseen=("head", "left_wrist"))
    np.testing.assert_array_equal(each["read right_hand"], each["right_wrist"])
    assert np.isnan([each["read head"], each["read left_hand"], each["read left_wrist"]]).all()
    each = read("wholebody133")
    np.testing.assert_array_equal(each["read left_hand"], each["left_hand_middle_mcp"])


def test_people_whom_the_model_cannot_read_are_refused() -> None:
    preparation = PREPARATION
    with pytest.raises(InputError, match="keypoints_px"):
        joints_of_person(replace(preparation, dimensions=2), person_of(np.zeros((18, 3))), SKELETONS["body18"])
    with pytest.raises(InputError, match="skeleton hand21"):
        joints_of_person(preparation, person_of(np.zeros((21, 3))), SKELETONS["hand21"])
    flat = PersonTrack(
        skeleton=SKELETONS["body18"], time_s=np.arange(1.0), keypoints=np.ones((1, 18, 2)), scores=np.ones((1, 18))
    )
    with pytest.raises(InputError, match="3 coordinates"):
        joints_of_track(preparation, flat)


@pytest.mark.parametrize(("name", "dimensions"), [("gesture_phases", 3), ("gesture_phases_2d", 2)])
@pytest.mark.parametrize("layout", ["body18", "coco17", "mediapipe33", "kinect25", "wholebody133"])
def test_what_comes_along_reads_people_of_every_layout(name: str, dimensions: int, layout: str) -> None:
    model, skeleton = BehaviorModel.from_pretrained(name), SKELETONS[layout]
    assert model.spec.preparation.dimensions == dimensions and model.spec.delay_frames == 16
    assert model.spec.label_names == ("Rest", "Preparation", "Stroke", "Hold", "Retraction")
    rng, stream = np.random.default_rng(0), BehaviorStream(model, rate_hz=30.0)
    points = np.cumsum(0.02 * rng.standard_normal((40, len(skeleton), dimensions)), axis=0)
    points += rng.standard_normal((len(skeleton), dimensions))
    key = "keypoints_m" if dimensions == 3 else "keypoints_px"
    people = [Person(scores=np.ones(len(skeleton)), **{key: each}) for each in points]
    read = np.stack([joints_of_person(model.spec.preparation, person, skeleton) for person in people])
    beliefs = [belief for t in range(40) if (belief := stream.push(t / 30.0, read[t])) is not None] + stream.finish()
    assert np.isfinite(read).all() and len(beliefs) == 40
    frames = np.stack([belief.frame for belief in beliefs if belief.frame is not None])
    np.testing.assert_allclose(frames, model.frame_probabilities(read), atol=1e-5)
    track = PersonTrack(
        skeleton=skeleton, time_s=np.arange(40) / 30.0, keypoints=points, scores=np.ones(points.shape[:2])
    )
    np.testing.assert_array_equal(joints_of_track(model.spec.preparation, track), read)


def test_what_comes_along_is_small_and_says_where_it_is_from() -> None:
    files = sorted(PRETRAINED.glob("*.safetensors"))
    assert [file.stem for file in files] == ["gesture_phases", "gesture_phases_2d"]
    for file in files:
        record = json.loads(file.with_suffix(".json").read_text())
        assert file.stat().st_size < 1_000_000
        assert "CC BY 4.0" in record["attribution"] and record["command"].startswith("graspmimic train behavior")
        assert record["data"]["file"] in record["command"] and record["data"]["file"] in record["set"]
        assert record["unseen_people"]["frame_subjects"] == 3.0 and record["config"]["seed"] == 0
    with pytest.raises(InputError, match="gesture_phases, gesture_phases_2d"):
        BehaviorModel.from_pretrained("gestures")
