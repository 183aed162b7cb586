"""The network: branches for groups of channels, dilated causal convolutions, a head for frames and one for clips.

    channels (B, T, F) -> one branch for each group: 1x1, causal 3 -> joined
      -> residual layers, causal, kernel 3, dilation 1, 2, 4, ... (MS-TCN, Farha and Gall 2019, made causal)
      -> frame head: (B, T, C) logits
      -> clip head: attention over all frames so far, (B, T, C) logits of the clip as known at each frame

Every layer takes what it needs of earlier frames and gives what later ones need, so that frames may come one by one
or all at once with the same result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from geometry import InputError

KERNEL = 3


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """Sizes of the network; part of the model's file."""

    groups: tuple[int, ...]
    """Channels of each group that comes in."""
    labels: int
    """Classes."""
    width: int = 64
    """Features of the residual layers."""
    branch: int = 32
    """Features of each branch."""
    layers: int = 6
    """Residual layers; the last one looks 2 ** layers frames back."""
    dropout: float = 0.25
    """Share of features left out in training."""

    def __post_init__(self) -> None:
        sizes = (*self.groups, self.labels, self.width, self.branch, self.layers)
        if not self.groups or min(sizes) < 1 or not 0.0 <= self.dropout < 1.0:
            raise InputError("NetworkSpec", expected="sizes of at least 1, dropout in [0, 1)", got=f"{self}")

    @property
    def frames_seen(self) -> int:
        """How many frames, itself included, bear on a frame's logits."""
        return 1 + (KERNEL - 1) * (1 + sum(2**layer for layer in range(self.layers)))


class Beliefs(NamedTuple):
    """What the network says of each frame."""

    frame_logits: Tensor
    """(B, T, C)."""
    clip_logits: Tensor
    """(B, T, C) of the clip, from its beginning up to each frame."""
    features: Tensor
    """(B, T, width) before the heads."""


class NetworkState(NamedTuple):
    """What later frames need of earlier ones."""

    convolutions: tuple[Tensor, ...]
    """Of each causal convolution, (B, channels, (kernel - 1) * dilation)."""
    weight_sum: Tensor
    """(B, 1, 1) the clip attention's sum of weights."""
    feature_sum: Tensor
    """(B, 1, width) and of weighted features."""


class CausalConvolution(nn.Module):
    """A convolution over time that reads no later frame.

    Args:
        inputs: channels in.
        outputs: channels out.
        dilation: frames between the taps.
    """

    def __init__(self, inputs: int, outputs: int, dilation: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(inputs, outputs, KERNEL, dilation=dilation)
        self.history = (KERNEL - 1) * dilation

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """(B, inputs, T) and the frames before it to (B, outputs, T) and the frames that the next call needs."""
        joined = torch.cat([past, x], dim=2)
        return self.convolution(joined), joined[:, :, joined.shape[2] - self.history :]


class ResidualLayer(nn.Module):
    """A dilated causal convolution with a shortcut.

    Args:
        width: features in and out.
        dilation: frames between the taps.
        dropout: share of features left out in training.
    """

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.causal = CausalConvolution(width, width, dilation)
        self.mix = nn.Conv1d(width, width, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """(B, width, T) to the same shape, with what the next call needs."""
        y, past = self.causal(self.norm(x.transpose(1, 2)).transpose(1, 2), past)
        return x + self.dropout(self.mix(relu(y))), past


class BehaviorNetwork(nn.Module):
    """See the module's docstring.

    Args:
        spec: sizes.
    """

    frame_temperature: Tensor
    clip_temperature: Tensor

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        joined = spec.branch * len(spec.groups)
        self.enter = nn.ModuleList(nn.Conv1d(channels, spec.branch, 1) for channels in spec.groups)
        self.branches = nn.ModuleList(CausalConvolution(spec.branch, spec.branch, 1) for _ in spec.groups)
        self.join = nn.Conv1d(joined, spec.width, 1)
        self.layers = nn.ModuleList(ResidualLayer(spec.width, 2**layer, spec.dropout) for layer in range(spec.layers))
        self.norm = nn.LayerNorm(spec.width)
        self.dropout = nn.Dropout(spec.dropout)
        self.frame_head = nn.Linear(spec.width, spec.labels)
        self.attention = nn.Linear(spec.width, 1)
        self.clip_head = nn.Linear(spec.width, spec.labels)
        for name in ("frame_temperature", "clip_temperature"):
            self.register_buffer(name, torch.ones(()))

    def start(self, batch: int) -> NetworkState:
        """The state before the first frame."""
        device = self.frame_temperature.device
        spec = self.spec
        causal = [(spec.branch, KERNEL - 1)] * len(spec.groups)
        causal += [(spec.width, (KERNEL - 1) * 2**layer) for layer in range(spec.layers)]
        return NetworkState(
            tuple(torch.zeros(batch, channels, frames, device=device) for channels, frames in causal),
            torch.zeros(batch, 1, 1, device=device),
            torch.zeros(batch, 1, spec.width, device=device),
        )

    def forward(self, channels: Tensor, state: NetworkState | None = None) -> tuple[Beliefs, NetworkState]:
        """Logits of some frames, and what the next ones need.

        Args:
            channels: (B, T, F) standardised.
            state: what the call for the frames before gave; None at the beginning.
        """
        before = self.start(len(channels)) if state is None else state
        past, after = iter(before.convolutions), []
        parts = torch.split(channels.transpose(1, 2), list(self.spec.groups), dim=1)
        branches = []
        for part, enter, branch in zip(parts, self.enter, self.branches, strict=True):
            y, kept = branch(relu(enter(part)), next(past))
            branches.append(relu(y))
            after.append(kept)
        x = self.join(torch.cat(branches, dim=1))
        for layer in self.layers:
            x, kept = layer(x, next(past))
            after.append(kept)
        features = self.dropout(self.norm(x.transpose(1, 2)))
        weight = torch.exp(self.attention(features).clamp(-8.0, 8.0))
        weight_sums = before.weight_sum + weight.cumsum(dim=1)
        feature_sums = before.feature_sum + (weight * features).cumsum(dim=1)
        beliefs = Beliefs(self.frame_head(features), self.clip_head(feature_sums / weight_sums), features)
        return beliefs, NetworkState(tuple(after), weight_sums[:, -1:], feature_sums[:, -1:])
