"""Training: the moving average in closed form, runs that go on bit for bit, and a task that must be learned."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from geometry import InputError
from policies.demonstrations import Episode
from policies.imitation import (
    DataLayout,
    TrainingConfig,
    TrainingRun,
    load_imitation_policy,
    load_policy_file,
    make_config,
    train_imitation,
    train_policy,
)
from policies.imitation.moving_average import MovingAverage
from policies.imitation.policy_config import PolicyConfig
from policies.imitation.training import CHECKPOINT_NAME
from policies.imitation.training_run import learning_rate

LAYOUT = DataLayout(
    observations={"observation": (2,), "achieved_goal": (2,), "desired_goal": (2,)},
    action_low=(-1.0, -1.0),
    action_high=(1.0, 1.0),
    summed=(True, True),
)
QUICK = TrainingConfig(steps=60, batch_size=32, warmup_steps=10)
SMALL = {
    "bc": make_config("bc", widths=(32, 32)),
    "bc-rnn": make_config("bc-rnn", width=32, history=6),
    "act": make_config("act", width=16, heads=2, inner=32, chunk=6, execute=3, dropout=0.1),
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks learn fastest with one, on a busy machine by far."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def way(at: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """The action of an expert on a plane: a tenth of an action moves a centimetre, at most one action a step."""
    gap = 10.0 * (goal - at)
    return gap / max(1.0, float(np.abs(gap).max()))


def episodes(count: int, steps: int = 25) -> list[Episode]:
    rng = np.random.default_rng(5)
    made = []
    for _ in range(count):
        at, goal = rng.uniform(-0.9, 0.9, (2, 2))
        seen, actions = [], []
        for _ in range(steps):
            action = way(at, goal)
            seen.append(at.copy())
            actions.append(action)
            at = at + 0.1 * action + rng.normal(0.0, 0.01, 2)
        table = np.array(seen, np.float32)
        goals = np.tile(goal.astype(np.float32), (steps, 1))
        made.append(
            Episode(
                observations={"observation": table, "achieved_goal": table, "desired_goal": goals},
                actions=np.array(actions, np.float32),
                rewards=np.zeros(steps, np.float32),
                success=True,
            )
        )
    return made


@pytest.mark.parametrize("kind", SMALL)
def test_a_policy_learns_to_go_where_it_is_told(kind: str, tmp_path: Path) -> None:
    config = SMALL[kind]
    training = TrainingConfig(steps=400, batch_size=64, learning_rate=3e-3, average=0.98)
    train_imitation(config, episodes(60), LAYOUT, tmp_path, seed=0, training=training)
    policy = load_imitation_policy(tmp_path)
    rng, arrived = np.random.default_rng(77), 0
    for _ in range(20):
        at, goal = rng.uniform(-0.9, 0.9, (2, 2))
        policy.reset()
        for _ in range(30):
            seen = {"observation": at, "achieved_goal": at, "desired_goal": goal}
            at = at + 0.1 * policy.select_action(seen)
        arrived += float(np.linalg.norm(at - goal)) < 0.06
    assert arrived >= 18


def test_the_moving_average_is_that_of_its_closed_form() -> None:
    weight = nn.Linear(1, 1, bias=False)
    values = [3.0, -1.0, 2.0, 5.0, 0.5]
    with torch.no_grad():
        weight.weight.fill_(values[0])
        average = MovingAverage(weight, 0.25)
        for value in values[1:]:
            weight.weight.fill_(value)
            average.update()
    decays = [1 / 10, 2 / 11, 3 / 12, 0.25]  # n / (n + 9), at most 0.25
    shares = [math.prod(decays), *((1 - decays[i]) * math.prod(decays[i + 1 :]) for i in range(4))]
    assert sum(shares) == pytest.approx(1.0)
    average.store()
    assert weight.weight.item() == pytest.approx(sum(s * v for s, v in zip(shares, values, strict=True)))


def test_the_learning_rate_rises_and_falls() -> None:
    config = TrainingConfig(steps=110, learning_rate=2.0, warmup_steps=10, final_rate=0.1)
    rates = [learning_rate(step, config) for step in (0, 4, 10, 60, 110)]
    assert rates == pytest.approx([0.2, 1.0, 2.0, (2.0 + 0.2) / 2, 0.2])


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(load_policy_file(folder).policy.state_dict())


def assert_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


class Stopped(Exception):
    """Ends a run in the middle."""


@pytest.mark.parametrize("kind", SMALL)
def test_a_run_that_goes_on_ends_as_one_that_never_stopped(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = SMALL[kind]
    whole = train_imitation(config, episodes(5), LAYOUT, tmp_path / "whole", seed=4, training=QUICK)
    monkeypatch.setattr("policies.imitation.training._CHECKPOINT_S", 0.0)

    def stop(run: TrainingRun) -> None:
        if run.steps_done == 23:
            raise Stopped

    torch.manual_seed(1)
    outside = torch.get_rng_state()
    with pytest.raises(Stopped):
        train_imitation(config, episodes(5), LAYOUT, tmp_path / "parts", seed=4, training=QUICK, on_step=stop)
    assert torch.equal(outside, torch.get_rng_state())  # PyTorch's own stream is put back
    assert (tmp_path / "parts" / CHECKPOINT_NAME).exists()
    steps: list[int] = []
    report = train_imitation(
        config, episodes(5), LAYOUT, tmp_path / "parts", seed=4, training=QUICK,
        on_step=lambda run: steps.append(run.steps_done),
    )  # fmt: skip
    assert steps[0] == 23 and steps[-1] == 60  # the last checkpoint is of step 22
    assert report.loss == whole.loss
    assert_same(weights(tmp_path / "whole"), weights(tmp_path / "parts"))
    assert not (tmp_path / "parts" / CHECKPOINT_NAME).exists()


def test_a_run_that_has_ended_is_told_again_and_not_overwritten(tmp_path: Path) -> None:
    first = train_imitation(SMALL["bc"], episodes(5), LAYOUT, tmp_path, seed=4, training=QUICK)
    assert train_imitation(SMALL["bc"], episodes(5), LAYOUT, tmp_path, seed=4, training=QUICK) == first
    with pytest.raises(InputError, match="other seed"):
        train_imitation(SMALL["bc"], episodes(5), LAYOUT, tmp_path, seed=5, training=QUICK)
    with pytest.raises(InputError, match="other demonstrations"):
        train_imitation(SMALL["bc"], episodes(6), LAYOUT, tmp_path, seed=4, training=QUICK)


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    for seed in (0, 1):
        train_imitation(SMALL["bc"], episodes(5), LAYOUT, tmp_path / str(seed), seed=seed, training=QUICK)
    one, other = (weights(tmp_path / str(seed)) for seed in (0, 1))
    assert not torch.equal(one["layers.0.weight"], other["layers.0.weight"])


def test_checkpoints_of_other_runs_and_damaged_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("policies.imitation.training._CHECKPOINT_S", 0.0)

    def stop(run: TrainingRun) -> None:
        if run.steps_done == 3:
            raise Stopped

    def run(seed: int, on_step: object = None) -> None:
        train_imitation(
            SMALL["bc"], episodes(5), LAYOUT, tmp_path, seed=seed, training=QUICK, on_step=on_step  # type: ignore[arg-type]
        )  # fmt: skip

    with pytest.raises(Stopped):
        run(4, stop)
    with pytest.raises(InputError, match="seed 4 instead of 5"):
        run(5)
    file = tmp_path / CHECKPOINT_NAME
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(InputError, match="expected a checkpoint of this run"):
        run(4)


def test_weights_of_episodes_and_a_penalty_count() -> None:
    near, far = episodes(2)
    flipped = Episode(observations=far.observations, actions=-far.actions, rewards=far.rewards, success=False)
    losses = []
    for shares in ((1.0, 0.0), (0.0, 1.0)):
        torch.manual_seed(0)
        policy = SMALL["bc"].make(LAYOUT)
        train_policy(policy, [near, flipped], replace(QUICK, steps=300), seed=0, episode_weights=shares)
        seen = {key: table[0] for key, table in near.observations.items()}
        losses.append(np.abs(policy.select_action(seen) - near.actions[0]).mean())
    assert losses[0] < 0.5 * losses[1]
    torch.manual_seed(0)
    policy = SMALL["bc"].make(LAYOUT)
    report = train_policy(policy, [near], QUICK, seed=0, penalty=lambda _: torch.tensor(100.0))
    assert report.loss > 100.0


def test_bad_training_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one episode"):
        train_imitation(SMALL["bc"], [], LAYOUT, tmp_path, seed=0, training=QUICK)
    other = DataLayout(observations={"observation": (2,)}, action_low=(-1.0,), action_high=(1.0,))
    with pytest.raises(InputError, match="episode 0"):
        train_imitation(SMALL["bc"], episodes(1), other, tmp_path, seed=0, training=QUICK)
    for wrong in ({"steps": 0}, {"learning_rate": 0.0}, {"average": 1.0}, {"amp": "int8"}):
        with pytest.raises(InputError):
            TrainingConfig(**wrong)  # type: ignore[arg-type]
    policy = SMALL["bc"].make(LAYOUT)
    with pytest.raises(InputError, match="a weight, not below 0"):
        train_policy(policy, episodes(2), QUICK, seed=0, episode_weights=[1.0])


SCRIPT = """
import sys
from pathlib import Path
import torch
from perception.grasping.training.workers import Workers
from policies.imitation import TrainingConfig, train_imitation
from tests.policies import test_imitation_training as case
import policies.imitation.training as training
training._CHECKPOINT_S = 0.2
torch.set_num_threads(1)
workers = Workers.join("cpu")
config = case.SMALL[sys.argv[3]]
how = TrainingConfig(steps=int(sys.argv[2]), batch_size=32, warmup_steps=10)
train_imitation(config, case.episodes(5), case.LAYOUT, Path(sys.argv[1]), seed=4, training=how, processes=workers)
if workers.count > 1:
    torch.distributed.destroy_process_group()
