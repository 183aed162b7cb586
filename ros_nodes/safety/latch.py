"""Why the arm is stopped; it stays so until a reset finds every cause gone."""

from __future__ import annotations

import numpy as np

from geometry import FloatArray
from ros_nodes.safety.findings import Cause, Finding
from ros_nodes.safety.places import places_outside
from ros_nodes.safety.rules import Rules
from ros_nodes.safety.signals import Signals

_STANDSTILL_RAD_S = 0.02


class Latch:
    """The causes of a stop, the first one first."""

    def __init__(self) -> None:
        self._findings: dict[Cause, Finding] = {}

    def __bool__(self) -> bool:
        return bool(self._findings)

    def __str__(self) -> str:
        return "; then ".join(str(finding) for finding in self._findings.values())

    @property
    def first(self) -> Finding | None:
        """What stopped the arm."""
        return next(iter(self._findings.values()), None)

    def add(self, finding: Finding) -> bool:
        """Latch a cause; whether it is a new one."""
        return self._findings.setdefault(finding.cause, finding) is finding

    def clear(self) -> None:
        """Forget every cause."""
        self._findings.clear()


def what_remains(latch: Latch, signals: Signals, rules: Rules, controller_ready: bool, now_s: float) -> list[Finding]:
    """What still forbids to reset a latch.

    Joint states must be fresh and the arm stand still whatever the cause was; a heartbeat or deadman that is
    asked for must be there; the arm must be within its limits and its workspace, unless it may return; and
    the controller must be there.
    """
    remains = signals.missing(now_s)
    state = signals.fresh(now_s)
    if state is not None:
        speed = float(np.abs(state.dq).max())
        if speed > _STANDSTILL_RAD_S:
            remains.append(Finding(Cause.VELOCITY, f"the arm still moves at {speed:.3f} rad/s"))
        if not rules.allow_return:
            remains += _still_outside(state.q, rules) + [
                Finding(Cause.WORKSPACE, f"{name} is still {1e3 * float(distance):.0f} mm outside")
                for name, distance in places_outside(state, rules).items()
                if distance > rules.place_margin_m
            ]
    if latch and not controller_ready:
        remains.append(Finding(Cause.CONTROLLER, "its action server is not there"))
    return remains


def _still_outside(q: FloatArray, rules: Rules) -> list[Finding]:
    outside = rules.limits.outside(q)
    return [
        Finding(Cause.POSITION, f"{name} is still {distance:.3f} rad outside its limits")
        for name, distance in zip(rules.limits.names, outside.tolist(), strict=True)
        if distance > rules.position_margin_rad
    ]
