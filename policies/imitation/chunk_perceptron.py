"""A perceptron that foresees a chunk of actions: a third of the transformer's cost, for many trainings on few cores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from geometry import InputError
from policies.imitation.chunk_policy import ChunkPolicy
from policies.imitation.chunk_transformer import masked_error
from policies.imitation.data_layout import DataLayout
from policies.imitation.encoder import StateEncoder
from policies.imitation.normalizer import ActionScale
from policies.imitation.policy import Batch
from policies.imitation.policy_config import PolicyConfig
from policies.imitation.training_config import TrainingConfig
from policies.imitation.windows import Windows


@dataclass(frozen=True, kw_only=True)
class ChunkPerceptronConfig(PolicyConfig):
    """Action chunking with a perceptron."""

    kind: ClassVar[str] = "chunk"
    training: ClassVar[TrainingConfig] = TrainingConfig(steps=5000, batch_size=256)
    widths: tuple[int, ...] = (256, 256, 256)
    """Of the hidden layers."""
    chunk: int = 8
    """K, actions that it foresees."""
    execute: int = 4
    """Actions of a chunk that are done before the next is asked for."""

    def __post_init__(self) -> None:
        if not self.widths or min(self.widths) < 1:
            raise InputError("ChunkPerceptronConfig", expected="widths of at least 1", got=f"{self.widths}")

    def make(self, layout: DataLayout) -> ChunkPerceptron:
        """See `PolicyConfig.make`."""
        return ChunkPerceptron(layout, self)


class ChunkPerceptron(ChunkPolicy):
    """Hidden layers, each normalised over its features, and all actions of the chunk at once.

    Args:
        layout: of the data.
        config: of the network.
    """

    def __init__(self, layout: DataLayout, config: ChunkPerceptronConfig) -> None:
        super().__init__(layout, keys=config.keys or layout.vectors, chunk=config.chunk, execute=config.execute)
        self.encoder, self.action_scale = StateEncoder(layout, self.keys), ActionScale(layout)
        layers: list[nn.Module] = []
        for inputs, outputs in zip((self.encoder.width, *config.widths), config.widths, strict=False):
            layers += [nn.Linear(inputs, outputs), nn.LayerNorm(outputs), nn.GELU()]
        self.layers = nn.Sequential(*layers, nn.Linear(config.widths[-1], config.chunk * layout.actions))

    def fit(self, windows: Windows) -> None:
        """See `Policy.fit`."""
        self.encoder.fit(windows)
        self.action_scale.fit(windows.actions)

    def loss(self, batch: Batch) -> Tensor:
        """Mean absolute error of the scaled actions that were done."""
        return masked_error(self._foreseen(batch.observations), self.action_scale.scaled(batch.actions), batch.valid)

    def predict(self, observations: Mapping[str, Tensor]) -> Tensor:
        """See `ChunkPolicy.predict`."""
        return self.action_scale.unscaled(self._foreseen(observations))

    def _foreseen(self, observations: Mapping[str, Tensor]) -> Tensor:
        """(B, K, A) scaled actions."""
        outputs: Tensor = self.layers(self.encoder(observations)[:, -1])
        return outputs.reshape(-1, self.chunk, self.layout.actions)
