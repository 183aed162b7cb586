"""Sets of labelled recordings: their faults in one line, files, splits by subject, own tracks, and the public sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geometry import InputError
from perception.behavior.sets import (
    BehaviorSequence,
    BehaviorSet,
    LabelledTrack,
    grouped_folds,
    held_out,
    held_out_fraction,
    leave_one_out,
    load_behavior_set,
    read_gesture_phases,
    read_reach_to_grasp,
    save_behavior_set,
    set_of_sequences,
    set_of_tracks,
)
from perception.pose import SKELETONS, PersonTrack


def small_set(subjects: tuple[str, ...] = ("anna", "ben", "anna")) -> BehaviorSet:
    """Sequences of 3, 4, 5, ... frames of two joints; the frame's number stands in every coordinate."""
    lengths = [3 + row for row in range(len(subjects))]
    count = sum(lengths)
    return BehaviorSet(
        keypoints=np.tile(np.arange(count, dtype=np.float32)[:, None, None], (1, 2, 3)),
        scores=np.ones((count, 2), dtype=np.float32),
        time_s=np.concatenate([0.1 * np.arange(length) for length in lengths]),
        offsets=np.cumsum([0, *lengths]),
        names=np.array([f"take_{row}" for row in range(len(subjects))]),
        subjects=np.array(subjects),
        joints=np.array(["left_wrist", "right_wrist"]),
        bones=np.array([[0, 1]]),
        clip_labels=np.arange(len(subjects)) % 2,
        frame_labels=np.arange(count) % 3 - 1,
        label_names=np.array(["rest", "wave"]),
    )


def changed(array: np.ndarray, place: Any, value: Any) -> np.ndarray:
    other = array.copy()
    other[place] = value
    return other


