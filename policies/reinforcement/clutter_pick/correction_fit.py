"""The correction, first taught on attempts with their outcomes: logistic regression about the detector's log-odds.

A round tells PPO of one attempt in some tenths of a second; the copies of the world tell of a dozen attempts a
look. What they tell is learned here; PPO goes on from it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from geometry import InputError
from policies.reinforcement.clutter_pick.attempts import Looks
from policies.reinforcement.clutter_pick.policy import ClutterPickPolicy, PolicySpec


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How the correction is fitted."""

    steps: int = 400
    """Steps of AdamW."""
    batch: int = 64
    """Looks a step."""
    learning_rate: float = 1e-3
    """At the start; it falls to zero along a cosine."""
    weight_decay: float = 0.05
    """Of AdamW."""
    choice_weight: float = 1.0
    """Weight of the expected failure of the softmax choice, beside the cross entropy of each outcome."""
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
    """Cross entropy of the outcomes, nats."""
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
        optimiser = torch.optim.AdamW(policy.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
        best, best_loss = copy.deepcopy(policy.state_dict()), score_choices(policy, validation).loss
        for step in range(1, config.steps + 1):
            index = torch.from_numpy(rng.integers(len(rows), size=config.batch))
            noisy = rows[index] + _noise(rows[index], policy, config)
            loss = _loss(policy, noisy, mask[index], outcome[index], config.choice_weight)
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
        tried = outcome >= 0
        loss = binary_cross_entropy_with_logits(log_odds[tried], outcome[tried])
        choice = torch.where(tried, log_odds, torch.full_like(log_odds, -torch.inf)).argmax(dim=1)
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


def _loss(policy: ClutterPickPolicy, rows: Tensor, mask: Tensor, outcome: Tensor, choice_weight: float) -> Tensor:
    log_odds = policy(rows, mask).log_odds
    tried = outcome >= 0
    cross_entropy = binary_cross_entropy_with_logits(log_odds[tried], outcome[tried])
    among = torch.where(tried, policy.spec.sharpness * log_odds, torch.full_like(log_odds, -torch.inf))
    failure = 1.0 - (among.softmax(dim=1) * outcome.clamp_min(0.0)).sum(dim=1)
    decidable = (outcome.amax(dim=1) > 0) & (torch.where(tried, outcome, 1.0).amin(dim=1) < 1)
    return cross_entropy + choice_weight * (failure * decidable).mean()
