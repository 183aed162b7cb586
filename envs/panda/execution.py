"""Driving the simulated arm along a trajectory, step by step, at real speed."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from envs.arms.trajectory import JointTrajectory
from envs.panda.arm import PandaArm


class FollowResult(NamedTuple):
    """How the execution of a trajectory went."""

    completed: bool
    """Whether the end was reached; False where `stop_when` said so before."""
    time_s: float
    """Simulated seconds that passed."""
    tracking_error_rad: float
    """Largest difference of any joint from where it should have been after a step."""
    final_error_rad: float
    """That difference after the last step."""


def follow(
    arm: PandaArm,
    trajectory: JointTrajectory,
    *,
    stop_when: Callable[[], bool] | None = None,
    on_step: Callable[[], None] | None = None,
    settle_s: float = 0.05,
) -> FollowResult:
    """Drive `arm` along `trajectory`, one world step at a time, and hold its end.

    Args:
        arm: stands at the trajectory's start.
        trajectory: within the arm's limits.
        stop_when: asked after every step, for example for a contact; True makes the arm hold
            where it is and ends the motion early.
        on_step: called after every step, for example to record a video.
        settle_s: how long to hold the end before returning.
    """
    step_s = arm.world.timestep_s
    moving = int(np.ceil(trajectory.duration_s / step_s - 1e-9))
    count = moving + int(round(settle_s / step_s))
    wanted, _ = trajectory.sample(step_s * np.arange(count + 1))
    error = worst = 0.0
    for i in range(count):
        # The mean speed over the step, not the one at its start, lands exactly on the next sample.
        arm.command(wanted[i], (wanted[i + 1] - wanted[i]) / step_s)
        arm.world.step()
        if on_step is not None:
            on_step()
        error = float(np.abs(arm.q - wanted[i + 1]).max())
        worst = max(worst, error)
        if stop_when is not None and stop_when():
            arm.command(arm.q)
            return FollowResult(False, (i + 1) * step_s, worst, error)
    arm.command(wanted[-1])
    return FollowResult(True, count * step_s, worst, error)
