"""ACT: a transformer that foresees a chunk of actions from what is seen now.

Source: Zhao et al., "Learning Fine-Grained Bimanual Manipulation with Low-Cost Hardware", RSS 2023. The parts of an
observation are tokens of an encoder; one query for each action asks them in a decoder; the loss is the mean absolute
error. The paper's conditional variational autoencoder is an option, off by default: the paper measured no effect of
it on scripted demonstrations, and a large one on people's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from geometry import InputError
from policies.imitation.action_paths import ActionPaths
from policies.imitation.chunk_policy import ChunkPolicy
from policies.imitation.data_layout import DataLayout
from policies.imitation.point_encoder import make_encoder, seen_keys
from policies.imitation.policy import Batch
from policies.imitation.policy_config import PolicyConfig
from policies.imitation.training_config import TrainingConfig
from policies.imitation.transformer import TransformerLayer, places
from policies.imitation.windows import Windows


@dataclass(frozen=True, kw_only=True)
class ACTConfig(PolicyConfig):
    """Action chunking with a transformer."""

    kind: ClassVar[str] = "act"
    training: ClassVar[TrainingConfig] = TrainingConfig(steps=3000, batch_size=64)
    history: int = 1
    """H, observations that it looks at."""
    chunk: int = 16
    """K, actions that it foresees."""
    group: int = 1
    """Actions that one query foresees; more make the decoder cheaper."""
    execute: int = 4
    """Actions of a chunk that are done before the next is asked for, without ensembling."""
    ensemble_rate: float | None = None
    """With a number (0.01 in the paper), the temporal ensemble of all chunks instead; None does without."""
    width: int = 64
    """Of every token."""
    heads: int = 4
    """Of the attentions."""
    inner: int = 256
    """Of the perceptrons' hidden layer."""
    encoder_layers: int = 1
    """Layers among the tokens of the observation."""
    decoder_layers: int = 2
    """Layers among the queries."""
    dropout: float = 0.0
    """Share of each layer's output that is dropped in training."""
    points: int = 64
    """Of a cloud that it looks at, where it sees one; the default camera sees some 20 different ones of a cube."""
    points_from_hand: bool = True
    """Whether it sees them from the hand, or from the world's origin."""
    latent: int = 0
    """Numbers of the variational autoencoder's style; 0 does without it."""
    beta: float = 10.0
    """Weight of its divergence from the standard normal distribution."""

    def __post_init__(self) -> None:
        if min(self.width, self.heads, self.inner, self.decoder_layers, self.points) < 1 or self.width % self.heads:
            raise InputError("ACTConfig", expected="sizes of at least 1, width a multiple of heads", got=f"{self}")
        if self.group < 1 or self.chunk % self.group:
            raise InputError("ACTConfig", expected="chunk a multiple of group", got=f"{self.chunk} and {self.group}")
        if min(self.encoder_layers, self.latent) < 0 or self.beta < 0.0 or not 0.0 <= self.dropout < 1.0:
            raise InputError(
                "ACTConfig",
                expected="encoder_layers, latent and beta not below 0, dropout from 0 to below 1",
                got=f"{self}",
            )

    def make(self, layout: DataLayout) -> ACTPolicy:
        """See `PolicyConfig.make`."""
        return ACTPolicy(layout, self)


