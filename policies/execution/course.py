"""One try at what is done with one thing, from the empty hand to the empty hand: each step with what it needs."""

from __future__ import annotations

from collections.abc import Sequence

from envs.workbench import Layout
from geometry import FloatArray
from policies.execution import handing, picking, placing, pouring, pushing
from policies.execution.grasp_choice import Detect
from policies.execution.picking import ReadyToGrasp, Tried
from policies.execution.pouring import Contents
from policies.execution.robot import BenchRobot
from policies.programs import Carry, Grasp, HandOver, Lift, Place, Pour, Push, Reach, Release, Step, preconditions

_CLEAR_M = 0.06
_LEFT_TO_PHYSICS = ("standing",)
"""What is let go of just above the floor of a box need not stand on it before."""


class Course:
    """Does steps one after the other, and hands on what one step finds out for the next.

    Args:
        robot: the arm at the bench.
        detect: the grasp detector, or None.
        failed: (4, 4) `T_thing_grasp` of grasps that failed in earlier tries.
        begun: where things were before the first try.
        contents: tells how much is in an open thing; None: nobody does.
    """

    def __init__(
        self,
        robot: BenchRobot,
        detect: Detect | None,
        failed: Sequence[FloatArray],
        begun: Layout | None = None,
        contents: Contents | None = None,
    ) -> None:
        self.robot, self._detect, self._failed = robot, detect, failed
        self._begun, self._contents = begun, contents
        self.T_thing_grasp: FloatArray | None = None
        """(4, 4) the grasp that this try has chosen."""
        self._ready: ReadyToGrasp | None = None
        self._goal: FloatArray | None = None
        self._place_m: FloatArray | None = None
        self._postures: FloatArray | None = None

    def do(self, step: Step, done: Sequence[Step], rest: Sequence[Step]) -> Tried:
        """One step, in the bench's names, if what it needs is true.

        Args:
            step: what to do.
            done: the steps of this try before it.
            rest: the steps that are still to be done after it, until the thing is let go.
        """
        gone = self.robot.unseen([step]) if isinstance(step, Reach | Grasp | Push) else ""
        if gone:
            return Tried(False, gone)
        missing = [fact for fact in preconditions(step, self.robot.state()) if fact.kind not in _LEFT_TO_PHYSICS]
        if missing:
            return Tried(False, "; ".join(f"it is not so that {fact}" for fact in missing))
        match step:
            case Reach():
                return self._reach(rest)
            case Grasp():
                return self._grasp(step, rest)
            case Lift():
                return picking.lift(self.robot, step)
            case Carry():
                return self._carry(rest)
            case Place() | Pour() | HandOver():
                carried = self._carry([step]) if self._goal is None and self._postures is None else Tried(True, "")
                return self._arrive(step) if carried.done else carried
            case Release():
                return self._release(done)
            case Push():
                return pushing.push(self.robot, step, self._begun)
        return Tried(False, f"the robot cannot do {type(step).__name__}")

    def _reach(self, rest: Sequence[Step]) -> Tried:
        """Behind the grasp that comes next; before a push the hand finds its own place."""
        grasp = next((step for step in rest if isinstance(step, Grasp)), None)
        if grasp is None:
            return Tried(True, "")
        ahead = [step for step in rest if step is not grasp]
        self._ready, why = picking.reach(self.robot, grasp, ahead, self._detect, self._failed)
        self.T_thing_grasp = None if self._ready is None else self._ready.T_thing_grasp
        return Tried(self._ready is not None, why)

    def _grasp(self, step: Grasp, rest: Sequence[Step]) -> Tried:
        """Close the hand; a program need not say that it must be brought there before."""
        reached = Tried(True, "") if self._ready is not None else self._reach([step, *rest])
        return reached if self._ready is None else picking.grasp_it(self.robot, self._ready)

    def _carry(self, rest: Sequence[Step]) -> Tried:
        """To where the next step needs what is held."""
        robot = self.robot
        self._goal = self._postures = None
        step = next((each for each in rest if isinstance(each, Place | Pour | HandOver)), None)
        felt = picking.still_held(robot)
        if not felt.done or step is None:
            return felt
        robot.refresh()
        if not robot.is_free(robot.arm.q):
            robot.rise(_CLEAR_M)
        if isinstance(step, Pour):
            self._postures, why = pouring.carry_to_pour(robot, step)
            return Tried(self._postures is not None, why)
        carry = placing.carry_to_place(robot, step) if isinstance(step, Place) else handing.carry_to_person(robot, step)
        self._goal, why = carry
        if self._goal is not None and robot.held is not None:
            self._place_m = (self._goal @ robot.held.T_grasp_thing)[:3, 3]
        return Tried(self._goal is not None, why)

    def _arrive(self, step: Place | Pour | HandOver) -> Tried:
        """Do what was carried for."""
        goal, postures = self._goal, self._postures
        self._postures = None
        if isinstance(step, Pour) and postures is not None:
            return pouring.pour(self.robot, step, postures, self._contents)
        if isinstance(step, Place) and goal is not None:
            return placing.place(self.robot, step, goal)
        if isinstance(step, HandOver) and goal is not None:
            return handing.hand_over(self.robot, goal)
        return Tried(False, "it was carried elsewhere")

    def _release(self, done: Sequence[Step]) -> Tried:
        """Let go, and look whether what was put down is where it should be."""
        released = placing.release(self.robot)
        placed = done[-1] if done else None
        if not released.done or not isinstance(placed, Place) or self._place_m is None:
            return released
        return placing.stands(self.robot, placed, self._place_m)