NAN = np.float32(np.nan)
SOUND = small_set()
FAULTS = {
    "changing joint count": ({"joints": np.array(["a", "b", "c"])}, "for 3 joints"),
    "frames without scores": ({"scores": SOUND.scores[:-1]}, "scores of shape"),
    "unsorted time": ({"time_s": changed(SOUND.time_s, 5, 0.0)}, r"0.1 s, then 0 s at take_1 frame 2; sort"),
    "time not a number": ({"time_s": changed(SOUND.time_s, 4, np.nan)}, "nan at take_1 frame 1"),
    "clip label out of range": ({"clip_labels": np.array([0, 2, 0])}, "2 at take_1"),
    "frame label out of range": ({"frame_labels": changed(SOUND.frame_labels, 8, -2)}, "-2 at take_2 frame 1"),
    "labels that are no whole numbers": ({"clip_labels": np.zeros(3)}, "clip_labels that are whole numbers"),
    "one frame": ({"offsets": np.array([0, 1, 7, 12])}, "1 in take_0"),
    "offsets beyond the end": ({"offsets": np.array([0, 3, 7, 13])}, "offsets from 0 to 12"),
    "nobody in view": ({"keypoints": changed(SOUND.keypoints, slice(3, 7), NAN)}, "only NaN in take_1"),
    "half a joint": ({"keypoints": changed(SOUND.keypoints, (8, 1, 0), NAN)}, "right_wrist at take_2 frame 1"),
    "infinity": ({"keypoints": changed(SOUND.keypoints, (8, 1, 0), np.inf)}, "infinity at take_2 frame 1"),
    "scores above 1": ({"scores": changed(SOUND.scores, (0, 1), 1.5)}, "1.5 for right_wrist at take_0 frame 0"),
    "no subject": ({"subjects": np.array(["anna", "", "ben"])}, "none for take_1"),
    "a name twice": ({"names": np.array(["a", "b", "a"])}, "a twice"),
    "bones of no joint": ({"bones": np.array([[0, 2]])}, "bones between joints 0 to 1"),
    "names of another kind": ({"names": np.arange(3)}, "names of kind str_"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_said_in_one_line_with_its_place(fault: str) -> None:
    fields, said = FAULTS[fault]
    with pytest.raises(InputError, match=said) as caught:
        replace(SOUND, **fields)
    assert "\n" not in str(caught.value)


def test_sequences_and_selections_hold_their_own_frames() -> None:
    data = small_set()
    second = data.sequence(1)
    assert second.keypoints[:, 0, 0].tolist() == [3, 4, 5, 6] and second.name == "take_1" and second.clip_label == 1
    other = data.select([2, 0])
    assert other.keypoints[:, 0, 0].tolist() == [7, 8, 9, 10, 11, 0, 1, 2]
    assert other.names.tolist() == ["take_2", "take_0"] and other.clip_labels.tolist() == [0, 0]
    assert other.frame_labels.tolist() == [0, 1, -1, 0, 1, -1, 0, 1]
    assert data.of_subjects("anna").names.tolist() == ["take_0", "take_2"]
    assert data.without_subjects("anna").names.tolist() == ["take_1"]
    assert data.rate_hz == pytest.approx(10.0) and data.skeleton.mirror == (1, 0)
    assert data.frame_sequences.tolist() == [0] * 3 + [1] * 4 + [2] * 5


def test_a_file_gives_back_the_set(tmp_path: Path) -> None:
    data = replace(small_set(), keypoints=changed(SOUND.keypoints, (2, 1), NAN))
    save_behavior_set(tmp_path / "set.npz", data)
    read = load_behavior_set(tmp_path / "set.npz")
    for key, value in vars(data).items():
        np.testing.assert_array_equal(getattr(read, key), value, err_msg=key)
    unlabelled = replace(data, clip_labels=None, frame_labels=None)
    save_behavior_set(tmp_path / "set.npz", unlabelled)
    assert load_behavior_set(tmp_path / "set.npz").frame_labels is None


def test_what_a_user_writes_with_numpy_alone_is_a_set(tmp_path: Path) -> None:
    points = np.ones((4, 1, 2))
    points[1] = np.nan
    table = {"keypoints": points, "time_s": np.arange(4), "offsets": np.array([0, 4], dtype=np.int32)}
    np.savez(tmp_path / "own.npz", **table, names=["a"], subjects=["me"], joints=["nose"])
    data = load_behavior_set(tmp_path / "own.npz")
    assert data.scores[:, 0].tolist() == [1, 0, 1, 1] and data.keypoints.dtype == np.float32 and len(data) == 1


def test_damaged_files_give_one_line(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    arrays = {key: value for key, value in vars(small_set()).items() if value is not None}

    def said(**other: Any) -> str:
        np.savez(path, **{key: value for key, value in (arrays | other).items() if value is not None})
        return refusal()

    def refusal() -> str:
        with pytest.raises(InputError) as caught:
            load_behavior_set(path)
        assert "\n" not in str(caught.value) and str(path) in str(caught.value)
        return str(caught.value)

    assert "no such file" in refusal().lower()
    assert "no subjects, label_names" in said(subjects=None, label_names=None)
    assert "5 at take_1" in said(clip_labels=np.array([0, 5, 0]))
    assert "whole numbers" in said(offsets=arrays["offsets"].astype(float))
    assert "pickle" in said(names=np.array(["a", "b", "c"], dtype=object)).lower()
    assert "only NaN for right_wrist" in said(keypoints=changed(SOUND.keypoints, (slice(None), 1), NAN))
    save_behavior_set(path, small_set())
    path.write_bytes(path.read_bytes()[:-200])
    refusal()
    path.write_bytes(b"no zip")
    refusal()
    with pytest.raises(InputError, match="ends in .npz"):
        save_behavior_set(tmp_path / "set.csv", small_set())


def test_nobody_is_on_both_sides_of_a_split_and_each_is_held_out_once() -> None:
    data = small_set(("a", "b", "c", "a", "d", "e", "b"))
    rng = np.random.default_rng(0)
    for splits in (leave_one_out(data), grouped_folds(data, 2, rng), grouped_folds(data, 5, rng)):
        tested = np.concatenate([split.test for split in splits])
        assert sorted(tested.tolist()) == list(range(7))
        for split in splits:
            assert not set(data.subjects[split.train]) & set(data.subjects[split.test])
            assert sorted([*split.train, *split.test]) == list(range(7))
    assert len(leave_one_out(data)) == 5 and leave_one_out(data)[0].test.tolist() == [0, 3]
    assert held_out(data, ("b", "e")).test.tolist() == [1, 5, 6]
    assert len(set(data.subjects[held_out_fraction(data, 0.4, rng).test])) == 2


def test_splits_that_cannot_be_are_refused() -> None:
    rng = np.random.default_rng(0)
    for wrong in (
        lambda: leave_one_out(small_set(("a", "a"))),
        lambda: grouped_folds(small_set(("a", "b")), 3, rng),
        lambda: grouped_folds(small_set(("a", "b")), 1, rng),
        lambda: held_out(small_set(("a", "b")), ("c",)),
        lambda: held_out(small_set(("a", "b")), ("a", "b")),
        lambda: held_out_fraction(small_set(("a", "b")), 1.0, rng),
    ):
        with pytest.raises(InputError):
            wrong()


def own_track(frames: int, *, hand: bool, skeleton: str = "coco17") -> PersonTrack:
    layout = SKELETONS[skeleton]
    points = np.ones((frames, len(layout), 2)) * np.arange(len(layout))[:, None]
    points[:, layout.index("left_ankle")] = np.nan
    return PersonTrack(
        skeleton=layout,
        time_s=np.arange(frames) / 30.0,
        keypoints=points,
        scores=np.full((frames, len(layout)), 0.5),
        left_hand=np.full((frames, 21, 2), 7.0) if hand else None,
    )


def test_own_tracks_become_a_set() -> None:
    labels = ["", "wave", "wave"]
    recordings = [
        LabelledTrack(track=own_track(3, hand=True), name="one", subject="anna", frame_labels=labels),
        LabelledTrack(track=own_track(2, hand=False), name="two", subject="ben", frame_labels=["rest", "wave"]),
    ]
    data = set_of_tracks(recordings)
    assert data.label_names.tolist() == ["rest", "wave"] and data.frame_labels.tolist() == [-1, 1, 1, 0, 1]
    assert data.keypoints.shape == (5, 16 + 21, 2) and "left_ankle" not in data.joints  # never seen: left out
    tip = data.joints.tolist().index("left_hand_index_tip")
    assert (data.keypoints[:3, tip] == 7.0).all() and np.isnan(data.keypoints[3:, tip]).all()
    assert data.scores[:, tip].tolist() == [1, 1, 1, 0, 0] and data.scores[0, 0] == 0.5
    bones = {(str(data.joints[a]), str(data.joints[b])) for a, b in data.bones}
    assert ("left_hand_index_dip", "left_hand_index_tip") in bones and ("left_knee", "left_ankle") not in bones
    ankle = data.joints.tolist().index("right_ankle")
    assert (data.keypoints[:, ankle] == SKELETONS["coco17"].index("right_ankle")).all()


def test_own_tracks_with_faults_are_refused() -> None:
    good = LabelledTrack(track=own_track(3, hand=False), name="one", subject="anna", clip_label="wave")
    for other, said in (
        (replace(good, name="two", track=own_track(3, hand=False, skeleton="body18")), "body18 in two"),
        (replace(good, name="two", frame_labels=["rest"]), "3 frame labels for two"),
        (replace(good), "one twice"),
        (replace(good, name="two", track=own_track(1, hand=False)), "1 in two"),
    ):
        with pytest.raises(InputError, match=said):
            set_of_tracks([good, other])
    with pytest.raises(InputError, match="'wave'"):
        set_of_tracks([good], label_names=("rest",))
    sequence = BehaviorSequence(
        name="a", subject="s", time_s=np.arange(2.0), keypoints=np.ones((2, 3, 2)), scores=np.ones((2, 3))
    )
    with pytest.raises(InputError, match="2 joints in 2 coordinates"):
        set_of_sequences([replace(sequence, keypoints=np.ones((2, 2, 2))), sequence], joints=("a", "b"))


def test_the_gesture_phases_are_read(shared_data: Path) -> None:
    data = read_gesture_phases(shared_data / "behaviour" / "uci_gesture_phase")
    assert data.lengths.tolist() == [1747, 1264, 1834, 1073, 1424, 1111, 1448]
    assert sorted(set(data.subjects.tolist())) == ["a", "b", "c"]
    assert np.bincount(data.frame_labels).sum() == 9901 and (data.frame_labels == 1).sum() == 2097  # with 1 misspelt
    assert data.keypoints[0, data.joints.tolist().index("right_hand")] == pytest.approx([5.258967, 4.319263, 1.488703])
    assert np.diff(data.sequence(0).time_s).max() < 0.2  # the clock's jumps at full minutes are undone


def test_the_reaches_are_read(shared_data: Path) -> None:
    recordings = read_reach_to_grasp(shared_data / "behaviour" / "roboskel_reach_to_grasp")
    data, phases = recordings.sizes, recordings.phases
    assert len(data) == 537 and data.keypoints.shape[1:] == (50, 2) and data.names[0] == "P1_L_01"
    assert data.subjects[0] == "P1" and data.label_names[data.clip_labels[0]] == "L" and len(set(data.subjects)) == 6
    wrist = data.joints.tolist().index("right_hand_wrist")
    assert np.nanmax(data.keypoints[:, wrist]) < 1921 and np.isnan(data.keypoints[..., 0]).mean() < 0.1
    row = data.names.tolist().index("P5_S_07")
    assert (recordings.onset_s[row], recordings.end_s[row]) == pytest.approx((1.8538026809692385, 2.366163969039917))
    one = phases.sequence(row)
    reach = one.time_s[one.frame_labels == 1]
    assert 1.8538 <= reach[0] < 1.89 and 2.33 < reach[-1] <= 2.3662
    assert set(one.frame_labels.tolist()) == {0, 1, 2} and (np.diff(one.frame_labels) >= 0).all()


def test_folders_that_hold_something_else_are_refused(tmp_path: Path) -> None:
    for read in (read_gesture_phases, read_reach_to_grasp):
        with pytest.raises(InputError):
            read(tmp_path)
    (tmp_path / "a1_raw.csv").write_text("lhx,phase\n1,Rest\n")
    (tmp_path / "roboskel.npz").write_bytes(b"PK")
    for read in (read_gesture_phases, read_reach_to_grasp):
        with pytest.raises(InputError) as caught:
            read(tmp_path)
        assert "\n" not in str(caught.value)
