"""TD3 and DDPG at a fraction of the cost per gradient step."""

from __future__ import annotations

from typing import Any

import torch
from stable_baselines3 import TD3
from torch import Tensor

from policies.reinforcement.batches import Batch
from policies.reinforcement.learner import LeanLearner
from policies.reinforcement.stacked_mlp import StackedMlp, linear_layers


class LeanTD3(LeanLearner, TD3):
    """TD3 (Fujimoto et al. 2018, arXiv 1802.09477) as in Stable-Baselines3, with a lean `train`.

    Takes what `stable_baselines3.TD3` takes, what `LeanLearner` adds, and:

    Args:
        action_l2: weight of the mean square of the actions in the actor's loss, which keeps tanh from saturating
            (Andrychowicz et al. 2017, appendix A).
    """

    def __init__(self, *args: Any, action_l2: float = 0.0, **kwargs: Any) -> None:
        self.action_l2 = action_l2
        super().__init__(*args, **kwargs)

    def _stack_networks(self) -> None:
        self._actor_net = StackedMlp([linear_layers(self.actor.mu)])
        self._actor_target_net = StackedMlp([linear_layers(self.actor_target.mu)])
        self._critic_net = StackedMlp([linear_layers(member) for member in self.critic.q_networks])
        self._critic_target_net = StackedMlp([linear_layers(member) for member in self.critic_target.q_networks])
        shared = self.policy.share_features_extractor
        self.actor.optimizer = self._adam(self._actor_net, self.actor.features_extractor)
        self.critic.optimizer = self._adam(self._critic_net, None if shared else self.critic.features_extractor)

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """So many gradient steps on replay drawn at once."""
        self.policy.set_training_mode(True)
        self._update_learning_rate([self.actor.optimizer, self.critic.optimizer])
        values = None
        with torch.no_grad(), self._lean():
            for batch in self._batches(gradient_steps, batch_size):
                self._n_updates += 1
                errors = self._critic_step(batch)
                if self._n_updates % self.policy_delay == 0:
                    values = self._actor_step(batch)
                    self._follow(self.critic_target, self.critic, (self._critic_target_net, self._critic_net))
                    self._follow(self.actor_target, self.actor, (self._actor_target_net, self._actor_net))
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/critic_loss", errors.square().mean(-2).sum().item())
        if values is not None:
            self.logger.record("train/actor_loss", -values.mean().item())

    def _noise(self, actions: Tensor) -> Tensor:
        """What is added to the target's actions."""
        noise = torch.randn_like(actions).mul_(self.target_policy_noise)
        return noise.clamp_(-self.target_noise_clip, self.target_noise_clip)

    def _critic_step(self, batch: Batch) -> Tensor:
        """One gradient step of the critics on the squared error; gives the errors."""
        next_actions = self._actor_target_net(self._look(self.actor_target, batch.next_seen))[0].tanh_()
        if self.target_policy_noise > 0:
            next_actions = next_actions.add_(self._noise(batch.actions)).clamp_(-1, 1)
        next_seen = self._look(self.critic_target, batch.next_seen)
        next_values, _ = self._critic_target_net(torch.cat([next_seen, next_actions], dim=1))
        target = self._target(batch, next_values if next_values.dim() == 2 else next_values.amin(0))
        features = self._look(self.critic, batch.seen, learn=not self.policy.share_features_extractor)
        values, tape = self._critic_net(torch.cat([features.detach(), batch.actions], dim=1))
        errors = values - target
        slope = self._critic_net.backward(tape, errors * (2.0 / len(target)))
        self._step(self.critic.optimizer, self._critic_net, features, slope)
        return errors

    def _actor_step(self, batch: Batch) -> Tensor:
        """One gradient step of the actor up the first critic; gives the values (B, 1) of its actions."""
        critic = self._critic_net.member(0)
        features = self._look(self.actor, batch.seen, learn=True)
        actions, tape = self._actor_net(features.detach())
        actions.tanh_()
        seen = self._look(self.critic, batch.seen)
        values, value_tape = critic(torch.cat([seen, actions], dim=1))
        slope = critic.backward(value_tape, torch.full_like(values, -1.0 / len(values)), weights=False)
        by_actions = critic.by_inputs(slope, slice(seen.shape[1], None))
        by_actions = self._imitate(by_actions, batch, actions, values, seen)
        if self.action_l2:
            by_actions = by_actions.add_(actions, alpha=2.0 * self.action_l2 / actions.numel())
        slope = self._actor_net.backward(tape, by_actions * (1 - actions * actions))
        self._step(self.actor.optimizer, self._actor_net, features, slope)
        return values

    def _judge(self, seen: Tensor, actions: Tensor) -> Tensor:
        return self._critic_net.member(0)(torch.cat([seen, actions], dim=1))[0]

    def _clone(self, batch: Batch) -> Tensor:
        self._critic_step(batch)
        features = self._look(self.actor, batch.seen, learn=True)
        actions, tape = self._actor_net(features.detach())
        actions.tanh_()
        way = actions - batch.actions
        slope = self._actor_net.backward(tape, way * (1 - actions * actions) * (2.0 / len(way)))
        self._step(self.actor.optimizer, self._actor_net, features, slope)
        self._follow(self.critic_target, self.critic, (self._critic_target_net, self._critic_net))
        self._follow(self.actor_target, self.actor, (self._actor_target_net, self._actor_net))
        return way.square().sum(1).mean()


class LeanDDPG(LeanTD3):
    """DDPG: `LeanTD3` with one critic, no noise on the target's actions and an actor that is never delayed."""

    def __init__(self, *args: Any, policy_kwargs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        fixed = {"policy_delay": 1, "target_policy_noise": 0.0}
        super().__init__(*args, policy_kwargs={"n_critics": 1, **(policy_kwargs or {})}, **{**fixed, **kwargs})
