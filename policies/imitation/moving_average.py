"""The moving average of a policy's weights, which acts more steadily than the weights of any one step."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class MovingAverage:
    """An exponential moving average that forgets fast at first, so that the first weights do not linger.

    At update n = 1, 2, ... the decay is min(decay, n / (n + 9)), as in TensorFlow's ExponentialMovingAverage.

    Args:
        module: whose parameters are averaged.
        decay: largest decay.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay, self.updates = decay, 0
        self._names, self._current = map(list, zip(*module.named_parameters(), strict=True))
        self._average = [parameter.detach().clone() for parameter in self._current]

    @torch.no_grad()
    def update(self) -> None:
        """Take in the parameters as they are now."""
        self.updates += 1
        decay = min(self.decay, self.updates / (self.updates + 9))
        blend = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        blend(self._average, self._current, self.updates)

    @torch.no_grad()
    def store(self) -> None:
        """Put the average in the parameters' place."""
        for parameter, average in zip(self._current, self._average, strict=True):
            parameter.copy_(average)

    def tensors(self) -> dict[str, torch.Tensor]:
        """The averages by name, themselves and no copies."""
        return dict(zip(self._names, self._average, strict=True))
