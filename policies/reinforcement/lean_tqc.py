"""Truncated quantile critics at a fraction of the cost per gradient step."""

from __future__ import annotations

import torch
from sb3_contrib import TQC
from torch import Tensor

from policies.reinforcement.lean_sac import SoftActorCritic


class LeanTQC(SoftActorCritic, TQC):
    """TQC (Kuznetsov et al. 2020, arXiv 2005.04269) as in sb3-contrib, with a lean `train`.

    Takes what `sb3_contrib.TQC` takes and what `LeanLearner` adds; no gSDE and no other activation than ReLU.
    """

    def _pessimistic(self, values: Tensor) -> Tensor:
        dropped = self.top_quantiles_to_drop_per_net * self.critic.n_critics
        quantiles = values if values.dim() == 2 else values.transpose(0, 1).flatten(1)
        return quantiles.sort(dim=1)[0][:, : self.critic.quantiles_total - dropped]

    def _critic_slope(self, values: Tensor, target: Tensor) -> Tensor:
        delta, quantile = self._pairs(values, target)
        share = -1.0 / delta.numel()
        above, below = delta.clamp(0, 1).sum(-1), delta.clamp_(-1, 0).sum(-1)
        return (quantile * above).add_((1 - quantile) * below).mul_(share)

    def _critic_loss(self, values: Tensor, target: Tensor) -> Tensor:
        delta, quantile = self._pairs(values, target)
        huber = torch.nn.functional.huber_loss(delta, torch.zeros_like(delta), reduction="none")
        return ((quantile.unsqueeze(-1) - (delta < 0).float()).abs() * huber).mean()

    def _pairs(self, values: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Target minus estimate for every pair of quantiles (..., Q, T), and the shares (Q,) that lie below each."""
        count = values.shape[-1]
        quantile = (torch.arange(count, device=values.device) + 0.5) / count
        return target.unsqueeze(1) - values.unsqueeze(-1), quantile

    def _worth(self, values: Tensor) -> Tensor:
        mean = values.mean(-1, keepdim=True)
        return mean if values.dim() == 2 else mean.mean(0)

    def _worth_slope(self, values: Tensor) -> Tensor:
        return torch.full_like(values, -1.0 / values.numel())
