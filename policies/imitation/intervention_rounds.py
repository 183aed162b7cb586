"""Rounds of interventions: the learner drives, the expert saves what it can, the learner learns again from all of it.

Every round trains fresh weights on the demonstrations and all interventions so far.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium

from geometry import InputError
from policies.demonstrations import DemonstrationSet, DemonstrationWriter, Demonstrator, Episode, SetInfo
from policies.imitation.data_layout import DataLayout
from policies.imitation.interventions import INTERVENTION_SEED, Interventions, collect_interventions
from policies.imitation.policy_config import PolicyConfig
from policies.imitation.policy_file import load_imitation_policy
from policies.imitation.take_over import RandomMoment, TakeOver
from policies.imitation.training import OnStep, train_imitation
from policies.imitation.training_config import TrainingConfig

_ROUND_APART, _SEED_APART = 10_000, 1_000_000


@dataclass(frozen=True, kw_only=True)
class RoundsConfig:
    """How a learner is improved by interventions."""

    policy: PolicyConfig
    """What learns."""
    training: TrainingConfig
    """Of each round."""
    rounds: int = 2
    """Of interventions, each followed by training."""
    interventions: Interventions = Interventions()
    """Of each round."""
    take_over: TakeOver = field(default_factory=RandomMoment)
    """Says when the expert takes over."""

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise InputError("RoundsConfig", expected="at least one round", got=f"{self.rounds}")


class Round(NamedTuple):
    """What a round brought."""

    number: int
    """0 has demonstrations only."""
    folder: Path
    """Of its policy."""
    demonstrations: int
    """Episodes that it was trained on, interventions among them."""
    interventions: int
    """Of all rounds so far."""
    labelled_frames: int
    """Steps of all those episodes, which the expert did."""


def improve_by_interventions(
    demonstrations: DemonstrationSet,
    env: gymnasium.Env[Any, Any],
    demonstrator: Demonstrator,
    output: Path,
    *,
    config: RoundsConfig,
    seed: int,
    about: dict[str, Any] | None = None,
    on_round: Callable[[Round], None] | None = None,
    on_kept: Callable[[Episode], None] | None = None,
    on_step: OnStep | None = None,
) -> Path:
    """Train on demonstrations, then round by round on interventions too; the same call goes on where it was stopped.

    Args:
        demonstrations: of the task.
        env: see `collect_interventions`.
        demonstrator: see `collect_interventions`.
        output: folder of `round-0`, `interventions-1`, `round-1` and so on.
        config: how many rounds of what.
        seed: of weights, draws and episodes.
        about: see `train_imitation`.
        on_round: called after each round.
        on_kept: see `collect_interventions`.
        on_step: see `train_imitation`.
    Returns:
        the folder of the last round's policy.
    Raises:
        InputError: if the folder holds another run, or too few interventions come about.
    """
    info = demonstrations.info
    layout, episodes, folder = DataLayout.of_info(info), list(demonstrations), output / "round-0"
    for number in range(config.rounds + 1):
        if number:
            kept = output / f"interventions-{number}"
            first = INTERVENTION_SEED + _SEED_APART * seed + _ROUND_APART * number
            _intervene(folder, env, demonstrator, kept, info, config, first, on_kept)
            episodes += list(DemonstrationSet.open(kept))
        folder = output / f"round-{number}"
        train_imitation(
            config.policy, episodes, layout, folder, seed=seed, training=config.training, about=about, on_step=on_step
        )
        if on_round is not None:
            frames, interventions = sum(map(len, episodes)), len(episodes) - len(demonstrations)
            on_round(Round(number, folder, len(episodes), interventions, frames))
    return folder


def _intervene(
    learner: Path,
    env: gymnasium.Env[Any, Any],
    demonstrator: Demonstrator,
    kept: Path,
    info: SetInfo,
    config: RoundsConfig,
    seed: int,
    on_kept: Callable[[Episode], None] | None,
) -> None:
    """Add to a set of interventions until it is complete; each is on disk before the next begins."""
    writer = DemonstrationWriter(kept, info)

    def keep(episode: Episode) -> None:
        writer.add(episode)
        if on_kept is not None:
            on_kept(episode)

    there = len(writer.numbers)
    if there == config.interventions.count:
        return
    if there:
        seed = int(DemonstrationSet.open(kept)[there - 1].provenance["seed"]) + 1
    collect_interventions(
        load_imitation_policy(learner), env, demonstrator, config.take_over,
        settings=config.interventions, seed=seed, already=there, on_kept=keep,
    )  # fmt: skip
