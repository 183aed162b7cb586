"""The network of the flow policy: a transformer that tells which way a noisy chunk of actions shall move."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from policies.imitation.transformer import TransformerLayer, places

_WAVES = 16
_FASTEST = 64.0
"""Angle by which the fastest wave turns between time 0 and time 1, rad."""


class VelocityNetwork(nn.Module):
    """A token for each part of each observation, one for each action; the actions ask each other and the parts.

    Args:
        parts: width of each part of an observation.
        history: H, observations.
        chunk: K, actions.
        actions: A, numbers of an action.
        width: of every token.
        heads: of the attentions.
        encoder_layers: among the tokens of the observations.
        decoder_layers: among those of the actions.
    """

    waves: Tensor

    def __init__(
        self,
        parts: Mapping[str, int],
        *,
        history: int,
        chunk: int,
        actions: int,
        width: int,
        heads: int,
        encoder_layers: int,
        decoder_layers: int,
    ) -> None:
        super().__init__()
        self.of_part = nn.ModuleDict({name: nn.Linear(entries, width) for name, entries in parts.items()})
        self.part_places = places(history * len(parts), width)
        self.of_action = nn.Linear(actions, width)
        self.action_places = places(chunk, width)
        self.of_time = nn.Sequential(nn.Linear(2 * _WAVES, width), nn.SiLU(), nn.Linear(width, width))
        shape = (width, heads, 4 * width)
        self.encoder_layers = nn.ModuleList(TransformerLayer(*shape) for _ in range(encoder_layers))
        self.memory_norm = nn.LayerNorm(width)
        self.decoder_layers = nn.ModuleList(TransformerLayer(*shape, cross=True) for _ in range(decoder_layers))
        self.velocity = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, actions))
        self.register_buffer("waves", torch.logspace(0.0, math.log10(_FASTEST), _WAVES), persistent=False)

    def memory(self, parts: Mapping[str, Tensor]) -> Tensor:
        """(B, H, n) features by name to (B, M, width), which stays the same on the whole way out of the noise."""
        seen = [layer(parts[name]) for name, layer in self.of_part.items()]
        tokens = torch.cat(seen, dim=1) + self.part_places
        for layer in self.encoder_layers:
            tokens = layer(tokens)
        normed: Tensor = self.memory_norm(tokens)
        return normed

    def forward(self, memory: Tensor, actions: Tensor, time: Tensor) -> Tensor:
        """The velocity of a chunk.

        Args:
            memory: (B, M, width) from `memory`.
            actions: (B, K, A), scaled, between noise and data.
            time: (B,) 0 for noise to 1 for data.

        Returns:
            (B, K, A).
        """
        angles = time[:, None] * self.waves
        when = self.of_time(torch.cat([angles.sin(), angles.cos()], dim=-1))
        tokens = self.of_action(actions) + self.action_places + when[:, None]
        for layer in self.decoder_layers:
            tokens = layer(tokens, memory)
        velocity: Tensor = self.velocity(tokens)
        return velocity
