"""How a network is trained."""

from __future__ import annotations

from dataclasses import dataclass, field

from geometry import InputError
from perception.behavior.network.augment import Augmentation
from perception.behavior.network.losses import LossWeights
from perception.behavior.network.standardise import NORMALISATIONS, Normalisation


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Settings of a run; kept in the model's record."""

    epochs: int = 40
    """Passes over the recordings."""
    batch: int = 16
    """Windows or clips a step."""
    window_s: float = 8.0
    """Length of the windows that frame labels are learned from."""
    longest_clip_s: float = 20.0
    """Clips longer than this are cut at random to it."""
    learning_rate: float = 2e-3
    """Largest learning rate; a cosine ends at a hundredth of it."""
    weight_decay: float = 0.02
    """AdamW's."""
    average: float = 0.99
    """Decay of the moving average of the weights, which is what is kept."""
    balance: float = 0.5
    """Power of inverse class frequency that weighs the frames: 0 none, 1 all classes alike."""
    width: int = 64
    """Features of the network's layers."""
    layers: int = 6
    """Residual layers; frames up to 2 ** (layers + 1) back are read."""
    dropout: float = 0.25
    """Share of features left out."""
    normalisation: Normalisation = "running"
    """Whose spread the channels are measured in: the training set's, the stream's so far, or the person's."""
    prior_s: float = 1.0
    """For "running": seconds of stream that weigh as much as the training set's statistics."""
    delay_s: float = 0.0
    """How far after a frame the network may look before it answers."""
    seed: int = 0
    """Of weights, order and augmentation."""
    losses: LossWeights = field(default_factory=LossWeights)
    """Weights of the losses."""
    augmentation: Augmentation = field(default_factory=Augmentation)
    """How recordings are changed."""

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch, self.width, self.layers) < 1 or self.seed < 0 or self.delay_s < 0.0:
            raise InputError(
                "TrainingConfig",
                expected="at least 1 epoch, batch, width and layers; seed and delay not negative",
                got=f"{self}",
            )
        positive = (self.learning_rate, self.window_s, self.longest_clip_s, self.prior_s)
        if not all(value > 0.0 for value in positive) or not 0.0 <= self.average < 1.0:
            raise InputError("TrainingConfig", expected="rates and lengths above 0, average in [0, 1)", got=f"{self}")
        if self.normalisation not in NORMALISATIONS:
            got = repr(self.normalisation)
            raise InputError("TrainingConfig", expected=f"normalisation one of {NORMALISATIONS}", got=got)
