"""A training run: learn, evaluate in separate environments, keep the best policy, go on after a stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure
from stable_baselines3.common.utils import FloatSchedule

from geometry import InputError
from policies.experts import make_expert
from policies.reinforcement.checkpoint import Progress, load_checkpoint, save_checkpoint
from policies.reinforcement.demonstrations import collect_demonstrations
from policies.reinforcement.evaluation import Evaluation, evaluate
from policies.reinforcement.learner import LeanLearner
from policies.reinforcement.learners import env_options, make_model, make_vec_env
from policies.reinforcement.policy_file import save_policy
from policies.reinforcement.settings import TrainSettings
from policies.reinforcement.task_env import env_id, make_task_env

VALIDATION_SEED = 1_000_000
"""Seeds of the episodes that choose among a run's policies start here; final evaluations have others (`TEST_SEED`)."""
DEMONSTRATION_SEED = 10_000_000
"""Seeds of demonstrations start here."""
_RUN_APART = 100_000
_CHECKPOINT_EVERY_S = 120.0
_TERMS = "reward/"


class Report(NamedTuple):
    """What is known after an evaluation in the course of a run."""

    progress: Progress
    """Steps, times, and all evaluations so far."""
    evaluation: Evaluation
    """The last one."""


class LogTerms(BaseCallback):
    """Log each term of the reward by name: its mean at the ends of the episodes between two evaluations."""

    def __init__(self) -> None:
        super().__init__()
        self._ends: dict[str, list[float]] = {}

    def _on_step(self) -> bool:
        for info, over in zip(self.locals["infos"], self.locals["dones"], strict=True):
            for name in (name for name in info if over and name.startswith(_TERMS)):
                self._ends.setdefault(name, []).append(float(info[name]))
        return True

    def _on_training_end(self) -> None:
        for name, values in self._ends.items():
            self.logger.record(f"at_end/{name.removeprefix(_TERMS)}", sum(values) / len(values))
        self._ends = {}


def train(
    settings: TrainSettings,
    output: Path,
    *,
    seed: int,
    workers: int = 0,
    device: str = "cpu",
    about: dict[str, Any] | None = None,
    on_report: Callable[[Report], None] | None = None,
) -> Progress:
    """Train one policy; the same call goes on from the last checkpoint under `output`.

    The policy with the most successes at the end of validation episodes (of equals the latest) is written to
    `output/policy.safetensors` and `.json`. A run that was stopped goes on with the same replay and weights,
    but not bit for bit as if it had not been: running episodes begin anew.

    Args:
        settings: what and how.
        output: folder.
        seed: of weights, exploration, replay and environments.
        workers: processes that step the environments; 0 steps them here.
        device: of PyTorch.
        about: what else the policy's file shall tell.
        on_report: called after every evaluation.
    """
    env, judge = make_vec_env(settings, workers), make_task_env(settings.task, **env_options(settings))
    try:
        env.seed(seed)
        model, progress = load_checkpoint(output, make_model(settings, env, seed=seed, device=device), settings, seed)
        model.set_logger(configure(str(output / "log"), ["tensorboard", "csv"]))
        progress = _show_demonstrations(model, settings, judge, seed, progress)
        last_saved = time.monotonic()
        while progress.steps < settings.steps:
            progress = _learn(model, settings, progress)
            result = evaluate(
                lambda seen: model.predict(seen, deterministic=True)[0],
                judge,
                episodes=settings.eval_episodes,
                seed=VALIDATION_SEED,
            )
            progress, best = progress.judged(result)
            if best:
                save_policy(model, output / "policy", _metadata(settings, seed, progress, about))
            over = progress.steps >= settings.steps
            if over or time.monotonic() - last_saved > _CHECKPOINT_EVERY_S:
                save_checkpoint(output, model, settings, seed, progress)
                last_saved = time.monotonic()
            if on_report is not None:
                on_report(Report(progress, result))
        return progress
    finally:
        env.close()
        judge.close()


def _show_demonstrations(
    model: BaseAlgorithm, settings: TrainSettings, env: gymnasium.Env[Any, Any], seed: int, progress: Progress
) -> Progress:
    """Let the expert play for the learner, and let the learner imitate it before its first own step.

    The episodes are the same whenever a run goes on, so they are not kept.
    """
    if not settings.demonstrations:
        return progress
    if not isinstance(model, LeanLearner):
        raise InputError("demonstrations", expected="--algo sac, tqc or ddpg, which learn from them", got=settings.algo)
    wall, cpu = time.perf_counter(), time.process_time()
    shown = collect_demonstrations(
        env,
        make_expert(settings.task),
        episodes=settings.demonstrations,
        seed=DEMONSTRATION_SEED + _RUN_APART * seed,
        noise=settings.demo_noise,
    )
    model.show(shown)
    if progress.steps == 0 and settings.pretrain_steps:
        model.pretrain(settings.pretrain_steps)
    return progress.after(progress.steps, time.perf_counter() - wall, time.process_time() - cpu)


def _learn(model: BaseAlgorithm, settings: TrainSettings, progress: Progress) -> Progress:
    """Learn until the next evaluation."""
    wall, cpu = time.perf_counter(), time.process_time()
    wanted = min(settings.eval_every, settings.steps - progress.steps)
    rate = settings.rate_at(progress.steps)
    model.lr_schedule = FloatSchedule(rate)
    model.learn(wanted, callback=LogTerms(), reset_num_timesteps=False, log_interval=1000)
    model.logger.dump(model.num_timesteps)
    return progress.after(model.num_timesteps, time.perf_counter() - wall, time.process_time() - cpu)


def _metadata(settings: TrainSettings, seed: int, progress: Progress, about: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "env": env_id(settings.task),
        "env_options": env_options(settings),
        "settings": vars(settings),
        "seed": seed,
        "steps": progress.steps,
        "train_cpu_s": round(progress.cpu_s, 1),
        "train_wall_s": round(progress.wall_s, 1),
        **(about or {}),
    }
