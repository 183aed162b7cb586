"""The lean learners: the same numbers as Stable-Baselines3's own updates, and a task learned in seconds."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
from gymnasium import spaces
from sb3_contrib import TQC
from stable_baselines3 import DDPG, SAC, TD3
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, CombinedExtractor

from geometry import InputError
from policies.reinforcement.features import GoalFeatures
from policies.reinforcement.lean_sac import LeanSAC
from policies.reinforcement.lean_td3 import LeanDDPG, LeanTD3
from policies.reinforcement.lean_tqc import LeanTQC


class LearnedFeatures(CombinedExtractor):
    """An extractor with weights of its own."""

    def __init__(self, space: spaces.Dict) -> None:
        BaseFeaturesExtractor.__init__(self, space, 5)
        self.layer = torch.nn.Linear(6, 5)

    def forward(self, seen: Any) -> torch.Tensor:
        return torch.tanh(self.layer(torch.cat([seen[key] for key in sorted(seen)], dim=1)))


def same_batches(oracle: Any, lean: Any, count: int, size: int) -> None:
    """Let both models draw the same batches, one by one for the oracle, all at once for the lean one."""
    lean.policy.load_state_dict(oracle.policy.state_dict())
    batches = [oracle.replay_buffer.sample(size) for _ in range(count)]
    left = iter(batches)
    oracle.replay_buffer.sample = lambda *_args, **_kwargs: next(left)

    def interleaved(*_args: Any, **_kwargs: Any) -> Any:
        def rows(tables: list[torch.Tensor]) -> torch.Tensor:
            return torch.stack(tables, dim=1).flatten(0, 1)

        merged: dict[str, Any] = {}
        for field in ("actions", "dones", "rewards"):
            merged[field] = rows([getattr(batch, field) for batch in batches])
        for field in ("observations", "next_observations"):
            keys = getattr(batches[0], field)
            merged[field] = {key: rows([getattr(batch, field)[key] for batch in batches]) for key in keys}
        return batches[0]._replace(**merged)

    lean.replay_buffer.sample = interleaved


def assert_same_weights(oracle: Any, lean: Any, before: dict[str, torch.Tensor], relative: float) -> None:
    """Differences must be small against how far each tensor moved."""
    ours = lean.policy.state_dict()
    for name, theirs in oracle.policy.state_dict().items():
        moved = (theirs - before[name]).abs().max().item()
        assert moved > 0 or "scale" in name or "shift" in name, name
        assert (ours[name] - theirs).abs().max().item() <= relative * moved + 1e-7, name


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("extractor", [GoalFeatures, LearnedFeatures])
@pytest.mark.parametrize("critics", [1, 2, 3])
@pytest.mark.parametrize(("kind", "lean_kind"), [(SAC, LeanSAC), (TQC, LeanTQC)])
def test_sac_and_tqc_update_as_stable_baselines_do(
    kind: type, lean_kind: type, critics: int, extractor: type, shared: bool, model_of: Any, monkeypatch: Any
) -> None:
    steps, size = 6, 32
    network = {"n_critics": critics, "features_extractor_class": extractor, "share_features_extractor": shared}
    oracle, lean = (model_of(each, policy_kwargs=network) for each in (kind, lean_kind))
    same_batches(oracle, lean, steps, size)
    before = deepcopy(oracle.policy.state_dict())
    noise = torch.randn(steps, 2, size, 2, generator=torch.Generator().manual_seed(0))
    drawn = iter(noise.flatten(0, 1))
    monkeypatch.setattr(
        torch.distributions.Normal, "rsample", lambda self, _shape=None: self.loc + self.scale * next(drawn)
    )
    whole = iter(noise.flatten(1, 2))
    lean._noise = lambda _rows, _columns: next(whole)
    oracle.train(steps, size)
    lean.train(steps, size)
    assert_same_weights(oracle, lean, before, 1e-3)
    assert lean.log_ent_coef.item() == pytest.approx(oracle.log_ent_coef.item(), rel=1e-5)
    assert lean._n_updates == oracle._n_updates


@pytest.mark.parametrize(("kind", "lean_kind"), [(SAC, LeanSAC), (TQC, LeanTQC), (DDPG, LeanDDPG)])
def test_the_last_losses_are_logged(kind: type, lean_kind: type, model_of: Any, monkeypatch: Any) -> None:
    oracle, lean = (model_of(each) for each in (kind, lean_kind))
    same_batches(oracle, lean, 1, 32)
    monkeypatch.setattr(torch.distributions.Normal, "rsample", lambda self, _shape=None: self.loc)
    lean._noise = lambda *shape: torch.zeros(*shape)
    oracle.train(1, 32)
    lean.train(1, 32)
    ours, theirs = lean.logger.name_to_value, oracle.logger.name_to_value
    for name in {"train/actor_loss", "train/critic_loss", "train/ent_coef"} & theirs.keys():
        assert ours[name] == pytest.approx(theirs[name], rel=1e-4), name


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("extractor", [GoalFeatures, LearnedFeatures])
@pytest.mark.parametrize(("kind", "lean_kind"), [(DDPG, LeanDDPG), (TD3, LeanTD3)])
def test_td3_and_ddpg_update_as_stable_baselines_do(
    kind: type, lean_kind: type, extractor: type, shared: bool, model_of: Any
) -> None:
    steps, size = 6, 32
    network = {"features_extractor_class": extractor, "share_features_extractor": shared}
    options = {} if kind is DDPG else {"target_policy_noise": 0.0}
    oracle, lean = (model_of(each, policy_kwargs=network, **options) for each in (kind, lean_kind))
    same_batches(oracle, lean, steps, size)
    before = deepcopy(oracle.policy.state_dict())
    oracle.train(steps, size)
    lean.train(steps, size)
    assert_same_weights(oracle, lean, before, 1e-3)


def test_target_is_clipped_to_what_sparse_rewards_can_give(model_of: Any) -> None:
    lean = model_of(LeanDDPG, clip_target=(-20.0, 0.0))
    batch = next(lean._batches(1, 8))
    target = lean._target(batch, torch.tensor([[-1e6], [1e6]] * 4))
    assert target[0] == -20 and target[1] == 0


@pytest.mark.parametrize("options", [{"clip_target": (0.0, -1.0)}, {"random_action": 2.0}])
def test_nonsense_is_refused(options: dict[str, Any], model_of: Any) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        model_of(LeanDDPG, **options)


def test_gsde_and_other_activations_are_refused(model_of: Any) -> None:
    with pytest.raises(InputError, match="use_sde"):
        model_of(LeanSAC, use_sde=True)
    with pytest.raises(InputError, match="ReLU"):
        model_of(LeanSAC, policy_kwargs={"activation_fn": torch.nn.ELU})


@pytest.mark.parametrize("kind", [LeanSAC, LeanTQC, LeanTD3, LeanDDPG])
def test_a_saved_model_goes_on_as_if_never_saved(kind: type, model_of: Any, tmp_path: Any) -> None:
    model = model_of(kind)
    model.train(3, 32)
    model.save(tmp_path / "model.zip")
    again = kind.load(tmp_path / "model.zip", env=model.env)
    again.replay_buffer = model.replay_buffer
    again.set_logger(model.logger)
    for each in (model, again):
        each.set_random_seed(5)
        each.train(3, 32)
    ours, theirs = again.policy.state_dict(), model.policy.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_ddpg_learns_to_reach_in_seconds(model_of: Any, point_mass: Any) -> None:
    model = model_of(LeanDDPG, policy_kwargs={"net_arch": [64, 64]}, clip_target=(-20.0, 0.0), random_action=0.2,
                     batch_size=256, buffer_size=10_000, gradient_steps=1)  # fmt: skip
    model.learn(1500)
    env, reached = point_mass(), 0
    for seed in range(40):
        seen, _ = env.reset(seed=1000 + seed)
        for _ in range(25):
            seen, reward, *_ = env.step(model.predict(seen, deterministic=True)[0])
        reached += reward == 0
    assert reached >= 38
