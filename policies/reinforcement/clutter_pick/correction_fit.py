"""The correction, first taught on attempts with their outcomes: of two proposals of one look, which one holds?

A round tells PPO of one attempt in some tenths of a second; the copies of the world tell of a dozen attempts a
look. What they tell is learned here; PPO goes on from it. Only differences within a look count (Bradley and Terry
1952): how well a whole scene goes says nothing about which proposal to take.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from geometry import InputError
from policies.reinforcement.clutter_pick.attempts import Looks
from policies.reinforcement.clutter_pick.policy import ClutterPickPolicy, PolicySpec


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How the correction is fitted."""

    steps: int = 400
    """Steps of Adam."""
    batch: int = 64
    """Looks a step."""
    learning_rate: float = 1e-3
    """At the start; it falls to zero along a cosine."""
    shrinkage: float = 0.03
    """Penalty on the squared weights that make the correction: it must be worth its while."""
    feature_noise: float = 0.4
    """Standard deviation of noise on the normalised features."""
    check_every: int = 50
    """Steps between looks at the validation set; the best state of all stays."""
    seed: int = 0
    """Of everything."""

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.check_every) < 1 or self.seed < 0:
            raise InputError("FitConfig", expected="steps, batch, check_every >= 1, seed >= 0", got=f"{self}")


class ChoiceScore(NamedTuple):
    """How a policy does on looks, choosing among what was tried of each."""

    loss: float
    """Mean of -log of the odds given to what holds against what fails in the same look, nats."""
    policy: float
    """Share of looks in which its choice holds something."""
    detector: float
    """The same of the detector's first."""
    hindsight: float
    """Share of looks in which anything that was tried holds something."""


def fit_correction(
    spec: PolicySpec,
    train: Looks,
    validation: Looks,
    config: FitConfig,
    *,
    on_check: Callable[[int, ChoiceScore], None] | None = None,
) -> ClutterPickPolicy:
    """Fit the correction, and keep the state with the best validation loss.

    It is fitted to all looks, also where the policy will not use it: there are too few others.

    Args:
        spec: of the policy.
        train: looks to learn from.
        validation: looks at other objects, to stop by.
        config: everything else.
        on_check: told the step and the validation score.
    """
    rng = np.random.default_rng(config.seed)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        policy = ClutterPickPolicy(spec)
        rows, mask, outcome = _tensors(train)
        policy.normalise(rows[mask > 0])
        optimiser = torch.optim.Adam(policy.parameters(), lr=config.learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
        best, best_loss = copy.deepcopy(policy.state_dict()), score_choices(policy, validation).loss
        for step in range(1, config.steps + 1):
            index = torch.from_numpy(rng.integers(len(rows), size=config.batch))
            noisy = rows[index] + _noise(rows[index], policy, config)
            loss = _order_loss(policy(noisy, mask[index], gated=False).log_odds, outcome[index])
            loss = loss + config.shrinkage * policy.size_of_correction()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            if step % config.check_every == 0:
                score = score_choices(policy, validation)
                if on_check is not None:
                    on_check(step, score)
                if score.loss < best_loss:
                    best, best_loss = copy.deepcopy(policy.state_dict()), score.loss
        policy.load_state_dict(best)
    return policy.eval()


def score_choices(policy: ClutterPickPolicy, looks: Looks) -> ChoiceScore:
    """How a policy, the detector's first and hindsight do on looks, each choosing among what was tried."""
    rows, mask, outcome = _tensors(looks)
    with torch.inference_mode():
        log_odds = policy(rows, mask).log_odds
        loss = _order_loss(policy(rows, mask, gated=False).log_odds, outcome)
        choice = torch.where(outcome >= 0, log_odds, torch.full_like(log_odds, -torch.inf)).argmax(dim=1)
    held = outcome > 0
    shares = (held[torch.arange(len(held)), choice], held[:, 0], held.any(dim=1))
    return ChoiceScore(float(loss), *[float(share.float().mean()) for share in shares])


def _tensors(looks: Looks) -> tuple[Tensor, Tensor, Tensor]:
    return torch.from_numpy(looks.proposals), torch.from_numpy(looks.mask), torch.from_numpy(looks.outcome).float()


def _noise(rows: Tensor, policy: ClutterPickPolicy, config: FitConfig) -> Tensor:
    """Noise in units of each feature's spread; the detector's log-odds stay, as they are the base."""
    spread = torch.where(policy.scale > 0, 1.0 / policy.scale.clamp_min(1e-6), torch.zeros_like(policy.scale))
    spread[policy.base_column] = 0.0
    return config.feature_noise * spread * torch.randn_like(rows)


def _order_loss(log_odds: Tensor, outcome: Tensor) -> Tensor:
    """Mean over looks of the logistic loss of their pairs of one that holds and one that fails; (B, K) each."""
    pairs = (outcome == 1.0)[:, :, None] & (outcome == 0.0)[:, None, :]
    losses = softplus(log_odds[:, None, :] - log_odds[:, :, None]) * pairs
    count = pairs.sum(dim=(1, 2))
    return (losses.sum(dim=(1, 2)) / count.clamp_min(1)).sum() / (count > 0).sum().clamp_min(1)
