"""Watching as it happens: what everybody does now, and segments that are settled a moment after they end."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from geometry import FloatArray, InputError
from perception.behavior.decoding import OnlineDecoder, Segment, emissions_from_chances
from perception.behavior.features import FeatureStream
from perception.behavior.part_states import PartStates, feature_settings
from perception.behavior.reasoning import Reason, Reasoner, RuleBook, RuleMonitor
from perception.behavior.watching.hands_alone import with_bodies_of_hands
from perception.behavior.watching.hands_in_company import full_hands, hands_near_people
from perception.behavior.watching.layer_truths import about_objects, chances_of, read_by, rules_of
from perception.behavior.watching.layers import Layer, layers_of
from perception.behavior.watching.object_smoothing import ObjectSmoother
from perception.behavior.watching.recorded import WatchSettings
from perception.behavior.watching.timeline import NOTHING, Timeline, TimelineSegment, in_order
from perception.pose import Person, PoseFrame, SeenObject
from perception.pose.smoothing import PoseSmoother, body_size
from perception.pose.tracking import Tracker

STAGES = ("track", "smooth", "features", "part_states", "rules", "decode")
"""What happens to a frame, in this order."""


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


@dataclass(frozen=True, kw_only=True)
class WatchStep:
    """What is known after a frame."""

    frame: PoseFrame
    """The frame with numbered, smoothed persons."""
    doing: Mapping[int, tuple[Doing, ...]]
    """By person; layers in which nothing is done are left out."""
    settled: tuple[TimelineSegment, ...]
    """Segments that became final with this frame."""


class Watcher:
    """Takes the frames of one source, one by one.

    Args:
        rules: a rule book or a rule model; None for the book that comes with graspmimic.
        settings: None for the defaults.
        rate_hz: frames a second.
        lag_s: how long after its end a segment is settled.
        done: told the name in `STAGES` whenever a piece of one is done, to take the time.
    """

    def __init__(
        self,
        *,
        rules: Reasoner | None = None,
        settings: WatchSettings | None = None,
        rate_hz: float = 30.0,
        lag_s: float = 0.5,
        done: Callable[[str], None] | None = None,
    ) -> None:
        self._rules, self._settings = rules or RuleBook.built_in(), settings or WatchSettings()
        self._rate_hz, self._lag_s = rate_hz, lag_s
        self._tracker, self._smoother, self._states = Tracker(), PoseSmoother(), PartStates.from_pretrained()
        self._objects: ObjectSmoother | None = None
        self._people: dict[int, _WatchedPerson] = {}
        self._settled: list[TimelineSegment] = []
        self._span_s: tuple[float, float] | None = None
        self._frames = 0
        self._done = done or (lambda stage: None)

    def update(self, frame: PoseFrame) -> WatchStep:
        """Take the next frame."""
        seen = self._tracker.update(with_bodies_of_hands(frame))
        self._done("track")
        seen = self._smoother.update(seen)
        objects = self._smooth_objects(seen)
        self._done("smooth")
        self._span_s = (self._span_s[0] if self._span_s else frame.time_s, frame.time_s)
        self._frames += 1
        for person in seen.persons:
            if person.id not in self._people:
                self._people[person.id] = _WatchedPerson(
                    person, seen, self._rules, self._states, self._settings, self._rate_hz, self._lag_s, self._done
                )
        here = {person.id: person for person in seen.persons}
        near = hands_near_people(seen)
        doing, settled = {}, []
        for number, watched in self._people.items():
            now, done = watched.update(seen.time_s, here.get(number), objects, near.get(number, {}))
            settled += done
            if number in here:
                doing[number] = now
        self._settled += settled
        return WatchStep(frame=seen, doing=doing, settled=tuple(settled))

    def _smooth_objects(self, frame: PoseFrame) -> tuple[SeenObject, ...]:
        if self._objects is None and frame.persons:
            first = frame.persons[0]
            points = first.keypoints_px if first.keypoints_m is None else first.keypoints_m
            if points is not None and np.isfinite(points).all(-1).sum() > 1:
                self._objects = ObjectSmoother(body_size(points), metres=first.keypoints_m is not None)
        return frame.objects if self._objects is None else self._objects.update(frame)

    def finish(self) -> Timeline:
        """End of the stream: everything settled."""
        if self._span_s is None:
            raise InputError("Watcher.finish", expected="at least one frame", got="none")
        for watched in self._people.values():
            self._settled += watched.finish()
        return Timeline(
            segments=in_order(self._settled),
            start_s=self._span_s[0],
            end_s=self._span_s[1] + 1.0 / self._rate_hz,
            frames=self._frames,
            persons=tuple(sorted(self._people)),
        )


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


class _WatchedPerson:
    """Everything that is remembered of one person."""

    def __init__(
        self, person: Person, frame: PoseFrame, rules: Reasoner, states: PartStates, settings: WatchSettings,
        rate_hz: float, lag_s: float, done: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._number, self._states, self._settings, self._done = person.id, states, settings, done
        self._metres = person.keypoints_m is not None
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
        """What the person does now, and what is settled."""
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
        truths, seen = np.zeros((max(len(names), 1), len(labels))), False
        for number, name in enumerate(names):
            told = by_object[name]
            states = {read: told[read] for read in watched.reads if read in told}
            seen = seen or _is_seen(states)
            if name not in watched.monitors:
                watched.monitors[name] = RuleMonitor(watched.rules)
            said = watched.monitors[name].update(time_s, states)
            truths[number] = [said[label] for label in labels]
        truest, choice = truths.max(axis=0), truths.argmax(axis=0).tolist()
        for label, truth, chosen in zip(labels, truest.tolist(), choice, strict=True):
            self._keep_proof(watched, label, truth, time_s, names, chosen)
        chances = chances_of(truest[None], np.array([seen]))
        return np.asarray(emissions_from_chances(chances, weight=self._settings.emission_weight)[0])

    def _keep_proof(
        self, watched: _WatchedLayer, label: str, truth: float, time_s: float, names: list[str], choice: int
    ) -> None:
        """Remember why, where a label is clearly truer than it was."""
        known = watched.proofs.get(label)
        if truth < 0.3 or (known is not None and truth < known.truth + 0.1):
            return
        name = names[choice]
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
