"""What a gradient step costs: the lean learners beside Stable-Baselines3's, taking turns in one process.

    python benchmarks/learners.py [--turns 15] [--json FILE]

One thread; CPU time; each turn is one call of `train` with eight gradient steps on hindsight replay of 100,000
transitions. The other side runs as it is and, in a second column, with oneDNN's products, which are
the lean learners' default for layers of 96 and more.
"""

from __future__ import annotations

import argparse
import json
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib import TQC
from stable_baselines3 import DDPG, SAC, TD3, HerReplayBuffer

from policies.reinforcement.features import GoalFeatures
from policies.reinforcement.goal_replay import GoalReplay
from policies.reinforcement.lean_sac import LeanSAC
from policies.reinforcement.lean_td3 import LeanDDPG, LeanTD3
from policies.reinforcement.lean_torch import matmul_by_onednn
from policies.reinforcement.lean_tqc import LeanTQC

SIZES = (([64, 64], 256), ([128, 128, 128], 256), ([256, 256], 512))
PAIRS: tuple[tuple[type, type], ...] = ((SAC, LeanSAC), (TQC, LeanTQC), (TD3, LeanTD3), (DDPG, LeanDDPG))
STEPS, STORED = 8, 100_000


class Cost(NamedTuple):
    """One learner at one size."""

    theirs_ms: float
    theirs_onednn_ms: float
    ours_ms: float
    ratio: float
    ratio_onednn: float


class Drift(gymnasium.Env[Any, Any]):
    """Random vectors of the size of a pushing task's."""

    def __init__(self) -> None:
        boxes = {name: spaces.Box(-1, 1, (size,), np.float32) for name, size in
                 (("observation", 19), ("achieved_goal", 3), ("desired_goal", 3))}  # fmt: skip
        self.observation_space = spaces.Dict(boxes)
        self.action_space = spaces.Box(-1, 1, (4,), np.float32)
        self._left = 0

    def _seen(self) -> dict[str, np.ndarray]:
        table = self.np_random.uniform(-1, 1, 25).astype(np.float32)
        return {"observation": table[:19], "achieved_goal": table[19:22], "desired_goal": table[22:]}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """A new episode of 50 steps."""
        super().reset(seed=seed)
        self._left = 50
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        """Anything may follow."""
        self._left -= 1
        return self._seen(), -1.0, False, self._left == 0, {}

    def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
        """-1 farther than 5 cm from the goal."""
        return -(np.linalg.norm(achieved - desired, axis=-1) > 0.05).astype(np.float32)


def learner(kind: Any, replay: type, widths: list[int]) -> Any:
    """A model with some replay."""
    model = kind(
        "MultiInputPolicy", Drift(), policy_kwargs={"net_arch": widths, "features_extractor_class": GoalFeatures},
        replay_buffer_class=replay, buffer_size=STORED, learning_starts=5000, seed=0, device="cpu",
    )  # fmt: skip
    return model.learn(5000)


def turn(model: Any, batch_size: int, onednn: bool) -> float:
    """CPU milliseconds of a gradient step."""
    with matmul_by_onednn(True) if onednn else nullcontext():
        start = time.process_time()
        model.train(gradient_steps=STEPS, batch_size=batch_size)
        return (time.process_time() - start) * 1e3 / STEPS


def cost(pair: tuple[type, type], widths: list[int], batch_size: int, turns: int) -> Cost:
    """Let the two learners take turns, in alternating order."""
    theirs, ours = learner(pair[0], HerReplayBuffer, widths), learner(pair[1], GoalReplay, widths)
    sides = [(theirs, False), (theirs, True), (ours, False)]
    times = []
    for number in range(turns + 2):
        order = [0, 1, 2] if number % 2 else [2, 1, 0]
        taken = {index: turn(sides[index][0], batch_size, sides[index][1]) for index in order}
        times.append([taken[index] for index in range(3)])
    table = np.array(times[2:])
    ratios = np.median(table[:, :2] / table[:, 2:], axis=0)
    return Cost(*np.median(table, axis=0).tolist(), *ratios.tolist())


def main() -> None:
    """Run all races and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--turns", type=int, default=15, help="of each learner")
    parser.add_argument("--json", type=Path, help="file for the result")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, float] = {}
    print("learner   net              batch   SB3 ms   SB3 oneDNN ms   lean ms   ratio   ratio to oneDNN")
    for widths, batch_size in SIZES:
        for pair in PAIRS:
            found = cost(pair, widths, batch_size, options.turns)
            print(f"{pair[0].__name__:9s} {widths!s:16s} {batch_size:5d} {found.theirs_ms:8.2f} "
                  f"{found.theirs_onednn_ms:15.2f} {found.ours_ms:9.2f} {found.ratio:7.2f} "
                  f"{found.ratio_onednn:17.2f}", flush=True)  # fmt: skip
            name = f"{pair[0].__name__.lower()}_{'x'.join(map(str, widths))}"
            results |= {f"{name}_{key}": round(value, 3) for key, value in found._asdict().items()}
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
