"""Learning sizes and phases from recordings of several people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geometry import FloatArray, InputError
from perception.behavior.calibration import fit_temperature
from perception.behavior.reach_to_grasp.discriminant import Discriminant, Integers, PeopleDiffer, fit_discriminant
from perception.behavior.reach_to_grasp.phases import PhaseSettings
from perception.behavior.reach_to_grasp.reaching_arm import ReachingArm, reaching_arm
from perception.behavior.reach_to_grasp.size_features import BEFORE_ONSET_S, PARTS, size_features
from perception.behavior.reach_to_grasp.size_model import (
    PARTS_OF_REACH,
    OwnScale,
    SizeModel,
    grip_features,
)
from perception.behavior.sets import ReachRecordings
from perception.behavior.sets.reach_to_grasp import CUBE_EDGE_M
from perception.pose import PersonTrack

_KNOWN = (PeopleDiffer(person_weight=10.0, shrinkage=0.2, offset=0.0, size=0.0, timing=0.0),)


@dataclass(frozen=True, kw_only=True)
class ReachTable:
    """N recorded reaches as arrays."""

    arms: tuple[ReachingArm, ...]
    """The arm in each recording."""
    onset_s: FloatArray
    """(N,) recorded."""
    end_s: FloatArray
    """(N,) recorded."""
    features: FloatArray
    """(P, N, F) at each part of the reach; the part is of the recorded time from onset to end."""
    labels: Integers
    """(N,) the size."""
    people: NDArray[np.str_]
    """(N,) who reaches."""
    sizes: tuple[str, ...]
    """Names of the labels."""

    def select(self, rows: NDArray[np.bool_]) -> ReachTable:
        """Some of the recordings, by a mask (N,)."""
        return ReachTable(
            arms=tuple(arm for arm, wanted in zip(self.arms, rows, strict=True) if wanted),
            onset_s=self.onset_s[rows],
            end_s=self.end_s[rows],
            features=self.features[:, rows],
            labels=self.labels[rows],
            people=self.people[rows],
            sizes=self.sizes,
        )


def reach_table(recordings: ReachRecordings, *, zoom: float | None = None) -> ReachTable:
    """Features of all recordings whose times were noted.

    Args:
        recordings: right hands that reach once each.
        zoom: None brings everybody's shoulders to one width; 1 leaves the camera's pixels.

    Raises:
        InputError: if no recording has both its times and its label.
    """
    data = recordings.sizes
    noted = np.isfinite(recordings.onset_s) & np.isfinite(recordings.end_s)
    if data.clip_labels is None or not (noted & (data.clip_labels >= 0)).any():
        raise InputError("reach_table", expected="recordings with sizes and times of the reach", got="none")
    rows = np.flatnonzero(noted & (data.clip_labels >= 0))
    arms = []
    for row in rows:
        each = data.sequence(int(row))
        track = PersonTrack(
            skeleton=data.skeleton,
            time_s=each.time_s,
            keypoints=each.keypoints.astype(float),
            scores=each.scores.astype(float),
        )
        arms.append(reaching_arm(track, zoom=zoom))
    onset_s, end_s = recordings.onset_s[rows], recordings.end_s[rows]
    features = np.array(
        [
            [size_features(arm, on, on + part * (end - on)) for arm, on, end in zip(arms, onset_s, end_s, strict=True)]
            for part in PARTS_OF_REACH
        ]
    )
    return ReachTable(
        arms=tuple(arms),
        onset_s=onset_s,
        end_s=end_s,
        features=features,
        labels=data.clip_labels[rows],
        people=data.subjects[rows],
        sizes=tuple(data.label_names.tolist()),
    )


def learn_sizes(table: ReachTable) -> SizeModel:
    """Classifiers of the size from everybody in the table.

    For each part of the reach, leaving out each person in turn says how far the chances can be trusted.

    Raises:
        InputError: if the table has fewer than three people, or sizes without an edge in `CUBE_EDGE_M`.
    """
    people, unknown = len(np.unique(table.people)), sorted(set(table.sizes) - set(CUBE_EDGE_M))
    if people < 3 or unknown:
        raise InputError(
            "learn_sizes",
            expected=f"recordings of at least 3 people, of the sizes {', '.join(CUBE_EDGE_M)}",
            got=f"{people} people, sizes {', '.join(table.sizes)}",
        )
    duration_s = float(np.median(table.end_s - table.onset_s))
    anybody, temperatures = zip(
        *(_learn_part(table, row, duration_s) for row in range(len(PARTS_OF_REACH))), strict=True
    )
    return SizeModel(
        sizes=table.sizes,
        edges_m=tuple(CUBE_EDGE_M[size] for size in table.sizes),
        duration_s=duration_s,
        temperatures=temperatures,
        anybody=anybody,
        known=tuple(_fit_known(table, row) for row in range(len(PARTS_OF_REACH))),
    )


def learn_bounds(table: ReachTable) -> PhaseSettings:
    """The bounds of the wrist's spread that lie between the frames before and after the recorded onsets and ends."""
    window_s = PhaseSettings().window_s
    onset, end = [], []
    for arm, on, off in zip(table.arms, table.onset_s, table.end_s, strict=True):
        first, last = (int(np.argmin(np.abs(arm.time_s - time))) for time in (on, off))
        onset.append(0.5 * (_spread(arm, first - 1, window_s) + _spread(arm, first, window_s)))
        end.append(0.5 * (_spread(arm, last, window_s) + _spread(arm, last + 1, window_s)))
    bound = float(np.median(onset))
    return PhaseSettings(onset_spread_px=bound, end_spread_px=min(float(np.median(end)), bound))


def _spread(arm: ReachingArm, row: int, window_s: float) -> float:
    row = min(max(row, 0), len(arm.time_s) - 1)
    rows = (arm.time_s > arm.time_s[row] - window_s) & (arm.time_s <= arm.time_s[row])
    return float(arm.wrist[rows, 1].std())


def _learn_part(table: ReachTable, row: int, duration_s: float) -> tuple[Discriminant, float]:
    """The classifier for one part of the reach, and the temperature of its chances for people left out."""
    reach_s = PARTS_OF_REACH[row] * duration_s
    moments = np.array([-BEFORE_ONSET_S / reach_s, *PARTS])
    features, labels, people = table.features[row], table.labels, table.people
    chances = np.empty((len(labels), len(table.sizes)))
    for person in np.unique(people):
        out = people == person
        model = fit_discriminant(features[~out], labels[~out], people[~out], moments)
        chances[out] = model.chances(features[out])
    temperature = fit_temperature(np.log(chances + 1e-12), labels)
    return fit_discriminant(features, labels, people, moments), temperature


def _fit_known(table: ReachTable, row: int) -> Discriminant:
    """Of the grip, each person's in the own units."""
    grips = np.empty_like(grip_features(table.features[row]))
    for person in np.unique(table.people):
        rows = table.people == person
        grips[rows] = OwnScale.of(table.features[:, rows]).scaled(table.features[row][rows], row)
    return fit_discriminant(grips, table.labels, table.people, np.zeros(1), strengths=_KNOWN)
