"""Planners by name, the built-in ones and those of other people."""

from __future__ import annotations

from pathlib import Path

import pytest

from envs.clutter import OraclePlanner
from geometry import InputError
from graspmimic.planners import make_planner
from perception.grasping import AntipodalPlanner, TopDownPlanner

SOURCE = """
import numpy as np

class Grasps:
    poses, widths_m, scores = np.empty((0, 4, 4)), np.empty(0), np.empty(0)

def plan(observation):
    return Grasps()

class Planner:
    def __call__(self, observation):
        return Grasps()

class Demanding:
    def __init__(self, weights):
        pass

number = 3
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "planners_of_mine.py").write_text(SOURCE)
    (tmp_path / "broken_planners.py").write_text("import a_package_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    return "planners_of_mine"


def test_the_built_in_ones() -> None:
    assert isinstance(make_planner("antipodal"), AntipodalPlanner)
    assert isinstance(make_planner("topdown"), TopDownPlanner)
    assert isinstance(make_planner("oracle"), OraclePlanner)


def test_a_function_and_a_class_of_ones_own(module: str) -> None:
    assert make_planner(f"{module}:plan").__name__ == "plan"
    assert type(make_planner(f"{module}:Planner")).__name__ == "Planner"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gpd", "expected network, antipodal, antipodal-uncorrected, topdown, oracle, or module:attribute, got 'gpd'"),
        ("", "got ''"),
        ("planners_of_mine:nothing", "importable 'nothing' in 'planners_of_mine'"),
        ("no_such_module:plan", "No module named 'no_such_module'"),
        ("broken_planners:plan", "a_package_that_is_not_there"),
        ("planners_of_mine:number", "planners_of_mine:number is a int"),
        (":plan", "--planner"),
        ("planners_of_mine:", "--planner"),
        ("planners_of_mine:Demanding", "without arguments"),
    ],
)
def test_what_is_no_planner(name: str, said: str, module: str) -> None:
    with pytest.raises(InputError, match="--planner") as caught:
        make_planner(name)
    assert said in str(caught.value) and "\n" not in str(caught.value)
