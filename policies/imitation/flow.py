"""A policy that draws its actions: noise becomes a chunk of actions along a learned flow.

Where people do the same thing in two ways, a regression learns their mean, which nobody did; a flow learns both.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from geometry import InputError
from policies.imitation.action_paths import ActionPaths
from policies.imitation.chunk_policy import ChunkPolicy
from policies.imitation.data_layout import DataLayout
from policies.imitation.flow_integration import integrate, on_the_way
from policies.imitation.flow_network import VelocityNetwork
from policies.imitation.point_encoder import make_encoder, seen_keys
from policies.imitation.policy import Batch
from policies.imitation.policy_config import PolicyConfig
from policies.imitation.training_config import TrainingConfig
from policies.imitation.windows import Windows

_MOST_STEPS = 1000


@dataclass(frozen=True, kw_only=True)
class FlowConfig(PolicyConfig):
    """Flow matching over chunks of actions."""

    kind: ClassVar[str] = "flow"
    training: ClassVar[TrainingConfig] = TrainingConfig(steps=5000, batch_size=64)
    history: int = 1
    """H, observations that it looks at."""
    chunk: int = 16
    """K, actions that it foresees."""
    execute: int = 4
    """Of these, how many it does before it looks again."""
    euler_steps: int = 8
    """Steps from noise to actions."""
    width: int = 64
    """Of every token."""
    heads: int = 4
    """Of the attentions."""
    encoder_layers: int = 1
    """Layers among the tokens of the observations."""
    decoder_layers: int = 2
    """Layers among those of the actions."""
    points: int = 64
    """Of a cloud that it looks at, where it sees one; the default camera sees some 20 different ones of a cube."""
    points_from_hand: bool = True
    """Whether it sees them from the hand, or from the world's origin."""
    noise_seed: int = 0
    """What it draws in an episode follows from this and from the episode's first observation."""

    def __post_init__(self) -> None:
        sizes = (self.width, self.heads, self.decoder_layers, self.points)
        counts = (self.history, self.chunk, self.execute, self.euler_steps, *sizes)
        if min(counts) < 1 or self.width % self.heads or self.euler_steps > _MOST_STEPS:
            raise InputError("FlowConfig", expected="counts of at least 1, width a multiple of heads", got=f"{self}")

    def make(self, layout: DataLayout) -> FlowPolicy:
        """See `PolicyConfig.make`."""
        return FlowPolicy(layout, self)


class FlowPolicy(ChunkPolicy):
    """Learns the velocity that carries noise to demonstrated chunks, and follows it in a few Euler steps.

    The noise of an episode is drawn anew from `noise_seed` and what is seen first: the same start and seed give the
    same actions, in whatever order episodes are played; another `noise_seed` tries another way.

    Source: Lipman et al., "Flow matching for generative modeling", ICLR 2023; Liu et al., "Flow straight and fast",
    ICLR 2023; for chunks of actions Chi et al., "Diffusion policy", RSS 2023.

    Args:
        layout: of the data.
        config: of the network.
    """

    def __init__(self, layout: DataLayout, config: FlowConfig) -> None:
        keys = config.keys or seen_keys(layout)
        super().__init__(layout, keys=keys, history=config.history, chunk=config.chunk, execute=config.execute)
        self.encoder = make_encoder(layout, self.keys, points=config.points, from_hand=config.points_from_hand)
        self.network = VelocityNetwork(
            self.encoder.widths,
            history=config.history,
            chunk=config.chunk,
            actions=layout.actions,
            width=config.width,
            heads=config.heads,
            encoder_layers=config.encoder_layers,
            decoder_layers=config.decoder_layers,
        )
        self.paths = ActionPaths(layout, config.chunk)
        self.euler_steps, self.noise_seed = config.euler_steps, config.noise_seed
        self._noise = torch.Generator()
        self._begins = True

    def fit(self, windows: Windows) -> None:
        """See `Policy.fit`."""
        self.encoder.fit(windows)
        self.paths.fit(windows)

    def loss(self, batch: Batch) -> Tensor:
        """Mean squared error of the velocity, at a random time on the way from random noise."""
        paths = self.paths.scaled(batch.actions)
        time = torch.rand(len(paths), device=paths.device)
        points, velocity = on_the_way(torch.randn_like(paths), paths, time)
        memory = self.network.memory(self.encoder.parts(batch.observations))
        errors = (self.network(memory, points, time) - velocity).square().mean(-1)
        return errors[batch.valid].mean()

    def reset(self) -> None:
        """See `Policy.reset`."""
        super().reset()
        self._begins = True

    def predict(self, observations: Mapping[str, Tensor]) -> Tensor:
        """See `ChunkPolicy.predict`; draws noise."""
        if self._begins:
            self._noise.manual_seed(_seed_of(observations, self.noise_seed))
            self._begins = False
        memory = self.network.memory(self.encoder.parts(observations))
        shape = (len(memory), self.chunk, self.layout.actions)
        noise = torch.randn(shape, generator=self._noise).to(memory)
        paths = integrate(lambda points, time: self.network(memory, points, time), noise, self.euler_steps)
        return self.paths.unscaled(paths)


def _seed_of(observations: Mapping[str, Tensor], seed: int) -> int:
    """A seed that follows from what is seen, bit for bit, and from a number."""
    check = zlib.crc32(str(seed).encode())
    for name in sorted(observations):
        check = zlib.crc32(observations[name].detach().cpu().contiguous().numpy().tobytes(), check)
    return check
