"""Trajectories as they come to the simulated arm: splines against formulas, refusals, tolerances."""

from __future__ import annotations

import numpy as np
import pytest

from envs.panda import PANDA_LIMITS, JointTrajectory
from geometry import InputError
from ros_nodes.sim_robot.spline import JointMotion, Spline, stopping
from ros_nodes.sim_robot.tolerances import JointTolerance, Tolerances
from ros_nodes.sim_robot.trajectory_request import ErrorCode, Point, Refusal, TrajectoryRequest, check_trajectory
from tests.ros_nodes.asked_motions import NAMES, Q0, away, request, taken


def refused(made: TrajectoryRequest, now_s: float = 10.0, *, moving_end: bool = False) -> Refusal:
    checked = check_trajectory(made, NAMES, PANDA_LIMITS, now_s, moving_end=moving_end)
    assert isinstance(checked, Refusal)
    return checked


def test_between_positions_alone_the_motion_is_a_straight_line() -> None:
    spline = taken(request(Point(0.0, Q0.tolist()), Point(2.0, away(0, 1.0))))
    for t, angle in ((0.0, 0.0), (0.5, 0.25), (1.7, 0.85), (2.0, 1.0), (9.0, 1.0)):
        assert spline.sample(10.0 + t).q[0] == pytest.approx(angle, abs=1e-12)
    assert spline.sample(11.0).dq[0] == pytest.approx(0.5)


def test_with_velocities_it_is_the_cubic_that_the_planner_means() -> None:
    rng = np.random.default_rng(1)
    times = np.array([0.0, 0.3, 0.8, 1.0])
    q, dq = Q0 + 0.1 * rng.standard_normal((4, 7)), 0.3 * rng.standard_normal((4, 7))
    dq[-1] = 0.0
    points = [Point(t, a.tolist(), b.tolist()) for t, a, b in zip(times.tolist(), q, dq, strict=True)]
    spline, planned = taken(request(*points)), JointTrajectory(times, q, dq)
    for t in np.linspace(0.0, 0.9999, 37):
        wanted_q, wanted_dq = planned.sample(t)
        np.testing.assert_allclose(spline.sample(10.0 + t).q, wanted_q, atol=1e-12)
        np.testing.assert_allclose(spline.sample(10.0 + t).dq, wanted_dq, atol=1e-9)


def test_with_accelerations_it_is_the_quintic() -> None:
    # q(t) = t^5 - 2 t^4 + t^3 through its own values and derivatives at 0 and 1.5
    poly = np.polynomial.Polynomial([0.0, 0.0, 0.0, 0.1, -0.2, 0.1])
    first, second = poly.deriv(1), poly.deriv(2)
    points = [
        Point(t, away(3, poly(t)), [0.0, 0.0, 0.0, first(t), 0, 0, 0], [0.0, 0.0, 0.0, second(t), 0, 0, 0])
        for t in (0.0, 1.5)
    ]
    checked = check_trajectory(request(*points), NAMES, PANDA_LIMITS, 10.0, moving_end=True)
    assert isinstance(checked, Spline)
    for t in np.linspace(0.0, 1.49, 20):
        state = checked.sample(10.0 + t)
        assert state.q[3] - Q0[3] == pytest.approx(poly(t), abs=1e-12)
        assert state.dq[3] == pytest.approx(first(t), abs=1e-12)
        assert state.ddq[3] == pytest.approx(second(t), abs=1e-11)


def test_joints_may_come_in_any_order() -> None:
    order = [6, 2, 0, 1, 5, 4, 3]
    target = np.array(away(2, 0.4))
    made = request(Point(1.0, target[order].tolist()), names=tuple(NAMES[i] for i in order))
    np.testing.assert_array_equal(taken(made).q[0], target)


