"""How well identities are kept: CLEAR MOT and identity scores.

Source: Bernardin, Stiefelhagen, "Evaluating multiple object tracking performance: the CLEAR MOT metrics", 2008;
Ristani et al., "Performance measures and a data set for multi-target, multi-camera tracking", ECCV workshops 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment

from geometry import FloatArray, InputError


@dataclass(frozen=True, kw_only=True)
class TrackingScore:
    """Counts over all frames of what was given for what is true."""

    truths: int
    """True persons, over all frames."""
    given: int
    """Given persons, over all frames."""
    misses: int
    """True persons for whom nothing was given."""
    false_alarms: int
    """Given persons who are nobody."""
    switches: int
    """How often a true person got another number than the last one they had."""
    identity_hits: int
    """Given persons right under the best pairing of whole tracks with whole people."""

    @property
    def mota(self) -> float:
        """Multiple object tracking accuracy: 1 - (misses + false alarms + switches) / truths; NaN without truths."""
        wrong = self.misses + self.false_alarms + self.switches
        return 1.0 - wrong / self.truths if self.truths else float("nan")

    @property
    def idf1(self) -> float:
        """Harmonic mean of the shares of given and of true persons that are identity hits; NaN for empty scenes."""
        both = self.truths + self.given
        return 2.0 * self.identity_hits / both if both else float("nan")

    @property
    def recall(self) -> float:
        """Share of the true persons for whom something was given; NaN without truths."""
        return 1.0 - self.misses / self.truths if self.truths else float("nan")


def tracking_score(
    true_ids: Sequence[ArrayLike],
    given_ids: Sequence[ArrayLike],
    likeness: Sequence[ArrayLike],
    *,
    least: float = 0.5,
) -> TrackingScore:
    """Compare what was given with what is true, frame by frame and over whole tracks.

    In each frame pairs of the frame before stay pairs as long as they are alike enough; the rest is paired for the
    largest total likeness.

    Args:
        true_ids: for each frame (N,) who is there; no number twice in a frame.
        given_ids: for each frame (M,) what the tracker gave; no number twice in a frame.
        likeness: for each frame (N, M), any measure where more is more alike.
        least: pairs less alike than this do not count.

    Raises:
        InputError: if lengths or shapes disagree, or a number stands twice in a frame.
    """
    frames = _checked(true_ids, given_ids, likeness)
    last: dict[int, int] = {}
    before: dict[int, int] = {}
    misses = false_alarms = switches = 0
    for true, given, alike in frames:
        now = _clear_mot_pairs(true, given, alike, before, least)
        switches += sum(last.get(person, number) != number for person, number in now.items())
        misses += len(true) - len(now)
        false_alarms += len(given) - len(now)
        last.update(now)
        before = now
    return TrackingScore(
        truths=sum(len(true) for true, _, _ in frames),
        given=sum(len(given) for _, given, _ in frames),
        misses=misses,
        false_alarms=false_alarms,
        switches=switches,
        identity_hits=_identity_hits(frames, least),
    )


_Frame = tuple[list[int], list[int], FloatArray]


def _checked(
    true_ids: Sequence[ArrayLike], given_ids: Sequence[ArrayLike], likeness: Sequence[ArrayLike]
) -> list[_Frame]:
    if not len(true_ids) == len(given_ids) == len(likeness):
        raise InputError(
            "tracking_score",
            expected="as many frames of true_ids, given_ids and likeness",
            got=f"{len(true_ids)}, {len(given_ids)}, {len(likeness)}",
        )
    frames = []
    for number, row in enumerate(zip(true_ids, given_ids, likeness, strict=True)):
        true, given, alike = [int(i) for i in np.ravel(row[0])], [int(i) for i in np.ravel(row[1])], np.asarray(row[2])
        if alike.size != len(true) * len(given) or len({*true}) != len(true) or len({*given}) != len(given):
            raise InputError(
                f"tracking_score, frame {number}",
                expected="numbers of their own, and likeness (true, given)",
                got=f"true {true}, given {given}, likeness {alike.shape}",
            )
        frames.append((true, given, alike.reshape(len(true), len(given)).astype(float)))
    return frames


def _clear_mot_pairs(
    true: list[int], given: list[int], alike: FloatArray, before: dict[int, int], least: float
) -> dict[int, int]:
    """Number given for each true person who has one: the pair of the frame before first."""
    pairs = {
        person: before[person]
        for row, person in enumerate(true)
        if before.get(person) in given and alike[row, given.index(before[person])] >= least
    }
    rows = [row for row, person in enumerate(true) if person not in pairs]
    columns = [column for column, number in enumerate(given) if number not in pairs.values()]
    part = alike[np.ix_(rows, columns)]
    allowed = part >= least
    for row, column in zip(*linear_sum_assignment(np.where(allowed, 1.0 + part, 0.0), maximize=True), strict=True):
        if allowed[row, column]:
            pairs[true[rows[row]]] = given[columns[column]]
    return pairs


def _identity_hits(frames: list[_Frame], least: float) -> int:
    """Frames that agree under the best one-to-one pairing of people with tracks (Ristani et al., eq. 4-8)."""
    people = {person: row for row, person in enumerate(sorted({p for true, _, _ in frames for p in true}))}
    tracks = {number: row for row, number in enumerate(sorted({g for _, given, _ in frames for g in given}))}
    together = np.zeros((len(people), len(tracks)))
    for true, given, alike in frames:
        rows, columns = np.nonzero(alike >= least)
        for row, column in zip(rows, columns, strict=True):
            together[people[true[row]], tracks[given[column]]] += 1.0
    return int(together[linear_sum_assignment(together, maximize=True)].sum())
