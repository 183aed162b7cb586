"""The network on one frame at a time: the numbers of `BehaviorNetwork`, a fifth of the time.

On a single frame PyTorch spends its time on calls, not on numbers. Here all branches are one matrix of blocks, and
each convolution one product with the three frames that it reads, which wait in a ring.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from geometry import FloatArray
from perception.behavior.network.model import KERNEL, BehaviorNetwork, CausalConvolution, ResidualLayer

Values = NDArray[np.float32]


class FrameByFrame:
    """A trained network at work on one stream.

    Args:
        network: whose weights to read, once.
    """

    def __init__(self, network: BehaviorNetwork) -> None:
        enter = [_pointwise(each) for each in network.enter if isinstance(each, nn.Conv1d)]
        taps = [_taps(each) for each in network.branches if isinstance(each, CausalConvolution)]
        self._enter = _Linear(_blocks([each.matrix for each in enter]), np.concatenate([each.bias for each in enter]))
        joined = [_blocks([tap[number] for tap, _ in taps]) for number in range(KERNEL)]
        self._branches = _Ring(np.concatenate(joined, axis=1), np.concatenate([bias for _, bias in taps]), 1)
        self._join = _pointwise(network.join)
        self._layers = [_Layer(layer) for layer in network.layers if isinstance(layer, ResidualLayer)]
        self._norm = _Norm(network.norm)
        self._attention, self._frame_head, self._clip_head = (
            _Linear(_values(head.weight), _values(head.bias))
            for head in (network.attention, network.frame_head, network.clip_head)
        )
        self._temperatures = float(network.frame_temperature), float(network.clip_temperature)
        self._weight_sum, self._feature_sum = 0.0, np.zeros(network.spec.width)

    def step(self, channels: Values) -> tuple[FloatArray, FloatArray]:
        """(C,) beliefs in each label, calibrated: of this frame, and of all frames so far.

        Args:
            channels: (F,) standardised channels of the frame after the last one.
        """
        x = self._enter.of(channels)
        x = self._branches.push(np.maximum(x, 0.0, out=x))
        x = self._join.of(np.maximum(x, 0.0, out=x))
        for layer in self._layers:
            x = layer.push(x)
        features = self._norm.of(x)
        weight = math.exp(min(max(float(self._attention.of(features)[0]), -8.0), 8.0))
        self._weight_sum += weight
        self._feature_sum += weight * features
        so_far = (self._feature_sum / self._weight_sum).astype(np.float32)
        of_frame, of_clip = self._temperatures
        return _softmax(self._frame_head.of(features) / of_frame), _softmax(self._clip_head.of(so_far) / of_clip)


class _Linear(NamedTuple):
    """A product and a sum."""

    matrix: Values
    bias: Values

    def of(self, x: Values) -> Values:
        y: Values = self.matrix @ x
        y += self.bias
        return y


class _Norm:
    """Layer normalisation of one vector."""

    def __init__(self, norm: nn.LayerNorm) -> None:
        self._gain, self._bias, self._least = _values(norm.weight), _values(norm.bias), norm.eps
        self._share = np.full(len(self._gain), 1.0 / len(self._gain), dtype=np.float32)

    def of(self, x: Values) -> Values:
        y = x - x.dot(self._share)
        y *= np.float32(1.0 / math.sqrt(float(y.dot(y)) / len(y) + self._least))
        y *= self._gain
        y += self._bias
        return y


class _Ring:
    """A causal convolution and the frames that it still needs.

    Args:
        matrix: (outputs, kernel * inputs), the oldest frame's weights first.
        bias: (outputs,).
        dilation: frames between the taps.
    """

    def __init__(self, matrix: Values, bias: Values, dilation: int) -> None:
        self._linear, self._dilation = _Linear(np.ascontiguousarray(matrix), bias), dilation
        self._past = np.zeros(((KERNEL - 1) * dilation, matrix.shape[1] // KERNEL), dtype=np.float32)
        self._place = 0

    def push(self, x: Values) -> Values:
        """(outputs,) of the next frame's (inputs,)."""
        places = [(self._place + tap * self._dilation) % len(self._past) for tap in range(KERNEL - 1)]
        y = self._linear.of(np.concatenate([*(self._past[place] for place in places), x]))
        self._past[self._place] = x
        self._place = (self._place + 1) % len(self._past)
        return y


class _Layer:
    """A residual layer."""

    def __init__(self, layer: ResidualLayer) -> None:
        taps, bias = _taps(layer.causal)
        dilation = layer.causal.history // (KERNEL - 1)
        self._norm, self._mix = _Norm(layer.norm), _pointwise(layer.mix)
        self._causal = _Ring(np.concatenate(taps, axis=1), bias, dilation)

    def push(self, x: Values) -> Values:
        y = self._causal.push(self._norm.of(x))
        y = self._mix.of(np.maximum(y, 0.0, out=y))
        y += x
        return y


def _values(weights: Tensor | None) -> Values:
    assert weights is not None
    return weights.detach().cpu().float().numpy().copy()


def _pointwise(convolution: nn.Conv1d) -> _Linear:
    """A convolution of kernel 1 as a matrix."""
    return _Linear(_values(convolution.weight)[:, :, 0].copy(), _values(convolution.bias))


def _taps(causal: CausalConvolution) -> tuple[list[Values], Values]:
    """(outputs, inputs) of each tap, the oldest frame's first; and the bias."""
    weights = _values(causal.convolution.weight)
    return [weights[:, :, tap] for tap in range(KERNEL)], _values(causal.convolution.bias)


def _blocks(parts: list[Values]) -> Values:
    """One matrix with the parts along its diagonal."""
    joined = np.zeros((sum(len(part) for part in parts), sum(part.shape[1] for part in parts)), dtype=np.float32)
    row = column = 0
    for part in parts:
        joined[row : row + len(part), column : column + part.shape[1]] = part
        row, column = row + len(part), column + part.shape[1]
    return joined


def _softmax(logits: Values) -> FloatArray:
    """(C,) shares of the exponentials."""
    weights = np.exp(logits.astype(np.float64) - float(logits.max()))
    return np.asarray(weights / weights.sum())