"""


def command(script: Path, folder: Path, steps: int, kind: str, *before: str) -> list[str]:
    script.write_text(SCRIPT, encoding="utf-8")
    return [sys.executable, *before, str(script), str(folder), str(steps), kind]


REPOSITORY = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    subprocess.run(command(script, tmp_path / "whole", 400, "act"), check=True, env=ENVIRONMENT, timeout=300)
    words = command(script, tmp_path / "killed", 400, "act")
    killed = subprocess.Popen(words, env=ENVIRONMENT)
    checkpoint = tmp_path / "killed" / CHECKPOINT_NAME
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    assert checkpoint.exists() and not (tmp_path / "killed" / "policy.safetensors").exists()
    subprocess.run(words, check=True, env=ENVIRONMENT, timeout=300)
    assert_same(weights(tmp_path / "whole"), weights(tmp_path / "killed"))


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    subprocess.run(command(script, tmp_path / "one", 40, "bc"), check=True, env=ENVIRONMENT, timeout=300)
    together = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    subprocess.run(command(script, tmp_path / "two", 40, "bc", *together), check=True, env=ENVIRONMENT, timeout=300)
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, atol=1e-4, rtol=1e-3)
    assert load_policy_file(tmp_path / "two").metadata["identity"]["processes"] == 2


@pytest.mark.gpu
@pytest.mark.parametrize("amp", ["bf16", "fp16"])
def test_mixed_precision_learns_too(amp: str) -> None:
    from policies.imitation.training_run import Alone

    config: PolicyConfig = SMALL["act"]
    policy = config.make(LAYOUT)
    training = TrainingConfig(steps=200, batch_size=64, learning_rate=3e-3, amp=amp)  # type: ignore[arg-type]
    assert train_policy(policy, episodes(30), training, seed=0, processes=Alone("cuda")).loss < 0.2
