"""Cells of a comparison, and policies for which it does not matter where on the table a task is done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from geometry import InputError
from policies.demonstrations import DemonstrationWriter, Episode, SetInfo
from policies.imitation import DataLayout, load_policy_file, make_config, save_policy_file, train_policy
from policies.imitation.comparison import Cell, collect_for, run_cell
from policies.imitation.policy_config import PolicyConfig
from policies.imitation.training_config import TrainingConfig
from policies.reinforcement import make_task_env

SMALL: dict[str, dict[str, Any]] = {
    "bc": {"widths": (16, 16)},
    "bc-rnn": {"width": 16, "history": 4},
    "act": {"width": 16, "heads": 2, "inner": 16, "chunk": 4, "execute": 2},
    "flow": {},
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def made(kind: str, layout: DataLayout) -> Any:
    torch.manual_seed(0)
    return make_config(kind, **SMALL[kind]).make(layout).eval()


def layout_of(task: str, **options: Any) -> tuple[DataLayout, SetInfo]:
    env = make_task_env(task, **options)
    try:
        return DataLayout.of_env(env), SetInfo.of_env(env)
    finally:
        env.close()


def moved(observation: dict[str, np.ndarray], info: SetInfo, way: dict[str, float]) -> dict[str, np.ndarray]:
    """The same scene elsewhere: everything that is a place in the world goes along, by what it is called."""
    there = {key: row.copy() for key, row in observation.items()}
    for key, names in info.observation_names.items():
        for number, name in enumerate(names):
            place = "position" in name if key == "observation" else name != "pillar touched"
            there[key][number] += way.get(name[-1], 0.0) if place else 0.0
    return there


def actions(policy: Any, observation: dict[str, np.ndarray]) -> np.ndarray:
    policy.reset()
    return np.stack([policy.select_action(observation) for _ in range(3)])


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("task", ["Push", "Detour"])
def test_a_task_elsewhere_on_the_table_is_done_alike(kind: str, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policies.imitation.flow._seed_of", lambda *_: 0)  # else flow's noise is the place's own
    layout, info = layout_of(task)
    rng = np.random.default_rng(0)
    seen = {key: rng.normal(size=len(names)).astype(np.float32) for key, names in info.observation_names.items()}

    def done(observation: dict[str, np.ndarray]) -> np.ndarray:
        return actions(made(kind, layout), observation)

    here = done(seen)
    np.testing.assert_allclose(done(moved(seen, info, {"x": 0.25, "y": -0.5})), here, atol=1e-5)
    assert np.abs(done(moved(seen, info, {"z": 0.25})) - here).max() > 1e-4  # heights are seen
    goal = moved(seen, info, {"x": 0.25})["desired_goal"]
    assert np.abs(done(seen | {"desired_goal": goal}) - here).max() > 1e-4  # and the way to the goal


def test_without_the_way_to_things_or_to_the_goal_places_are_seen() -> None:
    assert not layout_of("Reach")[0].places
    assert not layout_of("PickPlace", observation="pointcloud")[0].places
    layout, info = layout_of("PickPlace", observation="state+pointcloud")
    assert "achieved_goal" not in made("act", layout).keys
    rng = np.random.default_rng(0)
    seen = {key: rng.normal(size=shape).astype(np.float32) for key, shape in layout.observations.items()}
    policy = make_config("bc", widths=(8,), keys=("observation", "desired_goal")).make(layout).eval()
    there = moved(seen, replace(info, observation_names={**info.observation_names, "pointcloud": ()}), {"x": 0.3})
    assert np.abs(actions(policy, there) - actions(policy, seen)).max() > 1e-4


def test_a_layout_with_places_comes_back_from_its_file(tmp_path: Path) -> None:
    layout, info = layout_of("Push")
    policy = made("act", layout)
    save_policy_file(tmp_path / "policy.safetensors", policy, make_config("act", **SMALL["act"]), layout, {})
    loaded = load_policy_file(tmp_path)
    assert loaded.layout == layout and any(layout.places["observation"])
    seen = {key: np.ones(len(names), np.float32) for key, names in info.observation_names.items()}
    np.testing.assert_array_equal(actions(loaded.policy, seen), actions(policy, seen))


def few(task: str) -> tuple[DataLayout, list[Episode], dict[str, Any]]:
    """Episodes of somebody who moves at random, of a task's own shape."""
    env, rng = make_task_env(task), np.random.default_rng(0)
    layout, episodes = DataLayout.of_env(env), []
    first: Any = None
    for number in range(2):
        seen, _ = env.reset(seed=1_000_000 + number)
        rows, done = [], []
        for _ in range(5):
            row = seen if isinstance(seen, dict) else {"observation": seen}
            first = first or row
            rows.append(row)
            done.append(rng.uniform(-1.0, 1.0, layout.actions).astype(np.float32))
            seen, *_ = env.step(done[-1])
        tables = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
        episodes.append(
            Episode(observations=tables, actions=np.stack(done), rewards=np.zeros(5, np.float32), success=False)
        )
    env.close()
    return layout, episodes, first


