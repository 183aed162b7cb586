"""The pick-and-place skill: approach, close, lift, check, carry, release, and say how it went."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from envs.arms import JointTrajectory, PathCollision, joint_motion, plan_motion, straight_line
from envs.clutter import RankedGrasps
from geometry import FloatArray, invert
from policies.pick_planning import PickConfig, PickPlan, PickPlanning, plan_pick
from policies.robot_port import RobotPort
from policies.stopwatch import Stopwatch

PickOutcome = Literal["placed", "held", "missed", "dropped", "blocked", "unreachable"]
Phase = Literal["perceive", "plan", "approach", "close", "check", "lift", "carry", "release", "retry"]
_LIFT_SHARES = (1.0, 0.6, 0.3)
_TRIES = 3
_NOTHING = np.empty((0, 3))


class PickResult(NamedTuple):
    """How one pick went, as the robot itself can tell."""

    outcome: PickOutcome
    """"placed", "held" (picked up and not yet placed), "missed" (nothing held after the lift), "dropped" (lost on the
    way), "blocked" (something was touched on the way to the grasp, or to the drop posture), "unreachable"."""
    grasp_index: int
    """Which of the ranked grasps was tried; -1 where none could be reached."""
    T_world_grasp: FloatArray | None
    """(4, 4) the grasp that was tried, or None."""
    refused: dict[str, int]
    """Grasps that were refused before, by reason."""


class PickAndPlace:
    """The skill on one robot.

    A robot that stops for good (canceled, or something does not answer) ends every method with `RobotStopped`; a next
    call starts from where the robot then is.

    Args:
        robot: the arm and its gripper.
        collision: the arm, and what it must not touch; the caller closes it.
        config: distances and speeds.
        q_drop: (n,) posture above the place where things are put, rad.
        table_z_m: height of the table's top in the world.
        on_phase: told what comes next; what it raises ends the work before that.
    """

    def __init__(
        self,
        robot: RobotPort,
        collision: PathCollision,
        config: PickConfig,
        *,
        q_drop: ArrayLike,
        table_z_m: float,
        on_phase: Callable[[Phase], None] | None = None,
    ) -> None:
        self.robot = robot
        self.config = config
        self.computing = Stopwatch()
        """Wall time spent on planning motions."""
        self._collision = collision
        self._q_drop = np.array(q_drop, dtype=np.float64)
        self._table_z_m = table_z_m
        self._tell = on_phase or (lambda phase: None)

    def run(self, grasps: RankedGrasps, cloud_world: FloatArray, rng: np.random.Generator) -> PickResult:
        """Carry out the best grasp within reach, and place what it brings.

        Args:
            grasps: best first, in the world.
            cloud_world: (N, 3) what the camera saw, to be kept clear of.
            rng: for the motion planner.
        """
        result = self.pick(grasps, cloud_world, rng)
        return result._replace(outcome=self.place(rng)) if result.outcome == "held" else result

    def pick(self, grasps: RankedGrasps, cloud_world: FloatArray, rng: np.random.Generator) -> PickResult:
        """Carry out the best grasp within reach, and lift what it brings; see `run`.

        After a miss the arm stands open above the place for things, out of the way of another look.
        """
        planned = self.plan(grasps, cloud_world, rng)
        if planned.plan is None:
            return PickResult("unreachable", -1, None, planned.refused)
        outcome = self.grasp(planned.plan, cloud_world, rng)
        return PickResult(outcome, planned.plan.index, planned.plan.T_world_grasp, planned.refused)

    def plan(self, grasps: RankedGrasps, cloud_world: FloatArray, rng: np.random.Generator) -> PickPlanning:
        """The best grasp within reach and the way to it, from where the arm stands; nothing moves. See `run`."""
        self._tell("plan")
        with self.computing:
            cloud_id = self._collision.add_cloud(cloud_world) if len(cloud_world) else None
            try:
                robot = self.robot
                return plan_pick(grasps, robot.q, robot.T_world_base, self._collision, cloud_id, self.config, rng)
            finally:
                if cloud_id is not None:
                    self._collision.remove(cloud_id)

    def grasp(self, plan: PickPlan, cloud_world: FloatArray, rng: np.random.Generator) -> PickOutcome:
        """Do what was planned: "held" after the lift, else "missed" or "blocked" and back to the drop posture."""
        reached = self._approach(plan)
        if reached:
            self._tell("close")
            self.robot.close_gripper()
        self._tell("lift")
        self._lift(cloud_world)
        self._tell("check")
        if reached and self.robot.grip().holds:
            return "held"
        self._tell("release")
        self.robot.open_gripper()
        self.go_to_drop(rng)
        return "missed" if reached else "blocked"

    def place(self, rng: np.random.Generator) -> PickOutcome:
        """Carry what is held to the drop posture and release it there.

        Returns:
            "placed"; "dropped" where it was lost on the way; "blocked", and not released, where there is no way.
        """
        if not self.go_to_drop(rng):
            return "blocked"
        self._tell("check")
        held = self.robot.grip().holds
        self._tell("release")
        self.robot.open_gripper()
        return "placed" if held else "dropped"

    def go_to_drop(self, rng: np.random.Generator) -> bool:
        """Carry what is held, if anything, to the drop posture; whether the arm arrived."""
        self._tell("carry")
        return self.go_to(self._q_drop, rng)

    def go_to(self, q_goal: ArrayLike, rng: np.random.Generator) -> bool:
        """Move clear of table and boxes to a posture (n,); whether the arm arrived.

        Where something unforeseen is touched, another way is planned from there, a few times. An arm that was
        stopped low among things has no way to plan; it first goes straight up.
        """
        goal = np.asarray(q_goal, dtype=np.float64)
        for number in range(_TRIES):
            motion = self._way_to(goal, rng)
            if motion is None and number == 0 and self._lift(_NOTHING):
                motion = self._way_to(goal, rng)
            if motion is None:  # an arm that touches something has no free start; straight away is the best
                motion = joint_motion(self.robot.q, goal, limits=self._collision.arm.limits, speed=0.5)
            if self.robot.travel(motion).completed:
                return True
        return False

    def _way_to(self, q_goal: FloatArray, rng: np.random.Generator) -> JointTrajectory | None:
        """A motion from where the arm is, clear of table and boxes."""
        with self.computing:
            return plan_motion(self._collision, self.robot.q, q_goal, rng, tree_size=0).trajectory

    def _approach(self, plan: PickPlan) -> bool:
        """Whether the fingers stand about the object; a contact close to the grasp is as good as the grasp."""
        self._tell("approach")
        self.robot.open_gripper(wait=False)
        if not self.robot.travel(plan.to_pregrasp).completed:
            return False
        motion = self.robot.follow(plan.approach, stop_on_contact=True)
        return motion.completed or motion.contact

    def _lift(self, cloud_world: FloatArray) -> bool:
        """Straight up until what hangs below the hand has cleared what stands around; whether the arm could move so."""
        top = float(cloud_world[:, 2].max()) - self._table_z_m if len(cloud_world) else 0.0
        wanted = max(self.config.lift_m, top + 0.02)
        T_base_world = invert(self.robot.T_world_base)
        with self.computing:
            for share in _LIFT_SHARES:
                T_world_up = self.robot.T_world_grasp
                T_world_up[2, 3] += share * wanted
                line = straight_line(
                    self.robot.q, T_base_world @ T_world_up, speed_m_s=self.config.lift_m_s, arm=self._collision.arm
                )
                if line.trajectory is not None:
                    break
        if line.trajectory is None:
            return False
        self.robot.follow(line.trajectory)
        return True
