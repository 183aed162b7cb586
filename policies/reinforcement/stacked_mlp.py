"""Several multilayer perceptrons of one shape, evaluated and differentiated together.

Small networks on a CPU spend their time on the overhead of many small operations, so this keeps few:
layer l of all members is one tensor (member, output, input), multiplied as one batch; all weights lie in
one vector, which makes an optimiser's step and a moving average one operation each; and the gradient is
written out by hand (ReLU between the layers, nothing after the last) where autograd would build a graph.

The weights stay those of the `torch.nn.Linear` modules they come from: these become views into the
vector, so that whatever saves, loads or calls the modules goes on working.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from geometry import InputError

Layer = tuple[nn.Linear, ...]
"""Linear modules side by side on the same input: their outputs are one after another."""


class Tape(NamedTuple):
    """What a forward pass leaves for its gradient."""

    inputs: tuple[Tensor, ...]
    """Input of each layer: (M, B, width), or (B, width) with one member."""

    def first(self, rows: int) -> Tape:
        """The tape of the first rows of the batch."""
        return Tape(tuple(inputs[..., :rows, :] for inputs in self.inputs))


class StackedMlp:
    """M perceptrons over one vector of weights.

    Args:
        members: for each member its layers, first to last; shapes are the same in all. The modules'
            weights and biases are replaced by views that hold the same numbers.
    """

    def __init__(self, members: Sequence[Sequence[Layer]]) -> None:
        self.members = len(members)
        shapes = [[tuple(linear.weight.shape for linear in layer) for layer in member] for member in members]
        if any(shape != shapes[0] for shape in shapes[1:]):
            raise InputError("StackedMlp", expected="members of one shape", got=str(shapes))
        sizes = [(sum(linear.out_features for linear in layer), layer[0].in_features) for layer in members[0]]
        self.widest = max(outputs for outputs, _ in sizes)
        length = sum(self.members * outputs * (inputs + 1) for outputs, inputs in sizes)
        self.vector = nn.Parameter(torch.empty(length, device=members[0][0][0].weight.device))
        self.gradient = torch.zeros_like(self.vector)
        self.vector.grad = self.gradient
        self._weights, self._biases = self._cut(self.vector.data, sizes)
        self._weight_gradients, self._bias_gradients = self._cut(self.gradient, sizes)
        for index, member in enumerate(members):
            for depth, layer in enumerate(member):
                _lend(layer, self._weights[depth].view(self.members, *sizes[depth])[index],
                      self._biases[depth].view(self.members, -1)[index])  # fmt: skip

    def __call__(self, inputs: Tensor) -> tuple[Tensor, Tape]:
        """Outputs of all members.

        Args:
            inputs: (B, width), the same for all members.
        Returns:
            (M, B, outputs), or (B, outputs) with one member, and the tape for `backward`.
        """
        hidden = inputs if self.members == 1 else inputs.expand(self.members, *inputs.shape)
        multiply = torch.addmm if self.members == 1 else torch.baddbmm
        seen, last = [], len(self._weights) - 1
        for depth, (weight, bias) in enumerate(zip(self._weights, self._biases, strict=True)):
            seen.append(hidden)
            hidden = multiply(bias, hidden, weight.transpose(-1, -2))
            if depth < last:
                hidden.relu_()
        return hidden, Tape(tuple(seen))

    def backward(self, tape: Tape, slope: Tensor, *, weights: bool = True) -> Tensor:
        """Gradient of a loss by the weights, and by what the first layer puts out.

        Args:
            tape: of the forward pass.
            slope: the loss by the outputs, in the outputs' shape.
            weights: whether to write the gradient by the weights to `gradient`, over what is there.
        Returns:
            the loss by the first layer's outputs, (M, B, width) or (B, width), for `by_inputs`.
        """
        multiply = torch.mm if self.members == 1 else torch.bmm
        for depth in range(len(self._weights) - 1, -1, -1):
            hidden = tape.inputs[depth]
            if weights:
                multiply(slope.transpose(-1, -2), hidden, out=self._weight_gradients[depth])
                torch.sum(slope, -2, keepdim=self.members > 1, out=self._bias_gradients[depth])
            if depth:
                slope = multiply(slope, self._weights[depth])
                slope = torch.ops.aten.threshold_backward(slope, hidden, 0)
        return slope

    def by_inputs(self, slope: Tensor, columns: slice) -> Tensor:
        """Gradient of a loss by some of the inputs.

        Args:
            slope: what `backward` returned.
            columns: of the inputs.
        Returns:
            (B, columns), summed over the members.
        """
        weight = self._weights[0][..., columns]
        return torch.mm(slope, weight) if self.members == 1 else torch.bmm(slope, weight).sum(0)

    def member(self, index: int) -> StackedMlp:
        """One of the perceptrons, over the same weights; its `vector` and `gradient` remain those of all."""
        if self.members == 1:
            return self
        one = copy.copy(self)
        one.members = 1
        one._weights, one._weight_gradients = ([t[index] for t in ts] for ts in (self._weights, self._weight_gradients))
        one._biases, one._bias_gradients = ([t[index, 0] for t in ts] for ts in (self._biases, self._bias_gradients))
        return one

    def _cut(self, vector: Tensor, sizes: Sequence[tuple[int, int]]) -> tuple[list[Tensor], list[Tensor]]:
        """Views of weights and biases, shaped for the products: without the leading axis where there is one member."""
        weights, biases, start = [], [], 0
        for outputs, inputs in sizes:
            count = self.members * outputs * inputs
            weights.append(vector[start : start + count].view(self.members, outputs, inputs))
            start += count
            biases.append(vector[start : start + self.members * outputs].view(self.members, 1, outputs))
            start += self.members * outputs
        if self.members > 1:
            return weights, biases
        return [weight[0] for weight in weights], [bias[0, 0] for bias in biases]


def _lend(layer: Layer, weight: Tensor, bias: Tensor) -> None:
    """Let the modules of a layer keep their numbers in `weight` (outputs, inputs) and `bias` (outputs)."""
    start = 0
    for linear in layer:
        rows = slice(start, start + linear.out_features)
        weight[rows].copy_(linear.weight.data)
        bias[rows].copy_(linear.bias.data)
        linear.weight.data, linear.bias.data = weight[rows], bias[rows]
        start += linear.out_features


def linear_layers(network: Any) -> list[Layer]:
    """The linear modules of a perceptron of Stable-Baselines3, without its activations.

    Raises:
        InputError: if there is another activation than ReLU between them.
    """
    layers: list[Layer] = []
    for module in network:
        if isinstance(module, nn.Linear):
            layers.append((module,))
        elif not isinstance(module, nn.ReLU | nn.Tanh) or (isinstance(module, nn.Tanh) and module is not network[-1]):
            raise InputError(
                "a lean learner",
                expected="ReLU between the layers",
                got=type(module).__name__,
                remedy="leave activation_fn at its default",
            )
    return layers
