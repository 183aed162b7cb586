"""How isolation is measured: streams of a reaching hand, folds, intervals, pairs, and the table and picture of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geometry import FloatArray, InputError
from perception.behavior.reasoning.hake import HakeImages
from perception.behavior.semi_coupled import (
    PairTransfer,
    ReachStreams,
    ReachTransfer,
    draw_transfer,
    measure_pair_transfer,
    measure_reach_transfer,
    reach_streams,
    transfer_scores,
)
from perception.behavior.semi_coupled.nested_bootstrap import nested_interval
from perception.behavior.semi_coupled.reach_streams import matching_frames
from perception.behavior.semi_coupled.reach_transfer import ARMS, macro_f1
from perception.behavior.sets import read_reach_to_grasp
from perception.behavior.sets.reach_to_grasp import ReachRecordings


def made_streams(people: int = 2, each: int = 2, frames: int = 60) -> ReachStreams:
    """Reaches whose motion tells the phase at once, and whose shape tells the size."""
    rng = np.random.default_rng(0)
    objects, motion, phases, sizes, names = [], [], [], [], []
    for person in range(people):
        for size in range(3):
            for _ in range(each):
                onset = int(rng.integers(15, 25))
                label = np.repeat([0, 1, 2], [onset, 10, frames - onset - 10])
                objects.append(np.eye(3)[size] + 0.1 * rng.normal(size=(frames, 3)))
                motion.append(np.eye(3)[label][:, :2] + 0.1 * rng.normal(size=(frames, 2)))
                phases.append(label)
                sizes.append(size)
                names.append(f"P{person}")
    return ReachStreams(
        objects=tuple(objects),
        motion=tuple(motion),
        phases=tuple(phases),
        sizes=np.array(sizes),
        people=np.array(names),
    )


def test_frames_are_matched_by_the_part_of_the_phase() -> None:
    phases, others = np.repeat([0, 1, 2], [3, 4, 3]), np.repeat([0, 1, 2], [2, 8, 2])
    assert matching_frames(phases, phases).tolist() == list(range(10))
    assert matching_frames(phases, others).tolist() == [0, 0, 1, 2, 4, 6, 8, 10, 11, 11]


def test_windows_begin_anywhere_and_carry_what_belongs_together() -> None:
    streams = made_streams()
    rows = np.flatnonzero(streams.sizes != 1)
    data = streams.windows(rows, np.random.default_rng(0), each=40, length=30)
    assert data.objects.shape == (40 * len(rows), 30, 3)
    assert set(np.unique(data.object_labels)) == {0, 1}
    starts = set()
    for number, row in enumerate(np.repeat(rows, 40)):
        start = next(s for s in range(31) if np.array_equal(streams.motion[row][s : s + 30], data.motion[number]))
        starts.add(start)
        assert np.array_equal(data.behaviors[number], streams.phases[row][start : start + 30])
        assert np.array_equal(data.objects[number], streams.objects[row][start : start + 30])
        assert data.object_labels[number] == (streams.sizes[row] == 2)
    assert starts == set(range(31))
    with pytest.raises(InputError, match="recordings of 61 frames"):
        streams.windows(rows, np.random.default_rng(0), each=1, length=61)


def test_only_the_known_recordings_set_the_scale_and_the_unseen_becomes_zero() -> None:
    streams = made_streams()
    rows = np.arange(4)
    streams.objects[0][3] = np.nan
    scaled = streams.standardised(rows)
    known = np.concatenate([scaled.motion[row] for row in rows])
    assert known.mean(axis=0) == pytest.approx(0.0, abs=1e-9)
    assert known.std(axis=0) == pytest.approx(1.0)
    assert not scaled.objects[0][3].any()
    streams.motion[5][:] = 1e6
    again = streams.standardised(rows)
    assert np.array_equal(scaled.motion[0], again.motion[0])
    assert again.motion[5].max() == 5.0
    assert not any(each.any() for each in scaled.without_objects().objects)


def test_whole_recordings_are_padded_behind_and_may_lend_each_other_their_shapes() -> None:
    streams = made_streams(frames=60)
    short = ReachStreams(
        objects=(streams.objects[0][:50], *streams.objects[1:]),
        motion=(streams.motion[0][:50], *streams.motion[1:]),
        phases=(streams.phases[0][:50], *streams.phases[1:]),
        sizes=streams.sizes,
        people=streams.people,
    )
    rows, lenders = np.array([0, 4]), np.array([4, 0])
    own, lent = short.whole(rows), short.whole(rows, lenders)
    assert (own.behaviors[0, 50:] == -1).all()
    assert not own.motion[0, 50:].any()
    assert np.array_equal(own.objects[0, :50], streams.objects[0][:50])
    assert np.array_equal(lent.motion, own.motion)
    assert lent.objects[0, :50].argmax(axis=1).tolist() == [streams.sizes[4]] * 50


def test_macro_f1_agrees_with_a_count_by_hand() -> None:
    counts = np.array([[[[8.0, 2.0, 0.0], [1.0, 9.0, 0.0], [0.0, 0.0, 5.0]], [[0.0] * 3, [0.0, 4.0, 4.0], [0.0] * 3]]])
    first = (16 / 19 + 18 / 21 + 1.0) / 3
    both = (16 / 19 + 26 / (18 + 15) + 10 / (5 + 9)) / 3
    assert macro_f1(np.array([[1.0, 0.0], [1.0, 1.0]]), counts)[:, 0] == pytest.approx([first, both])


def test_the_interval_of_a_mean_is_that_of_textbooks_where_units_are_alone() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(3.0, 2.0, 400)

    def mean(weights: FloatArray) -> FloatArray:
        return np.asarray((weights @ values / weights.sum(axis=1))[:, None])

    found = nested_interval(mean, np.full(400, "all"), rng, resamples=2000)
    half = 1.96 * values.std() / 20.0
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.1 * half)


def test_people_and_seeds_widen_the_interval() -> None:
    people = np.repeat([f"P{number}" for number in range(6)], 20)
    values = np.repeat([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 20)

    def width(groups: np.ndarray, shift: tuple[float, ...]) -> float:
        def mean(weights: FloatArray) -> FloatArray:
            return np.asarray((weights @ values / weights.sum(axis=1))[:, None] + np.array(shift))

        found = nested_interval(mean, groups, np.random.default_rng(0))
        return found.high - found.low

    alone = width(np.full(120, "all"), (0.0, 0.0))
    assert width(people, (0.0, 0.0)) > 2.0 * alone
    assert width(np.full(120, "all"), (-3.0, 3.0)) > 2.0 * alone


@pytest.mark.parametrize("leave_person", [False, True])
def test_every_recording_is_judged_once_by_each_arm_and_seed(
    leave_person: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perception.behavior.semi_coupled.reach_transfer._STEPS", 8)
    streams = made_streams()
    found = measure_reach_transfer(streams, seeds=(0,), leave_person=leave_person)
    assert (found.counts.sum(axis=(-1, -2)) == 60).all()
    assert (found.counts.sum(axis=-1) == [np.bincount(each, minlength=3) for each in streams.phases]).all()
    alone = list(ARMS).index("motion_alone")
    assert not found.changes[alone].any()
    assert found.changes[:alone].any()
    results = found.results("made", np.random.default_rng(0))
    difference = results["made_isolated_f1"] - results["made_coupled_f1"]
    assert results["made_isolated_minus_coupled_f1"] == pytest.approx(difference)
    assert results["made_isolated_f1_low"] <= results["made_isolated_f1"] <= results["made_isolated_f1_high"]


@pytest.mark.parametrize("leave_person", [False, True])
def test_what_is_judged_on_is_not_learned_from(leave_person: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    folds = []

    def noted(streams: ReachStreams, train: np.ndarray, test: np.ndarray, *_: object) -> tuple[FloatArray, FloatArray]:
        folds.append((train, test))
        return np.zeros((len(ARMS), len(test), 3, 3)), np.zeros((len(ARMS), 2, len(test)))

    monkeypatch.setattr("perception.behavior.semi_coupled.reach_transfer._fold", noted)
    streams = made_streams(people=3)
    measure_reach_transfer(streams, seeds=(0,), leave_person=leave_person)
    assert len(folds) == (9 if leave_person else 3)
    assert np.array_equal(np.sort(np.concatenate([test for _, test in folds])), np.arange(len(streams)))
    for train, test in folds:
        assert not set(streams.sizes[train]) & set(streams.sizes[test])
        common = set(streams.people[train]) & set(streams.people[test])
        assert common == (set() if leave_person else set(streams.people))
        assert len(train) == (8 if leave_person else 12)


def test_few_recordings_are_few_of_every_person_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def noted(streams: ReachStreams, train: np.ndarray, test: np.ndarray, *_: object) -> tuple[FloatArray, FloatArray]:
        seen.append(train)
        return np.zeros((len(ARMS), len(test), 3, 3)), np.zeros((len(ARMS), 2, len(test)))

    monkeypatch.setattr("perception.behavior.semi_coupled.reach_transfer._fold", noted)
    streams = made_streams(people=3, each=5)
    measure_reach_transfer(streams, seeds=(0,), each=2)
    for train in seen:
        groups, counts = np.unique([f"{streams.people[row]}{streams.sizes[row]}" for row in train], return_counts=True)
        assert len(groups) == 6
        assert (counts == 2).all()


def made_images(count: int = 900) -> HakeImages:
    """Three verbs, each shown by its own part state, with three objects in all pairs."""
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, 9, count)
    states = np.zeros((count, 76), dtype=bool)
    states[np.arange(count), pairs // 3] = rng.random(count) < 0.95
    return HakeImages(
        names=tuple(f"{number:04d}.jpg" for number in range(count)),
        states=states,
        interactions=np.eye(9, dtype=bool)[pairs],
        verb_of=np.repeat([0, 1, 2], 3),
        object_of=np.tile([0, 1, 2], 3),
        verb_names=("hold", "throw", "wash"),
        object_names=("cup", "ball", "dog"),
    )


def test_pairs_are_found_without_having_been_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perception.behavior.semi_coupled.pair_transfer._EPOCHS", 12)
    found = measure_pair_transfer(made_images(), seeds=(0, 1), removed=2)
    assert found.precisions.shape == (4, 2, 9)
    assert found.unseen.sum(axis=1).tolist() == [2, 2]
    assert not np.array_equal(found.unseen[0], found.unseen[1])
    assert (found.changes[:3] > 0.0).all()
    assert not found.changes[3].any()
    assert found.precisions[3].mean() > 0.9  # the states alone say it
    results = found.results("made", np.random.default_rng(0))
    assert results["made_states_alone_gap"] == pytest.approx(
        results["made_states_alone_seen"] - results["made_states_alone_unseen"]
    )
    seen = [found.precisions[0, k][~found.unseen[k]].mean() for k in range(2)]
    assert results["made_isolated_seen"] == pytest.approx(np.mean(seen))


def test_removed_pairs_are_in_no_training_image_and_in_some_test_images(monkeypatch: pytest.MonkeyPatch) -> None:
    images, learned_from = made_images(), []

    def noted(_: HakeImages, rows: np.ndarray, test: np.ndarray, *__: object) -> tuple[FloatArray, FloatArray]:
        learned_from.append(rows)
        assert not set(rows.tolist()) & set(test.tolist())
        return np.full((len(test), 3), 0.5), np.full((len(test), 3), 0.5)

    monkeypatch.setattr("perception.behavior.semi_coupled.pair_transfer._verbs", noted)
    found = measure_pair_transfer(images, seeds=(0, 1), removed=2)
    for k in range(2):
        (rows,) = {tuple(rows.tolist()) for rows in learned_from[4 * k : 4 * k + 4]}
        shown = images.interactions[list(rows)].any(axis=0)
        assert np.array_equal(shown, ~found.unseen[k])


def test_a_difference_that_all_pairs_share_has_no_spread() -> None:
    precisions = np.random.default_rng(0).uniform(0.3, 0.8, (4, 3, 50))
    precisions[0] = precisions[2] + 0.1
    unseen = np.random.default_rng(1).random((3, 50)) < 0.3
    found = PairTransfer(precisions=precisions, unseen=unseen, changes=np.zeros((4, 3)))
    results = found.results("made", np.random.default_rng(0))
    for end in ("", "_low", "_high"):
        assert results[f"made_isolated_minus_coupled_unseen{end}"] == pytest.approx(0.1)
        assert results[f"made_isolated_minus_coupled_gap{end}"] == pytest.approx(0.0, abs=1e-12)
    assert results["made_isolated_seen_low"] < results["made_isolated_seen"] < results["made_isolated_seen_high"]


def test_the_table_and_its_picture_hold_together() -> None:
    from matplotlib.figure import Figure

    counts = np.random.default_rng(0).integers(1, 9, (4, 2, 6, 3, 3)).astype(float)
    reach = ReachTransfer(counts=counts, changes=np.zeros((4, 2, 2, 6)), people=np.array(list("AABBCC")))
    scores = reach.results("size", np.random.default_rng(0))
    ax = draw_transfer(scores, Figure().subplots())
    points = [line.get_xdata()[0] for line in ax.get_lines() if line.get_marker() == "o"]
    arms = ("isolated", "quarter", "motion_alone")
    assert points == pytest.approx([100.0 * scores[f"size_{arm}_minus_coupled_f1"] for arm in arms])
    with pytest.raises(InputError, match="draw_transfer"):
        draw_transfer({"seeds": 5}, Figure().subplots())


def test_what_cannot_be_measured_is_named(shared_data: Path) -> None:
    with pytest.raises(InputError, match="a folder and a seed"):
        transfer_scores(None, None)
    with pytest.raises(InputError, match="a folder and a seed"):
        transfer_scores(shared_data, None, seeds=())
    with pytest.raises(InputError, match="at least one seed"):
        measure_pair_transfer(made_images(), seeds=())
    with pytest.raises(InputError, match="3 sizes, and 2 people"):
        measure_reach_transfer(made_streams(people=1), seeds=(0,), leave_person=True)
    with pytest.raises(InputError, match="several recordings of each person"):
        measure_reach_transfer(made_streams(each=1), seeds=(0,))


def test_real_reaches_become_streams(shared_data: Path) -> None:
    recordings = read_reach_to_grasp(shared_data / "behaviour" / "roboskel_reach_to_grasp")
    rows = np.array([0, 200, 400])
    few = ReachRecordings(
        sizes=recordings.sizes.select(rows), onset_s=recordings.onset_s[rows], end_s=recordings.end_s[rows]
    )
    streams = reach_streams(few)
    assert len(streams) == 3
    for row in range(3):
        assert streams.objects[row].shape == (len(streams.phases[row]), 16)
        assert streams.motion[row].shape == (len(streams.phases[row]), 4)
        reach_s = np.count_nonzero(streams.phases[row] == 1) / 20.0
        assert reach_s == pytest.approx(few.end_s[row] - few.onset_s[row], abs=0.06)
        speed = streams.motion[row][:, 0]
        reach, before = (np.nanmean(speed[streams.phases[row] == phase]) for phase in (1, 0))
        assert reach > 3.0 * before
    nothing = ReachRecordings(sizes=few.sizes, onset_s=np.full(3, np.nan), end_s=few.end_s)
    with pytest.raises(InputError, match="times of the reach"):
        reach_streams(nothing)
