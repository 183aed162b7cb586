"""Rounds of interventions: the learner drives, the expert saves what it can, the learner learns again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import gymnasium

from geometry import InputError
from policies.demonstrations import Demonstrator, Episode
from policies.imitation.interventions import INTERVENTION_SEED, Collected, Interventions, collect_interventions
from policies.imitation.policy import Policy
from policies.imitation.take_over import TakeOver
from policies.imitation.training import train_policy
from policies.imitation.training_config import TrainingConfig

_SEEDS_APART = 10_000


@dataclass(frozen=True, kw_only=True)
class RoundsConfig:
    """How a learner is improved by interventions."""

    rounds: int = 2
    """Each: interventions, then training."""
    interventions: Interventions = Interventions()
    """Of each round."""
    weights: Literal["afresh", "onward"] = "afresh"
    """Train each round's policy from fresh weights, or from those of the round before."""

    def __post_init__(self) -> None:
        if self.rounds < 1 or self.weights not in ("afresh", "onward"):
            raise InputError(
                "RoundsConfig", expected="rounds >= 1, weights afresh or onward", got=f"{self.rounds}, {self.weights}"
            )


class Round(NamedTuple):
    """What a round brought."""

    number: int
    """Counted from 1."""
    collected: Collected
    """Its interventions."""
    policy: Policy
    """Trained on the demonstrations and the interventions of all rounds so far."""


def improve_by_interventions(
    policy: Policy,
    demonstrations: Sequence[Episode],
    env: gymnasium.Env[Any, Any],
    demonstrator: Demonstrator,
    take_over: TakeOver,
    *,
    make_policy: Callable[[], Policy],
    config: RoundsConfig,
    training: TrainingConfig,
    seed: int,
    on_round: Callable[[Round], None] | None = None,
    on_kept: Callable[[int], None] | None = None,
) -> Policy:
    """Let an expert intervene and train again, round by round.

    Args:
        policy: trained on the demonstrations.
        demonstrations: what it was trained on; every round trains on them too.
        env: see `collect_interventions`.
        demonstrator: see `collect_interventions`.
        take_over: see `collect_interventions`.
        make_policy: fresh weights.
        config: how many rounds of what.
        training: of each round.
        seed: of the episodes and of the training.
        on_round: called after each round.
        on_kept: see `collect_interventions`.
    Returns:
        the policy of the last round.
    """
    episodes = list(demonstrations)
    for number in range(1, config.rounds + 1):
        first = INTERVENTION_SEED + _SEEDS_APART * (100 * seed + number)
        collected = collect_interventions(
            policy, env, demonstrator, take_over, settings=config.interventions, seed=first, on_kept=on_kept
        )
        episodes += collected.episodes
        afresh = config.weights == "afresh"
        if afresh:
            policy = make_policy()
        train_policy(policy, episodes, training, seed=seed + number, fit=afresh)
        if on_round is not None:
            on_round(Round(number, collected, policy))
    return policy
