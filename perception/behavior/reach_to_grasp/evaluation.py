"""How well sizes and phases are read from people who were not learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.reach_to_grasp.learning import ReachTable, learn_bounds, learn_sizes, reach_table
from perception.behavior.reach_to_grasp.phases import ReachPhases, find_phases
from perception.behavior.reach_to_grasp.size_features import size_features
from perception.behavior.reach_to_grasp.size_model import PARTS_OF_REACH, OwnScale, SizeModel
from perception.behavior.sets import ReachRecordings

PUBLISHED = (0.489, 0.613, 0.666, 0.638, 0.671)
"""Dagioglou et al. 2022 at the parts of the reach: the better of two variants at each, 8 people, one left out."""
FEW_REACHES = (12, 24, 48)
"""Numbers of unlabelled reaches of the new person for which the own scale is judged too."""
_DRAWS = 20
_GOAL_S = 0.08
_LEAST_CHANCE = 0.5
_AT_60 = PARTS_OF_REACH.index(0.6)


@dataclass(frozen=True, kw_only=True)
class ReachEvaluation:
    """Results with one person left out at a time."""

    results: dict[str, Any]
    """Flat: rates as fractions, times in milliseconds."""
    rows: list[dict[str, Any]]
    """One for each person."""


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """What was said of one new person's n reaches."""

    chances: FloatArray
    """(2, P, n, C) of the sizes: without, and with the own scale."""
    hits: FloatArray
    """(2, P, n) 1 where the likeliest size is right."""
    found_hits: FloatArray
    """(n,) 1 where it is right at the end of the reach as found causally, not as recorded."""
    few_hits: FloatArray
    """(len(FEW_REACHES),) share of right sizes at 60 % with the scale of so few reaches, judged on the others."""
    errors_s: FloatArray
    """(2, 2, n) of onset and end, causally and afterwards; NaN where no reach was found."""


def evaluate_reach_to_grasp(
    recordings: ReachRecordings, rng: np.random.Generator, *, zoom: float | None = None
) -> ReachEvaluation:
    """Learn from all but one person and judge on that one, for every person.

    Size: at 20 to 100 % of the recorded time from onset to end; nothing later is looked at.

    - `size_*` uses nothing else of the new person; `size_100_found` has the onset and the end found, not recorded.
    - `size_own_*` also knows the means and spreads of the grip over all reaches of the new person, without their
      labels; `size_own_60_of_12` over 12 others of them, drawn at random.
    - `*_sd` is the spread over people; `*_pooled` with `*_low` and `*_high` is the rate of all reaches with its 95 %
      interval. `size_60_said` is the share of reaches with a chance of at least one half, `size_60_said_right` how
      many of those are right.

    Phases: recorded onset and end against those found, causally and afterwards.

    Args:
        recordings: of at least four people.
        rng: draws the few reaches; nothing else is drawn.
        zoom: as in `reach_table`: None for the shoulders' width, 1 for the camera's pixels.

    Raises:
        InputError: if there are fewer than four people.
    """
    table = reach_table(recordings, zoom=zoom)
    people = np.unique(table.people)
    if len(people) < 4:
        raise InputError("evaluate_reach_to_grasp", expected="recordings of at least 4 people", got=f"{len(people)}")
    judged = [_judge(table, table.people == person, rng) for person in people]
    counts = {"recordings": len(table.labels), "people": len(people)}
    return ReachEvaluation(
        results=counts | _size_results(judged) | _phase_results(judged),
        rows=[_row(str(person), each) for person, each in zip(people, judged, strict=True)],
    )


