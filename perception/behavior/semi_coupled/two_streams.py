"""Two streams, one for what the object is and one for what happens, that share values but not all gradients.

After the semi-coupled structure of Pang et al., "Complex sequential understanding through the awareness of spatial
and temporal concepts", Nature Machine Intelligence 2 (2020): the spatial part looks at each moment by itself and has
a short chain of gradients, the temporal part sees the sequence and has a long one, and what couples the two in
training is partly cut. Derived from the idea, not from code:

    o_t = f(object_t)                    object stream, one moment at a time
    d_t = g(motion_1 .. motion_t)        dynamics stream, causal
    behaviour_t = h([d_t, gate(o_t)]),   object_t = k(o_t)

With `openness` 0 the loss of behaviours does not shape the object stream, which learns from the objects' own labels
alone; so behaviour cannot be read off by recognising the few objects of the training set.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from geometry import InputError
from perception.behavior.semi_coupled.gradient_gate import gate_gradient


@dataclass(frozen=True, kw_only=True)
class TwoStreamConfig:
    """Sizes of the streams and how they are coupled."""

    object_features: int
    """Numbers that describe the object, or the hand's shape at it, at one moment."""
    motion_features: int
    """Numbers that describe the motion, or the body, at one moment."""
    behaviors: int
    """Behaviours to tell apart."""
    objects: int
    """Classes of objects that the object stream learns by."""
    width: int = 32
    """Channels of each stream."""
    layers: int = 5
    """Causal convolutions with dilation 1, 2, 4, ... in the dynamics stream; 0 sees one moment only."""
    openness: float = 0.0
    """Share of moments whose behaviour gradient reaches the object stream: 0 isolated, 1 coupled."""

    def __post_init__(self) -> None:
        sizes = (self.object_features, self.motion_features, self.behaviors, self.objects, self.width)
        if min(sizes) < 1 or self.layers < 0 or not 0.0 <= self.openness <= 1.0:
            raise InputError(
                "TwoStreamConfig", expected="sizes of at least 1, layers >= 0, openness in [0, 1]", got=f"{self}"
            )


class TwoStreams(nn.Module):
    """Behaviour logits and object logits from two streams."""

    def __init__(self, config: TwoStreamConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.object_stream = nn.Sequential(
            nn.Linear(config.object_features, width), nn.GELU(), nn.Linear(width, width), nn.GELU()
        )
        self.object_head = nn.Linear(width, config.objects)
        self.motion_in = nn.Linear(config.motion_features, width)
        self.dynamics = nn.ModuleList(
            [nn.Conv1d(width, width, kernel_size=3, dilation=2**layer) for layer in range(config.layers)]
        )
        self.behavior_head = nn.Sequential(
            nn.Linear(2 * width, width), nn.GELU(), nn.Dropout(0.2), nn.Linear(width, config.behaviors)
        )

    def forward(
        self, objects: Tensor, motion: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Run both streams.

        Args:
            objects: (B, T, object_features).
            motion: (B, T, motion_features).
            generator: for a half-open gate.

        Returns:
            behaviour logits (B, T, behaviors) and object logits (B, T, objects); row t depends on rows 0 .. t.
        """
        seen = self.object_stream(objects)
        moved = functional.gelu(self.motion_in(motion)).transpose(1, 2)
        for layer, convolution in enumerate(self.dynamics):
            moved = moved + functional.gelu(convolution(functional.pad(moved, (2 * 2**layer, 0))))
        lent = gate_gradient(seen, self.config.openness, generator) if self.training else seen
        return self.behavior_head(torch.cat([moved.transpose(1, 2), lent], -1)), self.object_head(seen)
