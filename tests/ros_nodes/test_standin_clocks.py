"""What the nodes rely on in rclpy's times and clocks; these tests hold for a real rclpy as well."""

from __future__ import annotations

import threading

import pytest
from builtin_interfaces.msg import Time as TimeMessage
from rclpy.clock import Clock, ClockType, JumpThreshold
from rclpy.duration import Duration
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from rosgraph_msgs.msg import Clock as ClockMessage

CLOCK_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


class SimulatedTime:
    """Publishes /clock, and a node that follows it."""

    def __init__(self, ros):
        self.ros = ros
        self.node = ros.node("follower", parameter_overrides=[Parameter("use_sim_time", value=True)])
        self.clock = self.node.get_clock()
        self.publisher = ros.node("simulator").create_publisher(ClockMessage, "/clock", CLOCK_QOS)
        assert ros.wait_until(lambda: self.publisher.get_subscription_count() == 1)

    def set(self, seconds):
        moment = Time(nanoseconds=int(seconds * 1e9)).to_msg()
        for _ in range(5):  # best effort
            self.publisher.publish(ClockMessage(clock=moment))
            if self.ros.wait_until(lambda: self.clock.now().nanoseconds == int(seconds * 1e9), 1.0):
                return
        raise AssertionError("/clock did not arrive")


@pytest.fixture
def simulated(ros):
    return SimulatedTime(ros)


def test_times_and_durations_count_in_nanoseconds():
    start = Time(seconds=2, nanoseconds=5, clock_type=ClockType.ROS_TIME)
    later = start + Duration(seconds=1.5)
    assert later.nanoseconds == 3_500_000_005
    assert later.seconds_nanoseconds() == (3, 500_000_005)
    assert (later - start) == Duration(nanoseconds=1_500_000_000)
    assert later > start and start <= start and start != later
    assert (start.to_msg().sec, start.to_msg().nanosec) == (2, 5)
    assert Time.from_msg(TimeMessage(sec=2, nanosec=5)) == start
    with pytest.raises(TypeError):
        assert start < Time(seconds=9, clock_type=ClockType.SYSTEM_TIME)
    with pytest.raises(ValueError):
        Time(seconds=-1)
    negative = Duration(seconds=-1.5).to_msg()
    assert (negative.sec, negative.nanosec) == (-2, 500_000_000)


def test_clocks_tell_their_time(ros):
    assert ros.node("arm").get_clock().clock_type == ClockType.ROS_TIME
    steady = Clock(clock_type=ClockType.STEADY_TIME)
    assert steady.now() <= steady.now()
    before = steady.now()
    assert steady.sleep_for(Duration(seconds=0.02), context=ros.context)
    assert steady.now() - before >= Duration(seconds=0.02)


def test_time_is_zero_before_the_first_clock_message(simulated):
    assert simulated.clock.now().nanoseconds == 0
    simulated.set(12.5)
    assert simulated.clock.now() == Time(seconds=12.5, clock_type=ClockType.ROS_TIME)


def test_use_sim_time_may_be_set_later(ros):
    node = ros.node("arm")
    assert node.get_clock().now().nanoseconds > 1e18
    node.set_parameters([Parameter("use_sim_time", value=True)])
    assert node.get_clock().now().nanoseconds == 0
    node.set_parameters([Parameter("use_sim_time", value=False)])
    assert node.get_clock().now().nanoseconds > 1e18


def test_jumps_are_told_to_who_asked(simulated):
    back, forward = [], []
    simulated.set(100.0)
    backward = JumpThreshold(min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=False)
    ahead = JumpThreshold(min_forward=Duration(seconds=5), min_backward=None, on_clock_change=False)
    handles = [
        simulated.clock.create_jump_callback(backward, post_callback=lambda jump: back.append(jump.delta)),
        simulated.clock.create_jump_callback(ahead, post_callback=lambda jump: forward.append(jump.delta)),
    ]
    simulated.set(101.0)
    assert (back, forward) == ([], [])
    simulated.set(110.0)
    simulated.set(3.0)
    assert (back, forward) == ([Duration(seconds=-107)], [Duration(seconds=9)])
    for handle in handles:
        handle.unregister()
    simulated.set(1.0)
    assert len(back) == 1


def test_bad_thresholds_are_refused(simulated):
    with pytest.raises(ValueError):
        JumpThreshold(min_forward=Duration(seconds=-1), min_backward=None)
    with pytest.raises(ValueError):
        JumpThreshold(min_forward=None, min_backward=None, on_clock_change=False)


def test_timers_run_in_simulated_time(simulated, ros):
    calls = []
    simulated.set(10.0)
    simulated.node.create_timer(1.0, lambda: calls.append(simulated.clock.now().nanoseconds // 10**9))
    simulated.set(10.5)
    assert not ros.wait_until(lambda: calls, 0.2)
    simulated.set(11.0)
    assert ros.wait_until(lambda: calls == [11])
    simulated.set(20.5)
    assert ros.wait_until(lambda: calls == [11, 20])
    simulated.set(2.0)
    assert not ros.wait_until(lambda: len(calls) > 2, 0.2)
    simulated.set(3.5)
    assert ros.wait_until(lambda: calls == [11, 20, 3])


def test_a_steady_timer_runs_without_a_clock(simulated, ros):
    calls = []
    simulated.node.create_timer(0.01, lambda: calls.append(1), clock=Clock(clock_type=ClockType.STEADY_TIME))
    assert ros.wait_until(lambda: len(calls) >= 3)


def test_sleep_until_follows_simulated_time(simulated, ros):
    simulated.set(5.0)
    woken = []
    until = Time(seconds=6, clock_type=ClockType.ROS_TIME)
    thread = threading.Thread(
        target=lambda: woken.append(simulated.clock.sleep_until(until, context=ros.context)), daemon=True
    )
    thread.start()
    simulated.set(5.9)
    assert not ros.wait_until(lambda: woken, 0.2)
    simulated.set(6.1)
    assert ros.wait_until(lambda: woken == [True])
    thread.join(5.0)
