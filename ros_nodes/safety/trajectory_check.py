"""A whole trajectory is held against the rules before the controller sees it."""

from __future__ import annotations

import numpy as np

from geometry import FloatArray
from ros_nodes.safety.arm_state import ArmState
from ros_nodes.safety.command import Command
from ros_nodes.safety.findings import Cause, Finding
from ros_nodes.safety.interpolation import Motion, motion_through
from ros_nodes.safety.limits import ArmLimits
from ros_nodes.safety.places import check_places
from ros_nodes.safety.rules import Rules

_AT_REST_S = 1e-3
_ROUNDING = 1e-6
_RATE_ROUNDING = 1e-3
_STALE_STAMP_S = 0.2


def check_trajectory(
    command: Command, state: ArmState, rules: Rules, *, start: ArmState | None = None
) -> Motion | Finding:
    """Check what the controller would drive, from where the arm is to the last point.

    Times, start, positions, speeds and accelerations at the points and between them, and places.

    Args:
        command: what was asked for.
        state: where the arm is.
        rules: what it is held against.
        start: where the controller will start from; default: where the arm is.
    Returns:
        The motion, to compare the arm with as it moves; or the first finding.
    """
    start = start or state
    finding = _check_times(command, rules) or _check_start(command, start, rules)
    if finding is not None:
        return finding
    motion = _motion(command, start)
    starts_here = np.abs(command.q[0] - start.q).max() <= rules.start_tolerance_rad
    rates_from_s = float(command.times_s[0]) if starts_here else 0.0
    finding = (
        _check_positions(motion, state, rules)
        or _check_rates(motion, rates_from_s, command, rules)
        or check_places(motion, rates_from_s, state, rules)
    )
    return motion if finding is None else finding


def _check_times(command: Command, rules: Rules) -> Finding | None:
    times, delay = command.times_s, command.start_delay_s
    steps = np.diff(times)
    if times[0] < 0.0 or np.any(steps <= 0.0):
        index = 0 if times[0] < 0.0 else int(np.argmax(steps <= 0.0)) + 1
        before = f", after {times[index - 1]:.4f} s" if index else ""
        return Finding(Cause.TIMES, f"time_from_start of point {index} is {times[index]:.4f} s{before}")
    if not -_STALE_STAMP_S <= delay <= rules.max_start_delay_s:
        return Finding(Cause.START_TIME, f"{delay:.2f} s from now, limit {rules.max_start_delay_s:.2f} s")
    if command.duration_s > rules.max_duration_s:
        return Finding(Cause.TOO_LONG, f"{command.duration_s:.1f} s, limit {rules.max_duration_s:.1f} s")
    return None


def _check_start(command: Command, state: ArmState, rules: Rules) -> Finding | None:
    """A first point at time 0 must be where the arm is; a later one is driven to, and checked as a motion."""
    away = np.abs(command.q[0] - state.q)
    if command.times_s[0] > 0.0 or away.max() <= rules.start_tolerance_rad:
        return None
    worst = int(away.argmax())
    name, limit = rules.limits.names[worst], rules.start_tolerance_rad
    return Finding(Cause.START_JUMP, f"{name} is {away[worst]:.3f} rad away, limit {limit:.3f} rad")


def _motion(command: Command, state: ArmState) -> Motion:
    """What the controller drives: from the state to the first point, where that comes later, and on."""
    times, q, dq, ddq = command.times_s, command.q, command.dq, command.ddq
    unknown = np.full((1, q.shape[1]), np.nan)
    if times[0] > 0.0:
        first_dq = state.dq[None] if np.all(np.isfinite(dq[0])) else unknown
        times, q = np.concatenate([[0.0], times]), np.concatenate([state.q[None], q])
        dq, ddq = np.concatenate([first_dq, dq]), np.concatenate([unknown, ddq])
    elif len(times) == 1:
        times, q = np.array([0.0, _AT_REST_S]), np.repeat(q, 2, axis=0)
        dq, ddq = np.repeat(unknown, 2, axis=0), np.repeat(unknown, 2, axis=0)
    return motion_through(times, q, dq, ddq)


def _check_positions(motion: Motion, state: ArmState, rules: Rules) -> Finding | None:
    limits = rules.limits
    lowest, highest, _, _ = motion.extremes()
    outside = np.maximum(limits.outside(lowest), limits.outside(highest))
    allowed = limits.outside(state.q) if rules.allow_return else np.zeros(len(limits.names))
    if np.all(outside <= allowed + _ROUNDING):
        return None
    segment, joint = np.unravel_index(int((outside - allowed).argmax()), outside.shape)
    reaches = highest if highest[segment, joint] > limits.upper[joint] else lowest
    return Finding(
        Cause.POSITION,
        f"{limits.names[joint]} reaches {reaches[segment, joint]:.4f} rad by {_end(motion, segment):.2f} s, "
        f"limits {limits.lower[joint]:.4f} to {limits.upper[joint]:.4f} rad",
    )


def _check_rates(motion: Motion, rates_from_s: float, command: Command, rules: Rules) -> Finding | None:
    """Given rates, means over segments, and peaks in them.

    A lead-in from within the start's tolerance has no speed worth a name.
    """
    counts, limits = motion.starts_s >= rates_from_s, rules.limits
    ends = (motion.starts_s + motion.lengths_s)[counts]
    _, _, speeds, accelerations = motion.extremes()
    mean_speeds, mean_accelerations = motion.means()
    held_against = (
        (Cause.VELOCITY, command.times_s, command.dq, 0.0),
        (Cause.VELOCITY, ends, mean_speeds[counts], 0.0),
        (Cause.VELOCITY, ends, speeds[counts], rules.speed_peak_allowance),
        (Cause.ACCELERATION, command.times_s, command.ddq, 0.0),
        (Cause.ACCELERATION, ends, mean_accelerations[counts], 0.0),
        (Cause.ACCELERATION, ends, accelerations[counts], rules.acceleration_peak_allowance),
    )
    for cause, times, rates, allowance in held_against:
        finding = _exceeded(cause, times, np.abs(np.nan_to_num(rates)), allowance, limits)
        if finding is not None:
            return finding
    return None


def _exceeded(
    cause: Cause, times: FloatArray, rates: FloatArray, allowance: float, limits: ArmLimits
) -> Finding | None:
    limit = np.asarray(limits.velocity if cause is Cause.VELOCITY else limits.acceleration)
    ratio = rates / limit
    if not ratio.size or ratio.max() <= 1.0 + allowance + _RATE_ROUNDING:
        return None
    row, joint = np.unravel_index(int(ratio.argmax()), ratio.shape)
    unit = "rad/s" if cause is Cause.VELOCITY else "rad/s^2"
    peak = f" (peaks up to {100.0 * allowance:.0f} % more)" if allowance else ""
    what = f"{rates[row, joint]:.3f} {unit} by {times[row]:.2f} s, limit {limit[joint]:.3f}{peak}"
    return Finding(cause, f"{limits.names[joint]} at {what}")


def _end(motion: Motion, segment: np.intp) -> float:
    return float(motion.starts_s[segment] + motion.lengths_s[segment])
