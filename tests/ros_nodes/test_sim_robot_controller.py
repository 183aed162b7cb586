"""The simulated arm's trajectory controller, against hand-computed motions and tolerance cases; no physics."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from envs.panda import PANDA_LIMITS
from ros_nodes.sim_robot.ticket import Ticket
from ros_nodes.sim_robot.tolerances import JointTolerance, Tolerances
from ros_nodes.sim_robot.trajectory_controller import TrajectoryController, TrajectoryOutcome
from ros_nodes.sim_robot.trajectory_request import ErrorCode, Point, TrajectoryRequest
from tests.ros_nodes.asked_motions import NAMES, NONE, Q0, STEP, away, request, taken


class Arm:
    """A perfect arm, or one that is `offset` off, or that stopped moving."""

    def __init__(self, now_s: float = 10.0) -> None:
        self.controller = TrajectoryController(NAMES, PANDA_LIMITS, Q0)
        self.now_s, self.q, self.dq = now_s, Q0.copy(), np.zeros(7)
        self.offset = np.zeros(7)
        self.stuck = False
        self.path: list[NDArray[np.float64]] = []

    def follow(self, made: TrajectoryRequest, tolerances: Tolerances = NONE) -> Ticket[TrajectoryOutcome]:
        ticket: Ticket[TrajectoryOutcome] = Ticket()
        self.controller.start(taken(made, self.now_s), tolerances, self.now_s, ticket)
        return ticket

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP)):
            before, speed = self.controller.command(self.now_s, STEP)
            self.now_s += STEP
            if not self.stuck:
                self.q, self.dq = before + STEP * speed + self.offset, speed
            self.controller.observe(self.now_s, self.q.copy(), self.dq.copy())
            self.path.append(self.q.copy())


def test_the_arm_goes_from_where_it_stands_to_the_only_point_in_a_line() -> None:
    arm = Arm()
    ticket = arm.follow(request(Point(1.0, away(0, 0.6))))
    arm.run(0.5)
    assert arm.q[0] == pytest.approx(0.3, abs=1e-9)
    assert ticket.outcome is None
    arm.run(0.6)
    assert ticket.outcome == TrajectoryOutcome(ErrorCode.SUCCESSFUL, "goal reached")
    assert arm.q[0] == pytest.approx(0.6, abs=1e-9)
    assert arm.controller.idle


def test_a_stamp_in_the_past_skips_what_is_past() -> None:
    arm = Arm(now_s=10.0)
    points = [Point(float(t), away(0, 0.1 * t)) for t in range(1, 5)]
    ticket = arm.follow(request(*points, start_s=7.5))  # points at 8.5, 9.5, 10.5 and 11.5 s
    arm.run(0.5)
    assert arm.q[0] == pytest.approx(0.3, abs=1e-9)
    arm.run(0.5)
    assert arm.q[0] == pytest.approx(0.35, abs=1e-9)
    arm.run(0.6)
    assert ticket.outcome is not None and ticket.outcome.code == ErrorCode.SUCCESSFUL


def test_a_stamp_in_the_future_gives_time_to_get_to_the_first_point() -> None:
    arm = Arm(now_s=10.0)
    arm.follow(request(Point(0.0, away(0, 0.4)), Point(1.0, away(0, 0.0)), start_s=12.0))
    arm.run(1.0)
    assert arm.q[0] == pytest.approx(0.2, abs=1e-9)
    arm.run(1.0)
    assert arm.q[0] == pytest.approx(0.4, abs=1e-9)
    arm.run(0.5)
    assert arm.q[0] == pytest.approx(0.2, abs=1e-9)


def test_no_command_is_faster_than_the_joints() -> None:
    arm = Arm()
    arm.follow(request(Point(0.01, away(0, 1.0))))
    arm.run(0.3)
    assert np.diff([q[0] for q in arm.path]).max() == pytest.approx(2.175 * STEP, abs=1e-12)
    arm.run(0.3)
    assert arm.q[0] == pytest.approx(1.0, abs=1e-9)


def test_an_error_on_the_way_above_its_tolerance_aborts_and_holds() -> None:
    arm = Arm()
    bounds = NONE.with_goal(NAMES, [JointTolerance("panda_joint3", 0.05)], [], 0.0)
    ticket = arm.follow(request(Point(2.0, away(0, 0.5))), bounds)
    arm.offset[0] = 0.2  # another joint's error is no matter
    arm.run(0.5)
    assert ticket.outcome is None
    arm.offset[2] = 0.049
    arm.run(0.1)
    assert ticket.outcome is None
    arm.offset[2] = 0.051
    arm.run(0.01)
    assert ticket.outcome is not None
    assert ticket.outcome.code == ErrorCode.PATH_TOLERANCE_VIOLATED
    assert "panda_joint3: position error -0.0510 rad, tolerance 0.0500 rad" in ticket.outcome.message
    at_the_abort = arm.path[-2]  # of the two steps in 0.01 s, the first one
    arm.offset[:] = 0.0
    arm.run(0.5)
    np.testing.assert_allclose(arm.q, at_the_abort, atol=1e-12)


def test_the_goal_tolerance_gets_its_time_and_then_aborts() -> None:
    bounds = NONE.with_goal(NAMES, [], [JointTolerance("panda_joint1", 0.01)], 0.5)
    arm = Arm()
    ticket = arm.follow(request(Point(1.0, away(0, 0.3))), bounds)
    arm.offset[0] = 0.02
    arm.run(1.45)
    assert ticket.outcome is None
    arm.run(0.1)
    assert ticket.outcome is not None and ticket.outcome.code == ErrorCode.GOAL_TOLERANCE_VIOLATED
    assert "0.5 s after the end" in ticket.outcome.message

    late = Arm()
    ticket = late.follow(request(Point(1.0, away(0, 0.3))), bounds)
    late.offset[0] = 0.02
    late.run(1.3)
    late.offset[0] = 0.009
    late.run(0.01)
    assert ticket.outcome is not None and ticket.outcome.code == ErrorCode.SUCCESSFUL


def test_a_cancel_comes_to_rest_smoothly_and_soon() -> None:
    arm = Arm()
    ticket = arm.follow(request(Point(2.0, away(0, 2.0))))  # 1 rad/s
    arm.run(1.0)
    arm.controller.cancel(ticket, arm.now_s)
    assert ticket.outcome is None
    arm.run(0.5)
    assert ticket.outcome is not None and ticket.outcome.canceled
    # half the limit of 15 rad/s^2 stops 1 rad/s within 0.0667 rad; a parabola, so no step in speed is larger
    assert arm.q[0] == pytest.approx(1.0 + 0.5 * 1.0**2 / 7.5, abs=1e-3)
    speeds = np.diff([q[0] for q in arm.path[200:]]) / STEP
    assert np.abs(np.diff(speeds)).max() <= 7.5 * STEP + 1e-9


def test_a_newer_goal_takes_over_from_the_present_motion() -> None:
    arm = Arm()
    first = arm.follow(request(Point(2.0, away(0, 2.0))))
    arm.run(1.0)
    second = arm.follow(request(Point(0.5, away(0, 1.2), [0.0] * 7)))
    assert first.outcome is not None and first.outcome.code == ErrorCode.INVALID_GOAL
    assert "preempted" in first.outcome.message and not first.outcome.canceled
    arm.run(0.6)
    assert second.outcome is not None and second.outcome.code == ErrorCode.SUCCESSFUL
    assert arm.q[0] == pytest.approx(1.2, abs=1e-6)
    speeds = np.diff([q[0] for q in arm.path]) / STEP
    assert np.abs(np.diff(speeds)).max() < 0.2  # the speed goes on from 1 rad/s, without a jump


def test_the_cancel_of_an_older_goal_does_not_stop_the_newer_one() -> None:
    arm = Arm()
    first = arm.follow(request(Point(2.0, away(0, 1.0))))
    second = arm.follow(request(Point(1.0, away(0, 0.5))))
    arm.controller.cancel(first, arm.now_s)
    arm.run(1.1)
    assert second.outcome == TrajectoryOutcome(ErrorCode.SUCCESSFUL, "goal reached")
    assert arm.q[0] == pytest.approx(0.5, abs=1e-6)


def test_a_shift_in_time_is_not_felt() -> None:
    arm = Arm()
    arm.follow(request(Point(2.0, away(0, 1.0))))
    arm.run(0.5)
    arm.now_s += 100.0
    arm.controller.shift(100.0)
    arm.run(0.5)
    assert arm.q[0] == pytest.approx(0.5, abs=1e-9)


def test_feedback_tells_desired_and_actual() -> None:
    arm = Arm()
    arm.offset[1] = 0.01
    arm.follow(request(Point(2.0, away(1, 0.4))))
    arm.run(1.0)
    tracking = arm.controller.tracking
    assert tracking.desired.q[1] == pytest.approx(Q0[1] + 0.2, abs=1e-9)
    assert tracking.actual.q[1] - tracking.desired.q[1] == pytest.approx(0.01, abs=1e-9)
    assert tracking.desired.dq[1] == pytest.approx(0.2, abs=1e-9)
