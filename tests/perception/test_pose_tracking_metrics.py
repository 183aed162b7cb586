"""Scores of identity: cases worked out by hand, and every pairing tried."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from geometry import InputError
from perception.pose import SKELETONS, Person, PoseFrame
from perception.pose.tracking import score_frames, tracking_score

SAME = [np.eye(1)]


def test_perfect_tracking_scores_one_whatever_the_numbers() -> None:
    score = tracking_score([[1, 2], [2, 1]], [[7, 9], [9, 7]], [np.eye(2), np.eye(2)])
    assert (score.mota, score.idf1, score.recall) == (1.0, 1.0, 1.0)
    assert (score.switches, score.misses, score.false_alarms) == (0, 0, 0)


def test_a_track_that_breaks_in_the_middle() -> None:
    score = tracking_score([[0]] * 10, [[5]] * 5 + [[6]] * 5, SAME * 10)
    assert score.switches == 1
    assert score.mota == pytest.approx(0.9)
    assert score.idf1 == pytest.approx(0.5)


def test_two_people_who_swap_numbers() -> None:
    score = tracking_score([[0, 1]] * 10, [[0, 1]] * 6 + [[1, 0]] * 4, [np.eye(2)] * 10)
    assert score.switches == 2
    assert score.mota == pytest.approx(1 - 2 / 20)
    assert score.idf1 == pytest.approx(12 / 20)


def test_misses_and_false_alarms() -> None:
    score = tracking_score(
        [[0, 1], [0, 1], [0]],
        [[0], [0, 3], [0, 3]],
        [np.array([[1.0], [0.0]]), np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[1.0, 0.0]])],
    )
    assert (score.truths, score.given, score.misses, score.false_alarms, score.switches) == (5, 5, 2, 2, 0)
    assert score.mota == pytest.approx(1 - 4 / 5)
    assert score.idf1 == pytest.approx(2 * 3 / 10)
    assert score.recall == pytest.approx(3 / 5)


def test_a_new_number_after_a_gap_is_a_switch_and_an_old_one_is_not() -> None:
    empty = np.zeros((1, 0))
    new = tracking_score([[4]] * 3, [[0], [], [1]], [np.eye(1), empty, np.eye(1)])
    old = tracking_score([[4]] * 3, [[0], [], [0]], [np.eye(1), empty, np.eye(1)])
    assert (new.switches, old.switches) == (1, 0)


def test_a_pair_stays_a_pair_while_it_is_alike_enough() -> None:
    crossed = np.array([[0.6, 0.9], [0.9, 0.6]])
    kept = tracking_score([[0, 1]] * 2, [[0, 1]] * 2, [np.eye(2), crossed])
    lost = tracking_score([[0, 1]] * 2, [[0, 1]] * 2, [np.eye(2), crossed], least=0.7)
    assert (kept.switches, lost.switches) == (0, 2)


def test_identity_hits_are_those_of_the_best_of_all_pairings() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        frames = []
        for _ in range(12):
            true, given = np.flatnonzero(rng.random(4) < 0.8), np.flatnonzero(rng.random(4) < 0.8)
            frames.append((true, given, rng.random((len(true), len(given)))))
        best = 0
        for pairing in permutations(range(4)):
            hits = 0
            for true, given, alike in frames:
                for row, person in enumerate(true):
                    for column, number in enumerate(given):
                        hits += pairing[person] == number and bool(alike[row, column] >= 0.5)
            best = max(best, hits)
        score = tracking_score(*(list(part) for part in zip(*frames, strict=True)))
        assert score.identity_hits == best


def test_empty_scenes_have_no_score_but_counts() -> None:
    score = tracking_score([[], []], [[], []], [np.zeros((0, 0))] * 2)
    assert np.isnan([score.mota, score.idf1, score.recall]).all()
    assert score.truths == 0


def test_tracking_score_names_what_is_wrong() -> None:
    with pytest.raises(InputError, match="as many frames"):
        tracking_score([[0]], [[0], [0]], SAME)
    with pytest.raises(InputError, match="frame 0"):
        tracking_score([[0, 0]], [[1, 2]], [np.eye(2)])
    with pytest.raises(InputError, match="frame 0"):
        tracking_score([[0, 1]], [[1, 2]], [np.eye(3)])


def test_score_frames_knows_whose_detection_was_given() -> None:
    body = SKELETONS["body18"]
    first, second, ghost = (Person(scores=np.ones(18), keypoints_px=np.full((18, 2), 50.0 * i)) for i in range(3))
    frame = PoseFrame(time_s=0.0, skeleton=body, persons=(ghost, first, second))

    def numbered(*persons: tuple[Person, int]) -> PoseFrame:
        return frame.with_persons(tuple(Person(id=i, scores=p.scores, keypoints_px=p.keypoints_px) for p, i in persons))

    right = score_frames([numbered((second, 0), (first, 1))], [frame], [[-1, 10, 20]])
    assert (right.misses, right.false_alarms, right.truths) == (0, 0, 2)
    false = score_frames([numbered((ghost, 0), (first, 1))], [frame], [[-1, 10, 20]], in_view=[[10, 20, 30]])
    assert (false.misses, false.false_alarms, false.truths) == (2, 1, 3)
    with pytest.raises(InputError, match="detected in this frame"):
        score_frames([numbered((Person(scores=np.ones(18)), 0))], [frame], [[-1, 10, 20]])
