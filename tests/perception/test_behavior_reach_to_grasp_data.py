"""The public recordings of people who reach: what the project promises about them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perception.behavior.reach_to_grasp import evaluate_reach_to_grasp, find_phases, reaching_arm
from perception.behavior.reach_to_grasp.size_features import size_features
from perception.behavior.sets import ReachRecordings, read_reach_to_grasp
from perception.pose import PersonTrack


@pytest.fixture(scope="module")
def recordings(shared_data: Path) -> ReachRecordings:
    folder = shared_data / "behaviour" / "roboskel_reach_to_grasp"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return read_reach_to_grasp(folder)


def track_of(recordings: ReachRecordings, row: int, until_s: float = np.inf) -> PersonTrack:
    each = recordings.sizes.sequence(row)
    rows = each.time_s <= until_s + 1e-9
    return PersonTrack(
        skeleton=recordings.sizes.skeleton,
        time_s=each.time_s[rows],
        keypoints=each.keypoints[rows].astype(float),
        scores=each.scores[rows].astype(float),
    )


def test_the_authors_bounds_give_their_onset_and_end_to_the_frame(recordings: ReachRecordings):
    rows = range(0, len(recordings.sizes), 10)
    found = [find_phases(reaching_arm(track_of(recordings, row), zoom=1.0), causal=True) for row in rows]
    onset = np.array([phases.onset_s for phases in found]) - recordings.onset_s[::10]
    end = np.array([phases.end_s for phases in found]) - recordings.end_s[::10]
    assert (np.abs(onset) < 1e-3).mean() > 0.9 and (np.abs(end) < 1e-3).mean() > 0.9


def test_a_cut_recording_gives_the_same_features(recordings: ReachRecordings):
    for row in range(0, len(recordings.sizes), 40):
        onset_s, now_s = recordings.onset_s[row], 0.4 * recordings.onset_s[row] + 0.6 * recordings.end_s[row]
        whole = size_features(reaching_arm(track_of(recordings, row)), onset_s, now_s)
        cut = size_features(reaching_arm(track_of(recordings, row, now_s)), onset_s, now_s)
        np.testing.assert_allclose(cut, whole)


@pytest.mark.slow
def test_size_and_phases_of_people_never_seen(recordings: ReachRecordings):
    results = evaluate_reach_to_grasp(recordings, np.random.default_rng(0)).results
    assert results["size_60"] >= 0.70
    assert results["size_own_60"] > results["size_60"]
    for event in ("onset", "end"):
        for kind in ("causal", "offline"):
            assert results[f"{event}_{kind}_ms_p50"] <= 80.0


@pytest.mark.slow
def test_sizes_that_mean_nothing_are_not_read(recordings: ReachRecordings):
    """With labels dealt out at random within each person, nothing can be known: the evaluation leaks nothing."""
    rng = np.random.default_rng(0)
    labels = recordings.sizes.clip_labels.copy()
    for person in np.unique(recordings.sizes.subjects):
        rows = recordings.sizes.subjects == person
        labels[rows] = rng.permutation(labels[rows])
    shuffled = replace(recordings, sizes=replace(recordings.sizes, clip_labels=labels))
    results = evaluate_reach_to_grasp(shuffled, rng).results
    for name in ("size_60", "size_100", "size_own_60", "size_own_100"):
        assert abs(results[name] - 1.0 / 3.0) < 0.07, name
