"""What one person does now, and which segments of it are settled: features, part states, rules, decoding."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from geometry import FloatArray
from perception.behavior.decoding import OnlineDecoder, Segment
from perception.behavior.features import FeatureStream
from perception.behavior.part_states import PartStates, feature_settings
from perception.behavior.reasoning import Reason, Reasoner, RuleMonitor
from perception.behavior.watching.hands_in_company import full_hands
from perception.behavior.watching.layer_truths import about_objects, emission_now, read_by, rules_of
from perception.behavior.watching.layers import Layer, layers_of
from perception.behavior.watching.recorded import WatchSettings
from perception.behavior.watching.timeline import NOTHING, TimelineSegment
from perception.pose import Person, PoseFrame, SeenObject


@dataclass(frozen=True, kw_only=True)
class Doing:
    """What somebody does now."""

    layer: str
    """What it is a behaviour of."""
    label: str
    """The behaviour."""
    confidence: float
    """Its chance given all that was seen so far."""
    object: str = ""
    """The thing that it is done with, where there is one."""

    def __str__(self) -> str:
        """Such as "lift cube"."""
        return f"{self.label} {self.object}".rstrip()


@dataclass(slots=True)
class _Proof:
    """Where a label was most true since it was last settled."""

    truth: float
    time_s: float
    object: str
    reasons: tuple[Reason, ...]


@dataclass(slots=True)
class _WatchedLayer:
    """One layer of one person."""

    layer: Layer
    decoder: OnlineDecoder
    rules: Reasoner
    of_objects: bool
    reads: tuple[str, ...]
    """Part states and objects that its rules look at."""
    monitors: dict[str, RuleMonitor] = field(default_factory=dict)
    proofs: dict[str, _Proof] = field(default_factory=dict)


class WatchedPerson:
    """Everything that is remembered of one person."""

    def __init__(
        self, person: Person, frame: PoseFrame, rules: Reasoner, states: PartStates, settings: WatchSettings,
        rate_hz: float, lag_s: float, done: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._number, self._states, self._settings, self._done = person.id, states, settings, done
        self._metres = person.keypoints_m is not None
        self.seen_s = frame.time_s
        """When the person was last in view."""
        self._stream = FeatureStream(frame.skeleton, feature_settings(frame.reference), metres=self._metres)
        self._layers = [
            _WatchedLayer(
                layer,
                OnlineDecoder(
                    layer.model(), rate_hz=rate_hz, lag_s=lag_s, least_confidence=settings.least_confidence
                ),
                rules_of(layer, rules),
                about_objects(layer, rules),
                read_by(layer, rules),
            )
            for layer in layers_of(rules.behaviors)
        ]  # fmt: skip

    def update(
        self, time_s: float, person: Person | None, objects: tuple[SeenObject, ...], near: Mapping[str, float]
    ) -> tuple[tuple[Doing, ...], list[TimelineSegment]]:
        """What the person does now, and what is settled; `person` is None while out of view."""
        if person is not None:
            self.seen_s = time_s
        by_object = {} if person is None else self._truths(time_s, person, objects)
        company = {**near, **full_hands([told for name, told in by_object.items() if name])}
        by_object = {name: {**told, **company} for name, told in by_object.items()}
        doing, settled = [], []
        for watched in self._layers:
            row = self._emission(watched, time_s, by_object)
            self._done("rules")
            step = watched.decoder.push(time_s, row)
            self._done("decode")
            settled += [self._named(watched, segment) for segment in step.settled]
            if step.label != NOTHING:
                proof = watched.proofs.get(step.label)
                thing = proof.object if proof else ""
                doing.append(
                    Doing(layer=watched.layer.name, label=step.label, confidence=step.confidence, object=thing)
                )
        return tuple(doing), [segment for segment in settled if self._counts(segment)]

    def finish(self) -> list[TimelineSegment]:
        """Settle what is open."""
        found = [self._named(watched, segment) for watched in self._layers for segment in watched.decoder.finish()]
        return [segment for segment in found if self._counts(segment)]

    def _truths(self, time_s: float, person: Person, objects: tuple[SeenObject, ...]) -> dict[str, dict[str, float]]:
        """Truth of every part state, of the body under "", and of body and object under each object's name."""
        row = self._stream.update(time_s, person)
        self._done("features")
        found = {"": self._states.row(row)}
        self._done("part_states")
        for thing in objects:
            place, axis = _place(thing, metres=self._metres)
            if place is not None:
                of_object = self._stream.object_row(thing.name, place, axis)
                category = {f"object:{thing.category or thing.name}": 1.0}
                self._done("features")
                found[thing.name] = found[""] | self._states.row(row, of_object) | category
                self._done("part_states")
        return found

    def _emission(
        self, watched: _WatchedLayer, time_s: float, by_object: Mapping[str, Mapping[str, float]]
    ) -> FloatArray:
        """(1 + B,) what this moment says of the layer's labels."""
        labels = watched.layer.behaviors
        names = [name for name in by_object if not name or watched.of_objects]
        truths, seen = [], False
        for name in names:
            told = by_object[name]
            states = {read: told[read] for read in watched.reads if read in told}
            seen = seen or _is_seen(states)
            if name not in watched.monitors:
                watched.monitors[name] = RuleMonitor(watched.rules)
            truths.append(watched.monitors[name].update(time_s, states))
        truest = [max([said[label] for said in truths], default=0.0) for label in labels]
        for label, truth in zip(labels, truest, strict=True):
            self._keep_proof(watched, label, truth, time_s, names, truths)
        return emission_now(truest if seen else None, len(labels), self._settings.emission_weight)

    def _keep_proof(
        self,
        watched: _WatchedLayer,
        label: str,
        truth: float,
        time_s: float,
        names: list[str],
        truths: list[dict[str, float]],
    ) -> None:
        """Remember why, where a label is clearly truer than it was."""
        known = watched.proofs.get(label)
        if truth < 0.3 or (known is not None and truth < known.truth + 0.1):
            return
        name = next(name for name, said in zip(names, truths, strict=True) if said[label] == truth)
        reasons = watched.monitors[name].explain(label, top=2).reasons
        watched.proofs[label] = _Proof(truth, time_s, name, reasons)

    def _named(self, watched: _WatchedLayer, segment: Segment) -> TimelineSegment:
        proof = watched.proofs.pop(segment.label, None)
        return TimelineSegment(
            person=self._number,
            layer=watched.layer.name,
            label=segment.label,
            start_s=segment.start_s,
            end_s=segment.end_s,
            confidence=segment.confidence,
            object=proof.object if proof else "",
            doubt=segment.doubt,
            reasons=proof.reasons if proof else (),
        )

    def _counts(self, segment: TimelineSegment) -> bool:
        long_enough = segment.end_s - segment.start_s >= self._settings.least_segment_s
        return segment.label != NOTHING and long_enough


def _is_seen(states: Mapping[str, float]) -> bool:
    return any(math.isfinite(truth) for name, truth in states.items() if not name.startswith("object:"))


def _place(thing: SeenObject, *, metres: bool) -> tuple[FloatArray | None, FloatArray | None]:
    """Middle and upward axis of an object, in metres or pixels; None where they are not known."""
    if metres:
        pose = thing.T_reference_object
        return (None, None) if pose is None else (pose[:3, 3], pose[:3, 2])
    box = thing.box_px
    return (None, None) if box is None else (0.5 * (np.asarray(box[:2]) + np.asarray(box[2:])), None)
