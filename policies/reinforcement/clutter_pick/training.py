"""Training ClutterPick: collect attempts, fit the correction to them, go on with MaskablePPO, keep the better."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import gymnasium
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3.common.callbacks import CheckpointCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv

from envs.clutter_pick import Proposer
from geometry import InputError
from policies.reinforcement.clutter_pick.attempts import CollectionConfig
from policies.reinforcement.clutter_pick.collection import collect_tables, read_looks
from policies.reinforcement.clutter_pick.correction_fit import ChoiceScore, FitConfig, fit_correction, score_choices
from policies.reinforcement.clutter_pick.masked_policy import MaskedChoicePolicy
from policies.reinforcement.clutter_pick.policy import ClutterPickPolicy, PolicySpec
from policies.reinforcement.clutter_pick.policy_file import load_policy, save_policy
from policies.reinforcement.clutter_pick.recorded_looks import RecordedLooks
from policies.reinforcement.clutter_pick.training_tables import MixedTables, Table

_LOG = logging.getLogger(__name__)
_CHECKPOINT = "ppo_*_steps.zip"


@dataclass(frozen=True, kw_only=True)
class ClutterPickTraining:
    """How a policy is trained."""

    seed: int = 0
    """Of everything; rounds of collection have seeds from 100,000 * (1 + seed) up."""
    laps: int = 12
    """Laps of collection around the training tables."""
    validation_laps: int = 3
    """The same around the validation tables."""
    collection: CollectionConfig = field(default_factory=CollectionConfig)
    """What is tried in each look."""
    fit: FitConfig = field(default_factory=FitConfig)
    """How the correction is fitted."""
    acts_after: str = "failed_last"
    """See `PolicySpec`: before a failure, another choice than the detector's mends as many attempts as it spoils."""
    ppo_steps: int = 8192
    """Attempts of MaskablePPO after that; 0 is none."""
    ppo_on: Literal["recorded", "live"] = "recorded"
    """Whether PPO plays rounds, or chooses again in the recorded looks (see `RecordedLooks`)."""
    ppo_rollout: int = 1024
    """Attempts of each environment between two updates."""
    ppo_epochs: int = 8
    """Passes over them."""
    learning_rate: float = 3e-4
    """Of PPO."""
    gamma: float = 0.9
    """Discount: a failure brings the round's end nearer."""
    target_kl: float = 0.02
    """An update stops early beyond this."""
    processes: int = 2
    """Worker processes, of one environment each."""

    def __post_init__(self) -> None:
        counts = (self.laps, self.validation_laps, self.ppo_rollout, self.ppo_epochs, self.processes)
        if min(counts) < 1 or min(self.seed, self.ppo_steps) < 0 or not 0.0 < self.gamma <= 1.0:
            raise InputError("ClutterPickTraining", expected="counts >= 1, seed and ppo_steps >= 0", got=f"{self}")


