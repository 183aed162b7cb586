"""A trained network with all that it needs to read keypoints: what `train behavior` makes and `watch` uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geometry import FloatArray, InputError
from perception.behavior.network.model import BehaviorNetwork, Beliefs, NetworkSpec
from perception.behavior.network.preparation import Channels, Preparation, prepare
from perception.behavior.network.standardise import (
    NORMALISATIONS,
    Normalisation,
    Statistics,
    running_start,
    standardise,
    standardise_running,
    statistics_of,
)
from perception.grasping.network.weights import fill_module, load_weights, save_weights

FORMAT = "graspmimic-behavior-1"
PRETRAINED = Path(__file__).with_name("weights")
"""Models that come with graspmimic, NAME.safetensors with NAME.json beside it."""
HEADS = ("frame", "clip")
LARGEST_BYTES = 5_000_000
"""Of a model's file."""


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """Everything about a model but its numbers; stands in the JSON file."""

    preparation: Preparation
    """From keypoints to channels."""
    network: NetworkSpec
    """Sizes."""
    label_names: tuple[str, ...]
    """(C,) what the classes are called."""
    heads: tuple[str, ...]
    """Which heads were trained: "frame", "clip", or both."""
    normalisation: Normalisation
    """Whose spread the channels are measured in."""
    prior_frames: float
    """For "running": how many frames the training set's statistics stand for."""
    delay_frames: int = 0
    """How many later frames bear on a frame's label; 0 answers at once."""

    def __post_init__(self) -> None:
        if len(self.label_names) != self.network.labels or self.preparation.groups != self.network.groups:
            raise InputError("ModelSpec", expected="a network for these channels and labels", got=f"{self.network}")
        if not self.heads or set(self.heads) - set(HEADS) or self.normalisation not in NORMALISATIONS:
            got = f"heads {self.heads}, normalisation {self.normalisation!r}"
            raise InputError("ModelSpec", expected=f"some of {HEADS} and one of {NORMALISATIONS}", got=got)
        if self.delay_frames < 0 or not self.prior_frames > 0.0:
            raise InputError("ModelSpec", expected="a delay of at least 0, a prior above 0", got=f"{self}")


