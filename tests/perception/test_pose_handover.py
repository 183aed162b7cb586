"""Recordings of arms and hand-overs in the layouts of their data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geometry import InputError
from perception.pose.recordings import (
    is_handover_folder,
    read_arm_table,
    read_grip_forces_n,
    read_handover,
    read_recording,
)

PARTS = ("hip", "chest", "neck", "head", *(f"{side}{part}" for side in "LR" for part in ("UArm", "FArm", "Hand")))


def write(path: Path, rows: list[list[float]]) -> None:
    path.write_text("\n".join([",".join("c" * len(rows[0])), *(",".join(map(str, row)) for row in rows)]) + "\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    turned = [0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5)]
    write(tmp_path / "baton_pose_saved.csv", [[0.1, 0.2, 0.9, *turned], [0.1, 0.2, 1.0, *turned]])
    for number, who in enumerate(("giver", "taker")):
        for row, part in enumerate(PARTS):
            write(tmp_path / f"{who}_{part}_pose_saved.csv", [[number, row, 1.0, 0.0, 0.0, 0.0, 1.0]] * 2)
        write(tmp_path / f"Wrench_{who}_saved.csv", [[0.0, 0.0, -5.0 * (number + 1), 0.0, 0.0, 0.0]] * 2)
    return tmp_path


def test_both_people_and_the_baton_are_read(folder: Path) -> None:
    recording = read_handover(folder)
    assert is_handover_folder(folder) and recording.rate_hz == pytest.approx(120.0)
    frame = recording.frames[1]
    assert [person.id for person in frame.persons] == [0, 1] and frame.reference == "world"
    wrist = frame.skeleton.index("right_wrist")
    taker = frame.persons[1].keypoints_m
    assert taker is not None
    np.testing.assert_allclose(taker[wrist], (1.0, PARTS.index("RHand"), 1.0))
    pose = frame.objects[0].T_reference_object
    assert pose is not None
    np.testing.assert_allclose(pose[:3, 3], (0.1, 0.2, 1.0))
    np.testing.assert_allclose(pose[:3, 0], (0.0, 1.0, 0.0), atol=1e-12)  # a quarter turn about z: x, y, z, w
    assert len(read_recording(folder)) == 2


def test_forces_press_where_sensors_read_below_zero(folder: Path) -> None:
    np.testing.assert_allclose(read_grip_forces_n(folder), [[5.0, 10.0], [5.0, 10.0]])


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "a\nnonsense\n", "x,y,z,q0,q1,q2,q3\n0,0,0,0,0,0,0\n"])
def test_a_damaged_file_is_named(folder: Path, text: str) -> None:
    (folder / "taker_head_pose_saved.csv").write_text(text)
    with pytest.raises(InputError, match="taker_head"):
        read_handover(folder)


def test_files_of_different_lengths_and_missing_ones_are_named(folder: Path) -> None:
    write(folder / "giver_neck_pose_saved.csv", [[0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]])
    with pytest.raises(InputError, match="giver_neck"):
        read_handover(folder)
    (folder / "giver_neck_pose_saved.csv").unlink()
    with pytest.raises(InputError, match="giver_neck"):
        read_handover(folder)


def test_arms_are_read_trial_by_trial(tmp_path: Path) -> None:
    path = tmp_path / "arms.npz"
    table = np.arange(5 * 18, dtype=float).reshape(5, 18)
    names = np.array(["Task1/Human1/trial1.txt", "Task1/Human1/trial2.txt"])
    np.savez(path, x=table, offsets=[0, 2, 5], name=names)
    trials = read_arm_table(path)
    assert [len(each) for each in trials.values()] == [2, 3] and "Task1/Human1/trial2" in trials
    frame = trials["Task1/Human1/trial2"].frames[0]
    points = frame.persons[0].keypoints_m
    assert points is not None and frame.reference == "camera"
    np.testing.assert_allclose(points[frame.skeleton.index("right_wrist")], table[2, 3:6])
    np.testing.assert_allclose(points[frame.skeleton.index("left_shoulder")], table[2, 12:15])


@pytest.mark.parametrize(
    "arrays",
    [
        {"x": np.zeros((5, 17)), "offsets": [0, 5], "name": ["a"]},
        {"x": np.zeros((5, 18)), "offsets": [0, 9], "name": ["a"]},
        {"x": np.zeros((5, 18)), "offsets": [0, 5], "name": ["a", "b"]},
        {"x": np.zeros((5, 18))},
    ],
)
def test_tables_of_another_layout_are_refused(tmp_path: Path, arrays: dict[str, object]) -> None:
    np.savez(tmp_path / "arms.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"arms\.npz"):
        read_arm_table(tmp_path / "arms.npz")