@pytest.mark.parametrize("task", ["Lift", "Detour", "Handover", "Stack"])
def test_tasks_with_and_without_goals_train_and_act(task: str, tmp_path: Path) -> None:
    layout, episodes, first = few(task)
    config: PolicyConfig = make_config("act", **SMALL["act"])
    torch.manual_seed(0)
    policy = config.make(layout)
    train_policy(policy, episodes, TrainingConfig(steps=5, batch_size=4, warmup_steps=1), seed=0)
    save_policy_file(tmp_path / "policy.safetensors", policy, config, layout, {})
    loaded = load_policy_file(tmp_path).policy
    action = loaded.select_action(first)
    assert action.shape == (layout.actions,) and np.isfinite(action).all()
    np.testing.assert_array_equal(action, policy.eval().select_action(first))


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    cell = Cell(task="Reach", policy="bc", demos=2, seed=0)
    writer = DemonstrationWriter(tmp_path / "sets" / cell.set_name, layout_of("Reach")[1])
    for episode in few("Reach")[1]:
        writer.add(episode)
    return tmp_path / "sets"


def test_a_cell_is_made_once_and_read_from_then_on(sets: Path, tmp_path: Path) -> None:
    cell = Cell(task="Reach", policy="bc+mirror", demos=2, seed=0, episodes=2, steps=3)
    row = run_cell(cell, sets, tmp_path / "cells")
    record = tmp_path / "cells" / cell.name / "cell.json"
    assert row["steps"] == 3 and len(row["ends"]) == 2 and row["cell"]["policy"] == "bc+mirror"
    assert row["success_at_end"] == np.mean(row["ends"])
    record.write_text(json.dumps({**row, "success_once": 0.625}), encoding="utf-8")
    assert run_cell(cell, sets, tmp_path / "cells")["success_once"] == 0.625
    with pytest.raises(InputError, match="choose another --output"):
        run_cell(replace(cell, episodes=3), sets, tmp_path / "cells")


def test_the_expert_is_a_cell_of_its_own(tmp_path: Path) -> None:
    row = run_cell(Cell(task="Reach", policy="expert", demos=0, seed=0, episodes=3), tmp_path, tmp_path)
    assert row["ends"] == [1, 1, 1] and row["steps"] == 0 and row["low"] < 1.0 == row["success_at_end"]


@pytest.mark.slow
def test_a_cell_of_the_task_with_two_ways_tells_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policies.imitation.comparison._WAY_STARTS", 2)
    monkeypatch.setattr("policies.imitation.comparison._WAY_TRIES", 2)
    cell = Cell(task="Detour", policy="bc", demos=2, seed=0, episodes=1, steps=3)
    collect_for(cell, tmp_path / "sets", episodes=2, workers=1)
    ways = run_cell(cell, tmp_path / "sets", tmp_path / "cells")["ways"]
    assert ways.keys() == {"left", "right", "failed", "both", "bits"}
    assert ways["left"] + ways["right"] + ways["failed"] == pytest.approx(1.0)
