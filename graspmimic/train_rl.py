"""`graspmimic train rl`: a policy for one of the Gymnasium tasks."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from geometry import InputError
from graspmimic.options import OptionalCount, OptionalFile
from graspmimic.report import prepare_folder, versions

if TYPE_CHECKING:
    from policies.reinforcement import Report, TrainSettings


@dataclass(frozen=True, kw_only=True)
class TrainRL:
    """Train a policy with reinforcement learning.

    The settings are those that the results table was made with; what is given here replaces them. Progress is
    kept under --output, and the same command goes on where it was stopped. TensorBoard logs lie in --output/log.
    The policy, policy.safetensors with its JSON, is the one with the most successes in validation episodes.
    """

    task: str = "Reach"
    """Reach, Push, Slide, PickPlace, Stack, Stack3, Lift, Handover, or ClutterPick."""
    algo: Literal["tuned", "sac", "tqc", "ddpg", "ppo", "maskable-ppo"] = "tuned"
    """Learner; tuned is the task's own."""
    steps: OptionalCount = None
    """Environment steps in all."""
    demonstrations: OptionalCount = None
    """Episodes of the scripted expert that the learner gets; 0 learns without."""
    observation: str | None = None
    """state, depth, rgbd, pointcloud, or a mixture such as state+depth."""
    action: str | None = None
    """position, position_yaw, pose, joint_velocity or joint_position."""
    reward: str | None = None
    """sparse or dense; other than tuned, hindsight comes with sparse and goes with dense rewards."""
    objects: str = "random_urdfs"
    """ClutterPick: objects that the detector does not know; random_urdfs, or a folder of URDFs or meshes."""
    workers: int = 0
    """Processes that step the environments; 0 steps them in the learner's."""
    threads: int = 1
    """PyTorch's threads; small networks learn fastest with one."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where the networks learn; small ones are fastest on the CPU."""
    seed: int = 0
    """Of weights, exploration, replay and environments."""
    output: Path = Path("output/train-rl")
    """Folder; the task and the seed name one below it."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if self.seed < 0 or self.workers < 0 or self.threads < 1:
            raise InputError(
                "options", expected="--seed and --workers not below 0, --threads at least 1", got=f"{self}"
            )
        if self.task == "ClutterPick":
            self._check_clutter_pick()

    @property
    def folder(self) -> Path:
        """Where this run is kept."""
        return self.output / f"{self.task}-seed{self.seed}"

    def run(self, console: Console) -> dict[str, Any]:
        """Train, with evaluations on the way."""
        import torch

        if self.device == "cuda" and not torch.cuda.is_available():
            raise InputError("--device", expected="a GPU", got="none that PyTorch can use", remedy="--device cpu")
        torch.set_num_threads(self.threads)
        prepare_folder(self.folder)
        if self.task == "ClutterPick":
            from graspmimic.clutter_policy import train_clutter_policy

            return train_clutter_policy(self.folder, self.objects, seed=self.seed, steps=self.steps, console=console)
        from policies.reinforcement import train

        settings = self._settings()
        console.print(f"{settings}")
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[at]}"))
        with Progress(*columns, TimeRemainingColumn(), console=console) as bars:
            bar = bars.add_task(f"{self.task}, {settings.algo}", total=settings.steps, at="")

            def on_report(report: Report) -> None:
                done, result = report.progress, report.evaluation
                bars.update(bar, completed=done.steps, at=f"success at end {result.at_end:.2f}")
                console.print(
                    f"{done.steps:>8} steps {done.cpu_s:8.1f} CPU s {done.wall_s:8.1f} s   "
                    f"success at end {result.at_end:.2f}, once {result.once:.2f}, return {result.returns.mean():.1f}"
                )

            progress = train(
                settings,
                self.folder,
                seed=self.seed,
                workers=self.workers,
                device=self.device,
                about={"command": shlex.join(["graspmimic", *sys.argv[1:]]), "versions": versions()},
                on_report=on_report,
            )
        console.print(f"{self.folder}/policy.safetensors, after {progress.best_steps} steps")
        return {
            "steps": progress.steps,
            "train_cpu_s": progress.cpu_s,
            "train_wall_s": progress.wall_s,
            "validation_success": progress.best_success,
            "curve": progress.curve,
        }

    def _settings(self) -> TrainSettings:
        from policies.reinforcement import TrainSettings, settings_for

        if self.algo == "maskable-ppo":
            raise InputError("--algo maskable-ppo", expected="--task ClutterPick", got=f"--task {self.task}")
        settings = settings_for(self.task, None if self.algo == "tuned" else self.algo)
        given: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("steps", "demonstrations", "observation", "action", "reward")
            if getattr(self, name) is not None
        }
        if given.get("reward", settings.reward) != settings.reward:
            given["her_goals"] = TrainSettings.her_goals if self.reward == "sparse" else 0
        return replace(settings, **given)

    def _check_clutter_pick(self) -> None:
        """Refuse options of the other tasks, which would do nothing."""
        others = ("demonstrations", "observation", "action", "reward")
        given = [f"--{name}" for name in others if getattr(self, name) is not None]
        if self.algo not in ("tuned", "maskable-ppo"):
            given.append(f"--algo {self.algo}")
        if self.workers:
            given.append("--workers")
        if given:
            raise InputError(
                "--task ClutterPick", expected="--algo maskable-ppo, --steps, --objects, --seed", got=", ".join(given)
            )
