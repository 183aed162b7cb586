"""How each task is trained: one dataclass of settings, and the tuned ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from geometry import InputError

Algorithm = Literal["sac", "tqc", "ddpg", "ppo"]


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """Everything that decides a training run besides its seed."""

    task: str
    """As in the id `graspmimic/<task>-v0`."""
    algo: Algorithm = "sac"
    """Learner."""
    steps: int
    """Environment steps in all."""
    envs: int = 8
    """Environments stepped together."""
    head_starts: float = 0.0
    """Share of training episodes that begin with a part of the work done; evaluations never do."""
    observation: str = "state"
    """Observation mode."""
    action: str = "position"
    """Action mode."""
    reward: Literal["sparse", "dense"] = "sparse"
    """Reward mode."""
    net: tuple[int, ...] = (128, 128, 128)
    """Widths of the hidden layers of actor and critics."""
    critics: int = 2
    """Critics; the smallest estimate counts."""
    batch_size: int = 256
    """Transitions a gradient step; with PPO, of a minibatch."""
    updates_per_step: float = 0.5
    """Gradient steps for each environment step; with PPO, epochs over each rollout."""
    learning_rate: float = 1e-3
    """Of actor and critics."""
    final_rate: float = 0.1
    """Share of the learning rate that is left at the end; it falls linearly over the second half."""
    gamma: float = 0.95
    """Discount."""
    tau: float = 0.02
    """Share by which target networks follow at each gradient step."""
    learning_starts: int = 2000
    """Steps of random actions before the first gradient step."""
    buffer_size: int = 500_000
    """Transitions kept; full ones of images need 4 to 16 GB of memory."""
    her_goals: int = 4
    """Relabelled transitions for each real one, goals from the future of the episode; where a goal exists."""
    ent_coef: str = "auto"
    """SAC's temperature, "auto" or a number as text."""
    action_noise: float = 0.1
    """Deviation of the noise on a deterministic policy's actions."""
    random_action: float = 0.0
    """Share of uniformly random actions while collecting."""
    demonstrations: int = 0
    """Episodes of the scripted expert that are given to the learner."""
    demo_noise: float = 0.1
    """Deviation of the noise on the expert's actions; what is recorded is what was done."""
    demo_fraction: float = 0.25
    """Share of each batch that is drawn from the demonstrations."""
    bc_weight: float = 1.0
    """Weight of imitating demonstrated actions where the critic thinks them better (Q-filter)."""
    pretrain_steps: int = 0
    """Gradient steps of imitation before the first environment step."""
    eval_every: int = 10_000
    """Environment steps between evaluations; a checkpoint is written after one when the last is two minutes old."""
    eval_episodes: int = 50
    """Episodes of an evaluation during training; seeds that no final evaluation uses."""

    def __post_init__(self) -> None:
        counts = (self.steps, self.envs, self.batch_size, self.eval_every, self.eval_episodes, self.critics)
        if min(counts) < 1 or min(self.demonstrations, self.pretrain_steps, self.learning_starts) < 0:
            raise InputError("TrainSettings", expected="counts of at least 1", got=f"{self}")
        if not 0.0 < self.gamma < 1.0 or not 0.0 <= self.demo_fraction < 1.0 or self.updates_per_step <= 0.0:
            raise InputError(
                "TrainSettings", expected="0 < gamma < 1, 0 <= demo_fraction < 1, updates_per_step > 0", got=f"{self}"
            )

    def rate_at(self, steps: int) -> float:
        """Learning rate after so many environment steps."""
        late = min(max(2.0 * steps / self.steps - 1.0, 0.0), 1.0)
        return self.learning_rate * (1.0 + late * (self.final_rate - 1.0))


TUNED = {
    settings.task: settings
    for settings in (
        TrainSettings(
            task="Reach", algo="ddpg", steps=3000, envs=1, net=(64, 64), critics=1, updates_per_step=1.0, tau=0.05,
            learning_starts=500, action_noise=0.2, eval_every=500, eval_episodes=20,
        ),
        TrainSettings(task="Push", steps=200_000, envs=16, updates_per_step=0.25, eval_every=20_000),
        TrainSettings(
            task="PickPlace", steps=320_000, envs=16, updates_per_step=0.25, reward="dense", her_goals=0,
            head_starts=0.3, eval_every=20_000,
        ),
        TrainSettings(task="Slide", steps=500_000, envs=16, updates_per_step=0.25, eval_every=40_000),
        TrainSettings(
            task="Handover", steps=300_000, envs=16, updates_per_step=0.25, reward="dense", her_goals=0,
            gamma=0.97, demonstrations=200, bc_weight=0.0, eval_every=20_000,
        ),
        TrainSettings(task="Lift", steps=120_000, envs=16, updates_per_step=0.25, reward="dense", eval_every=10_000),
        TrainSettings(
            task="Stack", steps=700_000, envs=16, updates_per_step=0.25, reward="dense", her_goals=0,
            head_starts=0.5, gamma=0.97, demonstrations=300, bc_weight=0.0, eval_every=20_000,
        ),
        TrainSettings(
            task="Stack3", steps=800_000, envs=16, updates_per_step=0.25, reward="dense", her_goals=0,
            head_starts=0.5, gamma=0.98, demonstrations=400, bc_weight=0.0, eval_every=40_000,
        ),
    )
}  # fmt: skip
"""The settings of the results table, one for each task."""


def settings_for(task: str, algo: Algorithm | None = None) -> TrainSettings:
    """The tuned settings of a task; with another algorithm, what of them carries over.

    Raises:
        InputError: for a task without settings.
    """
    if task not in TUNED:
        raise InputError("--task", expected=f"one of {', '.join(TUNED)}", got=task)
    tuned = TUNED[task]
    if algo is None or algo == tuned.algo:
        return tuned
    if algo == "ppo":
        return replace(
            tuned, algo=algo, reward="dense", envs=16, updates_per_step=10.0, learning_rate=3e-4, gamma=0.98,
            demonstrations=0, pretrain_steps=0, steps=10 * tuned.steps,
        )  # fmt: skip
    return replace(tuned, algo=algo)
