"""What all policies keep to: pads do not count, actions keep to their bounds, bad observations are named."""

import dataclasses

import numpy as np
import pytest
import torch

from geometry import InputError
from policies.demonstrations import Episode
from policies.imitation import Batch, DataLayout, Policy, Windows, make_config
from policies.imitation.chunk_transformer import ACTConfig, ACTPolicy
from policies.imitation.policy_config import PolicyConfig
from policies.imitation.recurrent_cloning import RecurrentBCConfig, RecurrentBCPolicy

LAYOUT = DataLayout(
    observations={"observation": (3,), "achieved_goal": (2,), "desired_goal": (2,)},
    action_low=(-1.0, -0.5),
    action_high=(1.0, 0.5),
    summed=(True, False),
)
SMALL = [
    make_config("bc", widths=(16,)),
    make_config("bc-rnn", width=16, history=5),
    make_config("act", width=16, heads=2, inner=16, chunk=6, execute=3),
    make_config("act", width=16, heads=2, inner=16, chunk=6, execute=3, history=2, latent=4),
]


def episodes(count: int = 3) -> list[Episode]:
    rng = np.random.default_rng(1)
    made = []
    for number in range(count):
        steps = 8 + number
        seen = {key: rng.normal(size=(steps, *shape)).astype(np.float32) for key, shape in LAYOUT.observations.items()}
        actions = (rng.uniform(-1, 1, (steps, 2)) * (1.0, 0.5)).astype(np.float32)
        made.append(Episode(observations=seen, actions=actions, rewards=np.zeros(steps, np.float32), success=True))
    return made


def made(config: PolicyConfig) -> tuple[Policy, Windows]:
    torch.manual_seed(0)
    policy = config.make(LAYOUT)
    windows = Windows(episodes(), keys=policy.keys, history=policy.history, chunk=policy.chunk)
    policy.fit(windows)
    return policy, windows


def loss_of(policy: Policy, batch: Batch) -> float:
    torch.manual_seed(3)
    return float(policy.loss(batch).detach())


@pytest.mark.parametrize("config", SMALL, ids=lambda config: config.kind)
def test_what_was_filled_in_does_not_change_the_loss(config: PolicyConfig) -> None:
    policy, windows = made(config)
    batch = windows.batch(torch.arange(len(windows)))
    actions, past = batch.actions.clone(), batch.past_actions.clone()
    actions[~batch.valid], past[~batch.past_valid] = 0.37, -0.21
    padded = batch._replace(actions=actions, past_actions=past)
    assert loss_of(policy, padded) == pytest.approx(loss_of(policy, batch), abs=1e-6)
    actions[:, 0] += 0.1
    assert loss_of(policy, batch._replace(actions=actions)) != pytest.approx(loss_of(policy, batch), abs=1e-6)


def test_the_loss_of_act_is_the_mean_absolute_error_of_known_paths() -> None:
    policy, windows = made(SMALL[2])
    assert isinstance(policy, ACTPolicy)
    batch = windows.batch(torch.tensor([5, 7, 12]))  # of the episode of 8 steps: 3 actions to its end, then 1
    foreseen = policy.paths.unscaled(policy.paths.scaled(policy.predict(batch.observations))).detach().numpy()
    deviation, errors = policy.paths.deviation.numpy(), []
    for outputs, wanted, valid in zip(foreseen, batch.actions.numpy(), batch.valid.numpy(), strict=True):
        steps = int(valid.sum())
        path, led = (np.cumsum(table[:steps, 0]) for table in (wanted, outputs))
        errors += list(np.abs(led - path) / deviation[:steps, 0])  # the first number is summed, the second is not
        errors += list(np.abs(outputs[:steps, 1] - wanted[:steps, 1]) / deviation[:steps, 1])
    assert len(errors) == 2 * (3 + 1 + 5)
    assert float(policy.loss(batch).detach()) == pytest.approx(float(np.mean(errors)), rel=1e-4)


