"""`graspmimic collect`: demonstrations of a task, by the scripted expert, a trained policy, or a person."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from geometry import InputError
from graspmimic.options import OptionalCount, OptionalFile
from graspmimic.report import prepare_folder

if TYPE_CHECKING:
    from policies.demonstrations import Collected, CollectPlan


@dataclass(frozen=True, kw_only=True)
class Collect:
    """Collect demonstrations of a task into a folder, one file for each episode.

    Every episode has a seed of its own, which no evaluation uses, so that the same command gives the same set with
    any number of --workers. The same command goes on where it was stopped, and with more --episodes adds to the set.
    With keyboard or gamepad a window opens, in which a person drives the robot.
    """

    task: str = "PickPlace"
    """Reach, Push, Slide, PickPlace, Stack, Stack3, Lift, Handover or Detour."""
    episodes: int = 100
    """Episodes in the set, those that are there already included."""
    source: Literal["expert", "policy", "keyboard", "gamepad"] = "expert"
    """Who demonstrates."""
    policy: OptionalFile = None
    """With --source policy: policy.safetensors of a training run, or its folder."""
    steady: bool = False
    """The expert as it is, without variation of pace, height and path."""
    observation: str | None = None
    """state, pointcloud, or a mixture such as state+pointcloud; default: state, or what the policy sees."""
    action: str | None = None
    """position, position_yaw, pose, joint_velocity or joint_position; experts move the hand."""
    hold_steps: OptionalCount = None
    """Steps for which an episode goes on when the task is done; None plays on to the time limit."""
    speed: float = 0.3
    """By hand: share of the largest motion that a key or a stick at its stop asks for."""
    limit_s: float = 60.0
    """By hand: time for one episode, seconds."""
    keep_failures: bool = False
    """Keep episodes too in which the task is not done at the end."""
    workers: int = 0
    """Processes that play; 0 plays in this one."""
    seed: int = 0
    """Of the set; sets of different seeds have no episode in common."""
    output: Path = Path("output/demonstrations")
    """Folder; the task and the seed name one below it."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if self.episodes < 1 or self.workers < 0 or self.seed < 0:
            raise InputError(
                "options", expected="--episodes at least 1, --workers and --seed not below 0", got=f"{self}"
            )
        if (self.source == "policy") != (self.policy is not None) or (self.steady and self.source != "expert"):
            expected = "--policy FILE with --source policy, --steady with --source expert"
            raise InputError("options", expected=expected, got=f"{self}")
        if self.workers and self.source in ("keyboard", "gamepad"):
            raise InputError("--workers", expected="0 with a person", got=f"{self.workers}")

    @property
    def folder(self) -> Path:
        """Where the set lies."""
        return self.output / f"{self.task}-seed{self.seed}"

    def run(self, console: Console) -> dict[str, Any]:
        """Collect, with a bar of the episodes that are kept."""
        from policies.demonstrations import DemonstrationSet, collect

        if self.source in ("keyboard", "gamepad"):
            return self._by_hand(console)
        plan = self._plan()
        prepare_folder(self.folder)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[at]}"))
        begun = time.perf_counter()
        with Progress(*columns, TimeRemainingColumn(), console=console) as bars:
            bar = bars.add_task(f"{self.task}, {self.source}", total=self.episodes, at="")

            def on_outcome(_: object, state: Collected) -> None:
                bars.update(bar, completed=state.kept, at=f"success {state.successes}/{state.played}")

            state = collect(plan, self.folder, episodes=self.episodes, workers=self.workers, on_outcome=on_outcome)
            bars.update(bar, completed=state.kept)
        wall_s = time.perf_counter() - begun
        shown = DemonstrationSet.open(self.folder)
        console.print(
            f"{self.folder}: {len(shown)} episodes, {shown.steps} steps, success {shown.success:.3f}; "
            f"{state.played} tries in {wall_s:.1f} s"
        )
        return {
            "folder": str(self.folder),
            "episodes": len(shown),
            "steps": shown.steps,
            "success": shown.success,
            "tries": state.kept + state.dropped,
            "played": state.played,
            "played_successes": state.successes,
            "wall_s": wall_s,
        }

    @property
    def _env_options(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("observation", "action") if getattr(self, name) is not None}

    def _by_hand(self, console: Console) -> dict[str, Any]:
        from graspmimic.collect_teleoperated import collect_teleoperated

        assert self.source == "keyboard" or self.source == "gamepad"
        prepare_folder(self.folder)
        return collect_teleoperated(
            console,
            self.folder,
            task=self.task,
            source=self.source,
            episodes=self.episodes,
            seed=self.seed,
            env_options=self._env_options,
            keep_failures=self.keep_failures,
            speed=self.speed,
            limit_s=self.limit_s,
        )

    def _plan(self) -> CollectPlan:
        from policies.demonstrations import STEADY, expert_plan, policy_plan

        given = self._env_options
        how = {"seed": self.seed, "hold_steps": self.hold_steps, "keep_failures": self.keep_failures}
        if self.policy is not None:
            return policy_plan(self.task, self.policy, env_options=given or None, **how)
        variation = STEADY if self.steady else None
        return expert_plan(self.task, env_options=given, variation=variation, **how)
