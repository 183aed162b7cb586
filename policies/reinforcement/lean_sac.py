"""Soft actor-critic at a fraction of the cost per gradient step."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from stable_baselines3 import SAC
from torch import Tensor

from geometry import InputError
from policies.reinforcement.batches import Batch
from policies.reinforcement.lean_torch import adam_step
from policies.reinforcement.learner import LeanLearner
from policies.reinforcement.stacked_mlp import StackedMlp, linear_layers

LOG_STD_MIN, LOG_STD_MAX, SLACK = -20.0, 2.0, 1e-6
"""Bounds of the logarithm of the deviation, and what keeps a logarithm from 0; as in Stable-Baselines3."""
LOG_ROOT_TAU = 0.5 * math.log(2.0 * math.pi)
CLONED_STD = 0.2
"""Deviation, before tanh, to which behaviour cloning draws the actor: a policy that still explores."""


class Draw(NamedTuple):
    """Actions drawn from squashed Gaussians, with what their gradient needs. All (B, A) but `log_prob` (B, 1)."""

    actions: Tensor
    """tanh(mean + deviation * noise)."""
    log_prob: Tensor
    """Logarithm of the density at the actions."""
    spread: Tensor
    """deviation * noise, 0 where the deviation is at a bound."""
    bend: Tensor
    """Derivative of tanh at the actions."""

    @classmethod
    def of(cls, heads: Tensor, noise: Tensor) -> Draw:
        """From the actor's outputs (B, 2 A), mean and log deviation, and normal noise (B, A)."""
        mean, raw = heads.chunk(2, dim=-1)
        log_std = raw.clamp(LOG_STD_MIN, LOG_STD_MAX)
        spread = log_std.exp().mul_(noise)
        actions = torch.add(mean, spread).tanh_()
        bend = 1 - actions * actions
        terms = torch.addcmul(log_std, noise, noise, value=0.5).add_((bend + SLACK).log_())
        log_prob = terms.sum(-1, keepdim=True).neg_().sub_(LOG_ROOT_TAU * mean.shape[-1])
        return cls(actions, log_prob, spread, bend)

    def rows(self, chosen: slice) -> Draw:
        """Some of the draws."""
        return Draw(*(table[chosen] for table in self))

    def slope(self, by_actions: Tensor, entropy_weight: Tensor, heads: Tensor) -> Tensor:
        """Gradient of mean(loss(actions) + entropy_weight * log_prob) by the actor's outputs.

        Args:
            by_actions: (B, A) the first term by the actions, the mean's 1 / B included.
            entropy_weight: a number.
            heads: (B, 2 A) the actor's outputs.
        Returns:
            (B, 2 A).
        """
        share = entropy_weight / len(by_actions)
        by_density = self.actions * self.bend / (self.bend + SLACK)
        by_mean = torch.addcmul(by_actions * self.bend, by_density, share, value=2.0)
        raw = heads[:, by_mean.shape[1] :]
        inside = ((raw >= LOG_STD_MIN) & (raw <= LOG_STD_MAX)).to(raw.dtype)
        by_log_std = torch.mul(by_mean, self.spread).sub_(share).mul_(inside)
        return torch.cat([by_mean, by_log_std], dim=1)


class Losses(NamedTuple):
    """What a gradient step leaves for the log."""

    entropy_weight: Tensor
    """(1,)."""
    actor_losses: Tensor
    """(B, 1)."""
    values: Tensor
    """The critics' outputs for the actions in the batch."""
    target: Tensor
    """(B, T)."""


