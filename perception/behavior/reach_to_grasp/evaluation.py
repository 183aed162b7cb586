"""How well sizes and phases are read from people who were not learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.reach_to_grasp.learning import ReachTable, learn_bounds, learn_sizes, reach_table
from perception.behavior.reach_to_grasp.phases import find_phases
from perception.behavior.reach_to_grasp.size_model import PARTS_OF_REACH, OwnScale
from perception.behavior.sets import ReachRecordings

PUBLISHED = (0.489, 0.613, 0.666, 0.638, 0.671)
"""Dagioglou et al. 2022 at the parts of the reach: the better of two variants at each, 8 people, one left out."""
_GOAL_S = 0.08


@dataclass(frozen=True, kw_only=True)
class ReachEvaluation:
    """Results with one person left out at a time."""

    results: dict[str, Any]
    """Flat: rates as fractions, times in milliseconds."""
    rows: list[dict[str, Any]]
    """One for each person."""


def evaluate_reach_to_grasp(recordings: ReachRecordings, *, zoom: float | None = None) -> ReachEvaluation:
    """Learn from all but one person and judge on that one, for every person.

    Size: at 20 to 100 % of the recorded time from onset to end; nothing later is looked at. `size_*` uses nothing else
    of the new person; `size_own_*` also knows the means and spreads of the grip over all reaches of the new person,
    without their labels. Phases: recorded onset and end against those found, causally and afterwards.
    Nothing is drawn at random: the same recordings give the same numbers.

    Args:
        recordings: of at least four people.
        zoom: as in `reach_table`: None for the shoulders' width, 1 for the camera's pixels.

    Raises:
        InputError: if there are fewer than four people.
    """
    table = reach_table(recordings, zoom=zoom)
    people = np.unique(table.people).tolist()
    if len(people) < 4:
        raise InputError("evaluate_reach_to_grasp", expected="recordings of at least 4 people", got=f"{len(people)}")
    hits = np.zeros((2, len(PARTS_OF_REACH), len(table.labels)))
    errors = np.full((2, 2, len(table.labels)), np.nan)
    chances = np.zeros(len(table.labels))
    for person in people:
        out = table.people == person
        hits[:, :, out], chances[out] = _judge_sizes(table, out)
        errors[:, :, out] = _judge_phases(table, out)
    results: dict[str, Any] = {"recordings": len(table.labels), "people": len(people)}
    for kind, name in enumerate(("size", "size_own")):
        for row, part in enumerate(PARTS_OF_REACH):
            results |= _rates(f"{name}_{100 * part:.0f}", hits[kind, row], table.people)
    results["size_60_mean_chance"] = float(chances.mean())
    for kind, name in enumerate(("causal", "offline")):
        for which, event in enumerate(("onset", "end")):
            results |= _times(f"{event}_{name}", errors[kind, which])
    return ReachEvaluation(results=results, rows=[_row(person, table, hits, errors) for person in people])


def _judge_sizes(table: ReachTable, out: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """(2, P, n) right or not for the new person, unknown and with the own scale; (n,) best chance said at 60 %."""
    model = learn_sizes(table.select(~out))
    features, labels = table.features[:, out], table.labels[out]
    own = OwnScale.of(features)
    said = np.stack(
        [[model.chances(features[row], row, scale) for row in range(len(PARTS_OF_REACH))] for scale in (None, own)]
    )
    return (said.argmax(axis=-1) == labels).astype(float), said[0, 2].max(axis=-1)


def _judge_phases(table: ReachTable, out: NDArray[np.bool_]) -> FloatArray:
    """(2, 2, n) errors of onset and end, seconds, causally and afterwards; NaN where no reach was found."""
    bounds = learn_bounds(table.select(~out))
    test = table.select(out)
    errors = []
    for causal in (True, False):
        found = [find_phases(arm, bounds, causal=causal) for arm in test.arms]
        errors.append(
            [
                [phases.onset_s - truth for phases, truth in zip(found, test.onset_s, strict=True)],
                [phases.end_s - truth for phases, truth in zip(found, test.end_s, strict=True)],
            ]
        )
    return np.array(errors)


def _rates(name: str, hits: FloatArray, people: NDArray[np.str_]) -> dict[str, Any]:
    """Mean and spread over people, and the rate of all reaches with its 95 % interval (Wilson 1927)."""
    of_people = [hits[people == person].mean() for person in np.unique(people)]
    count, rate, z = len(hits), float(hits.mean()), 1.96
    middle = (rate + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * np.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    return {
        name: float(np.mean(of_people)),
        f"{name}_sd": float(np.std(of_people, ddof=1)),
        f"{name}_pooled": rate,
        f"{name}_low": float(middle - half),
        f"{name}_high": float(middle + half),
    }


def _times(name: str, errors: FloatArray) -> dict[str, Any]:
    missed = ~np.isfinite(errors)
    size = np.abs(np.where(missed, np.inf, errors))
    return {
        f"{name}_ms_p50": 1e3 * float(np.median(size)),
        f"{name}_ms_p90": 1e3 * float(np.percentile(size, 90, method="lower")),
        f"{name}_within_80ms": float((size <= _GOAL_S).mean()),
        f"{name}_missed": int(missed.sum()),
    }


def _row(person: str, table: ReachTable, hits: FloatArray, errors: FloatArray) -> dict[str, Any]:
    rows = table.people == person
    row: dict[str, Any] = {"person": person, "reaches": int(rows.sum())}
    for kind, name in enumerate(("size", "size_own")):
        row |= {
            f"{name}_{100 * part:.0f}": float(hits[kind, number, rows].mean())
            for number, part in enumerate(PARTS_OF_REACH)
        }
    for which, event in enumerate(("onset", "end")):
        row[f"{event}_causal_ms_p50"] = 1e3 * float(np.nanmedian(np.abs(errors[0, which, rows])))
    return row
