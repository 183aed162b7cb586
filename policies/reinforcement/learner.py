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
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from torch import Tensor, nn
from torch.optim.adam import adam

from geometry import InputError
from policies.reinforcement.stacked_mlp import StackedMlp

ONEDNN_WIDTH = 96
"""Width of a layer from which oneDNN's products gain more time than their start costs."""
Seen = Any
"""Observations as the extractor takes them, or, where it learns nothing, its features (B, width) float32."""


class Batch(NamedTuple):
    """The replay of one gradient step."""

    seen: Seen
    """Observations before the action."""
    next_seen: Seen
    """Observations after it."""
    actions: Tensor
    """(B, A) in [-1, 1]."""
    rewards: Tensor
    """(B, 1)."""
    discounts: Tensor
    """(B, 1): gamma, or 0 where the episode ended for good."""


class LeanLearner(OffPolicyAlgorithm):
    """The part of a lean learner that does not depend on the algorithm; mixed into a model of Stable-Baselines3.

    Args:
        args: as the model takes them.
        clip_target: bounds of the critic's target; (-1 / (1 - gamma), 0) is right for rewards of -1 and 0
            (Andrychowicz et al. 2017, "Hindsight Experience Replay", appendix A).
        fast_matmul: let oneDNN multiply where it can. On a CPU with AVX-512 and no AMX this is float32 as before
            and up to twice as fast; with AMX the factors are rounded to bfloat16.
        random_action: share of uniformly random actions while collecting (the same appendix uses 0.3).
        kwargs: as the model takes them.
    """

    _actor_net: StackedMlp

    def __init__(
        self,
        *args: Any,
        clip_target: tuple[float, float] | None = None,
        fast_matmul: bool = True,
        random_action: float = 0.0,
        **kwargs: Any,
    ) -> None:
        if clip_target is not None and not clip_target[0] < clip_target[1]:
            raise InputError(
                type(self).__name__, expected="clip_target (low, high) with low < high", got=str(clip_target)
            )
        if not 0 <= random_action <= 1:
            raise InputError(type(self).__name__, expected="random_action in 0 to 1", got=str(random_action))
        self.clip_target = clip_target
        self.fast_matmul = fast_matmul
        self.random_action = random_action
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

    def _batches(self, gradient_steps: int, batch_size: int) -> Iterator[Batch]:
        """Replay for so many gradient steps, drawn at once.

        The buffer returns what was relabelled and what was not in two blocks; each step takes every
        `gradient_steps`-th entry, and with it the same share of both.
        """
        assert self.replay_buffer is not None
        actor: Any = self.actor
        drawn = self.replay_buffer.sample(gradient_steps * batch_size, env=self._vec_normalize_env)
        gamma = self.gamma if drawn.discounts is None else drawn.discounts
        discounts = (1 - drawn.dones) * gamma
        columns = (drawn.observations, drawn.next_observations)
        if self._look_once:
            columns = tuple(actor.extract_features(column, actor.features_extractor) for column in columns)
        for step in range(gradient_steps):
            rows = slice(step, None, gradient_steps)
            yield Batch(_take(columns[0], rows), _take(columns[1], rows), *(
                table[rows].contiguous() for table in (drawn.actions, drawn.rewards, discounts)))  # fmt: skip

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


def _take(table: Seen, rows: slice) -> Seen:
    """Rows of a tensor, or of each tensor of a dict."""
    if isinstance(table, dict):
        return {name: tensor[rows].contiguous() for name, tensor in table.items()}
    return table[rows].contiguous()


def adam_step(optimizer: torch.optim.Optimizer) -> None:
    """`optimizer.step()` for a fused Adam of one group, without the hooks and checks that cost more than the step."""
    (group,) = optimizer.param_groups
    moved = [parameter for parameter in group["params"] if parameter.grad is not None]
    if not all(parameter in optimizer.state for parameter in moved):
        optimizer.step()
        return
    states = [optimizer.state[parameter] for parameter in moved]
    beta1, beta2 = group["betas"]
    adam(
        moved,
        [parameter.grad for parameter in moved],
        [state["exp_avg"] for state in states],
        [state["exp_avg_sq"] for state in states],
        [],
        [state["step"] for state in states],
        fused=True,
        amsgrad=False,
        beta1=beta1,
        beta2=beta2,
        lr=group["lr"],
        weight_decay=group["weight_decay"],
        eps=group["eps"],
        maximize=False,
    )


@contextmanager
def matmul_by_onednn(wanted: bool) -> Iterator[None]:
    """Within this context, float32 products of matrices may be done by oneDNN.

    PyTorch multiplies by MKL, which keeps to AVX2 on other makers' processors. Allowing bfloat16 factors
    makes it hand the product to oneDNN, which takes AVX-512 there and uses bfloat16 only with AMX.
    """
    settings = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = settings.fp32_precision
    if wanted:
        settings.fp32_precision = "bf16"
    try:
        yield
    finally:
        settings.fp32_precision = before
