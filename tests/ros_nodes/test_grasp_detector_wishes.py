"""Requests that wait for a frame, and targets that topics name."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from geometry import InputError, PinholeCamera
from perception.grasping import Grasps
from ros_nodes.grasp_detector.problems import Problem, ProblemKind
from ros_nodes.grasp_detector.targets import TargetMemory
from ros_nodes.grasp_detector.timings import Timings
from ros_nodes.grasp_detector.wishes import Answer, Wishes

CAMERA = PinholeCamera(width=64, height=48, fx=60.0, fy=60.0, cx=31.5, cy=23.5)


def test_only_a_frame_later_than_the_request_answers_it() -> None:
    wishes = Wishes()
    wish = wishes.add(None, after_ns=100)
    assert wishes.for_frame(99) == () == wishes.for_frame(100)
    assert wishes.for_frame(101) == (wish,)


def test_a_request_from_a_thread_of_its_own_is_answered() -> None:
    wishes, answers = Wishes(), []
    asking = threading.Thread(target=lambda: answers.append(wishes.ask(None, 0, 5.0)))
    asking.start()
    while not len(wishes):
        pass
    for wish in wishes.for_frame(7):
        wish.answer(Answer(Grasps(), stamp_ns=7))
    asking.join(5.0)
    assert answers[0].stamp_ns == 7 and answers[0].problem is None and len(wishes) == 0


def test_without_a_frame_the_request_ends_with_a_reason() -> None:
    answer = Wishes().ask(None, 0, 0.01)
    assert answer.problem and answer.problem.kind is ProblemKind.NO_FRAME and len(answer.grasps) == 0


def test_the_last_bad_frame_is_the_reason() -> None:
    wishes = Wishes()
    wish = wishes.add(None, 0)
    wishes.not_by_this_frame(5, Problem(ProblemKind.NO_TRANSFORM, "no frame camera"))
    assert wish.last_problem and wish.last_problem.kind is ProblemKind.NO_TRANSFORM
    assert wishes.for_frame(6) == (wish,), "it still waits for the next"


def test_a_clock_that_went_back_does_not_leave_requests_waiting_for_the_old_time() -> None:
    wishes = Wishes()
    wish = wishes.add(None, after_ns=1_000)
    wishes.clock_jumped(10)
    assert wishes.for_frame(11) == (wish,)


def test_all_are_refused_at_once_when_the_node_stops() -> None:
    wishes = Wishes()
    wish = wishes.add(None, 0)
    wishes.refuse_all(Problem(ProblemKind.INACTIVE, "not active"))
    answer = wish.wait(0.0)
    assert answer and answer.problem and answer.problem.kind is ProblemKind.INACTIVE and len(wishes) == 0


def test_a_box_counts_for_frames_near_its_stamp_and_until_cleared() -> None:
    memory = TargetMemory(1.0)
    assert memory.at(10.0) is None and memory.state(10.0) == "anything"
    memory.set_box(10.0, (20.0, 10.0), (8.0, 4.0))
    target = memory.at(10.9)
    assert target is not None and target.in_image(CAMERA).tolist() == [16.0, 8.0, 24.0, 12.0]
    assert memory.at(9.1) is target and memory.at(11.1) is None and "1.1 s off" in memory.state(11.1)
    memory.set_box(11.0, (0.0, 0.0), (0.0, 0.0))
    assert memory.at(11.0) is None


def test_a_target_without_an_age_counts_until_cleared() -> None:
    memory = TargetMemory(0.0)
    memory.set_mask(1.0, np.eye(48, 64, dtype=bool))
    assert memory.at(1e6) is not None and memory.state(1e6) == "mask"
    memory.set_mask(2.0, np.zeros((48, 64), dtype=bool))
    assert memory.at(2.0) is None


def test_targets_that_do_not_fit_the_image_are_refused() -> None:
    memory = TargetMemory(0.0)
    memory.set_box(0.0, (100.0, 10.0), (8.0, 4.0))
    target = memory.at(0.0)
    with pytest.raises(InputError, match="reaches into the image of 64 x 48"):
        assert target and target.in_image(CAMERA)
    memory.set_mask(0.0, np.ones((10, 10), dtype=bool))
    target = memory.at(0.0)
    with pytest.raises(InputError, match="target/mask"):
        assert target and target.in_image(CAMERA)
    for center, size in (((np.nan, 1.0), (2.0, 2.0)), ((1.0, 1.0), (-2.0, 2.0)), ((1.0, 1.0), (np.inf, 2.0))):
        with pytest.raises(InputError, match="target/box"):
            memory.set_box(0.0, center, size)
    assert memory.at(0.0) is target, "a bad box leaves the old target"


def test_timings_tell_median_and_95_percent() -> None:
    timings = Timings()
    for value in range(101):
        timings.add(added=float(value))
    assert timings.summary() == {"added_ms": 50.0, "added_ms_p95": 95.0}