def _judge(table: ReachTable, out: NDArray[np.bool_], rng: np.random.Generator) -> _Judged:
    model, bounds = learn_sizes(table.select(~out)), learn_bounds(table.select(~out))
    test = table.select(out)
    own = OwnScale.of(test.features)
    parts = range(len(PARTS_OF_REACH))
    chances = np.array([[model.chances(test.features[row], row, scale) for row in parts] for scale in (None, own)])
    causal, offline = ([find_phases(arm, bounds, causal=causal) for arm in test.arms] for causal in (True, False))
    return _Judged(
        chances=chances,
        hits=(chances.argmax(axis=-1) == test.labels).astype(float),
        found_hits=_found_hits(model, test, causal),
        few_hits=np.array([_few_hits(model, test, count, rng) for count in FEW_REACHES]),
        errors_s=np.array(
            [
                [[phases.onset_s for phases in found] - test.onset_s, [phases.end_s for phases in found] - test.end_s]
                for found in (causal, offline)
            ]
        ),
    )


def _found_hits(model: SizeModel, test: ReachTable, found: list[ReachPhases]) -> FloatArray:
    hits = np.zeros(len(found))
    for number, (arm, phases) in enumerate(zip(test.arms, found, strict=True)):
        if np.isfinite(phases.end_s):
            features = size_features(arm, phases.onset_s, phases.end_s)
            chances = model.chances(features[None], len(PARTS_OF_REACH) - 1)
            hits[number] = chances[0].argmax() == test.labels[number]
    return hits


def _few_hits(model: SizeModel, test: ReachTable, count: int, rng: np.random.Generator) -> float:
    """Share of right sizes at 60 %, mean over draws of the reaches that give the scale."""
    rates = []
    for _ in range(_DRAWS):
        known = np.isin(np.arange(len(test.labels)), rng.permutation(len(test.labels))[:count])
        own = OwnScale.of(test.features[:, known])
        chances = model.chances(test.features[_AT_60, ~known], _AT_60, own)
        rates.append((chances.argmax(axis=1) == test.labels[~known]).mean())
    return float(np.mean(rates))


def _size_results(judged: list[_Judged]) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for kind, name in enumerate(("size", "size_own")):
        for row, part in enumerate(PARTS_OF_REACH):
            results |= _rates(f"{name}_{100 * part:.0f}", [each.hits[kind, row] for each in judged])
    results |= _rates("size_100_found", [each.found_hits for each in judged])
    for number, count in enumerate(FEW_REACHES):
        results[f"size_own_60_of_{count}"] = float(np.mean([each.few_hits[number] for each in judged]))
    best = np.concatenate([each.chances[0, _AT_60].max(axis=1) for each in judged])
    right = np.concatenate([each.hits[0, _AT_60] for each in judged])
    said = best >= _LEAST_CHANCE
    results["size_60_mean_chance"] = float(best.mean())
    results["size_60_said"] = float(said.mean())
    results["size_60_said_right"] = float(right[said].mean()) if said.any() else float("nan")
    return results


def _phase_results(judged: list[_Judged]) -> dict[str, Any]:
    errors = np.concatenate([each.errors_s for each in judged], axis=-1)
    results: dict[str, Any] = {}
    for kind, name in enumerate(("causal", "offline")):
        for which, event in enumerate(("onset", "end")):
            results |= _times(f"{event}_{name}", errors[kind, which])
    return results


def _rates(name: str, hits_of_people: list[FloatArray]) -> dict[str, Any]:
    """Mean and spread over people, and the rate of all reaches with its 95 % interval (Wilson 1927)."""
    of_people, hits = [hits.mean() for hits in hits_of_people], np.concatenate(hits_of_people)
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


def _row(person: str, judged: _Judged) -> dict[str, Any]:
    row: dict[str, Any] = {"person": person, "reaches": judged.hits.shape[-1]}
    for kind, name in enumerate(("size", "size_own")):
        row |= {
            f"{name}_{100 * part:.0f}": float(judged.hits[kind, number].mean())
            for number, part in enumerate(PARTS_OF_REACH)
        }
    for kind, name in enumerate(("causal", "offline")):
        for which, event in enumerate(("onset", "end")):
            row |= {f"{event}_{name}_ms_p50": _times("", judged.errors_s[kind, which])["_ms_p50"]}
    return row
