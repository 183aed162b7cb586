"""`graspmimic eval rl`: what a policy is worth, over seeded episodes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from geometry import InputError
from graspmimic.options import OptionalFile
from graspmimic.report import prepare_folder

if TYPE_CHECKING:
    import gymnasium

    from policies.reinforcement import Act, Evaluation


@dataclass(frozen=True, kw_only=True)
class EvalRL:
    """Evaluate a policy of `train rl`, or the one that comes with graspmimic.

    Every episode has a seed of its own and runs to its time limit. success_at_end counts episodes in which the
    task is done when the time is over, success_once those in which it was done at any step.
    """

    task: str = "Reach"
    """Reach, Push, Slide, PickPlace, Stack, Stack3, Lift, Handover, or ClutterPick."""
    policy: OptionalFile = None
    """policy.safetensors of a training run; default: the task's shipped policy."""
    expert: bool = False
    """Evaluate the scripted expert instead."""
    episodes: int = 200
    """Episodes."""
    objects: str = "random_urdfs"
    """ClutterPick: procedural, random_urdfs, or a folder of URDFs or meshes."""
    only: OptionalFile = None
    """ClutterPick: text file of names, one a line: only these objects, such as benchmarks/heldout_objects.txt."""
    video: int = 0
    """Episodes to film, into --output."""
    seed: int = 0
    """Number of the first episode; its seed is 500000 more, which no training uses. The others count up."""
    output: Path = Path("output/eval-rl")
    """Folder for episodes.csv and the film."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if self.episodes < 1 or self.seed < 0 or self.video < 0:
            raise InputError("options", expected="--episodes at least 1, --seed and --video not below 0", got=f"{self}")
        if self.expert and self.policy is not None:
            raise InputError("options", expected="--policy or --expert", got="both")
        clutter = self.task == "ClutterPick"
        if (clutter and (self.expert or self.video)) or (self.only is not None and not clutter):
            raise InputError(
                "options",
                expected="--expert and --video with the other tasks, --only with ClutterPick",
                got=f"--task {self.task}",
            )

    def run(self, console: Console) -> dict[str, Any]:
        """Play the episodes."""
        import torch

        from policies.reinforcement import TEST_SEED, evaluate

        torch.set_num_threads(1)
        prepare_folder(self.output)
        if self.task == "ClutterPick":
            from graspmimic.clutter_policy import evaluate_clutter_policy

            return evaluate_clutter_policy(
                self.policy, self.objects, self.only, rounds=self.episodes, seed=self.seed, output=self.output,
                console=console,
            )  # fmt: skip
        env, act = self._players()
        with Progress(console=console) as bars:
            bar = bars.add_task(f"{self.task}, {self.episodes} episodes", total=self.episodes)
            result = evaluate(
                act,
                env,
                episodes=self.episodes,
                seed=TEST_SEED + self.seed,
                on_episode=lambda n: bars.update(bar, completed=n),
            )
        env.close()
        self._write_episodes(result)
        if self.video:
            self._film(console)
        return self._show(console, result)

    def _players(self, **options: Any) -> tuple[gymnasium.Env[Any, Any], Act]:
        from policies.reinforcement import env_of_policy, expert_act, load_policy, make_task_env, shipped_policy

        if self.expert:
            env = make_task_env(self.task, **options)
            return env, expert_act(self.task, env)
        trained = load_policy(self.policy or shipped_policy(self.task))
        env = env_of_policy(trained, self.task, **options)
        return env, trained.act

    def _film(self, console: Console) -> None:
        from policies.reinforcement import TEST_SEED, film_episodes

        env, act = self._players(render_mode="rgb_array")
        path = self.output / f"{self.task}.mp4"
        film_episodes(act, env, path, episodes=self.video, seed=TEST_SEED + self.seed)
        env.close()
        console.print(f"{path}")

    def _write_episodes(self, result: Evaluation) -> None:
        from policies.reinforcement import TEST_SEED

        rows = zip(result.success_at_end, result.success_once, result.returns, strict=True)
        lines = ["seed,success_at_end,success_once,return"]
        lines += [
            f"{TEST_SEED + self.seed + i},{int(end)},{int(once)},{total:.4f}"
            for i, (end, once, total) in enumerate(rows)
        ]
        (self.output / "episodes.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _show(self, console: Console, result: Evaluation) -> dict[str, Any]:
        low, high = result.interval()
        table = Table("task", "episodes", "success at end", "95 % (Wilson)", "success once", "return")
        table.add_row(
            self.task, str(self.episodes), f"{result.at_end:.3f}", f"{low:.3f} to {high:.3f}", f"{result.once:.3f}",
            f"{result.returns.mean():.2f}",
        )  # fmt: skip
        console.print(table)
        return {
            "episodes": self.episodes,
            "success_at_end": result.at_end,
            "success_once": result.once,
            "low": low,
            "high": high,
            "return": float(result.returns.mean()),
        }
