"""The places and the tip's speed along a motion, and of a measured arm."""

from __future__ import annotations

import numpy as np

from geometry import FloatArray
from ros_nodes.safety.arm_state import ArmState
from ros_nodes.safety.findings import Cause, Finding
from ros_nodes.safety.interpolation import Motion
from ros_nodes.safety.rules import Rules
from ros_nodes.safety.workspace import TIP

_STEP_RAD = 0.04
"""Between sampled postures: no point of a Panda moves by more than 35 mm."""
_ROUNDING_M = 1e-6
_LOOK_BACK_S = 0.01


def check_places(motion: Motion, rates_from_s: float, state: ArmState, rules: Rules) -> Finding | None:
    """Whether links leave the workspace or, from `rates_from_s` on, the tip goes too fast; sampled every 0.04 rad."""
    if rules.link_points is None:
        return None
    times, postures = motion.samples(_STEP_RAD)
    points = rules.link_points(postures)
    allowed = _outside(rules.link_points(state.q), rules) if rules.allow_return else {}
    for name, distances in _outside(points, rules).items():
        excess = distances - allowed.get(name, 0.0)
        if excess.max() > _ROUNDING_M:
            worst = int(excess.argmax())
            return _place_finding(name, points[name][worst], float(distances[worst]), f" at {times[worst]:.2f} s")
    if rules.tip_speed_m_s > 0.0 and TIP in points:
        speeds = np.linalg.norm(np.diff(points[TIP], axis=0), axis=1) / np.diff(times)
        speeds[times[:-1] < rates_from_s] = 0.0
        if speeds.max() > rules.tip_speed_m_s * (1.0 + rules.speed_peak_allowance):
            worst = int(speeds.argmax())
            what = f"{speeds[worst]:.2f} m/s at {times[worst]:.2f} s, limit {rules.tip_speed_m_s:.2f} m/s"
            return Finding(Cause.TIP_SPEED, what)
    return None


def check_measured_places(state: ArmState, rules: Rules, allowed: dict[str, FloatArray]) -> Finding | None:
    """Whether a measured arm is outside the workspace, or its tip too fast.

    Args:
        state: as measured.
        rules: what it is held against.
        allowed: from `places_outside` when the motion began, so that an arm may come back.
    """
    if rules.link_points is None:
        return None
    points = rules.link_points(state.q)
    for name, distance in _outside(points, rules).items():
        if distance > allowed.get(name, 0.0) + rules.place_margin_m:
            return _place_finding(name, points[name], float(distance), "")
    if rules.tip_speed_m_s > 0.0 and TIP in points:
        before = rules.link_points(state.q - _LOOK_BACK_S * state.dq)[TIP]
        speed = float(np.linalg.norm(points[TIP] - before)) / _LOOK_BACK_S
        if speed > rules.tip_speed_m_s * (1.0 + rules.speed_margin):
            return Finding(Cause.TIP_SPEED, f"measured {speed:.2f} m/s, limit {rules.tip_speed_m_s:.2f} m/s")
    return None


def places_outside(state: ArmState, rules: Rules) -> dict[str, FloatArray]:
    """How far each point of a measured arm is outside the workspace, m, by name."""
    return {} if rules.link_points is None else _outside(rules.link_points(state.q), rules)


def _outside(points: dict[str, FloatArray], rules: Rules) -> dict[str, FloatArray]:
    if rules.workspace is None:
        return {}
    return {name: rules.workspace.outside(name, where) for name, where in points.items()}


def _place_finding(name: str, point: FloatArray, distance_m: float, when: str) -> Finding:
    where = ", ".join(f"{value:.3f}" for value in point.tolist())
    return Finding(Cause.WORKSPACE, f"{name} at ({where}) m{when}, {1e3 * distance_m:.0f} mm outside")
