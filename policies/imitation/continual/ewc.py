"""Elastic weight consolidation: weights that mattered for earlier tasks are held back, as by springs.

The penalty that is added to the loss of the present task is

    strength / 2 * sum over earlier tasks t and weights i of F[t, i] * (w[i] - w_t[i])^2

with w_t the weights after task t and F[t] the diagonal of its Fisher information. The sum of parabolas is itself a
parabola but for a constant, so two numbers a weight hold any number of tasks: the sum of F, and the mean of w_t
weighted by F. Source: Kirkpatrick et al., "Overcoming catastrophic forgetting in neural networks", PNAS 2017, eq. 3,
with a penalty for each task. The online variant instead pulls to the last weights only and lets F fade: Schwarz et
al., "Progress & Compress", ICML 2018, section 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from geometry import InputError
from policies.imitation.policy import Batch, Policy

Weights = dict[str, Tensor]


def fisher_diagonal(policy: Policy, windows: Iterable[Batch]) -> Weights:
    """The mean over windows of the squared gradient of the policy's loss on one window alone.

    It is the empirical Fisher information where the loss is a negative log-likelihood of one window: the squared
    error is one of a Gaussian, the absolute error one of a Laplace distribution; a loss that is a mean over K x A
    numbers is smaller by that factor, which `strength` must make up for.

    Args:
        policy: trained on the task; its weights, gradients and mode are left as they are.
        windows: batches of a single window each, drawn from the task's demonstrations.
    Returns:
        By name of each weight that is trained.
    """
    trained = {name: weight for name, weight in policy.named_parameters() if weight.requires_grad}
    squares = {name: torch.zeros_like(weight) for name, weight in trained.items()}
    count, was_training = 0, policy.training
    policy.eval()
    for window in windows:
        if len(window.actions) != 1:
            raise InputError("fisher_diagonal", expected="one window at a time", got=f"{len(window.actions)}",
                             remedy="the square of a mean gradient is not the mean of the squares")  # fmt: skip
        gradients = torch.autograd.grad(policy.loss(window), list(trained.values()), allow_unused=True)
        for square, gradient in zip(squares.values(), gradients, strict=True):
            if gradient is not None:
                square += gradient.square()
        count += 1
    policy.train(was_training)
    if not count:
        raise InputError("fisher_diagonal", expected="at least one window", got="none")
    return {name: square / count for name, square in squares.items()}


class Springs:
    """What holds the weights of earlier tasks.

    Args:
        strength: lambda of the paper.
        fading: None for a penalty for each task, as Kirkpatrick et al.; else gamma of the online variant, by which
            what is known of earlier tasks fades with each new one.
    """

    def __init__(self, strength: float, fading: float | None = None) -> None:
        if strength < 0.0 or not 0.0 <= (1.0 if fading is None else fading) <= 1.0:
            raise InputError(
                "Springs", expected="strength >= 0, fading None or from 0 to 1", got=f"{strength}, {fading}"
            )
        self.strength, self.fading = strength, fading
        self.stiffness: Weights = {}
        """Sum of the tasks' Fisher information, by name of the weight."""
        self.rest: Weights = {}
        """Where each weight is pulled to."""

    def add_task(self, policy: Policy, windows: Iterable[Batch]) -> None:
        """A task has been learned: hold what matters to it.

        Args:
            policy: with the weights at the end of the task.
            windows: see `fisher_diagonal`.
        """
        weights = {name: weight.detach().clone() for name, weight in policy.named_parameters() if weight.requires_grad}
        for name, fisher in fisher_diagonal(policy, windows).items():
            old = self.stiffness.get(name, torch.zeros_like(fisher))
            if self.fading is not None:
                self.stiffness[name], self.rest[name] = self.fading * old + fisher, weights[name]
                continue
            total, rest = old + fisher, self.rest.get(name, weights[name])
            share = torch.where(total > 0.0, fisher / total, torch.ones_like(total))
            self.rest[name] = rest + share * (weights[name] - rest)
            self.stiffness[name] = total

    def penalty(self, policy: nn.Module) -> Tensor:
        """() what is added to the loss; zero before the first task is learned."""
        terms = [
            (self.stiffness[name] * (weight - self.rest[name]).square()).sum()
            for name, weight in policy.named_parameters()
            if name in self.stiffness
        ]
        if not terms:
            return torch.zeros(())
        return 0.5 * self.strength * torch.stack(terms).sum()

    def tensors(self) -> Weights:
        """All that must be kept for going on later, for a safetensors file."""
        kept = {f"stiffness.{name}": tensor for name, tensor in self.stiffness.items()}
        return kept | {f"rest.{name}": tensor for name, tensor in self.rest.items()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `tensors` gave."""
        for name, tensor in tensors.items():
            table, _, weight = name.partition(".")
            if table not in ("stiffness", "rest"):
                raise InputError("Springs", expected="tensors of `Springs.tensors`", got=name)
            (self.stiffness if table == "stiffness" else self.rest)[weight] = tensor.clone()
