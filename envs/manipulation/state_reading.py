"""The state observation: arm, props and what the task adds, as one vector with named entries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.manipulation.action_modes import ActionMode
from envs.manipulation.arm import MAX_OPENING_M, WORKSPACE_M
from envs.manipulation.entries import Entry, box, rotation, vector
from envs.manipulation.quaternion import two_columns
from envs.manipulation.tabletop import Tabletop
from envs.manipulation.task import Task
from envs.panda import PANDA_LIMITS


class StateReading:
    """Reads the scene of one environment.

    Args:
        task: what is done.
        mode: how the arm is moved, which decides what of the arm is worth knowing.
        perceived: whether to tell of the props and of what the task adds, too, or only of the arm.
    """

    def __init__(self, task: Task, mode: ActionMode, *, perceived: bool = True) -> None:
        self._task, self._mode, self._perceived = task, mode, perceived
        own = _arm_entries(task, mode)
        self.own = len(own)
        """How many entries are the arm's; they come first."""
        props = (entry for prop in task.props for entry in prop.entries())
        self.entries: tuple[Entry, ...] = (*own, *props, *task.extra_entries()) if perceived else own
        self.space = box(self.entries)
        self._low, self._high = self.space.low, self.space.high

    def read(self, scene: Tabletop) -> NDArray[np.float32]:
        """(n,) the numbers of `entries`, cut off at their ranges."""
        arm = scene.arm.state
        x, y, z = arm.position
        numbers = [x, y, z, *arm.velocity]
        if not self._task.closed:
            numbers.append(arm.opening_m)
        if self._mode.turns:
            numbers += two_columns(arm.quat_xyzw)
        if self._mode.joints:
            numbers += (*arm.q, *arm.dq)
        if not self._perceived:
            return self._within(numbers)
        for prop in scene.props:
            state = prop.state
            px, py, pz = state.position
            numbers += state.position
            numbers += two_columns(state.quat_xyzw)
            numbers += state.velocity
            numbers += state.angular_velocity
            numbers += (px - x, py - y, pz - z)
        numbers += self._task.extra(scene)
        return self._within(numbers)

    def _within(self, numbers: list[float]) -> NDArray[np.float32]:
        reading = np.array(numbers, dtype=np.float32)
        return np.minimum(np.maximum(reading, self._low, out=reading), self._high, out=reading)


def _arm_entries(task: Task, mode: ActionMode) -> tuple[Entry, ...]:
    lower, upper = WORKSPACE_M
    margin = 0.1
    entries = vector("hand position", [a - margin for a in lower], [b + margin for b in upper], "m")
    entries += vector("hand velocity", -2.0, 2.0, "m/s")
    if not task.closed:
        entries += (Entry("gripper opening", 0.0, MAX_OPENING_M, "m"),)
    if mode.turns:
        entries += rotation("hand")
    if mode.joints:
        limits = PANDA_LIMITS
        entries += tuple(
            Entry(f"joint {i + 1}", a, b, "rad")
            for i, (a, b) in enumerate(zip(limits.lower_rad, limits.upper_rad, strict=True))
        )
        entries += tuple(Entry(f"joint {i + 1} speed", -v, v, "rad/s") for i, v in enumerate(limits.velocity))
    return entries