@pytest.mark.parametrize(
    ("made", "code", "words"),
    [
        (request(Point(1.0, [0.0] * 6), names=NAMES[:6]), ErrorCode.INVALID_JOINTS, "missing ['panda_joint7']"),
        (request(Point(1.0, [0.0] * 7), names=(*NAMES[:6], "x")), ErrorCode.INVALID_JOINTS, "unknown ['x']"),
        (request(Point(1.0, [0.0] * 8), names=(*NAMES, NAMES[0])), ErrorCode.INVALID_JOINTS, "twice"),
        (request(), ErrorCode.INVALID_GOAL, "no points"),
        (request(Point(1.0, away(0, 0.1)[:6])), ErrorCode.INVALID_GOAL, "expected 7 positions, got 6"),
        (request(Point(1.0, away(0, np.nan))), ErrorCode.INVALID_GOAL, "finite"),
        (request(Point(1.0, away(0, 0.1), effort=[1.0])), ErrorCode.INVALID_GOAL, "effort"),
        (request(Point(1.0, away(0, 0.1)), Point(1.0, away(0, 0.2))), ErrorCode.INVALID_GOAL, "increase strictly"),
        (request(Point(-0.5, away(0, 0.1))), ErrorCode.INVALID_GOAL, "increase strictly"),
        (request(Point(1.0, away(0, 2.95))), ErrorCode.INVALID_GOAL, "panda_joint1 at 2.9500 rad is outside"),
        (request(Point(1.0, away(0, 0.1), [3.0] + [0.0] * 6)), ErrorCode.INVALID_GOAL, "above its limit 2.175"),
        (request(Point(1.0, away(0, 0.1), [0.1] + [0.0] * 6)), ErrorCode.INVALID_GOAL, "must be 0"),
        (request(Point(1.0, away(0, 0.1)), start_s=8.5), ErrorCode.OLD_HEADER_TIMESTAMP, "0.500 s ago"),
    ],
)
def test_what_is_refused(made: TrajectoryRequest, code: ErrorCode, words: str) -> None:
    refusal = refused(made)
    assert refusal.code == code
    assert words in refusal.reason


def test_an_end_in_motion_is_taken_where_that_is_allowed() -> None:
    made = request(Point(1.0, away(0, 0.1), [0.1] + [0.0] * 6))
    assert isinstance(check_trajectory(made, NAMES, PANDA_LIMITS, 10.0, moving_end=True), Spline)


def test_tolerances_mean_what_control_msgs_says() -> None:
    own = Tolerances.uniform(7, path_rad=0.1, goal_rad=0.01, stopped_rad_s=0.02, goal_time_s=1.0)
    asked = own.with_goal(
        NAMES, [JointTolerance("panda_joint1", -1.0), JointTolerance("panda_joint2", 0.5)],
        [JointTolerance("panda_joint1", 0.0, -1.0)], -1.0,
    )  # fmt: skip
    assert asked.path[:3, 0].tolist() == [np.inf, 0.5, 0.1]
    assert asked.goal[0].tolist() == [0.01, np.inf]
    assert asked.goal_time_s == np.inf
    assert own.with_goal(NAMES, [], [], 0.0).goal_time_s == 1.0
    with pytest.raises(InputError, match="path_tolerance: expected joints of .* got 'elbow'"):
        own.with_goal(NAMES, [JointTolerance("elbow", 0.1)], [], 0.0)
    with pytest.raises(InputError, match="finite"):
        own.with_goal(NAMES, [], [JointTolerance("panda_joint1", np.nan)], 0.0)


def test_stopping_brings_all_joints_to_rest_together() -> None:
    state = JointMotion(Q0, np.array([1.0, -0.5, 0, 0, 0, 0, 0.2]), np.zeros(7))
    spline = stopping(state, 3.0, np.full(7, 2.0))
    assert spline.end_s == pytest.approx(3.5)
    np.testing.assert_allclose(spline.sample(3.25).dq, 0.5 * state.dq, atol=1e-12)
    np.testing.assert_allclose(spline.sample(3.5).q, Q0 + 0.25 * state.dq, atol=1e-12)
