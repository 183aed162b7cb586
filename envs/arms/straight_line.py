"""Straight-line motion of the hand: approach and retreat."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import make_interp_spline
from scipy.spatial.transform import Rotation, Slerp

from envs.arms.curve_timing import time_curve
from envs.arms.ik import IKConfig, pose_error, solve_ik
from envs.arms.limits import CartesianLimits, JointLimits
from envs.arms.model import ArmModel
from envs.arms.panda import PANDA
from envs.arms.trajectory import JointTrajectory
from geometry import FloatArray, InputError, transform

_SPACING_M = 0.005
_SPACING_RAD = 0.03
_LARGEST_STEP_RAD = 0.25
_STAY_NEAR = IKConfig(restarts=0, centring=0.0, position_tolerance_m=1e-8, angle_tolerance_rad=1e-8)


class LineResult(NamedTuple):
    """A straight-line motion, or how far it gets."""

    trajectory: JointTrajectory | None
    """The motion; None where the line cannot be followed to its end."""
    q: FloatArray
    """(k, n) postures at even distances along the part of the line that can be reached."""
    share: float
    """Share of the line that can be reached without a jump of the joints; 1 is all of it."""


def straight_line(
    q_from: ArrayLike,
    T_base_goal: ArrayLike,
    *,
    speed_m_s: float = 0.25,
    limits: JointLimits | None = None,
    hand: CartesianLimits | None = None,
    arm: ArmModel = PANDA,
) -> LineResult:
    """Move the grasp frame on a straight line, turning evenly, from rest to rest.

    Args:
        q_from: (n,) rad, where it starts.
        T_base_goal: (4, 4) where the grasp frame shall end, in the base frame.
        speed_m_s: largest speed along the line; for a pure turn, rad/s. Infinite leaves it to `hand`.
        limits: of the joints; None are the arm's own.
        hand: of the hand; None are the arm's own.
        arm: whose.
    """
    if not speed_m_s > 0.0:
        raise InputError("straight_line", expected="speed_m_s > 0", got=f"{speed_m_s}")
    start, goal = np.asarray(q_from, dtype=np.float64), np.asarray(T_base_goal, dtype=np.float64)
    targets, distance, angle = _waypoints(arm.grasp_pose(start), goal)
    solved = solve_ik(targets, start, config=_STAY_NEAR, arm=arm)
    solved.q[0] = start
    smooth = np.abs(np.diff(solved.q, axis=0)).max(axis=1) < _LARGEST_STEP_RAD
    good = np.append(True, solved.converged[1:] & smooth)
    reached = len(good) if good.all() else int(good.argmin())
    if reached < len(good):
        return LineResult(None, solved.q[:reached], (reached - 1) / (len(good) - 1))
    length = distance if distance > 1e-6 else angle
    if length < 1e-9:
        still = JointTrajectory(np.zeros(1), start[None], np.zeros((1, arm.joints)))
        return LineResult(still, solved.q, 1.0)
    curve = make_interp_spline(np.linspace(0.0, length, len(solved.q)), solved.q, k=5)
    s_limits = _line_limits(distance / length, angle / length, speed_m_s, hand or arm.hand)
    return LineResult(time_curve(curve, length, limits=limits or arm.limits, s_limits=s_limits), solved.q, 1.0)


def _waypoints(T_from: FloatArray, T_to: FloatArray) -> tuple[FloatArray, float, float]:
    """(k, 4, 4) poses evenly along the line, its length in metres and its turn in radians."""
    error = pose_error(T_from, T_to)
    distance, angle = float(np.linalg.norm(error[:3])), float(np.linalg.norm(error[3:]))
    count = 1 + max(6, int(np.ceil(distance / _SPACING_M)), int(np.ceil(angle / _SPACING_RAD)))
    u = np.linspace(0.0, 1.0, count)
    turn = Slerp([0.0, 1.0], Rotation.from_matrix([T_from[:3, :3], T_to[:3, :3]]))(u)
    return transform(turn, T_from[:3, 3] + u[:, None] * error[:3]), distance, angle


def _line_limits(metres: float, radians: float, speed: float, hand: CartesianLimits) -> FloatArray:
    """(3,) limits on the line's parameter, of which one unit moves the hand so many metres and radians."""
    shift = np.array([hand.velocity, hand.acceleration, hand.jerk]) / max(metres, 1e-12)
    turn = np.array([hand.angular_velocity, hand.angular_acceleration, hand.angular_jerk]) / max(radians, 1e-12)
    rates: FloatArray = np.minimum(shift, turn)
    rates[0] = min(rates[0], speed)
    return rates
