"""Images and camera information joined by stamp, and the care for time around them."""

from __future__ import annotations

import pytest

from ros_nodes.camera_input.frame_pairs import FramePairs
from ros_nodes.camera_input.frame_watch import FrameWatch, age_problem

S = 1_000_000_000


def pair(found):
    return None if found is None else (found.stamp_ns, found.image, found.info)


def test_information_before_the_image_is_joined_by_stamp() -> None:
    pairs = FramePairs[str, str]()
    assert pairs.add_info(1, "i1") is None
    assert pairs.add_info(2, "i2") is None
    assert pair(pairs.add_image(1, "a")) == (1, "a", "i1")
    assert pair(pairs.add_image(2, "b")) == (2, "b", "i2")


def test_an_image_before_its_information_waits_for_it() -> None:
    pairs = FramePairs[str, str]()
    assert pairs.add_image(1, "a") is None
    assert pair(pairs.add_info(1, "i1")) == (1, "a", "i1")
    assert pairs.add_image(2, "b") is None, "information comes along with every image here"
    assert pair(pairs.add_info(2, "i2")) == (2, "b", "i2")


def test_latched_information_serves_every_image() -> None:
    pairs = FramePairs[str, str]()
    assert pairs.add_info(0, "once") is None
    for stamp in (10, 20, 30):
        assert pair(pairs.add_image(stamp, "x")) == (stamp, "x", "once")


def test_latched_information_that_comes_late_serves_the_image_that_waits() -> None:
    pairs = FramePairs[str, str]()
    assert pairs.add_image(10, "a") is None and pairs.waits_for_info
    assert pair(pairs.add_info(0, "once")) == (10, "a", "once")
    assert pair(pairs.add_image(20, "b")) == (20, "b", "once") and not pairs.waits_for_info


def test_lost_information_costs_one_image_at_most() -> None:
    pairs = FramePairs[str, str]()
    for stamp in (1, 2):
        pairs.add_image(stamp, "x")
        assert pairs.add_info(stamp, f"i{stamp}") is not None
    assert pairs.add_image(3, "c") is None, "waits for information that never comes"
    assert pair(pairs.add_image(4, "d")) == (4, "d", "i2")
    assert pairs.unmatched == 1
    assert pairs.add_info(4, "i4") is None, "the image is gone"
    assert pairs.add_image(5, "e") is None, "information comes along again"
    assert pair(pairs.add_info(5, "i5")) == (5, "e", "i5")


def test_an_image_waits_for_its_own_information_and_no_other() -> None:
    pairs = FramePairs[str, str]()
    pairs.add_image(1, "a")
    assert pairs.add_info(1, "i1") is not None
    assert pairs.add_image(2, "b") is None
    assert pairs.add_info(1, "i1 again") is None and pairs.add_info(3, "i3") is None
    assert pair(pairs.add_info(2, "i2")) == (2, "b", "i2")


def test_a_changed_camera_is_taken_up_with_its_first_image() -> None:
    pairs = FramePairs[str, str]()
    for stamp, size in ((1, "640"), (2, "640"), (3, "320"), (4, "320")):
        assert pairs.add_image(stamp, size) is None
        assert pair(pairs.add_info(stamp, size)) == (stamp, size, size)


def test_what_came_before_a_jump_of_the_clock_is_forgotten() -> None:
    pairs = FramePairs[str, str]()
    pairs.add_info(100, "old")
    pairs.clear()
    assert pairs.add_image(5, "a") is None
    assert pair(pairs.add_info(5, "new")) == (5, "a", "new")


def test_frames_are_watched() -> None:
    watch = FrameWatch(0.0)
    assert watch.silent_s(3.0) == 3.0 and watch.period_s == float("inf")
    assert not watch.arrived(5 * S, 10.0) and not watch.arrived(6 * S, 10.1)
    assert watch.period_s == pytest.approx(0.1) and watch.silent_s(10.6) == pytest.approx(0.5)
    assert watch.arrived(1 * S, 10.2), "the clock went back by 5 s"
    assert not watch.arrived(1 * S - 10, 10.3), "a jitter of nanoseconds is no jump"


def test_the_rate_limit_lets_frames_through_at_its_rate() -> None:
    for camera_hz, limit_hz in ((30.0, 5.0), (30.0, 30.0), (30.0, 10.0), (4.0, 10.0)):
        watch, taken = FrameWatch(0.0), 0
        for frame in range(int(20 * camera_hz)):
            now = frame / camera_hz
            watch.arrived(int(now * S), now)
            taken += watch.may_take(now, limit_hz)
        assert taken / 20.0 == pytest.approx(min(camera_hz, limit_hz), rel=0.1), (camera_hz, limit_hz)


def test_a_frame_that_waited_gives_way_only_where_the_next_is_about_due() -> None:
    fast, slow = FrameWatch(0.0), FrameWatch(0.0)
    for frame in range(3):
        fast.arrived(frame * S, frame / 30.0)
        slow.arrived(frame * S, frame * 1.0)
    assert fast.is_stale(0.020, 0.010) and not fast.is_stale(0.005, 0.010)
    assert not slow.is_stale(0.020, 0.010) and not fast.is_stale(0.020, 0.0)


def test_frames_of_another_time_are_told_apart() -> None:
    assert age_problem(10 * S, 10 * S + 100_000_000, 1.0) == ""
    old, future, zero = age_problem(10 * S, 12 * S, 1.0), age_problem(12 * S, 10 * S, 1.0), age_problem(0, 9 * S, 1.0)
    assert "2.00 s old" in old and "2.00 s in the future" in future and "stamp is 0" in zero
