"""`graspmimic eval imitation`: what a policy learned from demonstrations is worth, over seeded episodes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from geometry import InputError
from graspmimic.options import OptionalFile
from graspmimic.report import prepare_folder

if TYPE_CHECKING:
    import gymnasium

    from policies.imitation import Policy, PolicyEvaluation


class _Player(NamedTuple):
    """Who plays where."""

    policy: Policy | None
    env_id: str
    env_options: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class EvalImitation:
    """Evaluate a policy of `train imitation`, the shipped one of a task, or the scripted expert.

    Every episode has a seed of its own and runs to its time limit; policies that are evaluated with the same --seed
    meet the same starts. success_at_end counts episodes in which the task is done when the time is over,
    success_once those in which it was done at any step. action_ms is the median over episodes of the mean time of an
    action, on one core, with --workers 0.
    """

    policy: OptionalFile = None
    """policy.safetensors of a training run, or its folder; default: the shipped policy of --task."""
    expert: bool = False
    """Evaluate the scripted expert of --task instead."""
    task: str = "PickPlace"
    """Without --policy: which task."""
    episodes: int = 100
    """Episodes."""
    workers: int = 0
    """Processes that share the episodes; 0 plays them in this one."""
    video: int = 0
    """Episodes to film, into --output."""
    seed: int = 0
    """Number of the first episode; its seed is 500000 more, which no training uses. The others count up."""
    output: Path = Path("output/eval-imitation")
    """Folder for episodes.csv and the film."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if self.episodes < 1 or min(self.seed, self.video, self.workers) < 0:
            raise InputError(
                "options", expected="--episodes at least 1, --seed, --video and --workers not below 0", got=f"{self}"
            )
        if self.expert and self.policy is not None:
            raise InputError("options", expected="--policy or --expert", got="both")

    def run(self, console: Console) -> dict[str, Any]:
        """Play the episodes."""
        import torch

        torch.set_num_threads(1)
        prepare_folder(self.output)
        player = self._player()
        with Progress(console=console) as bars:
            bar = bars.add_task(f"{player.env_id}, {self.episodes} episodes", total=self.episodes)
            result = self._evaluate(player, lambda done: bars.update(bar, completed=done))
        self._write_episodes(result)
        if self.video:
            self._film(player, console)
        return self._show(console, player, result)

    @property
    def _first_seed(self) -> int:
        from policies.reinforcement import TEST_SEED

        return TEST_SEED + self.seed

    def _player(self) -> _Player:
        from policies.imitation import load_policy_file, shipped_imitation
        from policies.reinforcement.task_env import env_id

        if self.expert:
            return _Player(None, env_id(self.task), {})
        loaded = load_policy_file(self.policy or shipped_imitation(self.task))
        made_for = str(loaded.metadata.get("env", ""))
        if not made_for:
            raise InputError("--policy", expected="a policy whose file names its environment", got="one without")
        return _Player(loaded.policy, made_for, dict(loaded.metadata.get("env_options", {})))

    def _env(self, player: _Player, **options: Any) -> gymnasium.Env[Any, Any]:
        import gymnasium

        return gymnasium.make(player.env_id, **player.env_options, **options)

    def _evaluate(self, player: _Player, on_episode: Any) -> PolicyEvaluation:
        from policies.imitation import evaluate_acts, evaluate_in_processes, evaluate_policy
        from policies.reinforcement import expert_act

        how: dict[str, Any] = {"episodes": self.episodes, "seed": self._first_seed, "on_episode": on_episode}
        if self.workers and player.policy is not None:
            return evaluate_in_processes(player.policy, player.env_id, player.env_options, workers=self.workers, **how)
        env = self._env(player)
        try:
            if player.policy is not None:
                return evaluate_policy(player.policy, env, **how)
            return evaluate_acts(expert_act(self.task, env), lambda: None, env, **how)
        finally:
            env.close()

    def _film(self, player: _Player, console: Console) -> None:
        from policies.imitation import StageWatch, act_of
        from policies.reinforcement import expert_act, film_episodes

        env = self._env(player, render_mode="rgb_array")
        path = self.output / f"{player.env_id.rpartition('/')[2]}.mp4"
        act = expert_act(self.task, env) if player.policy is None else act_of(player.policy)
        watch = StageWatch(env, (), (lambda: None) if player.policy is None else player.policy.reset)
        film_episodes(act, watch, path, episodes=self.video, seed=self._first_seed)
        env.close()
        console.print(f"{path}")

    def _write_episodes(self, result: PolicyEvaluation) -> None:
        columns = {
            "seed": self._first_seed + np.arange(self.episodes),
            "success_at_end": result.evaluation.success_at_end.astype(int),
            "success_once": result.evaluation.success_once.astype(int),
            **{name.replace(" ", "_"): reached.astype(int) for name, reached in result.stages.items()},
            "return": result.evaluation.returns.round(4),
            "action_ms": result.action_ms.round(4),
        }
        lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
        (self.output / "episodes.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _show(self, console: Console, player: _Player, result: PolicyEvaluation) -> dict[str, Any]:
        low, high = result.evaluation.interval()
        at_end, once = result.evaluation.at_end, result.evaluation.once
        stages = {name: float(reached.mean()) for name, reached in result.stages.items()}
        action_ms, decision_ms = float(np.median(result.action_ms)), float(np.median(result.decision_ms))
        table = Table("env", "episodes", *stages, "success once", "success at end", "95 % (Wilson)", "ms per action")
        table.add_row(
            player.env_id, str(self.episodes), *(f"{share:.2f}" for share in stages.values()), f"{once:.3f}",
            f"{at_end:.3f}", f"{low:.3f} to {high:.3f}", f"{action_ms:.2f}",
        )  # fmt: skip
        console.print(table)
        return {
            "env": player.env_id,
            "episodes": self.episodes,
            "success_at_end": at_end,
            "success_once": once,
            "low": low,
            "high": high,
            "return": float(result.evaluation.returns.mean()),
            **{f"stage_{name.replace(' ', '_')}": share for name, share in stages.items()},
            "action_ms": action_ms,
            "decision_ms": decision_ms,
        }
