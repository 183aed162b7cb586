"""Interventions: the learner drives, an expert takes over where it has gone wrong, the expert's part is kept.

What the learner did is thrown away: it serves only to reach states that no demonstration began in, and what is
recorded there is a whole way out of them, not one corrected action. Source: Kelly et al., "HG-DAgger: Interactive
Imitation Learning with Human Experts", ICRA 2019.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import gymnasium
import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from policies.demonstrations import HOLD_STEPS, Demonstrator, Episode, EpisodeDropped
from policies.demonstrations.observation_keys import named
from policies.imitation.policy import Observation
from policies.imitation.take_over import TakeOver

INTERVENTION_SEED = 30_000_000
"""Seeds of episodes with interventions start here: no evaluation and no demonstration has them."""


class Learner(Protocol):
    """Whoever drives by what it sees; every `Policy` is one."""

    def reset(self) -> None:
        """An episode begins."""

    def select_action(self, observation: Observation) -> NDArray[np.float32]:
        """(A,) the action for what is seen now."""


@dataclass(frozen=True, kw_only=True)
class Interventions:
    """How interventions are collected."""

    count: int = 20
    """Interventions to keep."""
    finish_steps: int = 60
    """Steps that the expert gets; without success by then its part is thrown away."""
    hold_steps: int = HOLD_STEPS
    """Steps that are recorded on after success, for the learner is to stay there."""
    tries: int = 5
    """Episodes begun for each intervention that is kept, at most."""
    task: str = ""
    """What is to be done, in words, for the records."""

    def __post_init__(self) -> None:
        if min(self.count, self.finish_steps, self.tries) < 1 or self.hold_steps < 0:
            raise InputError(
                "Interventions",
                expected="count, finish_steps and tries of at least 1, hold_steps not below 0",
                got=f"{self.count}, {self.finish_steps}, {self.tries}, {self.hold_steps}",
            )


@dataclass
class Collected:
    """What came of letting an expert intervene."""

    episodes: list[Episode] = field(default_factory=list)
    """The expert's parts, each from the step at which it took over (`provenance["took_over_at"]`)."""
    begun: int = 0
    """Episodes begun."""
    needless: int = 0
    """Episodes in which nobody had to take over."""
    failed: int = 0
    """Episodes that the expert could not save."""

    @property
    def frames(self) -> int:
        """Steps labelled by the expert and kept."""
        return sum(len(episode) for episode in self.episodes)


def collect_interventions(
    learner: Learner,
    env: gymnasium.Env[Any, Any],
    demonstrator: Demonstrator,
    take_over: TakeOver,
    *,
    settings: Interventions,
    seed: int,
    already: int = 0,
    on_kept: Callable[[Episode], None] | None = None,
) -> Collected:
    """Let the learner drive until the expert takes over, and keep what the expert did from there.

    Args:
        learner: drives.
        env: of the task. Its time limit does not count here: the learner drives until the expert takes over or
            `take_over` calls the episode off, the expert has `settings.finish_steps`.
        demonstrator: finishes; `reset` finds `env` wherever the learner brought it.
        take_over: says when.
        settings: how many, how long.
        seed: of the first episode; the others count up. What comes of an episode depends on its seed alone.
        already: interventions kept earlier, of those that are asked for.
        on_kept: called with each intervention.
    Raises:
        InputError: if too few episodes come to a kept intervention.
    """
    bare = env.unwrapped
    result = Collected()
    for number in range(seed, seed + (settings.count - already) * settings.tries):
        rng = np.random.default_rng((number, 2))
        observation, _ = bare.reset(seed=number)
        result.begun += 1
        step, observation = _drive(learner, bare, observation, take_over, rng)
        if step < 0:
            result.needless += 1
            continue
        demonstrator.reset(bare, rng)
        record = _finish(bare, demonstrator, observation, settings)
        if record is None:
            result.failed += 1
            continue
        provenance = {"source": "intervention", "seed": number, "took_over_at": step, "when": str(take_over)}
        result.episodes.append(_episode(record, settings.task, provenance))
        if on_kept is not None:
            on_kept(result.episodes[-1])
        if already + len(result.episodes) == settings.count:
            return result
    raise InputError(
        "collect_interventions",
        expected=f"{settings.count - already} interventions in {result.begun} episodes",
        got=f"{len(result.episodes)}; {result.needless} needed none, {result.failed} were lost",
        remedy="ask for fewer, give the expert more steps, or take the learner as good enough",
    )


_Record = tuple[list[dict[str, NDArray[Any]]], list[NDArray[np.float32]], list[float]]


def _drive(
    learner: Learner, env: Any, observation: Any, take_over: TakeOver, rng: np.random.Generator
) -> tuple[int, Any]:
    """Let the learner drive; the step at which the expert takes over (-1: never), and what is seen then."""
    learner.reset()
    take_over.reset(env, rng)
    step, success = 0, False
    while (verdict := take_over.verdict(env, step, success)) == "drive":
        observation, _, _, _, info = env.step(learner.select_action(named(observation)))
        step, success = step + 1, bool(info["is_success"])
    return (step if verdict == "take" else -1), observation


def _finish(env: Any, demonstrator: Demonstrator, observation: Any, settings: Interventions) -> _Record | None:
    """Let the expert finish; None where it does not."""
    low, high = env.action_space.low, env.action_space.high
    seen: list[dict[str, NDArray[Any]]] = [dict(named(observation))]
    actions: list[NDArray[np.float32]] = []
    rewards: list[float] = []
    held = -1
    for _ in range(settings.finish_steps + settings.hold_steps):
        try:
            action = np.clip(np.asarray(demonstrator.act(env, observation), dtype=np.float32), low, high)
        except EpisodeDropped:
            return None
        observation, reward, _, _, info = env.step(action)
        seen.append(dict(named(observation)))
        actions.append(action)
        rewards.append(float(reward))
        held = held + 1 if info["is_success"] else -1
        if held >= settings.hold_steps:
            return seen, actions, rewards
        if held < 0 and len(actions) >= settings.finish_steps:
            return None
    return (seen, actions, rewards) if held >= 0 else None


def _episode(record: _Record, task: str, provenance: dict[str, Any]) -> Episode:
    seen, actions, rewards = record
    return Episode(
        observations={key: np.stack([each[key] for each in seen]) for key in seen[0]},
        actions=np.stack(actions),
        rewards=np.array(rewards, dtype=np.float32),
        success=True,
        task=task,
        provenance=provenance,
    )
