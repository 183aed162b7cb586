"""How often a reaching hand becomes the right program, of people from whom nothing was learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from geometry import FloatArray, InputError
from perception.behavior.reach_to_grasp import OwnScale, ReachToGrasp, learn_bounds, learn_sizes, reach_table
from perception.behavior.sets import ReachRecordings
from perception.pose import PersonTrack
from policies.programs.reaching_program import program_from_reaching
from policies.programs.recording_program import ShownTask
from policies.programs.steady_wrist import steady_wrist
from policies.programs.steps import Grasp, Reach

SHOWN = ("Reach", "Grasp", "Lift", "Carry")
"""What people did in the recordings, by their authors."""
NEAR_S = 0.1
"""A step begins and ends where it was noted, give or take this."""
BEFORE_S = 0.2
"""A film that ends so long before the hand sets out shows nothing."""
_LEAST_PEOPLE = 4
_SAME_M = 1e-6


@dataclass(frozen=True, kw_only=True)
class ReachingTrial:
    """One recording and its program."""

    name: str
    """Such as "P1_L_01"."""
    person: str
    """Who."""
    edge_m: float
    """Edge of the cube that was truly taken."""
    shown: ShownTask
    """What was understood."""
    steps_right: bool
    """Whether the program begins with `SHOWN`."""
    times_right: bool
    """Whether that is so, and the reach begins and ends when it was noted."""
    width_m: float
    """Of the gripper; NaN without a program."""
    width_own_m: float
    """The same with the person's own scale, from all of the person's reaches, without their labels."""
    silent_before: bool
    """Whether there is no program from the film up to shortly before the reach."""
    silent_midway: bool
    """Whether there is none from the film up to the middle of the reach."""

    @property
    def width_right(self) -> bool:
        """Whether the gripper's width is that of the cube."""
        return abs(self.width_m - self.edge_m) < _SAME_M


def study_reaching(recordings: ReachRecordings, *, tell: Callable[[float], None] | None = None) -> list[ReachingTrial]:
    """A program from every recording, with sizes and phases learned from all people but the one in it.

    Args:
        recordings: of at least four people.
        tell: takes the share that is done.

    Raises:
        InputError: if there are fewer than four people.
    """
    table = reach_table(recordings)
    people = np.unique(table.people)
    if len(people) < _LEAST_PEOPLE:
        got = f"{len(people)}"
        raise InputError("study_reaching", expected=f"recordings of at least {_LEAST_PEOPLE} people", got=got)
    noted = np.flatnonzero(np.isfinite(recordings.onset_s) & np.isfinite(recordings.end_s))
    trials = []
    for number, person in enumerate(people):
        learned = table.select(table.people != person)
        reader = ReachToGrasp(learn_sizes(learned), learn_bounds(learned))
        rows = noted[recordings.sizes.subjects[noted] == person].tolist()
        own = reader.own_scale([steady_wrist(track_of(recordings, row), "right") for row in rows])
        trials += [_trial(recordings, row, reader, own) for row in rows]
        if tell is not None:
            tell((number + 1) / len(people))
    return trials


def summary(trials: list[ReachingTrial]) -> dict[str, Any]:
    """Flat figures; `_low` and `_high` are 95 % intervals of the mean over people (Student's t)."""
    results: dict[str, Any] = {"recordings": len(trials), "people": len({each.person for each in trials})}
    for name, right in (
        ("understood", [each.shown.program is not None for each in trials]),
        ("steps_right", [each.steps_right for each in trials]),
        ("times_right", [each.times_right for each in trials]),
        ("width_right", [each.width_right for each in trials]),
        ("steps_and_width_right", [each.steps_right and each.width_right for each in trials]),
        ("width_own_right", [abs(each.width_own_m - each.edge_m) < _SAME_M for each in trials]),
        ("width_too_narrow", [each.width_m < each.edge_m - _SAME_M for each in trials]),
        ("silent_before", [each.silent_before for each in trials]),
        ("silent_midway", [each.silent_midway for each in trials]),
    ):
        results |= _over_people(name, np.array(right, dtype=float), np.array([each.person for each in trials]))
    return results


def track_of(recordings: ReachRecordings, row: int) -> PersonTrack:
    """One recording as a track in pixels."""
    each = recordings.sizes.sequence(row)
    return PersonTrack(
        skeleton=recordings.sizes.skeleton,
        time_s=each.time_s,
        keypoints=each.keypoints.astype(float),
        scores=each.scores.astype(float),
    )


def _trial(recordings: ReachRecordings, row: int, reader: ReachToGrasp, own: OwnScale) -> ReachingTrial:
    data, track = recordings.sizes, track_of(recordings, row)
    edges_m = dict(zip(reader.model.sizes, reader.model.edges_m, strict=True))
    onset_s, end_s = float(recordings.onset_s[row]), float(recordings.end_s[row])
    shown = program_from_reaching(track, reader=reader)
    steps = () if shown.program is None else shown.program.steps
    kinds = tuple(type(step).__name__ for step in steps)
    reach = next((step for step in steps if isinstance(step, Reach)), None)
    near = reach is not None and max(abs(reach.start_s - onset_s), abs(reach.end_s - end_s)) <= NEAR_S
    assert data.clip_labels is not None
    return ReachingTrial(
        name=str(data.names[row]),
        person=str(data.subjects[row]),
        edge_m=edges_m[str(data.label_names[data.clip_labels[row]])],
        shown=shown,
        steps_right=kinds[: len(SHOWN)] == SHOWN,
        times_right=kinds[: len(SHOWN)] == SHOWN and near,
        width_m=_width_m(shown),
        width_own_m=_width_m(program_from_reaching(track, reader=reader, own=own)),
        silent_before=_silent(track, onset_s - BEFORE_S, reader),
        silent_midway=_silent(track, 0.5 * (onset_s + end_s), reader),
    )


def _width_m(shown: ShownTask) -> float:
    steps = () if shown.program is None else shown.program.steps
    return next((step.width_m for step in steps if isinstance(step, Grasp)), np.nan)


def _silent(track: PersonTrack, until_s: float, reader: ReachToGrasp) -> bool:
    """Whether a film that ends earlier gives no program; so is one of fewer than two frames."""
    count = int((track.time_s <= until_s).sum())
    if count < 2:
        return True
    short = PersonTrack(
        skeleton=track.skeleton,
        time_s=track.time_s[:count],
        keypoints=track.keypoints[:count],
        scores=track.scores[:count],
    )
    try:
        return program_from_reaching(short, reader=reader).program is None
    except InputError:
        return True


def _over_people(name: str, right: FloatArray, people: NDArray[np.str_]) -> dict[str, float]:
    rates = np.array([right[people == person].mean() for person in np.unique(people)])
    half = float(student.ppf(0.975, len(rates) - 1) * rates.std(ddof=1) / np.sqrt(len(rates)))
    mean = float(rates.mean())
    return {
        name: float(right.mean()), f"{name}_people": mean,
        f"{name}_low": max(0.0, mean - half), f"{name}_high": min(1.0, mean + half),
    }  # fmt: skip
