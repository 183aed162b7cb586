"""`eval grasp-ap` from scenes to numbers: suppression, determinism, empty frames, and what is written."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from envs.clutter import OraclePlanner, Proposals
from envs.objects import load_objects
from geometry import InputError, transform
from graspmimic.__main__ import main
from perception.grasping import TopDownPlanner
from policies.grasp_ap import ApScenes, FrameAp, SceneAp, run_grasp_ap, summarise_ap

SMALL = ApScenes(arrangement="tabletop", objects_per_scene=3, views=2)


def nothing(observation: object) -> Proposals:
    return Proposals(np.empty((0, 4, 4)), np.empty(0), np.empty(0))


def many_times(observation: object) -> Proposals:
    """One pose thirty times, its 180-degree twin, and one 31 mm beside it."""
    one = transform(np.diag([1.0, -1.0, -1.0]), (0.15, 0.15, 0.2))
    twin, beside = one @ np.diag([-1.0, -1.0, 1.0, 1.0]), transform(translation=(0.031, 0.0, 0.0)) @ one
    poses = np.stack([one] * 30 + [twin, beside])
    return Proposals(poses, np.full(32, 0.05), np.linspace(1.0, 0.5, 32))


def test_an_empty_frame_is_zero_and_no_exception() -> None:
    result = run_grasp_ap(nothing, load_objects("procedural", limit=5), config=SMALL, scenes=1)
    assert (result.ap, result.ap_low, result.ap_high) == (0.0, 0.0, 0.0)
    assert len(result.frames) == 2 and all(frame.counted == 0 for frame in result.frames)


def test_duplicates_count_once() -> None:
    result = run_grasp_ap(many_times, load_objects("procedural", limit=5), config=SMALL, scenes=1)
    assert [(frame.planned, frame.counted) for frame in result.frames] == [(32, 2), (32, 2)]


@pytest.mark.slow
def test_the_numbers_do_not_depend_on_the_processes() -> None:
    objects = load_objects("procedural", limit=8)
    one, two = (run_grasp_ap(TopDownPlanner(), objects, config=SMALL, scenes=2, processes=p) for p in (1, 2))
    assert one.ap > 0.0
    for a, b in zip(one.frames, two.frames, strict=True):
        assert np.array_equal(a.precision, b.precision) and a[1:6] == b[1:6]


def test_means_are_taken_over_scenes_of_their_frames() -> None:
    def frame(value: float) -> FrameAp:
        return FrameAp(np.full((50, 6), value), 1, 1, 0, 0, 0, 0.1)

    scenes = [
        SceneAp(seed=0, scene=1, objects=2, frames=(frame(0.2), frame(0.4))),
        SceneAp(seed=0, scene=0, objects=8, frames=(frame(0.9),)),
        SceneAp(seed=0, scene=2, objects=0, frames=()),
    ]
    result = summarise_ap(scenes)
    assert result.ap == pytest.approx(0.6) and result.ap_08 == pytest.approx(0.6)
    assert (result.ap_low, result.ap_high) == pytest.approx((0.3, 0.9))
    assert [scene.scene for scene in result.scenes] == [0, 1, 2]
    assert 0.8 < result.ap_limit < 1.0
    with pytest.raises(InputError, match="objects on the table"):
        summarise_ap(scenes[2:])


def test_the_oracle_is_refused() -> None:
    with pytest.raises(InputError, match="ranks many"):
        run_grasp_ap(OraclePlanner(), load_objects("procedural", limit=2), scenes=1)


def test_the_command_writes_frames_and_json(tmp_path: Path) -> None:
    words = "eval grasp-ap --scene tabletop --scenes 1 --count 3 --views 2 --planner topdown --processes 1".split()
    path = tmp_path / "result.json"
    assert main([*words, "--output", str(tmp_path / "out"), "--json", str(path)]) == 0
    results = json.loads(path.read_text(), parse_constant=pytest.fail)["results"]
    assert (results["planner"], results["frames"], results["scenes"]) == ("topdown", 2, 1)
    assert 0.0 <= results["ap_low"] <= results["ap"] <= results["ap_high"] <= results["ap_limit"] <= 1.0
    assert results["ap_04"] <= results["ap_08"]
    with (tmp_path / "out" / "frames.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert np.mean([float(row["ap"]) for row in rows]) == pytest.approx(results["ap"], abs=1e-5)


def test_bad_options_give_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "grasp-ap", "--views", "0", "--output", str(tmp_path)]) == 2
    assert "at least 1" in capsys.readouterr().err
