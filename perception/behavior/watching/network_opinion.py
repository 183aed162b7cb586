"""A network beside the rules: a second opinion where both know a behaviour, else a layer of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.decoding import Decoding, LogNormal, SemiMarkov, decode, emissions_from_chances
from perception.behavior.watching.layers import Layer
from perception.pose import PersonTrack

if TYPE_CHECKING:
    from perception.behavior.network import BehaviorModel

_SAME_RATE = 0.2
_MEDIAN_S = 0.8


class NetworkOpinion:
    """What a network says of every frame of a person.

    Args:
        model: with a head for frames.

    Raises:
        InputError: if the model only judges whole clips.
    """

    def __init__(self, model: BehaviorModel) -> None:
        if "frame" not in model.spec.heads:
            raise InputError("watch: network", expected="a network that judges frames", got="one for whole clips")
        self._model = model
        self.labels: tuple[str, ...] = tuple(model.spec.label_names)

    def chances(self, track: PersonTrack) -> FloatArray:
        """(T, C) of its labels; a track of another frame rate is read at the network's own."""
        from perception.behavior.network import joints_of_track

        joints = joints_of_track(self._model.spec.preparation, track)
        person = self._model.person_statistics([joints]) if self._model.spec.normalisation == "person" else None
        rate_hz = self._model.spec.preparation.rate_hz
        steps = np.diff(track.time_s)
        if not len(steps) or abs(float(np.median(steps)) * rate_hz - 1.0) <= _SAME_RATE:
            return np.asarray(self._model.frame_probabilities(joints, person), dtype=float)
        grid = np.arange(track.time_s[0], track.time_s[-1] + 0.5 / rate_hz, 1.0 / rate_hz)
        said = np.asarray(self._model.frame_probabilities(joints[nearest(track.time_s, grid)], person), dtype=float)
        return said[nearest(grid, track.time_s)]

    def shares(self, layer: Layer) -> bool:
        """Whether it knows any of a layer's behaviours."""
        return any(label in layer.behaviors for label in self.labels)

    def opinion(self, chances: FloatArray, layer: Layer) -> FloatArray:
        """(T, L) its chances as those of a layer's labels; what the layer does not know counts as nothing."""
        found = np.zeros((len(chances), len(layer.labels)))
        for column, label in enumerate(self.labels):
            found[:, layer.labels.index(label) if label in layer.behaviors else 0] += chances[:, column]
        return found

    def decoded(self, chances: FloatArray, time_s: FloatArray, *, weight: float, least_confidence: float) -> Decoding:
        """Its labels as segments."""
        model = SemiMarkov.from_grammar(
            {label: [other for other in self.labels if other != label] for label in self.labels},
            {label: LogNormal(median_s=_MEDIAN_S, spread=0.9) for label in self.labels},
        )
        return decode(emissions_from_chances(chances, weight=weight), model, time_s, least_confidence=least_confidence)


def nearest(known_s: FloatArray, wanted_s: FloatArray) -> NDArray[np.intp]:
    """Row of the known time that is nearest to each wanted one."""
    after = np.clip(np.searchsorted(known_s, wanted_s), 0, len(known_s) - 1)
    before = np.maximum(after - 1, 0)
    return np.where(np.abs(known_s[before] - wanted_s) <= np.abs(known_s[after] - wanted_s), before, after)