class BehaviorModel:
    """Beliefs about what a person does, from keypoints.

    Args:
        spec: what it reads and says.
        network: of these sizes.
        statistics: of the training set's channels.
    Raises:
        InputError: if the network is larger than 5 MB.
    """

    def __init__(self, spec: ModelSpec, network: BehaviorNetwork, statistics: Statistics) -> None:
        size = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
        if size > LARGEST_BYTES:
            raise InputError(
                "BehaviorModel",
                expected=f"weights of at most {LARGEST_BYTES} bytes",
                got=f"{size}",
                remedy="less width",
            )
        self.spec, self.network, self.statistics = spec, network, statistics

    def person_statistics(self, recordings: Sequence[NDArray[np.floating]]) -> Statistics:
        """How a person holds and moves, from unlabelled recordings (T, J, D) of them, for "person" models."""
        return statistics_of([prepare(self.spec.preparation, points)[0] for points in recordings], self.statistics)

    def prepared(self, keypoints: NDArray[np.floating]) -> Channels:
        """(T + delay, F) raw channels of a recording from its beginning, the last frame held for the delay."""
        held = np.repeat(keypoints[-1:], self.spec.delay_frames, axis=0)
        return prepare(self.spec.preparation, np.concatenate([keypoints, held]))[0]

    def standardised(self, raw: Channels, person: Statistics | None = None) -> Channels:
        """Channels of a recording, from its beginning, as the network reads them."""
        if self.spec.normalisation == "running":
            start = running_start(self.statistics if person is None else person, self.spec.prior_frames)
            return standardise_running(raw, start, self.statistics)[0]
        if self.spec.normalisation == "person" and person is None:
            person = statistics_of([raw], self.statistics)
        return standardise(raw, self.statistics if person is None else person)

    def frame_probabilities(self, keypoints: NDArray[np.floating], person: Statistics | None = None) -> FloatArray:
        """(T, C) belief in each label at each frame of a recording.

        Args:
            keypoints: (T, J, D) at the model's rate; NaN where a joint is not in view.
            person: statistics of the person for a "person" model, else a better prior for a "running" one; None
                takes this recording's own, or the training set's.
        """
        self._needs("frame")
        logits = self._beliefs(keypoints, person).frame_logits[0, self.spec.delay_frames :]
        return probabilities(logits, self.network.frame_temperature)

    def clip_probabilities(self, keypoints: NDArray[np.floating], person: Statistics | None = None) -> FloatArray:
        """(T, C) belief in each label for the recording as a whole, as it stands after each frame; the last counts."""
        self._needs("clip")
        logits = self._beliefs(keypoints, person).clip_logits[0, self.spec.delay_frames :]
        return probabilities(logits, self.network.clip_temperature)

    def save(self, path: Path, record: dict[str, Any]) -> None:
        """Write NAME.safetensors and NAME.json with the spec and the record of what made it.

        Raises:
            InputError: if the files cannot be written.
        """
        tensors = dict(self.network.state_dict())
        tensors |= {f"statistics.{key}": torch.tensor(value) for key, value in vars(self.statistics).items()}
        save_weights(Path(path), tensors, {**record, "format": FORMAT, "model": asdict(self.spec)})

    @classmethod
    def load(cls, path: str | Path) -> BehaviorModel:
        """Read a model; nothing in the file can run code.

        Raises:
            InputError: if a file is missing, damaged or of another kind.
        """
        path = Path(path)
        tensors, record = load_weights(path, FORMAT)
        try:
            spec = _spec(record["model"])
            mean, scale = (tensors.pop(f"statistics.{key}").double().numpy() for key in ("mean", "scale"))
            if not len(mean) == len(scale) == spec.preparation.channels:
                raise ValueError(f"statistics of {len(mean)} channels")
        except (KeyError, TypeError, ValueError) as error:
            got = " ".join(f"{type(error).__name__}: {error}".split())
            raise InputError(str(path), expected="a behaviour model of this release", got=got) from None
        network = BehaviorNetwork(spec.network)
        fill_module(network, tensors, str(path))
        return cls(spec, network.eval(), Statistics(mean, scale))

    @classmethod
    def from_pretrained(cls, name: str = "gesture_phases") -> BehaviorModel:
        """A model that comes with graspmimic.

        Args:
            name: "gesture_phases": what the hands of somebody who talks do (rest, preparation, stroke, hold,
                retraction), half a second late, from metres of hands, wrists, head and spine in the frame of a camera
                that faces the person; "gesture_phases_2d": the same from pixels, which tell less.
        Raises:
            InputError: if there is none of this name.
        """
        known = sorted(path.stem for path in PRETRAINED.glob("*.safetensors"))
        if name not in known:
            raise InputError("BehaviorModel.from_pretrained", expected=f"one of {', '.join(known)}", got=repr(name))
        return cls.load(PRETRAINED / f"{name}.safetensors")

    def with_delay(self, frames: int) -> BehaviorModel:
        """The same network taken to answer so many frames late."""
        return BehaviorModel(replace(self.spec, delay_frames=frames), self.network, self.statistics)

    @torch.inference_mode()
    def _beliefs(self, keypoints: NDArray[np.floating], person: Statistics | None) -> Beliefs:
        if len(keypoints) < 1:
            raise InputError("BehaviorModel", expected="at least one frame", got="none")
        self.network.eval()
        return self.network(torch.from_numpy(self.standardised(self.prepared(keypoints), person))[None])[0]

    def _needs(self, head: str) -> None:
        if head not in self.spec.heads:
            got = f"one trained on {' and '.join(self.spec.heads)} labels"
            raise InputError("BehaviorModel", expected=f"a model trained on {head} labels", got=got)


def probabilities(logits: Tensor, temperature: Tensor) -> FloatArray:
    """Calibrated probabilities of logits (..., C)."""
    return torch.softmax(logits / temperature, dim=-1).double().numpy()


def _spec(table: dict[str, Any]) -> ModelSpec:
    """The spec out of JSON, whose lists become tuples."""
    preparation, network = ({key: _tuples(value) for key, value in table[part].items()} for part in PARTS)
    rest = {key: _tuples(value) for key, value in table.items() if key not in PARTS}
    return ModelSpec(preparation=Preparation(**preparation), network=NetworkSpec(**network), **rest)


PARTS = ("preparation", "network")


def _tuples(value: Any) -> Any:
    return tuple(_tuples(each) for each in value) if isinstance(value, list) else value
