"""Watching a recording as a whole: the past and the future of every frame count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from geometry import FloatArray, InputError
from perception.behavior.decoding import decode, emissions_from_chances
from perception.behavior.features import object_features, object_track, person_features
from perception.behavior.part_states import PartStates, PartStateTrack, feature_settings
from perception.behavior.reasoning import Reasoner, RuleBook
from perception.behavior.watching.hands_alone import with_bodies_of_hands
from perception.behavior.watching.hands_in_company import hands_near_people
from perception.behavior.watching.layer_truths import LayerTruths, layer_truths
from perception.behavior.watching.layers import layers_of
from perception.behavior.watching.network_opinion import NetworkOpinion
from perception.behavior.watching.object_smoothing import smooth_object
from perception.behavior.watching.timeline import (
    NOTHING,
    StateOfPhoto,
    Timeline,
    TimelineSegment,
    in_order,
)
from perception.pose import PersonTrack, PoseFrame, persons_in, track_of_person
from perception.pose.smoothing import RtsSettings, body_size, smooth_track
from perception.pose.tracking import Tracker, stitch


@dataclass(frozen=True, kw_only=True)
class WatchSettings:
    """How a recording is watched."""

    least_confidence: float = 0.6
    """Segments below it are marked as unsure."""
    least_frames: int = 5
    """Persons in fewer frames are left out."""
    least_segment_s: float = 0.1
    """Shorter segments are left out."""
    emission_weight: float = 0.5
    """How much each frame counts against grammar and durations: neighbouring frames say the same thing again."""

    def __post_init__(self) -> None:
        if not (0.0 <= self.least_confidence <= 1.0 and self.least_frames >= 1 and 0.0 < self.emission_weight <= 1.0):
            raise InputError(
                "WatchSettings",
                expected="least_confidence in [0, 1], least_frames >= 1, 0 < emission_weight <= 1",
                got=f"{self}",
            )


@dataclass(frozen=True)
class _Judges:
    """What decides on behaviours."""

    rules: Reasoner
    network: NetworkOpinion | None
    settings: WatchSettings


def track_frames(frames: Sequence[PoseFrame]) -> list[PoseFrame]:
    """Frames with persons who keep their numbers; those of a recording that has them already keep theirs.

    Where anybody is without a number, all are numbered anew.
    """
    frames = [with_bodies_of_hands(frame) for frame in frames]
    if all(person.id >= 0 for frame in frames for person in frame.persons):
        return frames
    if len(frames) == 1:
        numbered = tuple(replace(person, id=number) for number, person in enumerate(frames[0].persons))
        return [frames[0].with_persons(numbered)]
    return stitch(list(Tracker().track(frames)))


def watch_recording(
    frames: Sequence[PoseFrame],
    *,
    rules: Reasoner | None = None,
    network: NetworkOpinion | None = None,
    settings: WatchSettings | None = None,
) -> Timeline:
    """Say what every person in a recording does.

    Args:
        frames: in order of time, from any source; persons without numbers are tracked.
        rules: a rule book or a rule model; None for the book that comes with graspmimic.
        network: tells behaviours of its own as layer "network"; of those that the rules know too it is a second
            opinion, and where the two disagree a segment is unsure.
        settings: None for the defaults.

    Returns:
        The timeline; without segments where nobody is in view. For a single frame it holds part states instead.

    Raises:
        InputError: if there is no frame at all.
    """
    if not frames:
        raise InputError("watch", expected="at least one frame", got="none")
    settings, rules = settings or WatchSettings(), rules or RuleBook.built_in()
    tracked = track_frames(frames)
    counts = persons_in(tracked)
    times = [frame.time_s for frame in tracked]
    frame_s = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    near = [hands_near_people(frame) for frame in tracked]
    states: list[StateOfPhoto] = []
    segments: list[TimelineSegment] = []
    for person, count in counts.items():
        if len(tracked) == 1:
            states += _photo_states(tracked, person)
        elif count >= min(settings.least_frames, len(tracked)):
            segments += _segments_of_person(tracked, person, _Judges(rules, network, settings), near)
    return Timeline(
        segments=in_order(segments),
        start_s=times[0],
        end_s=times[-1] + frame_s,
        frames=len(tracked),
        persons=tuple(sorted(counts)),
        states=tuple(states),
    )


@dataclass(frozen=True, kw_only=True)
class PersonStates:
    """What is known of one person over T moments before any rule is asked."""

    track: PersonTrack
    """Smoothed keypoints."""
    body: PartStateTrack
    """States of the body."""
    things: Mapping[str, PartStateTrack]
    """States with each object, by its name."""
    categories: Mapping[str, str]
    """Class of each object."""
    places: Mapping[str, FloatArray]
    """(T, D) smoothed way of each object."""


def part_states_of_person(frames: Sequence[PoseFrame], person: int) -> PersonStates:
    """Smooth a person and the objects in view, and tell the part states."""
    seen = [frame for frame in frames if any(each.id == person for each in frame.persons)]
    raw = track_of_person(seen, person)
    track = smooth_track(raw, RtsSettings()) if len(seen) > 1 else raw
    settings = feature_settings(seen[0].reference)
    features, states = person_features(track, settings), PartStates.from_pretrained()
    categories = {thing.name: thing.category or thing.name for frame in seen for thing in frame.objects}
    metres, size = track.keypoints.shape[2] == 3, body_size(track.keypoints)
    ways = {name: smooth_object(object_track(seen, name, metres=metres), track.time_s, size) for name in categories}
    return PersonStates(
        track=track,
        body=states.track(features),
        things={
            name: states.track_with(features, object_features(track, way, settings), name) for name, way in ways.items()
        },
        categories=categories,
        places={name: way.positions for name, way in ways.items()},
    )


def _segments_of_person(
    frames: Sequence[PoseFrame],
    person: int,
    judges: _Judges,
    near: Sequence[Mapping[int, Mapping[str, float]]],
) -> list[TimelineSegment]:
    known = part_states_of_person(frames, person)
    company = _near_people(frames, person, near)
    layers = layers_of(judges.rules.behaviors)
    chances = None if judges.network is None else judges.network.chances(known.track)
    found = []
    for layer in layers:
        truths = layer_truths(layer, judges.rules, known.body, known.things, known.categories, company)
        found += _decoded(truths, known, person, judges, chances)
    if judges.network is not None and chances is not None and not any(judges.network.shares(each) for each in layers):
        found += _told_by_network(judges.network, chances, known.track, person, judges.settings)
    return found


def _told_by_network(
    network: NetworkOpinion, chances: FloatArray, track: PersonTrack, person: int, settings: WatchSettings
) -> list[TimelineSegment]:
    decoding = network.decoded(
        chances, track.time_s, weight=settings.emission_weight, least_confidence=settings.least_confidence
    )
    return [
        TimelineSegment(
            person=person, layer="network", label=segment.label, start_s=segment.start_s, end_s=segment.end_s,
            confidence=segment.confidence, doubt=segment.doubt,
        )
        for segment in decoding.segments
        if segment.end_s - segment.start_s >= settings.least_segment_s
    ]  # fmt: skip


def _near_people(
    frames: Sequence[PoseFrame], person: int, near: Sequence[Mapping[int, Mapping[str, float]]]
) -> dict[str, FloatArray]:
    """(T,) truths over the frames with the person, NaN where nobody else is in view; empty where nobody ever is."""
    here = [row for frame, row in zip(frames, near, strict=True) if any(each.id == person for each in frame.persons)]
    names = dict.fromkeys(name for row in here for name in row.get(person, {}))
    return {name: np.array([row.get(person, {}).get(name, np.nan) for row in here]) for name in names}


def _decoded(
    truths: LayerTruths, known: PersonStates, person: int, judges: _Judges, chances: FloatArray | None
) -> list[TimelineSegment]:
    settings, layer, opinion = judges.settings, truths.layer, None
    if judges.network is not None and chances is not None and judges.network.shares(layer):
        opinion = judges.network.opinion(chances, layer)
    decoding = decode(
        emissions_from_chances(truths.chances(), weight=settings.emission_weight),
        layer.model(),
        known.track.time_s,
        least_confidence=settings.least_confidence,
        second_opinion=opinion,
        second_name="the network",
    )
    found = []
    for segment in decoding.segments:
        rows = slice(segment.first_frame, segment.last_frame + 1)
        if segment.label == NOTHING or segment.end_s - segment.start_s < settings.least_segment_s:
            continue
        thing = truths.object_of(segment.label, rows)
        doubt = segment.doubt if truths.seen[rows].mean() >= 0.5 else "hardly seen"
        found.append(
            TimelineSegment(
                person=person,
                layer=truths.layer.name,
                label=segment.label,
                start_s=segment.start_s,
                end_s=segment.end_s,
                confidence=segment.confidence,
                object=thing,
                object_from_m=_place(known.places.get(thing), rows.start),
                object_to_m=_place(known.places.get(thing), rows.stop - 1),
                doubt=doubt,
                reasons=truths.reasons(segment.label, rows),
            )
        )
    return found


def _place(places: FloatArray | None, row: int) -> tuple[float, ...]:
    if places is None or places.shape[1] != 3 or not np.isfinite(places[row]).all():
        return ()
    return tuple(np.round(places[row], 4).tolist())


def _photo_states(frames: Sequence[PoseFrame], person: int, least: float = 0.5) -> list[StateOfPhoto]:
    known = part_states_of_person(frames, person)
    found = []
    for track in (known.body, *known.things.values()):
        for name in track.names:
            truth = float(track.column(name)[0])
            if truth >= least:
                evidence = str(track.evidence(name, 0))
                found.append(StateOfPhoto(person=person, state=name, truth=truth, evidence=evidence))
    return sorted(found, key=lambda state: -state.truth)
