"""`bench envs`: what its ratios mean, its script for panda-gym, and a small run of the whole."""

from __future__ import annotations

import json
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from graspmimic.__main__ import main
from graspmimic.envs_race import Pace, Race, Single, race
from graspmimic.envs_report import flat_results
from graspmimic.panda_gym_side import make_panda_gym, panda_gym_grasp


class Clockwork(gymnasium.Env[Any, Any]):
    """Burns 2 ms of CPU time a step, says "terminated" from the third step on, and is truncated at the fifth."""

    observation_space = action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)

    def __init__(self) -> None:
        self.steps = self.resets = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.steps, self.resets = 0, self.resets + 1
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> Any:
        burn(0.002)
        self.steps += 1
        done = self.steps >= 3
        return np.zeros(1, np.float32), 0.0, done, self.steps == 5, {"is_success": self.resets % 2 == 1}


def burn(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def slow_agent(_: Any) -> Any:
    burn(0.01)
    return np.zeros(1, np.float32)


def test_only_the_environments_own_time_counts_and_episodes_last_to_their_limit() -> None:
    env = Clockwork()
    single = Single(env, slow_agent, seed=0)
    pace = single.run(10)
    assert pace.steps == 10
    assert 0.020 <= pace.cpu_s < 0.035, "ten steps of 2 ms, without ten thoughts of 10 ms"
    assert pace.wall_s >= 0.12
    assert env.resets == 3, "once before and once after each episode of five steps"
    assert single.successes == [True, False]


def test_the_two_take_turns() -> None:
    turns: list[tuple[str, int]] = []

    class Side:
        def __init__(self, name: str) -> None:
            self.name = name

        def run(self, steps: int) -> Pace:
            turns.append((self.name, steps))
            return Pace(steps, float(len(turns)), 1.0)

    windows: list[None] = []
    found = race(Side("a"), Side("b"), windows=2, steps=50, on_window=lambda: windows.append(None))
    assert turns == [("a", 5), ("b", 5), ("a", 50), ("b", 50), ("a", 50), ("b", 50)]
    assert [pace.cpu_s for pace in found.ours] == [3.0, 5.0], "the first, short turn is not counted"
    assert len(windows) == 2


def test_ratios_are_medians_over_neighbouring_windows() -> None:
    ours = [Pace(100, 0.1, 1.0), Pace(100, 0.2, 1.0), Pace(100, 0.4, 1.0)]  # 1000, 500, 250 steps a CPU second
    theirs = [Pace(100, 0.4, 2.0), Pace(100, 0.5, 4.0), Pace(100, 1.0, 8.0)]  # 250, 200, 100
    results = Race(ours, theirs).results("reach")
    assert results == pytest.approx(
        {
            "ratio_reach": 2.5,  # the middle of 4, 2.5 and 2.5
            "ratio_reach_best": 4.0,  # 1000 over 250
            "steps_per_cpu_s_reach": 500.0,
            "steps_per_cpu_s_reach_best": 1000.0,
            "steps_per_cpu_s_reach_panda_gym": 200.0,
            "steps_per_cpu_s_reach_panda_gym_best": 250.0,
        }
    )
    flat = flat_results({"workers": Race(ours, theirs), "depth": Race(ours, theirs)})
    assert flat["ratio_workers"] == pytest.approx(4.0), "by wall time: 2, 4, 8"
    assert flat["ratio_workers_cpu"] == pytest.approx(2.5)
    assert flat["depth_cost_ratio"] == pytest.approx(2.5)


def shown(hand: Any, width_m: float, cube: Any, goal: Any) -> dict[str, Any]:
    """As panda-gym shows it: hand, its velocity, width, cube, and nine numbers more."""
    return {"observation": np.array([*hand, 0, 0, 0, width_m, *cube, *[0] * 9]), "desired_goal": np.array(goal)}


def test_the_script_for_panda_gym_comes_from_above_goes_down_and_carries() -> None:
    cube, goal = (0.1, 0.0, 0.02), (0.1, 0.1, 0.12)
    above = panda_gym_grasp(shown((0.0, 0.0, 0.08), 0.08, cube, goal))
    np.testing.assert_allclose(above, [1.0, 0.0, 0.0, 1.0], atol=1e-6)
    down = panda_gym_grasp(shown((0.1, 0.0, 0.06), 0.08, cube, goal))
    np.testing.assert_allclose(down, [0.0, 0.0, -0.48, 1.0], atol=1e-6)
    close = panda_gym_grasp(shown((0.1, 0.0, 0.025), 0.08, cube, goal))
    np.testing.assert_allclose(close, [0.0, 0.0, -0.06, -1.0], atol=1e-6)
    carry = panda_gym_grasp(shown((0.1, 0.0, 0.025), 0.04, cube, goal))
    np.testing.assert_allclose(carry, [0.0, 1.0, 1.0, -1.0], atol=1e-6)


def test_the_script_grasps_in_panda_gym(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("panda_gym", reason="panda-gym comes with the dev extra")
    env = make_panda_gym("PickPlace")
    try:
        single = Single(env, panda_gym_grasp, seed=0)
        single.run(200)
    finally:
        env.close()
    assert single.successes == [True] * 4
    assert "argv" not in capfd.readouterr().out


def test_without_panda_gym_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr("graspmimic.panda_gym_side.metadata.version", missing)
    assert main(["bench", "envs", "--output", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "pip install panda-gym==3.0.7" in said and "dev" in said
    assert said.count("\n") == 1


def test_numbers_that_make_no_sense_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "envs", "--windows", "0"]) == 2
    assert "--windows" in capsys.readouterr().err


@pytest.mark.slow
def test_a_small_run_of_everything(tmp_path: Path) -> None:
    pytest.importorskip("panda_gym", reason="panda-gym comes with the dev extra")
    report = tmp_path / "report.json"
    options = ["--windows", "2", "--steps", "100", "--episodes", "4", "--workers", "2"]
    assert main(["bench", "envs", *options, "--output", str(tmp_path), "--json", str(report)]) == 0
    results = json.loads(report.read_text())["results"]
    for name in ("reach", "push", "pickplace", "scripted", "workers", "workers_cpu"):
        assert results[f"ratio_{name}"] > 1.0
    assert results["depth_cost_ratio"] > 1.0
    assert results["scripted_success"] == 1.0
    assert 0.0 < results["ee_deviation_mm_mean"] < results["ee_deviation_mm_max"] < 50.0
    rows = (tmp_path / "windows.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * 2 * 6