def train_clutter_pick(
    config: ClutterPickTraining,
    output: Path,
    *,
    train: Sequence[Table],
    validation: Sequence[Table],
    propose: Proposer,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Train; what is there already in `output` is not made again.

    Args:
        config: everything but the tables.
        output: folder: looks/, validation/, correction.safetensors, tensorboard/, ppo_*_steps.zip (which hold
            pickles: open only your own) and ppo.safetensors.
        train: tables to learn from.
        validation: tables with other objects; only the fit's best step is chosen on them.
        propose: the detector.
        on_progress: told the stage ("collect", "validate", "ppo"), how much of it is done, and of how much.
    Returns:
        flat figures, above all the validation scores.
    """
    tell = on_progress or (lambda stage, done, total: None)
    for name, tables, laps, first in (
        ("looks", train, config.laps, 100_000 * (1 + config.seed)),
        ("validation", validation, config.validation_laps, 100_000 * (1 + config.seed) + 50_000),
    ):
        units = collect_tables(
            tables, propose, output / name, laps=laps, first_seed=first, config=config.collection,
            processes=config.processes,
        )  # fmt: skip
        for done, _ in enumerate(units, start=1):
            tell("collect" if name == "looks" else "validate", done, laps * len(tables))
    score = fit_stage(config, output, train[0].environment(propose).feature_names)
    figures = {f"validation_{key}": value for key, value in score._asdict().items()}
    if config.ppo_steps:
        policy = ppo_stage(config, output, train, propose, partial(tell, "ppo"))
        figures["validation_ppo"] = score_choices(policy, read_looks(output / "validation")).policy
    return figures


def fit_stage(config: ClutterPickTraining, output: Path, feature_names: tuple[str, ...]) -> ChoiceScore:
    """Fit the correction to the looks in `output`, and write correction.safetensors; its validation score."""
    looks, checks = read_looks(output / "looks"), read_looks(output / "validation")
    scores: list[ChoiceScore] = []

    def note(step: int, score: ChoiceScore) -> None:
        scores.append(score)
        _LOG.info("fit, step %d: %s", step, score)

    spec = PolicySpec(feature_names=feature_names, acts_after=config.acts_after)
    policy = fit_correction(spec, looks, checks, config.fit, on_check=note)
    best = min(scores, key=lambda score: score.loss)
    figures = {"looks": len(looks.outcome), "tried": int((looks.outcome >= 0).sum()), "validation": best._asdict()}
    save_policy(policy, output / "correction.safetensors", {"stage": "fit", "fit": asdict(config.fit), **figures})
    return best


def ppo_stage(
    config: ClutterPickTraining,
    output: Path,
    tables: Sequence[Table],
    propose: Proposer,
    tell: Callable[[int, int], None],
) -> ClutterPickPolicy:
    """Go on from correction.safetensors with MaskablePPO, and write ppo.safetensors; resumes from its last zip."""
    start = load_policy(output / "correction.safetensors")
    environments = _environments(config, tables, propose, output, start.spec)
    try:
        saved = sorted(output.glob(_CHECKPOINT), key=lambda path: int(path.stem.split("_")[1]))
        if saved:
            model = MaskablePPO.load(saved[-1], env=environments, device="cpu")
        else:
            model = _new_model(config, environments, output, start)
        left = config.ppo_steps - model.num_timesteps
        save_freq = max(1, config.ppo_rollout)
        callback = CheckpointCallback(save_freq, str(output), name_prefix="ppo")
        while left > 0:
            step = min(left, config.ppo_rollout * environments.num_envs)
            model.learn(step, callback=callback, reset_num_timesteps=False, tb_log_name="ppo")
            left = config.ppo_steps - model.num_timesteps
            tell(model.num_timesteps, config.ppo_steps)
    finally:
        environments.close()
    assert isinstance(model.policy, MaskedChoicePolicy)
    save_policy(model.policy.actor, output / "ppo.safetensors", {"stage": "ppo", "config": asdict(config)})
    return model.policy.actor


def _environments(
    config: ClutterPickTraining, tables: Sequence[Table], propose: Proposer, output: Path, spec: PolicySpec
) -> VecEnv:
    makers: list[Callable[[], gymnasium.Env[Any, Any]]]
    if config.ppo_on == "recorded":
        gate = spec.feature_names.index(spec.acts_after) if spec.acts_after else None
        recorded = RecordedLooks(read_looks(output / "looks"), gate)
        makers = [lambda: Monitor(recorded)]
    else:
        makers = [partial(_environment, tuple(tables), propose) for _ in range(config.processes)]
    alone = len(makers) == 1
    environments = DummyVecEnv(makers) if alone else SubprocVecEnv(makers, start_method="spawn")
    environments.seed(100_000 * (1 + config.seed) + 70_000)
    return environments


def _environment(tables: tuple[Table, ...], propose: Proposer) -> gymnasium.Env[Any, Any]:
    return Monitor(MixedTables(tables, propose), info_keywords=("cleared", "attempts", "presented"))


def _new_model(
    config: ClutterPickTraining, environments: VecEnv, output: Path, start: ClutterPickPolicy
) -> MaskablePPO:
    torch.manual_seed(config.seed)
    model = MaskablePPO(
        MaskedChoicePolicy,
        environments,
        learning_rate=config.learning_rate,
        n_steps=config.ppo_rollout,
        batch_size=64,
        n_epochs=config.ppo_epochs,
        gamma=config.gamma,
        target_kl=config.target_kl,
        tensorboard_log=str(output / "tensorboard"),
        policy_kwargs={"spec": start.record()},
        seed=config.seed,
        device="cpu",
    )
    assert isinstance(model.policy, MaskedChoicePolicy)
    model.policy.start_from(start)
    return model
