"""Points that a policy streams are held against the rules as they come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geometry import FloatArray
from ros_nodes.safety.arm_state import ArmState
from ros_nodes.safety.command import Command
from ros_nodes.safety.findings import Cause, Finding
from ros_nodes.safety.interpolation import Motion
from ros_nodes.safety.rules import Rules
from ros_nodes.safety.trajectory_check import check_trajectory


@dataclass(frozen=True)
class StreamTarget:
    """Where a stream was last let go to.

    Attributes:
        q: (n,) rad.
        let_through_s: when, on the guard's clock.
    """

    q: FloatArray
    let_through_s: float


def check_streamed(
    command: Command, state: ArmState, last: StreamTarget | None, now_s: float, rules: Rules
) -> Motion | Finding:
    """Check one message of a stream.

    An arm lags behind its targets, so a streamed target may lie ahead of it by what the joints can
    do in the point's time plus `Rules.stream_lead_rad`; and from target to target no
    joint may be asked for more than its speed, over the point's time or the time between the two
    messages, whichever is longer.

    Args:
        command: the message.
        state: where the arm is.
        last: the target before; None for the first or after a pause.
        now_s: on the guard's clock.
        rules: what it is held against.
    Returns:
        The motion to and past the target, or the first finding.
    """
    if last is None:
        return check_trajectory(command, state, rules)
    time_s = max(float(command.times_s[0]), now_s - last.let_through_s)
    velocity = (1.0 + rules.speed_peak_allowance) * np.asarray(rules.limits.velocity)
    for cause, origin, reach in (
        (Cause.VELOCITY, last.q, velocity * time_s),
        (Cause.START_JUMP, state.q, velocity * command.times_s[0] + rules.stream_lead_rad),
    ):
        away = np.abs(command.q[0] - origin)
        worst = int((away - reach).argmax())
        if away[worst] > reach[worst]:
            what = "from the last target" if cause is Cause.VELOCITY else "from the arm"
            detail = f"{rules.limits.names[worst]} {away[worst]:.3f} rad {what}, limit {reach[worst]:.3f} rad here"
            return Finding(cause, detail)
    start = ArmState(command.q[0], np.full_like(state.dq, np.nan), state.received_s)
    return check_trajectory(command, state, rules, start=start)
