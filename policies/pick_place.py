"""The pick-and-place skill: approach, close, lift, check, carry, release, and say how it went."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from envs.cell import RobotCell
from envs.clutter import RankedGrasps
from envs.panda import follow, joint_motion, plan_motion, straight_line
from geometry import FloatArray, invert
from policies.pick_planning import PickConfig, PickPlan, plan_pick
from policies.stopwatch import Stopwatch

PickOutcome = Literal["placed", "missed", "dropped", "unreachable"]
_HELD_WIDTH_M = 0.002
_LIFT_SHARES = (1.0, 0.6, 0.3)


class PickResult(NamedTuple):
    """How one pick went, as the robot itself can tell."""

    outcome: PickOutcome
    """"placed", "missed" (nothing held after the lift), "dropped" (lost on the way), "unreachable"."""
    grasp_index: int
    """Which of the ranked grasps was tried; -1 where none could be reached."""
    T_world_grasp: FloatArray | None
    """(4, 4) the grasp that was tried, or None."""
    refused: dict[str, int]
    """Grasps that were refused before, by reason."""


class PickAndPlace:
    """The skill in one cell.

    Args:
        cell: arm, table and bin.
        config: distances, speeds and forces.
    """

    def __init__(self, cell: RobotCell, config: PickConfig | None = None) -> None:
        self.cell = cell
        self.config = config or PickConfig()
        self.computing = Stopwatch()
        """Wall time spent on planning motions."""
        self._collision = cell.obstacles()

    def run(self, grasps: RankedGrasps, cloud_world: FloatArray, rng: np.random.Generator) -> PickResult:
        """Carry out the best grasp within reach.

        Args:
            grasps: best first, in the world.
            cloud_world: (N, 3) what the camera saw, to be kept clear of.
            rng: for the motion planner.
        """
        with self.computing:
            cloud_id = self._collision.add_cloud(cloud_world) if len(cloud_world) else None
            arm = self.cell.arm
            planned = plan_pick(grasps, arm.q, arm.T_world_base, self._collision, cloud_id, self.config, rng)
            if cloud_id is not None:
                self._collision.remove(cloud_id)
        if planned.plan is None:
            return PickResult("unreachable", -1, None, planned.refused)
        outcome = self._execute(planned.plan, cloud_world, rng)
        return PickResult(outcome, planned.plan.index, planned.plan.T_world_grasp, planned.refused)

    def close(self) -> None:
        """Free the private world of the collision checks."""
        self._collision.close()

    def _execute(self, plan: PickPlan, cloud_world: FloatArray, rng: np.random.Generator) -> PickOutcome:
        arm = self.cell.arm
        arm.gripper.open()
        follow(arm, plan.to_pregrasp)
        follow(arm, plan.approach, stop_when=self._presses)
        arm.gripper.close()
        arm.gripper.settle()
        self._lift(cloud_world)
        if not arm.gripper.hold().holds(_HELD_WIDTH_M):
            self._release()
            self._go_to_bin(rng)
            return "missed"
        self._go_to_bin(rng)
        held = arm.gripper.hold().holds(_HELD_WIDTH_M)
        self._release()
        return "placed" if held else "dropped"

    def _presses(self) -> bool:
        return any(c.normal_force_n > self.config.approach_force_n for c in self.cell.arm.contacts())

    def _release(self) -> None:
        self.cell.arm.gripper.open()
        self.cell.arm.gripper.settle()

    def _lift(self, cloud_world: FloatArray) -> None:
        """Straight up until what hangs below the hand has cleared what stands around."""
        arm = self.cell.arm
        table_z = self.cell.scene.workspace.table_z_m
        top = float(cloud_world[:, 2].max()) - table_z if len(cloud_world) else 0.0
        wanted = max(self.config.lift_m, top + 0.02)
        with self.computing:
            for share in _LIFT_SHARES:
                T_world_up = arm.T_world_grasp
                T_world_up[2, 3] += share * wanted
                line = straight_line(arm.q, invert(arm.T_world_base) @ T_world_up, speed_m_s=self.config.lift_m_s)
                if line.trajectory is not None:
                    break
        if line.trajectory is not None:
            follow(arm, line.trajectory)

    def _go_to_bin(self, rng: np.random.Generator) -> None:
        arm = self.cell.arm
        with self.computing:
            motion = plan_motion(self._collision, arm.q, self.cell.q_drop, rng, tree_size=0).trajectory
            if motion is None:  # an arm that touches something has no free start; up and away is the best it can do
                motion = joint_motion(arm.q, self.cell.q_drop, speed=0.5)
        follow(arm, motion)
