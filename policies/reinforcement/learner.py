"""What the lean learners share: drawing replay for many updates at once, and looking at it once.

A gradient step of a small network costs more in Python and in operators than in arithmetic. The lean learners
remain models of Stable-Baselines3 with its policies, buffers, callbacks and files, and do the same
mathematics (tests compare them update by update); they do it in fewer operations:

- one draw from the replay buffer, one relabelling and one look through a features extractor without
  weights serve all gradient steps of a call;
- networks are `StackedMlp`s with hand-written gradients and one fused Adam step each;
- nothing is logged or brought to Python within a call;
- matrix products go through oneDNN where that is faster (`fast_matmul`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from torch import Tensor, nn

from geometry import InputError
from policies.reinforcement.batches import Batch, Seen, dealt, picked
from policies.reinforcement.demonstrations import Demonstrations
from policies.reinforcement.lean_torch import ONEDNN_WIDTH, adam_step, matmul_by_onednn
from policies.reinforcement.stacked_mlp import StackedMlp

PRETRAIN_CHUNK = 64
"""Gradient steps of `pretrain` for which replay is drawn at once."""


class LeanLearner(OffPolicyAlgorithm):
    """The part of a lean learner that does not depend on the algorithm; mixed into a model of Stable-Baselines3.

    Args:
        args: as the model takes them.
        clip_target: bounds of the critic's target; (-1 / (1 - gamma), 0) is right for rewards of -1 and 0
            (Andrychowicz et al. 2017, "Hindsight Experience Replay", appendix A).
        fast_matmul: let oneDNN multiply where it can. On a CPU with AVX-512 and no AMX this is float32 as before
            and up to twice as fast; with AMX the factors are rounded to bfloat16.
        random_action: share of uniformly random actions while collecting (the same appendix uses 0.3).
        demo_fraction: share of demonstrations in each batch, once there are some (Ball et al. 2023, arXiv
            2302.02948, take half).
        bc_weight: weight in the actor's loss of the squared distance to the demonstrated action (summed over the
            action's entries, mean over the demonstrations of the batch), beside the mean value with weight 1.
        q_filter: imitate only where the critic thinks the demonstrated action better than the actor's (Nair et
            al. 2018, arXiv 1709.10089, section IV-C).
        kwargs: as the model takes them.
    """

    _actor_net: StackedMlp

    def __init__(
        self,
        *args: Any,
        clip_target: tuple[float, float] | None = None,
        fast_matmul: bool = True,
        random_action: float = 0.0,
        demo_fraction: float = 0.25,
        bc_weight: float = 0.0,
        q_filter: bool = True,
        **kwargs: Any,
    ) -> None:
        if clip_target is not None and not clip_target[0] < clip_target[1]:
            raise InputError(type(self).__name__, expected="clip_target (low, high)", got=str(clip_target))
        for name, share in (("random_action", random_action), ("demo_fraction", demo_fraction)):
            if not 0 <= share <= 1:
                raise InputError(type(self).__name__, expected=f"{name} in 0 to 1", got=str(share))
        if bc_weight < 0:
            raise InputError(type(self).__name__, expected="bc_weight of at least 0", got=str(bc_weight))
        self.clip_target = clip_target
        self.fast_matmul = fast_matmul
        self.random_action = random_action
        self.demo_fraction = demo_fraction
        self.bc_weight = bc_weight
        self.q_filter = q_filter
        self._shown: ReplayBuffer | None = None
        super().__init__(*args, **kwargs)

    def _setup_model(self) -> None:
        super()._setup_model()
        self._rng = np.random.default_rng(self.seed)
        actor: Any = self.policy.actor
        self._look_once = not list(actor.features_extractor.parameters())
        self._stack_networks()

    def _stack_networks(self) -> None:
        """Make the `StackedMlp`s over the policy's weights, and their optimisers."""
        raise NotImplementedError

    def _sample_action(
        self, learning_starts: int, action_noise: ActionNoise | None = None, n_envs: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        action, scaled = super()._sample_action(learning_starts, action_noise, n_envs)
        if not self.random_action or self.num_timesteps < learning_starts:
            return action, scaled
        chosen = self._rng.random((n_envs, 1)) < self.random_action
        scaled = np.where(chosen, self._rng.uniform(-1, 1, scaled.shape), scaled).astype(scaled.dtype)
        return self.policy.unscale_action(scaled), scaled

    def _look(self, model: Any, seen: Seen, *, learn: bool = False) -> Tensor:
        """Features of `seen` for the network that owns the extractor; `learn` keeps what a gradient needs."""
        if self._look_once:
            return seen
        with torch.set_grad_enabled(learn):
            return model.extract_features(seen, model.features_extractor)

    def _adam(self, network: StackedMlp, extractor: nn.Module | None) -> torch.optim.Adam:
        """The optimiser of a network and of its extractor's weights."""
        learned = [] if extractor is None else list(extractor.parameters())
        options = {"lr": self.lr_schedule(1), "eps": self.policy.optimizer_kwargs.get("eps", 1e-8), "fused": True}
        return torch.optim.Adam([network.vector, *learned], **options)

    def _step(self, optimizer: torch.optim.Optimizer, network: StackedMlp, features: Tensor, slope: Tensor) -> None:
        """One step of an optimiser, after taking the gradient on into the extractor's weights where it has any.

        Args:
            optimizer: from `_adam`.
            network: with its gradient by the weights in place.
            features: the network's inputs, or the first of them, as `_look` made them.
            slope: what `network.backward` returned.
        """
        if features.requires_grad:
            _, *learned = optimizer.param_groups[0]["params"]
            gradients = torch.autograd.grad(
                features, learned, network.by_inputs(slope, slice(features.shape[1])), allow_unused=True
            )
            for parameter, gradient in zip(learned, gradients, strict=True):
                parameter.grad = gradient
        adam_step(optimizer)

    def _lean(self) -> AbstractContextManager[None]:
        """What the gradient steps of a call run in."""
        return matmul_by_onednn(self.fast_matmul and self._actor_net.widest >= ONEDNN_WIDTH)

    def _follow(self, target: Any, model: Any, networks: tuple[StackedMlp, StackedMlp]) -> None:
        """Polyak's average of a network and of its extractor's weights.

        Args:
            target: the module that follows.
            model: the module that is followed.
            networks: the weights of both but for the extractors'.
        """
        networks[0].vector.data.lerp_(networks[1].vector.data, self.tau)
        if not self._look_once:
            pair = [[p.data for p in side.features_extractor.parameters()] for side in (target, model)]
            torch._foreach_lerp_(pair[0], pair[1], self.tau)

    def show(self, demonstrations: Demonstrations) -> None:
        """Mix demonstrations into every batch from now on; they are not saved with the model.

        Raises:
            InputError: if hindsight would need infos, which demonstrations do not hold.
        """
        assert self.replay_buffer_class is not None and self.env is not None
        options = dict(self.replay_buffer_kwargs)
        if options.get("copy_info_dict"):
            raise InputError(
                "demonstrations",
                expected="sparse rewards, or a replay without hindsight",
                got="hindsight with dense rewards, which asks for every step's info",
                remedy="set her_goals=0, or reward='sparse'",
            )
        if issubclass(self.replay_buffer_class, HerReplayBuffer):
            options["env"] = self.env
        shown = self.replay_buffer_class(
            demonstrations.transitions, self.observation_space, self.action_space, device=self.device, **options
        )
        demonstrations.fill(shown)
        self._shown = shown

    def _batches(self, gradient_steps: int, batch_size: int) -> Iterator[Batch]:
        """Replay for so many gradient steps, drawn at once, the demonstrations last in each batch."""
        assert self.replay_buffer is not None
        shown = 0 if self._shown is None else round(self.demo_fraction * batch_size)
        parts = [(self.replay_buffer, batch_size - shown)] * (shown < batch_size)
        if self._shown is not None and shown:
            parts.append((self._shown, shown))
        yield from self._drawn(parts, gradient_steps, shown)

    def _drawn(self, parts: list[tuple[ReplayBuffer, int]], gradient_steps: int, shown: int) -> Iterator[Batch]:
        """So many rows of each buffer for each gradient step.

        A buffer returns what was relabelled and what was not in two blocks; each step takes every
        `gradient_steps`-th entry, and with it the same share of both.
        """
        actor: Any = self.actor
        columns: list[list[Any]] = []
        for buffer, rows in parts:
            drawn = buffer.sample(gradient_steps * rows, env=self._vec_normalize_env)
            looks = (drawn.observations, drawn.next_observations)
            if self._look_once:
                looks = tuple(actor.extract_features(look, actor.features_extractor) for look in looks)
            gamma = self.gamma if drawn.discounts is None else drawn.discounts
            columns.append([*looks, drawn.actions, drawn.rewards, (1 - drawn.dones) * gamma])
        whole = [dealt(tables, gradient_steps) for tables in zip(*columns, strict=True)]
        for step in range(gradient_steps):
            yield Batch._make([*(picked(table, step) for table in whole), shown])

    def _imitate(self, by_actions: Tensor, batch: Batch, actions: Tensor, values: Tensor, seen: Tensor) -> Tensor:
        """Add to the actor's slope what draws it to the demonstrated actions.

        Args:
            by_actions: (B, A) the loss by the actor's actions.
            batch: the batch.
            actions: (B, A) the actor's.
            values: (B, 1) the critic's estimate of them.
            seen: (B, width) features for the critic.
        """
        rows = slice(len(actions) - batch.shown, None)
        if not batch.shown or not self.bc_weight:
            return by_actions
        way = actions[rows] - batch.actions[rows]
        if self.q_filter:
            way = way * (self._judge(seen[rows], batch.actions[rows]) > values[rows])
        by_actions[rows] += way.mul_(2.0 * self.bc_weight / batch.shown)
        return by_actions

    def _judge(self, seen: Tensor, actions: Tensor) -> Tensor:
        """The critic's estimate (B, 1) by which actions are judged."""
        raise NotImplementedError

    def pretrain(self, steps: int, batch_size: int = 256) -> float:
        """Behaviour cloning of the demonstrations that were shown, and of their values, before any learning.

        Each step draws demonstrations, moves the critic as in training, and the actor to the demonstrated
        actions alone.

        Args:
            steps: gradient steps.
            batch_size: transitions of each.
        Returns:
            the last batch's squared distance to the demonstrated actions, summed over the entries, mean.
        """
        if self._shown is None or steps < 1:
            got = f"{steps} steps and {'no' if self._shown is None else 'some'} demonstrations"
            raise InputError("pretrain", expected="demonstrations, by show(), and at least one step", got=got)
        self.policy.set_training_mode(True)
        distance = torch.zeros(())
        with torch.no_grad(), self._lean():
            for start in range(0, steps, PRETRAIN_CHUNK):
                for batch in self._drawn([(self._shown, batch_size)], min(PRETRAIN_CHUNK, steps - start), batch_size):
                    distance = self._clone(batch)
        return float(distance)

    def _clone(self, batch: Batch) -> Tensor:
        """One step of `pretrain`."""
        raise NotImplementedError

    def _target(self, batch: Batch, next_values: Tensor) -> Tensor:
        """The critic's target (B, 1): reward plus discounted value, within the bounds it can have."""
        target = torch.addcmul(batch.rewards, batch.discounts, next_values)
        return target if self.clip_target is None else target.clamp_(*self.clip_target)

    def _excluded_save_params(self) -> list[str]:
        return [
            *super()._excluded_save_params(),
            "_actor_net",
            "_critic_net",
            "_critic_target_net",
            "_actor_target_net",
        ]
