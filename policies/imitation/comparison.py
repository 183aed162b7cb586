"""One cell of a comparison: a policy trained on so many demonstrations of a task, and what it is then worth.

Every cell lies in a folder of its own and is made once; a comparison that was stopped goes on with the cells that are
missing. All policies of a task and seed learn from the same episodes, and all are judged from the same starts.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch

from geometry import InputError
from perception.figures import output_file
from policies.demonstrations import DemonstrationSet, SetInfo, collect, expert_plan
from policies.imitation.data_layout import DataLayout
from policies.imitation.evaluation import PolicyEvaluation, evaluate_acts, evaluate_policy
from policies.imitation.mirroring import mirrored, signs_of
from policies.imitation.mode_coverage import mode_coverage
from policies.imitation.policy import Policy
from policies.imitation.policy_file import POLICY_NAME, load_imitation_policy, make_config
from policies.imitation.training import train_imitation
from policies.reinforcement import TEST_SEED, expert_act, make_task_env

EXPERT = "expert"
"""In place of a policy's kind: the scripted expert, which learns nothing."""
MIRRORED = "+mirror"
"""After a policy's kind: it learns from every demonstration and its mirror images, for twice as many steps."""
TWO_WAYS = "Detour"
"""The task that can be done in two ways."""
_WAY_STARTS, _WAY_TRIES = 20, 8
TUNED: dict[tuple[str, str], dict[str, Any]] = {
    ("Push", "act"): {"execute": 2},
    ("Push", "flow"): {"execute": 2},
}
"""Settings of a kind of policy in a task, chosen on other starts than those that it is judged from."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What is trained on what; names its folder."""

    task: str
    """Name of the task."""
    policy: str
    """Kind of the policy, with "+mirror" where mirrored demonstrations are added, or "expert"."""
    demos: int
    """Demonstrations; 0 for the expert."""
    seed: int
    """Of the set of demonstrations, the weights and the order of windows."""
    observation: str = "state"
    """As the environment takes it, such as "pointcloud"."""
    episodes: int = 100
    """Of the evaluation; their seeds begin at `TEST_SEED`."""
    steps: int | None = None
    """Optimiser steps; None takes the policy's own."""

    @property
    def kind(self) -> str:
        """Of the policy."""
        return self.policy.removesuffix(MIRRORED)

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.task}-{self.observation}-{self.policy}-{self.demos}-seed{self.seed}"

    @property
    def set_name(self) -> str:
        """Of the folder of its demonstrations."""
        return f"{self.task}-{self.observation}-seed{self.seed}"


def check_cell(task: str, observation: str, *, mirrors: bool) -> None:
    """See that a task can be seen so, and mirrored where that is wanted.

    Raises:
        InputError: if not.
    """
    env = _make_env(Cell(task=task, policy=EXPERT, demos=0, seed=0, observation=observation))
    try:
        if mirrors:
            signs_of(SetInfo.of_env(env), np.array([-1.0, 1.0, 1.0]))
    finally:
        env.close()


def collect_for(cell: Cell, sets: Path, *, episodes: int, workers: int) -> Path:
    """The folder with a cell's demonstrations, collected where they are missing.

    Args:
        cell: any that learns from the set.
        sets: folder of all sets.
        episodes: that the set shall hold.
        workers: processes that play.
    """
    folder = sets / cell.set_name
    collect(
        expert_plan(cell.task, env_options=_options(cell), seed=cell.seed), folder, episodes=episodes, workers=workers
    )
    return folder


def run_cell(cell: Cell, sets: Path, cells: Path) -> dict[str, Any]:
    """Train and judge, on one thread; a cell that is there already is only read.

    Args:
        cell: what to do.
        sets: folder of all sets.
        cells: folder of all cells.
    Raises:
        InputError: if its folder holds a cell with other settings.
    """
    torch.set_num_threads(1)
    folder = cells / cell.name
    record = folder / "cell.json"
    told = asdict(cell)
    if record.exists():
        known: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
        if known["cell"] != json.loads(json.dumps(told)):
            raise InputError(str(folder), expected=f"{told}", got=f"{known['cell']}", remedy="choose another --output")
        return known
    result, report = _judged_expert(cell) if cell.policy == EXPERT else _judged_policy(cell, sets, folder)
    row = {"cell": told, **report, **_numbers(result)}
    folder.mkdir(parents=True, exist_ok=True)
    with output_file(record) as draft:
        draft.write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")
    return row


def _judged_policy(cell: Cell, sets: Path, folder: Path) -> tuple[PolicyEvaluation, dict[str, Any]]:
    shown = DemonstrationSet.open(sets / cell.set_name).first(cell.demos)
    episodes = list(shown)
    config = make_config(cell.kind, **TUNED.get((cell.task, cell.kind), {}))
    training = type(config).training
    if cell.policy.endswith(MIRRORED):
        episodes = mirrored(episodes, shown.info)
        training = replace(training, steps=2 * training.steps)
    if cell.steps is not None:
        training = replace(training, steps=cell.steps)
    env = _make_env(cell)
    try:
        report = train_imitation(
            config, episodes, DataLayout.of_env(env), folder, seed=cell.seed, training=training,
            about={"env": f"graspmimic/{cell.task}-v0", "env_options": _options(cell)},
        )  # fmt: skip
        policy = load_imitation_policy(folder / POLICY_NAME)
        result = evaluate_policy(policy, env, episodes=cell.episodes, seed=TEST_SEED)
    finally:
        env.close()
    weights = sum(weight.numel() for weight in policy.parameters())
    about = {"steps": report.steps, "train_cpu_s": report.cpu_s, "train_wall_s": report.wall_s, "weights": weights}
    return result, about | ({"ways": _ways(cell, policy)} if cell.task == TWO_WAYS else {})


def _ways(cell: Cell, policy: Policy) -> dict[str, float]:
    """Which ways a policy takes: over all tries, and from the same start."""
    env = _make_env(cell)
    try:
        covered = mode_coverage(policy, env, starts=_WAY_STARTS, tries=_WAY_TRIES, seed=TEST_SEED + cell.episodes)
    finally:
        env.close()
    bits = covered.mean_entropy_bits(np.random.default_rng(cell.seed))
    shares = {"left": covered.left, "right": covered.right, "failed": covered.failed, "both": covered.both_ways}
    return {name: share.value for name, share in shares.items()} | {"bits": bits.value}


def _judged_expert(cell: Cell) -> tuple[PolicyEvaluation, dict[str, Any]]:
    env = _make_env(cell)
    try:
        act = expert_act(cell.task, env)
        result = evaluate_acts(act, lambda: None, env, episodes=cell.episodes, seed=TEST_SEED)
    finally:
        env.close()
    return result, {"steps": 0, "train_cpu_s": 0.0, "train_wall_s": 0.0, "weights": 0}


def _numbers(result: PolicyEvaluation) -> dict[str, Any]:
    low, high = result.evaluation.interval()
    return {
        "success_at_end": result.at_end,
        "success_once": result.evaluation.once,
        "low": low,
        "high": high,
        "stages": {name: float(np.mean(flags)) for name, flags in result.stages.items()},
        "ends": [int(end) for end in result.evaluation.success_at_end],
        "action_ms": float(np.median(result.action_ms)),
        "decision_ms": float(np.median(result.decision_ms)),
    }


def _options(cell: Cell) -> dict[str, Any]:
    return {} if cell.observation == "state" else {"observation": cell.observation}


def _make_env(cell: Cell) -> gymnasium.Env[Any, Any]:
    return make_task_env(cell.task, **_options(cell))
