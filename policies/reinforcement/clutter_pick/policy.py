"""`ClutterPickPolicy`: the detector's own log-odds of each proposal, plus a learned correction.

The correction is a weighted sum of a proposal's features, plus what one and the same small network makes of
each proposal beside what they are all like (their mean and maximum, as in Deep Sets, Zaheer et al. 2017): the
order of the rows means nothing, and few attempts teach much. It starts at zero, so that the untrained policy
takes the detector's best, and training can only correct it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from geometry import InputError

BASE = "log_odds"
"""The feature that is corrected."""
_FAR = -1e8


@dataclass(frozen=True, kw_only=True)
class PolicySpec:
    """What the policy reads, and its size."""

    feature_names: tuple[str, ...]
    """Of the environment; one of them is "log_odds"."""
    acts_after: str = ""
    """A feature such as "failed_last": only where it is above 0 is anything corrected; none: everywhere."""
    hidden: int = 32
    """Units of each layer."""
    sharpness: float = 4.0
    """Factor on the corrected log-odds before the softmax; what is sampled depends on it, the best choice does not."""

    def __post_init__(self) -> None:
        if BASE not in self.feature_names or len(set(self.feature_names)) < len(self.feature_names):
            expected = f"different features, {BASE!r} among them"
            raise InputError("PolicySpec", expected=expected, got=f"{self.feature_names}")
        if self.acts_after not in ("", *self.feature_names):
            raise InputError("PolicySpec: acts_after", expected="one of the features, or none", got=self.acts_after)
        if self.hidden < 1 or not self.sharpness > 0.0:
            got = f"{self.hidden}, {self.sharpness}"
            raise InputError("PolicySpec", expected="hidden >= 1, sharpness > 0", got=got)


class Judgement(NamedTuple):
    """What the policy makes of B looks with K proposals."""

    log_odds: Tensor
    """(B, K) corrected log-odds of success; far below zero where there is no proposal."""
    context: Tensor
    """(B, 2 * hidden) what the proposals are like on the whole."""


class ClutterPickPolicy(nn.Module):
    """Chooses among proposals; needs neither Stable-Baselines3 nor the environment."""

    mean: Tensor
    scale: Tensor

    def __init__(self, spec: PolicySpec) -> None:
        super().__init__()
        self.spec = spec
        self.base_column = spec.feature_names.index(BASE)
        self._gate_column = spec.feature_names.index(spec.acts_after) if spec.acts_after else None
        features, hidden = len(spec.feature_names), spec.hidden
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.each = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.straight, last = nn.Linear(features, 1), nn.Linear(hidden, 1)
        for layer in (self.straight, last):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.correct = nn.Sequential(nn.Linear(3 * hidden, hidden), nn.ReLU(), last)
        self._last = (self.straight, last)

    def normalise(self, proposals: Tensor) -> None:
        """Set mean and scale of the features from (N, F) examples; a feature that never varies is left out."""
        spread = proposals.std(dim=0)
        self.mean.copy_(proposals.mean(dim=0))
        self.scale.copy_(torch.where(spread > 1e-4, 1.0 / spread.clamp_min(1e-4), torch.zeros_like(spread)))

    def forward(self, proposals: Tensor, mask: Tensor, *, gated: bool = True) -> Judgement:
        """Judge proposals (B, K, F); mask (B, K) is above 0 where there is one; `gated` heeds `acts_after`."""
        there = (mask > 0)[..., None]
        x = (proposals - self.mean) * self.scale
        h = self.each(x)
        mean = (h * there).sum(dim=1) / there.sum(dim=1).clamp_min(1)
        most = (h * there).amax(dim=1)  # units are not negative, so that 0 is what none is
        context = torch.cat([mean, most], dim=1)
        correction = self.correct(torch.cat([h, context[:, None].expand(-1, h.shape[1], -1)], dim=2))[..., 0]
        correction = correction + self.straight(x)[..., 0]
        if gated and self._gate_column is not None:
            correction = correction * (proposals[..., self._gate_column] > 0)
        corrected = proposals[..., self.base_column] + correction
        return Judgement(torch.where(there[..., 0], corrected, torch.full_like(corrected, _FAR)), context)

    def size_of_correction(self) -> Tensor:
        """Sum of the squared weights of the layers whose sum is the correction."""
        return torch.stack([layer.weight.square().sum() for layer in self._last]).sum()

    def choose(self, observation: Mapping[str, NDArray[Any]]) -> int:
        """The number of the proposal that the policy takes.

        Args:
            observation: of one `ClutterPickEnv`: "proposals" (K * F,) and "mask" (K,).
        """
        mask = torch.as_tensor(np.asarray(observation["mask"]))[None]
        rows = torch.as_tensor(np.asarray(observation["proposals"], dtype=np.float32))
        rows = rows.view(1, mask.shape[1], len(self.spec.feature_names))
        with torch.inference_mode():
            return int(self(rows, mask).log_odds[0].argmax())

    def record(self) -> dict[str, Any]:
        """The spec as JSON can hold it."""
        return asdict(self.spec)