class ACTPolicy(ChunkPolicy):
    """The transformer.

    Args:
        layout: of the data.
        config: of the network.
    """

    def __init__(self, layout: DataLayout, config: ACTConfig) -> None:
        super().__init__(
            layout,
            keys=config.keys or seen_keys(layout),
            history=config.history,
            chunk=config.chunk,
            execute=config.execute,
            ensemble_rate=config.ensemble_rate,
        )
        width = config.width
        self.paths = ActionPaths(layout, config.chunk)
        self.encoder = make_encoder(layout, self.keys, points=config.points, from_hand=config.points_from_hand)
        self.embed = nn.ModuleDict({name: nn.Linear(inputs, width) for name, inputs in self.encoder.widths.items()})
        self.token_places = places(config.history * len(self.embed), width)
        self.queries = places(config.chunk // config.group, width)
        shape = (width, config.heads, config.inner)
        self.encoder_layers = nn.ModuleList(
            TransformerLayer(*shape, dropout=config.dropout) for _ in range(config.encoder_layers)
        )
        self.memory_norm = nn.LayerNorm(width)
        self.decoder_layers = nn.ModuleList(
            TransformerLayer(*shape, cross=True, dropout=config.dropout) for _ in range(config.decoder_layers)
        )
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, config.group * layout.actions))
        self.style = Style(layout.actions, config) if config.latent else None
        self.beta = config.beta

    def fit(self, windows: Windows) -> None:
        """See `Policy.fit`."""
        self.encoder.fit(windows)
        self.paths.fit(windows)

    def loss(self, batch: Batch) -> Tensor:
        """Mean absolute error of the scaled path of the actions that were done, and the style's divergence.

        Source: Zhao et al., algorithm 1.
        """
        wanted = self.paths.scaled(batch.actions)
        if self.style is None:
            return masked_error(self._decoded(batch.observations, None), wanted, batch.valid)
        style, divergence = self.style(wanted, batch.valid)
        error = masked_error(self._decoded(batch.observations, style), wanted, batch.valid)
        return error + self.beta * divergence

    def predict(self, observations: Mapping[str, Tensor]) -> Tensor:
        """See `ChunkPolicy.predict`; the style is the mean of its prior, zero."""
        style = None
        if self.style is not None:
            style = self.style.token(torch.zeros(len(observations[self.keys[0]]), self.style.latent))
        return self.paths.unscaled(self._decoded(observations, style))

    def _decoded(self, observations: Mapping[str, Tensor], style: Tensor | None) -> Tensor:
        """(B, K, A) scaled paths; `style` is a token (B, 1, width)."""
        parts = self.encoder.parts(observations)
        seen = [self.embed[name](features) for name, features in parts.items()]  # each (B, H, width)
        memory = torch.cat(seen, dim=1) + self.token_places
        if style is not None:
            memory = torch.cat([memory, style], dim=1)
        for layer in self.encoder_layers:
            memory = layer(memory)
        memory = self.memory_norm(memory)
        tokens = self.queries.expand(len(memory), -1, -1)
        for layer in self.decoder_layers:
            tokens = layer(tokens, memory)
        paths: Tensor = self.head(tokens)  # (B, K / group, group * A)
        return paths.reshape(len(paths), self.chunk, -1)


class Style(nn.Module):
    """The variational autoencoder's encoder: how a chunk was done, as a few numbers that are nearly normal.

    Args:
        actions: numbers of an action.
        config: of the network.
    """

    def __init__(self, actions: int, config: ACTConfig) -> None:
        super().__init__()
        self.latent = config.latent
        self.embed = nn.Linear(actions, config.width)
        self.places = places(config.chunk, config.width)
        self.layer = TransformerLayer(config.width, config.heads, config.inner)
        self.spread = nn.Linear(config.width, 2 * config.latent)
        self.token_of = nn.Linear(config.latent, config.width)

    def forward(self, actions: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Scaled paths (B, K, A) to a drawn style's token (B, 1, width) and the divergence ()."""
        known = valid[..., None].to(actions.dtype)
        tokens = self.layer((self.embed(actions) + self.places) * known)
        mean, log_variance = self.spread((tokens * known).sum(1) / known.sum(1)).chunk(2, dim=-1)
        drawn = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        divergence = -0.5 * (1.0 + log_variance - mean.square() - log_variance.exp()).sum(-1).mean()
        return self.token(drawn), divergence

    def token(self, style: Tensor) -> Tensor:
        """(B, latent) to (B, 1, width)."""
        token: Tensor = self.token_of(style.to(self.token_of.weight))[:, None]
        return token


def masked_error(outputs: Tensor, wanted: Tensor, valid: Tensor) -> Tensor:
    """() mean absolute error of (B, K, A) over the entries that `valid` (B, K) marks."""
    errors = (outputs - wanted).abs().mean(-1) * valid
    return errors.sum() / valid.sum()
