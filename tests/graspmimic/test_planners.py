"""Planners by name, the built-in ones and those of other people."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from envs.clutter import OraclePlanner
from geometry import InputError
from graspmimic import planners
from graspmimic.planners import make_planner
from perception.frames import scene_from_depth
from perception.grasping import AntipodalPlanner, TopDownPlanner
from perception.grasping.network import GraspNetwork, detector

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
        ("gpd", "expected network, antipodal, antipodal-uncorrected, topdown, oracle, network+imagination"),
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


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a network that has learned nothing."""
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("weights") / "network.safetensors"
    GraspNetwork().save(file, {"made": "by a test"})
    return file


def test_the_network_survives_a_trip_to_another_process(weights: Path, desk_frame) -> None:
    planner = make_planner("network", weights=weights)
    view = scene_from_depth(desk_frame.depth_m, desk_frame.camera, np.random.default_rng(0))
    there = pickle.loads(pickle.dumps(planner))
    assert len(pickle.dumps(planner)) < 2000  # the weights do not travel
    here = planner(view)
    assert here.frame == "world" and there(view).poses.tobytes() == here.poses.tobytes()
    assert torch.get_num_threads() == 1


def test_the_network_declines_what_is_unlikely(weights: Path, desk_frame) -> None:
    view = scene_from_depth(desk_frame.depth_m, desk_frame.camera, np.random.default_rng(0))
    best = make_planner("network", weights=weights)(view).scores[0]
    bold = make_planner("network", weights=weights, min_probability=float(best))
    shy = make_planner("network", weights=weights, min_probability=float(best) + 1e-6)
    assert len(bold(view)) and not len(shy(view)) and "below" in shy(view).note


def test_weights_belong_to_the_network(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--planner network"):
        make_planner("antipodal", weights=weights)
    with pytest.raises(InputError, match="none of this name"):
        make_planner("network", weights=tmp_path / "nothing.safetensors")


def test_detect_uses_the_network_once_its_weights_ship() -> None:
    assert planners.WEIGHTS == detector.WEIGHTS
    assert planners.DETECT_PLANNER == ("network" if planners.WEIGHTS.exists() else "antipodal")


def test_a_planner_can_be_given_imagination() -> None:
    from policies.imagination import ImaginingPlanner

    planner = make_planner("antipodal+imagination")
    assert isinstance(planner, ImaginingPlanner) and isinstance(planner.planner, AntipodalPlanner)
    with pytest.raises(InputError, match="antipodal\\+imagination"):
        make_planner("oracle+imagination")
