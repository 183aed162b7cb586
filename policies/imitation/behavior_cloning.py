"""Behaviour cloning: the present observation in, the present action out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from geometry import InputError
from policies.imitation.chunk_policy import ChunkPolicy
from policies.imitation.data_layout import DataLayout
from policies.imitation.encoder import StateEncoder
from policies.imitation.normalizer import ActionScale
from policies.imitation.policy import Batch
from policies.imitation.policy_config import PolicyConfig
from policies.imitation.training_config import TrainingConfig
from policies.imitation.windows import Windows


@dataclass(frozen=True, kw_only=True)
class BCConfig(PolicyConfig):
    """Behaviour cloning with a perceptron."""

    kind: ClassVar[str] = "bc"
    training: ClassVar[TrainingConfig] = TrainingConfig(steps=5000, batch_size=256)
    widths: tuple[int, ...] = (256, 256)
    """Of the hidden layers."""

    def __post_init__(self) -> None:
        if not self.widths or min(self.widths) < 1:
            raise InputError("BCConfig", expected="widths of at least 1", got=f"{self.widths}")

    def make(self, layout: DataLayout) -> BCPolicy:
        """See `PolicyConfig.make`."""
        return BCPolicy(layout, self)


class BCPolicy(ChunkPolicy):
    """A perceptron trained with the mean absolute error of its actions.

    Args:
        layout: of the data.
        config: of the network.
    """

    def __init__(self, layout: DataLayout, config: BCConfig) -> None:
        super().__init__(layout, keys=config.keys or layout.vectors)
        self.encoder, self.action_scale = StateEncoder(layout, self.keys), ActionScale(layout)
        layers: list[nn.Module] = []
        for inputs, outputs in zip((self.encoder.width, *config.widths), config.widths, strict=False):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(config.widths[-1], layout.actions))

    def fit(self, windows: Windows) -> None:
        """See `Policy.fit`."""
        self.encoder.fit(windows)
        self.action_scale.fit(windows.actions)

    def loss(self, batch: Batch) -> Tensor:
        """Mean absolute error of the scaled actions."""
        outputs = self.layers(self.encoder(batch.observations)[:, -1])
        return (outputs - self.action_scale.scaled(batch.actions[:, 0])).abs().mean()

    def predict(self, observations: Mapping[str, Tensor]) -> Tensor:
        """See `ChunkPolicy.predict`."""
        outputs: Tensor = self.layers(self.encoder(observations)[:, -1:])
        return self.action_scale.unscaled(outputs)
