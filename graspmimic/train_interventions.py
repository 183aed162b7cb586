"""`graspmimic train interventions`: the learner drives, an expert takes over, and the learner learns from that."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from geometry import InputError
from graspmimic.options import OptionalCount, OptionalFile
from graspmimic.report import prepare_folder, versions

if TYPE_CHECKING:
    from policies.demonstrations import DemonstrationSet, Episode
    from policies.imitation import TrainingRun
    from policies.imitation.intervention_rounds import Round, RoundsConfig


@dataclass(frozen=True, kw_only=True)
class TrainInterventions:
    """Improve a policy where it goes wrong: DAgger in the form of HG-DAgger.

    A policy is trained on demonstrations. Then it drives, the task's scripted expert takes over in the middle and
    finishes, only the expert's part is kept, and a policy is trained afresh on everything; round after round. What
    is done is kept in --output, and the same command goes on where it was stopped. --output/round-N holds the policies.
    """

    data: Path
    """Folder of demonstrations, as `graspmimic collect` writes it; it names the task."""
    demos: OptionalCount = None
    """Use the first so many; default: all."""
    policy: Literal["bc", "bc-rnn", "act", "flow"] = "act"
    """What learns, see `train imitation`."""
    steps: OptionalCount = None
    """Optimiser steps of each round; default: those of `train imitation`."""
    rounds: int = 2
    """Of interventions."""
    count: int = 20
    """Interventions in a round."""
    when: Literal["random", "stalled"] = "random"
    """The expert takes over at a random moment, or when the hand gets nowhere."""
    earliest: float = 0.05
    """random: share of the episode's time limit before which it does not."""
    latest: float = 0.7
    """random: share of the time limit by which it does."""
    seed: int = 0
    """Of weights, draws and episodes."""
    output: Path = Path("output/train-interventions")
    """Folder of the rounds."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if min(self.rounds, self.count) < 1 or self.seed < 0 or (self.demos is not None and self.demos < 1):
            expected = "--rounds, --count and --demos of at least 1, --seed not below 0"
            raise InputError("options", expected=expected, got=f"{self}")
        if not 0.0 <= self.earliest <= self.latest <= 1.0:
            raise InputError("options", expected="0 <= --earliest <= --latest <= 1",
                             got=f"{self.earliest}, {self.latest}")  # fmt: skip

    def run(self, console: Console) -> dict[str, Any]:
        """Train, round by round."""
        import gymnasium
        import torch

        from policies.demonstrations import DemonstrationSet, expert_plan
        from policies.imitation.intervention_rounds import improve_by_interventions

        torch.set_num_threads(1)
        whole = DemonstrationSet.open(self.data)
        demonstrations = whole if self.demos is None else whole.first(self.demos)
        info = demonstrations.info
        if not info.env.startswith("graspmimic/"):
            raise InputError(
                str(self.data), expected="demonstrations of one of our tasks", got=info.env or "none named"
            )
        plan = expert_plan(info.env.removeprefix("graspmimic/").partition("-v")[0])
        env = gymnasium.make(f"envs:{info.env}", **info.env_options)
        prepare_folder(self.output)
        assert env.spec is not None and env.spec.max_episode_steps is not None
        config = self._config(demonstrations, env.spec.max_episode_steps)
        about = {
            "env": info.env,
            "env_options": dict(info.env_options),
            "command": shlex.join(["graspmimic", *sys.argv[1:]]),
            "versions": versions(),
        }
        rounds: list[Round] = []
        with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console) as bars:
            show = _Show(bars, config, rounds)
            improve_by_interventions(
                demonstrations, env, plan.make_demonstrator(), self.output, config=config, seed=self.seed,
                about=about, on_round=show.round, on_kept=show.kept, on_step=show.step,
            )  # fmt: skip
        env.close()
        last = rounds[-1]
        console.print(f"{last.folder}/policy.safetensors, from {last.demonstrations} episodes, {last.labelled_frames} "
                      f"steps of the expert, {last.interventions} interventions")  # fmt: skip
        return {
            "env": info.env,
            "policy": self.policy,
            "folder": str(last.folder),
            "demonstrations": len(demonstrations),
            "interventions": last.interventions,
            "labelled_frames": last.labelled_frames,
        }

    def _config(self, demonstrations: DemonstrationSet, limit: int) -> RoundsConfig:
        from policies.imitation import make_config
        from policies.imitation.intervention_rounds import RoundsConfig
        from policies.imitation.interventions import Interventions
        from policies.imitation.take_over import RandomMoment, Stalled, TakeOver

        policy = make_config(self.policy)
        training = type(policy).training
        take_over: TakeOver = Stalled(latest=round(0.9 * limit))
        if self.when == "random":
            take_over = RandomMoment(earliest=round(self.earliest * limit), latest=round(self.latest * limit))
        tries = 10 if self.when == "stalled" else 5
        return RoundsConfig(
            policy=policy,
            training=training if self.steps is None else replace(training, steps=self.steps),
            rounds=self.rounds,
            interventions=Interventions(
                count=self.count, finish_steps=round(1.2 * limit), tries=tries, task=demonstrations[0].task
            ),
            take_over=take_over,
        )


class _Show:
    """A bar for the interventions and one for the training of each round."""

    def __init__(self, bars: Progress, config: RoundsConfig, rounds: list[Round]) -> None:
        self._bars, self._rounds = bars, rounds
        self._saved = bars.add_task("interventions", total=config.rounds * config.interventions.count)
        self._steps = bars.add_task("training", total=(config.rounds + 1) * config.training.steps)

    def round(self, done: Round) -> None:
        self._rounds.append(done)

    def kept(self, episode: Episode) -> None:
        self._bars.advance(self._saved)

    def step(self, run: TrainingRun) -> None:
        self._bars.advance(self._steps)
