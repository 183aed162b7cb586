"""From a policy's action to joint targets, by the very step that the training environment takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike

from envs.manipulation.action_modes import opening
from envs.manipulation.arm import ArmState
from envs.manipulation.quaternion import conjugate, multiply, turn_of
from envs.panda import HOME_Q, PANDA_LIMITS, pose_and_jacobian, solve_ik
from geometry import FloatArray, InputError, invert, transform
from ros_nodes.task_view.arm_reading import arm_state
from ros_nodes.task_view.task_contract import Corner, TaskContract

if TYPE_CHECKING:
    from envs.manipulation.arm import TaskArm

_DAMPING, _NULL_GAIN = 1e-3, 0.05
_MARGIN_RAD = 0.02
_BEHIND_M = 0.04
"""The training environments take the Jacobian at a point so far behind the fingertips; policies are used to it."""
_STRAY_M = 0.05
"""A hand farther outside the workspace is not sent back at full speed."""


class JointTarget(NamedTuple):
    """Where the robot shall be after one control period."""

    q: FloatArray
    """(7,) rad."""
    opening_m: float | None
    """Gap between the fingers; None where the policy has no gripper."""
    limited: str
    """Which limit changed the target; empty if none did."""


class JointCommander:
    """Commands a Panda as `envs.manipulation` does: one damped least-squares step from where the arm is.

    The closed loop is then the one that the policy was trained in: its steps fall short near singular postures, and the
    elbow drifts back, exactly as there.

    Args:
        contract: of the policy's environment.
        T_task_base: (4, 4) the robot's base in the environment's world.
        workspace_m: lower and upper corner of where the hand may be sent, within the environment's own.
        lower_rad: (7,) smallest joint positions.
        upper_rad: (7,) largest joint positions.
        velocity: (7,) largest joint speeds, rad/s.
    """

    def __init__(
        self,
        contract: TaskContract,
        T_task_base: FloatArray,
        *,
        workspace_m: tuple[Corner, Corner] | None = None,
        lower_rad: Sequence[float] = PANDA_LIMITS.lower_rad,
        upper_rad: Sequence[float] = PANDA_LIMITS.upper_rad,
        velocity: Sequence[float] = PANDA_LIMITS.velocity,
    ) -> None:
        low, high = contract.workspace_m
        if workspace_m is not None:
            low = cast(Corner, tuple(np.maximum(low, workspace_m[0]).tolist()))
            high = cast(Corner, tuple(np.minimum(high, workspace_m[1]).tolist()))
        if not np.less(low, high).all():
            expected = f"a box that meets the environment's, {contract.workspace_m}"
            raise InputError("workspace", expected=expected, got=f"{workspace_m}")
        self._contract, self._T_task_base = contract, T_task_base
        self._last: FloatArray | None = None
        limits = (
            np.maximum(lower_rad, PANDA_LIMITS.lower_rad) + _MARGIN_RAD,
            np.minimum(upper_rad, PANDA_LIMITS.upper_rad) - _MARGIN_RAD,
            np.minimum(velocity, PANDA_LIMITS.velocity),
        )
        self._arm = _CommandedArm(contract, T_task_base, (low, high), limits)

    def command(self, arm: ArmState, action: ArrayLike, *, lead_s: float = 0.0) -> JointTarget:
        """The target for the coming control period.

        Args:
            arm: as it is now.
            action: (A,) as the policy gives it; it is cut off at the bounds.
            lead_s: how long after the measurement the command takes effect; the step is taken from where the arm will
                be by then on its way to the last target, else it would be sent less far than the policy means.

        Raises:
            InputError: if the action is not finite, or of another shape.
        """
        entries = self._contract.action_entries
        numbers = [float(number) for number in np.asarray(action, dtype=np.float64).ravel()]
        if len(numbers) != len(entries) or not all(map(math.isfinite, numbers)):
            raise InputError("action", expected=f"{len(entries)} finite numbers", got=f"{numbers}")
        within = [min(max(number, e.low), e.high) for number, e in zip(numbers, entries, strict=True)]
        if lead_s > 0.0:
            arm = self._ahead(arm, lead_s)
        self._arm.state, self._arm.limited = arm, ""
        self._contract.mode.move(cast("TaskArm", self._arm), within)
        q = np.add(arm.q, self._arm.dq * self._contract.period_s)
        self._last = q
        return JointTarget(q, None if self._contract.closed else opening(within[-1]), self._arm.limited)

    def forget(self) -> None:
        """The arm may have been moved by others since the last target."""
        self._last = None

    def strayed(self, arm: ArmState) -> str:
        """Why the hand may not be moved from where it is; empty if it may."""
        low, high = self._arm.workspace_m
        beyond = np.maximum(np.subtract(low, arm.position), np.subtract(arm.position, high)).max()
        if beyond <= _STRAY_M:
            return ""
        return f"the hand is {beyond:.2f} m outside the workspace; move it near {self._contract.start_m}"

    def _ahead(self, arm: ArmState, lead_s: float) -> ArmState:
        """The arm a little later; never beyond its last target, where it would stop."""
        if self._last is None:
            return arm
        q, dq = np.asarray(arm.q), np.asarray(arm.dq)
        left = self._last - q
        way = np.clip(lead_s * dq, np.minimum(left, 0.0), np.maximum(left, 0.0))
        return arm_state(self._T_task_base, q + way, dq, arm.opening_m)


class _CommandedArm:
    """What an action mode sees of an arm, and the joint speeds that it asks for."""

    def __init__(
        self,
        contract: TaskContract,
        T_task_base: FloatArray,
        workspace_m: tuple[Corner, Corner],
        limits: tuple[FloatArray, FloatArray, FloatArray],
    ) -> None:
        self.workspace_m, self.period_s = workspace_m, contract.period_s
        self.state: ArmState
        self.dq: FloatArray = np.zeros(7)
        self.limited = ""
        self._R = T_task_base[:3, :3]
        T_task_start = transform(np.diag([1.0, -1.0, -1.0]), contract.start_m)
        self._rest = solve_ik(invert(T_task_base) @ T_task_start, HOME_Q).q
        self._lower, self._upper, self._velocity = limits

    def move_hand(self, offset_m: Sequence[float], quat_wanted_xyzw: Sequence[float]) -> None:
        """See `TaskArm.move_hand`."""
        T_base_grasp, of_grasp = pose_and_jacobian(np.asarray(self.state.q))
        back = np.cross(of_grasp[3:], -_BEHIND_M * T_base_grasp[:3, 2], axis=0)
        jacobian = np.concatenate([self._R @ (of_grasp[:3] + back), self._R @ of_grasp[3:]])
        turn = turn_of(multiply(quat_wanted_xyzw, conjugate(self.state.quat_xyzw)))
        drift = _NULL_GAIN * (self._rest - self.state.q)
        error = np.array((*offset_m, *turn)) - jacobian @ drift
        step = drift + jacobian.T @ np.linalg.solve(jacobian @ jacobian.T + _DAMPING * np.eye(6), error)
        self.move_joints(step / self.period_s)

    def move_joints(self, dq: FloatArray) -> None:
        """See `TaskArm.move_joints`."""
        excess = float(np.max(np.abs(dq) / self._velocity))
        if excess > 1.0:
            dq, self.limited = dq / excess, "joint speed"
        q, period = np.asarray(self.state.q), self.period_s
        within = np.minimum(np.maximum(dq, (self._lower - q) / period), (self._upper - q) / period)
        if not np.array_equal(within, dq):
            self.limited = "joint position"
        self.dq = within

    def move_to_joints(self, q: FloatArray) -> None:
        """See `TaskArm.move_to_joints`."""
        self.move_joints(np.subtract(q, self.state.q) / self.period_s)

    def yaw(self) -> float:
        """See `TaskArm.yaw`."""
        x, y, _, _ = self.state.quat_xyzw
        return (2.0 * math.atan2(y, x) + math.pi) % (2.0 * math.pi) - math.pi