class SoftActorCritic(LeanLearner):
    """What SAC and TQC share: all but what a critic's outputs mean."""

    actor: Any
    critic: Any
    critic_target: Any
    log_ent_coef: Any
    ent_coef_optimizer: Any
    ent_coef_tensor: Any
    target_entropy: Any
    target_update_interval: int

    def _stack_networks(self) -> None:
        if self.use_sde:
            raise InputError(type(self).__name__, expected="use_sde=False", got="True", remedy="take SAC for gSDE")
        heads: Any = (self.actor.mu, self.actor.log_std)
        self._actor_net = StackedMlp([[*linear_layers(self.actor.latent_pi), heads]])
        self._critic_net = StackedMlp([linear_layers(member) for member in self.critic.q_networks])
        self._critic_target_net = StackedMlp([linear_layers(member) for member in self.critic_target.q_networks])
        shared = self.policy.share_features_extractor
        self.actor.optimizer = self._adam(self._actor_net, self.actor.features_extractor)
        self.critic.optimizer = self._adam(self._critic_net, None if shared else self.critic.features_extractor)
        if self.ent_coef_optimizer is not None:
            assert self.log_ent_coef is not None
            self.ent_coef_optimizer = torch.optim.Adam([self.log_ent_coef], lr=self.lr_schedule(1), fused=True)

    def train(self, gradient_steps: int, batch_size: int = 64) -> None:
        """So many gradient steps on replay drawn at once."""
        self.policy.set_training_mode(True)
        optimizers = [self.actor.optimizer, self.critic.optimizer]
        self._update_learning_rate([*optimizers, *([self.ent_coef_optimizer] if self.ent_coef_optimizer else [])])
        with torch.no_grad(), self._lean():
            for step, batch in enumerate(self._batches(gradient_steps, batch_size)):
                noise = self._noise(2 * len(batch.actions), batch.actions.shape[1])
                losses = self._update(batch, noise)
                if step % self.target_update_interval == 0:
                    self._follow(self.critic_target, self.critic, (self._critic_target_net, self._critic_net))
        self._n_updates += gradient_steps
        self._record(losses)

    def _noise(self, rows: int, columns: int) -> Tensor:
        """Normal noise, for the observations and then for the next ones."""
        return torch.randn(rows, columns, device=self.device)

    def _update(self, batch: Batch, noise: Tensor) -> Losses:
        """One gradient step of the actor, the critics and the temperature."""
        rows = slice(len(batch.actions))
        features = self._look(self.actor, batch.seen, learn=True)
        both = torch.cat([features.detach(), self._look(self.actor, batch.next_seen)])
        heads, tape = self._actor_net(both)
        draws = Draw.of(heads, noise)
        draw, next_draw = draws.rows(rows), draws.rows(slice(rows.stop, None))
        entropy_weight = self._temperature(draw.log_prob)

        estimates = self._critic_step(batch, next_draw, entropy_weight)
        seen = self._look(self.critic, batch.seen)
        values, value_tape = self._critic_net(torch.cat([seen, draw.actions], dim=1))
        slope = self._critic_net.backward(value_tape, self._worth_slope(values), weights=False)
        by_actions = self._critic_net.by_inputs(slope, slice(seen.shape[1], None))
        by_actions = self._imitate(by_actions, batch, draw.actions, self._worth(values), seen)
        slope = draw.slope(by_actions, entropy_weight, heads[rows])
        slope = self._actor_net.backward(tape.first(rows.stop), slope)
        self._step(self.actor.optimizer, self._actor_net, features, slope)
        return Losses(entropy_weight, entropy_weight * draw.log_prob - self._worth(values), *estimates)

    def _judge(self, seen: Tensor, actions: Tensor) -> Tensor:
        return self._worth(self._critic_net(torch.cat([seen, actions], dim=1))[0])

    def _clone(self, batch: Batch) -> Tensor:
        next_heads, _ = self._actor_net(self._look(self.actor, batch.next_seen))
        noise = self._noise(*batch.actions.shape)
        entropy_weight = torch.zeros((), device=self.device)
        self._critic_step(batch, Draw.of(next_heads, noise), entropy_weight)
        self._follow(self.critic_target, self.critic, (self._critic_target_net, self._critic_net))
        features = self._look(self.actor, batch.seen, learn=True)
        heads, tape = self._actor_net(features.detach())
        mean, log_std = heads.chunk(2, dim=1)
        actions = mean.tanh()
        way = actions - batch.actions
        by_mean = way * (1 - actions * actions)
        by_log_std = log_std - math.log(CLONED_STD)
        slope = torch.cat([by_mean, by_log_std], dim=1).mul_(2.0 / len(way))
        self._step(self.actor.optimizer, self._actor_net, features, self._actor_net.backward(tape, slope))
        return way.square().sum(1).mean()

    def _temperature(self, log_prob: Tensor) -> Tensor:
        """The weight of the entropy as it is now, after which it takes its own gradient step."""
        if self.ent_coef_optimizer is None or self.log_ent_coef is None:
            return self.ent_coef_tensor
        weight = self.log_ent_coef.exp()
        self.log_ent_coef.grad = log_prob.mean().add_(float(self.target_entropy)).neg_().view(1)
        adam_step(self.ent_coef_optimizer)
        return weight

    def _critic_step(self, batch: Batch, next_draw: Draw, entropy_weight: Tensor) -> tuple[Tensor, Tensor]:
        """One gradient step of the critics; gives their outputs and the target."""
        next_seen = self._look(self.critic_target, batch.next_seen)
        next_values, _ = self._critic_target_net(torch.cat([next_seen, next_draw.actions], dim=1))
        soft = self._pessimistic(next_values).addcmul(next_draw.log_prob, entropy_weight, value=-1.0)
        target = self._target(batch, soft)
        features = self._look(self.critic, batch.seen, learn=not self.policy.share_features_extractor)
        values, tape = self._critic_net(torch.cat([features.detach(), batch.actions], dim=1))
        slope = self._critic_net.backward(tape, self._critic_slope(values, target))
        self._step(self.critic.optimizer, self._critic_net, features, slope)
        return values, target

    def _pessimistic(self, values: Tensor) -> Tensor:
        """What of the target critics' outputs, (M, B, Q) or (B, Q), makes the target: (B, T)."""
        raise NotImplementedError

    def _critic_slope(self, values: Tensor, target: Tensor) -> Tensor:
        """Gradient of the critics' loss by their outputs."""
        raise NotImplementedError

    def _critic_loss(self, values: Tensor, target: Tensor) -> Tensor:
        """The critics' loss."""
        raise NotImplementedError

    def _worth(self, values: Tensor) -> Tensor:
        """The value (B, 1) that the actor is to raise, of the critics' outputs."""
        raise NotImplementedError

    def _worth_slope(self, values: Tensor) -> Tensor:
        """Gradient of -mean(_worth) by the critics' outputs."""
        raise NotImplementedError

    def _record(self, last: Losses) -> None:
        """Log the losses of the last gradient step."""
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/ent_coef", last.entropy_weight.item())
        self.logger.record("train/actor_loss", last.actor_losses.mean().item())
        self.logger.record("train/critic_loss", self._critic_loss(last.values, last.target).item())


class LeanSAC(SoftActorCritic, SAC):
    """SAC (Haarnoja et al. 2018, arXiv 1812.05905) as in Stable-Baselines3, with a lean `train`.

    Takes what `stable_baselines3.SAC` takes and what `LeanLearner` adds; no gSDE and no other activation than ReLU.
    """

    def _pessimistic(self, values: Tensor) -> Tensor:
        return self._worth(values)

    def _critic_slope(self, values: Tensor, target: Tensor) -> Tensor:
        return (values - target).div_(len(target))

    def _critic_loss(self, values: Tensor, target: Tensor) -> Tensor:
        return (values - target).square().sum() * (0.5 / len(target))

    def _worth(self, values: Tensor) -> Tensor:
        return values if values.dim() == 2 else values.amin(0)

    def _worth_slope(self, values: Tensor) -> Tensor:
        share = -1.0 / values.shape[-2]
        if values.dim() == 2:
            return torch.full_like(values, share)
        return torch.zeros_like(values).scatter_(0, values.argmin(0, keepdim=True), share)
