"""Training a policy on demonstrations: in memory, or into a folder from which a stopped run goes on."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from geometry import InputError
from policies.demonstrations.episode import Episode
from policies.imitation.checkpoint import load_checkpoint, save_checkpoint
from policies.imitation.data_layout import DataLayout
from policies.imitation.policy import Policy
from policies.imitation.policy_config import PolicyConfig
from policies.imitation.policy_file import POLICY_NAME, load_policy_file, save_policy_file
from policies.imitation.training_config import TrainingConfig
from policies.imitation.training_run import Alone, Penalty, Processes, TrainingRun
from policies.imitation.windows import Windows

CHECKPOINT_NAME = "checkpoint.safetensors"
_CHECKPOINT_S = 60.0


class Report(NamedTuple):
    """How far a training run is."""

    steps: int
    """Done."""
    loss: float
    """Of the last hundred steps or so."""
    wall_s: float
    """Time of all steps."""
    cpu_s: float
    """Processor time of all steps in this process."""


OnStep = Callable[[TrainingRun], None]


def train_policy(
    policy: Policy,
    episodes: Sequence[Episode],
    config: TrainingConfig,
    *,
    seed: int,
    fit: bool = True,
    penalty: Penalty | None = None,
    episode_weights: Sequence[float] | None = None,
    processes: Processes | None = None,
    checkpoint: Path | None = None,
    identity: Mapping[str, Any] | None = None,
    on_step: OnStep | None = None,
) -> Report:
    """Train a policy in place; it ends with the moving average of its weights, in the mode for acting.

    PyTorch's own generator is seeded for the run and put back afterwards.

    Args:
        policy: with any weights.
        episodes: demonstrations.
        config: how.
        seed: of the windows' order and of the loss.
        fit: whether to set the normaliser from these demonstrations; not where training goes on from another set's.
        penalty: what is added to the loss.
        episode_weights: how often the windows of each episode are drawn, against those of the others.
        processes: that train together; None trains alone on the CPU.
        checkpoint: file that progress is kept in every minute, and read from; None keeps nothing.
        identity: what tells this run from others that might have left that file.
        on_step: called after each step.
    Raises:
        InputError: if the episodes do not fit the policy, or the checkpoint is another run's.
    """
    processes = processes or Alone()
    _check_training(policy, episodes, config, episode_weights, processes)
    windows = Windows(episodes, keys=policy.keys, history=policy.history, chunk=policy.chunk, device=processes.device)
    policy.to(processes.device).train()
    if fit:
        policy.fit(windows)
    weights = None if episode_weights is None else torch.tensor(episode_weights)[windows.episode.cpu()]
    devices = [processes.device] if processes.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed + 7919 * processes.rank)
        run = TrainingRun(policy, windows, config, seed=seed, penalty=penalty, row_weights=weights, processes=processes)
        clock = _Clock()
        if checkpoint is not None and checkpoint.exists():
            clock = _Clock(**load_checkpoint(checkpoint, run, identity or {}))
        _run(run, clock, checkpoint, identity or {}, on_step)
    run.average.store()
    policy.eval().reset()
    return Report(run.steps_done, float(run.recent_loss), **clock.spent())


def train_imitation(
    config: PolicyConfig,
    episodes: Sequence[Episode],
    layout: DataLayout,
    output: Path,
    *,
    seed: int,
    training: TrainingConfig | None = None,
    about: Mapping[str, Any] | None = None,
    processes: Processes | None = None,
    on_step: OnStep | None = None,
) -> Report:
    """Train a policy from demonstrations into a folder; the same call goes on where a run was stopped.

    A run that has ended is not run again: its report is read from the policy's file.

    Args:
        config: of the policy.
        episodes: demonstrations.
        layout: of the task's observations and actions.
        output: folder of `policy.safetensors`, its JSON, and the checkpoint until the run ends.
        seed: of weights, windows and loss.
        training: how; None for the policy's own way.
        about: what else the policy's file shall tell: environment, options, command.
        processes: that train together; the first one writes.
        on_step: called after each step.
    Raises:
        InputError: if the demonstrations do not fit the layout, or the folder holds another run.
    """
    training, processes = training or type(config).training, processes or Alone()
    layout.check(episodes, "train_imitation")
    identity = _identity(config, training, seed, episodes, processes.count)
    file = output / POLICY_NAME
    if file.exists():
        return _finished(file, identity)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        policy = config.make(layout)
    report = train_policy(
        policy, episodes, training, seed=seed, processes=processes,
        checkpoint=output / CHECKPOINT_NAME, identity=identity, on_step=on_step,
    )  # fmt: skip
    if processes.rank == 0:
        metadata = {**(about or {}), "identity": identity, "report": report._asdict()}
        save_policy_file(file, policy.cpu(), config, layout, metadata)
        (output / CHECKPOINT_NAME).unlink(missing_ok=True)
    return report


def fingerprint(episodes: Sequence[Episode]) -> str:
    """SHA-256 over what the episodes hold, as hexadecimal digits."""
    digest = hashlib.sha256()
    for episode in episodes:
        for name, table in sorted({"actions": episode.actions, **episode.observations}.items()):
            digest.update(f"{name} {table.dtype} {table.shape}".encode())
            digest.update(np.ascontiguousarray(table).tobytes())
    return digest.hexdigest()


class _Clock:
    """Times of a run, over all of its parts."""

    def __init__(self, wall_s: float = 0.0, cpu_s: float = 0.0) -> None:
        self._wall, self._cpu = time.perf_counter() - wall_s, time.process_time() - cpu_s

    def spent(self) -> dict[str, float]:
        return {"wall_s": time.perf_counter() - self._wall, "cpu_s": time.process_time() - self._cpu}


def _run(
    run: TrainingRun, clock: _Clock, checkpoint: Path | None, identity: Mapping[str, Any], on_step: OnStep | None
) -> None:
    writes = checkpoint is not None and run.processes.rank == 0
    saved_at = time.monotonic()
    while run.steps_done < run.config.steps:
        run.step()
        if on_step is not None:
            on_step(run)
        if writes and time.monotonic() - saved_at > _CHECKPOINT_S:
            assert checkpoint is not None
            save_checkpoint(checkpoint, run, identity, clock.spent())
            saved_at = time.monotonic()


def _identity(
    config: PolicyConfig, training: TrainingConfig, seed: int, episodes: Sequence[Episode], processes: int
) -> dict[str, Any]:
    """What tells a run from others, as JSON gives it back."""
    table = {
        "kind": config.kind,
        "policy": asdict(config),
        "training": asdict(training),
        "seed": seed,
        "processes": processes,
        "demonstrations": {
            "episodes": len(episodes),
            "steps": sum(map(len, episodes)),
            "sha256": fingerprint(episodes),
        },
    }
    return dict(json.loads(json.dumps(table)))


def _finished(file: Path, identity: Mapping[str, Any]) -> Report:
    metadata = load_policy_file(file).metadata
    before = metadata.get("identity", {})
    if other := sorted(name for name in before.keys() | identity.keys() if before.get(name) != identity.get(name)):
        raise InputError(
            str(file), expected="no policy of another run", got=f"one with other {', '.join(other)}",
            remedy="choose another --output",
        )  # fmt: skip
    return Report(**metadata["report"])


def _check_training(
    policy: Policy,
    episodes: Sequence[Episode],
    config: TrainingConfig,
    weights: Sequence[float] | None,
    processes: Processes,
) -> None:
    if config.batch_size % processes.count:
        raise InputError("train_policy", expected=f"a batch size that {processes.count} processes share alike",
                         got=f"{config.batch_size}")  # fmt: skip
    if weights is not None and (len(weights) != len(episodes) or min(weights) < 0.0 or sum(weights) <= 0.0):
        raise InputError("train_policy", expected="a weight, not below 0, for each episode", got=f"{list(weights)}")
    if any(len(weight) == 0 for weight in policy.parameters() if weight.ndim):
        raise InputError("train_policy", expected="a policy with weights", got="an empty one")
