"""Which sequences to learn from and which to judge on, such that nobody is on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from perception.behavior.sets.behavior_set import BehaviorSet


@dataclass(frozen=True, kw_only=True)
class Split:
    """Numbers of the sequences on either side."""

    name: str
    """Who is held out."""
    train: NDArray[np.int64]
    """To learn from."""
    test: NDArray[np.int64]
    """To judge on."""


def leave_one_out(data: BehaviorSet) -> tuple[Split, ...]:
    """One split for each subject, who alone is held out.

    Raises:
        InputError: if there is only one subject.
    """
    return tuple(_split(data, [subject]) for subject in _subjects(data, 2))


def grouped_folds(data: BehaviorSet, folds: int, rng: np.random.Generator) -> tuple[Split, ...]:
    """Subjects dealt at random onto folds; each fold is held out once. As many folds as subjects leave one out.

    Raises:
        InputError: if there are fewer subjects than folds, or fewer than 2 folds.
    """
    if folds < 2:
        raise InputError("grouped_folds", expected="at least 2 folds", got=f"{folds}")
    subjects = rng.permutation(_subjects(data, folds))
    return tuple(_split(data, sorted(subjects[fold::folds].tolist())) for fold in range(folds))


def held_out(data: BehaviorSet, subjects: tuple[str, ...]) -> Split:
    """These subjects against all others.

    Raises:
        InputError: if one of them is not in the set, or nobody is left.
    """
    known = _subjects(data, 2)
    unknown = sorted(set(subjects) - set(known))
    if unknown or not subjects or set(known) <= set(subjects):
        got = f"{', '.join(unknown)}" if unknown else f"{len(set(subjects))} of {len(known)} subjects"
        raise InputError("held_out", expected=f"some, but not all, of {', '.join(known)}", got=got)
    return _split(data, list(subjects))


def held_out_fraction(data: BehaviorSet, fraction: float, rng: np.random.Generator) -> Split:
    """About this share of the subjects, drawn at random, at least one and never all.

    Raises:
        InputError: if the fraction is not between 0 and 1, or there is only one subject.
    """
    if not 0.0 < fraction < 1.0:
        raise InputError("held_out_fraction", expected="a fraction between 0 and 1", got=f"{fraction}")
    known = _subjects(data, 2)
    count = min(max(1, round(fraction * len(known))), len(known) - 1)
    return _split(data, sorted(rng.permutation(known)[:count].tolist()))


def _subjects(data: BehaviorSet, least: int) -> list[str]:
    subjects = np.unique(data.subjects).tolist()
    if len(subjects) < least:
        raise InputError(
            "split by subject",
            expected=f"at least {least} subjects",
            got=f"{len(subjects)}: {', '.join(subjects)}",
            remedy="nobody may be learned from and judged on; record more people, or take fewer folds",
        )
    return subjects


def _split(data: BehaviorSet, subjects: list[str]) -> Split:
    test = np.isin(data.subjects, subjects)
    return Split(name="+".join(subjects), train=np.flatnonzero(~test), test=np.flatnonzero(test))
