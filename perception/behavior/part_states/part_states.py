"""All part states of a person over time, with the evidence for each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from geometry import FloatArray, InputError
from perception.behavior.features import OBJECT_FEATURES, PERSON_FEATURES, FeatureSettings, FeatureTrack
from perception.behavior.part_states.definitions import SIDES, body_definitions, hold_definitions, thing_definitions
from perception.behavior.part_states.factor_table import FactorTable
from perception.behavior.part_states.predicate import Factor, FactorEvidence, Predicate, StateEvidence

FITTED = Path(__file__).with_name("part_states.json")
"""The states that come with graspmimic, fitted to labelled data."""

SPAN_S = 0.2
"""Window for velocities: with less, a centimetre of noise at rest looks like motion."""

_OBJECT_STATES = (*thing_definitions(), *(state for side in SIDES for state in hold_definitions(side)))


def feature_settings(reference: str) -> FeatureSettings:
    """How the features that part states read are measured; `reference` is that of the frames."""
    return FeatureSettings(span_s=SPAN_S, reference=reference)


@dataclass(frozen=True, kw_only=True)
class PartStateTrack:
    """Truths of P part states at T moments, and what they were made of."""

    names: tuple[str, ...]
    """Of the part states."""
    truths: FloatArray
    """(T, P), 0 to 1; NaN where a state cannot be told."""
    time_s: FloatArray
    """(T,) seconds."""
    object: str = ""
    """Name of the object that they are about; empty for the body's."""
    features: FeatureTrack = field(repr=False)
    """What they were made of."""
    predicates: tuple[Predicate, ...] = field(repr=False)
    """How, in the order of `names`."""

    def column(self, name: str) -> FloatArray:
        """(T,) truths of one state."""
        return self.truths[:, self._row(name)]

    def evidence(self, name: str, moment: int) -> StateEvidence:
        """Why a state has its truth at one moment."""
        predicate = self.predicates[self._row(name)]
        factors = []
        for factor in predicate.factors:
            values = np.array([self.features.column(feature)[moment] for feature in factor.features])
            factors.append(
                FactorEvidence(
                    features=factor.features, values=tuple(values.tolist()), truth=float(factor.truth(values[None])[0])
                )
            )
        return StateEvidence(
            predicate=name,
            time_s=float(self.time_s[moment]),
            truth=float(self.column(name)[moment]),
            factors=tuple(sorted(factors, key=lambda seen: np.nan_to_num(seen.truth))),
            object=self.object,
        )

    def _row(self, name: str) -> int:
        if name not in self.names:
            raise InputError("PartStateTrack", expected=f"one of {', '.join(self.names)}", got=f"{name!r}")
        return self.names.index(name)


class PartStates:
    """Turns features into part states.

    Args:
        fitted: states of the body that were fitted to data; they stand beside those that are defined.
    """

    def __init__(self, fitted: Sequence[Predicate] = ()) -> None:
        known = {state.name: state for state in (*body_definitions(), *fitted)}
        self.body = tuple(known.values())
        """States over `PERSON_FEATURES`."""
        self.of_object = _OBJECT_STATES
        """States over `PERSON_FEATURES` and `OBJECT_FEATURES` of one object."""
        person = [name for name, _ in PERSON_FEATURES]
        self._body_table = FactorTable(self.body, person)
        self._object_table = FactorTable(self.of_object, [*person, *(name for name, _ in OBJECT_FEATURES)])

    @classmethod
    def from_pretrained(cls, path: str | Path = FITTED) -> PartStates:
        """With the states that come with graspmimic, or those of a file that `save_predicates` wrote."""
        return cls(load_predicates(path))

    def track(self, features: FeatureTrack) -> PartStateTrack:
        """States of the body."""
        return _track(self.body, features, "")

    def track_with(self, features: FeatureTrack, of_object: FeatureTrack, name: str) -> PartStateTrack:
        """States between a person and one object.

        Args:
            features: of the person (`person_features`).
            of_object: of the person and the object at the same moments (`object_features`).
            name: what the object is called.
        """
        return _track(self.of_object, features.beside(of_object), name)

    def row(self, person: FloatArray, of_object: FloatArray | None = None) -> dict[str, float]:
        """Truth of every state at one moment, from rows of a `FeatureStream`.

        Args:
            person: (len(PERSON_FEATURES),).
            of_object: (len(OBJECT_FEATURES),); None for the states of the body alone.
        """
        values, table = np.asarray(person, dtype=float), self._body_table
        if of_object is not None:
            values, table = np.concatenate([values, np.asarray(of_object, dtype=float)]), self._object_table
        count = len(PERSON_FEATURES) + (0 if of_object is None else len(OBJECT_FEATURES))
        if values.shape != (count,):
            raise InputError("PartStates.row", expected=f"{count} features", got=f"{values.shape}")
        return dict(zip(table.names, table.truths(values).tolist(), strict=True))


def _truth(state: Predicate, values: dict[str, FloatArray]) -> FloatArray:
    parts = [factor.truth(np.stack([values[name] for name in factor.features], axis=-1)) for factor in state.factors]
    return np.asarray(np.prod(parts, axis=0))


def _track(states: tuple[Predicate, ...], features: FeatureTrack, name: str) -> PartStateTrack:
    values = dict(zip(features.names, features.values.T, strict=True))
    missing = sorted({need for state in states for need in state.features} - set(values))
    if missing:
        raise InputError("PartStates", expected=f"features {', '.join(missing)}", got="a track without them")
    return PartStateTrack(
        names=tuple(state.name for state in states),
        truths=np.stack([_truth(state, values) for state in states], axis=-1),
        time_s=features.time_s,
        object=name,
        features=features,
        predicates=states,
    )


def save_predicates(path: str | Path, states: Iterable[Predicate]) -> None:
    """Write fitted states as JSON."""
    from perception.figures import output_file

    with output_file(Path(path)) as draft:
        draft.write_text(json.dumps([asdict(state) for state in states], indent=1) + "\n", encoding="utf-8")


def load_predicates(path: str | Path) -> tuple[Predicate, ...]:
    """Read states that `save_predicates` wrote.

    Raises:
        InputError: if the file is missing or damaged, or a state reads a feature that a person does not have.
    """
    try:
        states = tuple(_predicate(entry) for entry in json.loads(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(str(path), expected="a readable file", got=error.strerror or str(error)) from None
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(str(path), expected="part states as JSON", got=f"{error}") from None
    unknown = sorted({name for state in states for name in state.features} - {name for name, _ in PERSON_FEATURES})
    if unknown:
        raise InputError(str(path), expected="features of a person", got=", ".join(unknown))
    return states


def _predicate(entry: dict[str, object]) -> Predicate:
    factors = tuple(
        Factor(
            features=tuple(map(str, given["features"])),
            centers=tuple(map(float, given["centers"])),
            scales=tuple(map(float, given["scales"])),
            weights=tuple(map(float, given["weights"])),
            bias=float(given["bias"]),
        )
        for given in entry["factors"]  # type: ignore[attr-defined]
    )
    return Predicate(name=str(entry["name"]), factors=factors, origin=str(entry["origin"]))
