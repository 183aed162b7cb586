"""`eval behavior`: bad requests are named, and a small evaluation of a user's own comes out right."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graspmimic.__main__ import main
from perception.behavior.sets import BehaviorSequence, save_behavior_set, set_of_sequences


def waving_set(path: Path) -> None:
    """Four people of three joints: the wrist rests in the first half of a recording and waves in the second."""
    sequences = []
    for subject in range(4):
        rng = np.random.default_rng(subject)
        time_s = np.arange(120) / 30.0
        waves = time_s >= 2.0
        points = np.zeros((120, 3, 2))
        points[:, 0], points[:, 1] = (0.0, 0.0), (0.0, 1.0)
        points[:, 2, 0] = 0.5 + waves * 0.4 * np.sin(2 * np.pi * 2.0 * time_s)
        points += 0.01 * rng.standard_normal(points.shape)
        sequences.append(
            BehaviorSequence(
                name=f"take{subject}", subject=f"p{subject}", time_s=time_s, keypoints=points.astype(np.float32),
                scores=np.ones((120, 3), dtype=np.float32), frame_labels=waves.astype(np.int64),
            )
        )  # fmt: skip
    data = set_of_sequences(
        sequences, joints=("pelvis", "neck", "right_wrist"), bones=[(0, 1), (1, 2)], label_names=("rest", "wave")
    )
    save_behavior_set(path, data)


def test_a_network_of_ones_own_is_judged_on_whom_it_has_not_seen(tmp_path: Path) -> None:
    waving_set(tmp_path / "set.npz")
    trained = ["--data", str(tmp_path / "set.npz"), "--output", str(tmp_path / "run"), "--threads", "1"]
    assert main(["train", "behavior", *trained, "--epochs", "30", "--held-out", "p3"]) == 0
    judged = ["--what", "model", "--data", str(tmp_path / "set.npz"), "--subjects", "p3", "--output", str(tmp_path)]
    network = ["--model", str(tmp_path / "run" / "behavior.safetensors"), "--json", str(tmp_path / "out.json")]
    assert main(["eval", "behavior", *judged, *network]) == 0
    results = json.loads((tmp_path / "out.json").read_text())["results"]
    assert results["frame_subjects"] == 1
    assert results["frame_accuracy"] > 0.85


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--what", "verbs"], "--data: expected the HAKE-HICO folder"),
        (["--what", "gestures", "--data", "/nowhere"], "got /nowhere, which does not exist"),
        (["--what", "model", "--data", "/nowhere"], "--model: expected behavior.safetensors"),
        (["--what", "exercises", "--seeds", "0"], "--seeds and --threads of at least 1"),
    ],
)
def test_bad_requests_are_one_line(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", "behavior", *words, "--output", str(tmp_path / "out")]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert said in lines[0]
