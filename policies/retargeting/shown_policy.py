"""From a few shown moves to a policy: replayed in many scenes, kept where physics agrees, learned from.

Source of the idea: Mandlekar et al., "MimicGen", CoRL 2023 (a few demonstrations become many by moving them to other
scenes, and only those that succeed are kept). All keypoints are synthetic: those of a simulated person.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from geometry import InputError
from perception.figures import output_file
from policies.demonstrations import Collected, DemonstrationSet, collect, expert_plan, play_episode
from policies.imitation.data_layout import DataLayout
from policies.imitation.evaluation import evaluate_policy
from policies.imitation.policy_file import POLICY_NAME, load_imitation_policy, make_config
from policies.imitation.training import train_imitation
from policies.programs.shown_frames import shown_frames
from policies.reinforcement import TEST_SEED, make_task_env
from policies.retargeting.replay import TASK, MoveReplay, replay_plan
from policies.retargeting.replay_trial import shown_carry
from policies.retargeting.shown_move import ShownMove, shown_moves

_SHOWN_SEED = 600_000
"""Seeds of the shown scenes start here; each seed of a cell has a thousand."""


@dataclass(frozen=True, kw_only=True)
class ShownCell:
    """A policy that learns from so many shown moves; names its folder."""

    shown: int
    """Moves that are shown; 0 learns from the scripted expert's episodes instead."""
    seed: int
    """Of who shows what, the set of episodes, the weights and the order of windows."""
    noise_m: float = 0.01
    """Mean error of the keypoints."""
    generated: int = 200
    """Episodes to learn from."""
    episodes: int = 100
    """Of the evaluation; their seeds begin at `TEST_SEED`."""
    policy: str = "act"
    """Kind of policy, with its default settings."""

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.policy}-{f'shown{self.shown}' if self.shown else 'expert'}-seed{self.seed}"


def moves_for(cell: ShownCell) -> list[ShownMove]:
    """What is shown to a cell; the first of many are those of few."""
    seeds = range(_SHOWN_SEED + 1000 * cell.seed, _SHOWN_SEED + 1000 * cell.seed + cell.shown)
    recordings = (shown_carry(seed, cell.noise_m)[1] for seed in seeds)
    return [move for recording in recordings for move in shown_moves(shown_frames(recording))]


def run_shown_cell(cell: ShownCell, output: Path) -> dict[str, Any]:
    """Generate episodes, learn from them and judge, on one thread; a cell that is there already is only read.

    Args:
        cell: what to do.
        output: its folder is made in this one.
    Raises:
        InputError: if its folder holds a cell with other settings.
    """
    torch.set_num_threads(1)
    folder, told = output / cell.name, asdict(cell)
    record = folder / "cell.json"
    if record.exists():
        known: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
        if known["cell"] != told:
            raise InputError(str(folder), expected=f"{told}", got=f"{known['cell']}", remedy="choose another --output")
        return known
    moves = moves_for(cell)
    played = _generated(cell, moves, folder / "set")
    row = {
        "cell": told,
        "moves": len(moves),
        "yield": played.kept / (played.kept + played.dropped),
        "replay_ends": _replay_ends(cell, moves),
        **_learned(cell, folder),
    }
    with output_file(record) as draft:
        draft.write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")
    return row


def _generated(cell: ShownCell, moves: list[ShownMove], folder: Path) -> Collected:
    plan = replay_plan(moves, seed=cell.seed) if cell.shown else expert_plan(TASK, seed=cell.seed)
    return collect(plan, folder, episodes=cell.generated)


def _replay_ends(cell: ShownCell, moves: list[ShownMove]) -> list[int]:
    """Successes of the moves themselves, replayed at the starts from which the policy is judged."""
    if not moves:
        return []
    env, replay = make_task_env(TASK), MoveReplay(moves)
    try:
        return [
            int(play_episode(env, replay, seed=seed, rng=np.random.default_rng([seed, cell.seed])).success)
            for seed in range(TEST_SEED, TEST_SEED + cell.episodes)
        ]
    finally:
        env.close()


def _learned(cell: ShownCell, folder: Path) -> dict[str, Any]:
    env = make_task_env(TASK)
    try:
        report = train_imitation(
            make_config(cell.policy), list(DemonstrationSet.open(folder / "set")), DataLayout.of_env(env), folder,
            seed=cell.seed, about={"env": f"graspmimic/{TASK}-v0", "env_options": {}},
        )  # fmt: skip
        policy = load_imitation_policy(folder / POLICY_NAME)
        ends = evaluate_policy(policy, env, episodes=cell.episodes, seed=TEST_SEED).evaluation.success_at_end
    finally:
        env.close()
    return {"policy_ends": [int(end) for end in ends], "steps": report.steps, "train_cpu_s": report.cpu_s}