@pytest.mark.parametrize("config", SMALL, ids=lambda config: config.kind)
def test_actions_keep_to_the_bounds_and_a_reset_forgets(config: PolicyConfig) -> None:
    policy, _ = made(config)
    policy.eval()
    with torch.no_grad():
        for weight in policy.parameters():
            weight.mul_(8.0)
    rng = np.random.default_rng(2)
    seen = [{k: rng.normal(size=s).astype(np.float32) for k, s in LAYOUT.observations.items()} for _ in range(7)]
    runs = []
    for _ in range(2):
        policy.reset()
        runs.append(np.stack([policy.select_action(row) for row in seen]))
    np.testing.assert_array_equal(*runs)
    assert runs[0].dtype == np.float32 and (np.abs(runs[0]) <= (1.0, 0.5)).all()


def test_a_chunk_is_asked_for_when_the_last_is_done() -> None:
    policy, windows = made(SMALL[2])
    policy.eval()
    rows = windows.batch(torch.arange(8)).observations
    seen = [{key: table[t, 0].numpy() for key, table in rows.items()} for t in range(8)]
    foreseen = policy.predict(rows).detach().numpy()
    done = np.stack([policy.select_action(row) for row in seen])
    wanted = [foreseen[3 * (t // 3), t % 3] for t in range(8)]
    np.testing.assert_allclose(done, wanted, atol=1e-6)


def test_the_memory_of_a_recurrent_policy_is_that_of_its_window() -> None:
    policy, windows = made(RecurrentBCConfig(width=16, history=8))
    assert isinstance(policy, RecurrentBCPolicy)
    policy.eval()
    batch = windows.batch(torch.tensor([7]))  # the last step of the first episode: all its 8 observations
    step_by_step = [
        policy.select_action({key: table[0, t].numpy() for key, table in batch.observations.items()}) for t in range(8)
    ]
    actions = torch.cat([batch.past_actions, batch.actions], dim=1)[0].numpy()
    error = np.mean(np.abs(step_by_step - actions) / policy.action_scale.reach.numpy())
    assert float(policy.loss(batch).detach()) == pytest.approx(float(error), rel=1e-5)
    early = windows.batch(torch.tensor([2]))  # three observations known: the loss is that of the first three steps
    error = np.mean(np.abs(np.stack(step_by_step[:3]) - actions[:3]) / policy.action_scale.reach.numpy())
    assert float(policy.loss(early).detach()) == pytest.approx(float(error), rel=1e-5)


def test_bad_observations_are_named() -> None:
    policy, windows = made(SMALL[0])
    good = {key: table[0, 0].numpy() for key, table in windows.batch(torch.tensor([0])).observations.items()}
    with pytest.raises(InputError, match="desired_goal of shape"):
        policy.select_action({"observation": good["observation"], "achieved_goal": good["achieved_goal"]})
    with pytest.raises(InputError, match=r"observation of shape \(3,\), got \(4,\)"):
        policy.select_action({**good, "observation": np.zeros(4)})
    with pytest.raises(InputError, match="NaN or infinity in observation"):
        policy.select_action({**good, "observation": np.full(3, np.nan)})


@pytest.mark.parametrize(
    ("kind", "given"),
    [("act", {"execute": 17}), ("act", {"heads": 3}), ("act", {"dropout": 1.0}), ("bc", {"widths": ()}),
     ("bc-rnn", {"history": 1}), ("bc", {"chunk": 4}), ("gail", {})],
)  # fmt: skip
def test_bad_settings_are_named(kind: str, given: dict[str, object]) -> None:
    with pytest.raises(InputError):
        make_config(kind, **given).make(LAYOUT)


def test_a_style_is_drawn_in_training_only() -> None:
    policy, windows = made(ACTConfig(width=16, heads=2, inner=16, chunk=6, execute=3, latent=4))
    batch = windows.batch(torch.arange(4))
    torch.manual_seed(0)
    assert policy.loss(batch).item() != policy.loss(batch).item()
    assert isinstance(policy, ACTPolicy)
    torch.testing.assert_close(policy.predict(batch.observations), policy.predict(batch.observations))
    assert "style" in dict(policy.named_children()) and dataclasses.asdict(ACTConfig())["latent"] == 0
