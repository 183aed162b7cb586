"""Doing a program at a bench: step by step, with a look after each, and another try where one fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from envs.workbench import Workbench
from geometry import FloatArray, InputError
from policies.execution import handing, picking, placing, pouring, pushing
from policies.execution.binding import Binding, bind
from policies.execution.grasp_choice import Detect
from policies.execution.picking import ReadyToGrasp, Tried
from policies.execution.result import ExecutionResult, StepOutcome, StepStatus
from policies.execution.robot import BenchRobot
from policies.execution.sight import Locate, NoisySight
from policies.programs import Carry, Grasp, HandOver, Lift, Place, Pour, Push, Reach, Release, Step, TaskProgram


@dataclass(frozen=True, kw_only=True)
class ExecutionConfig:
    """How stubborn the robot is."""

    tries: int = 4
    """How often it begins anew with one thing: look, grasp, do what is left to be done."""

    def __post_init__(self) -> None:
        if self.tries < 1:
            raise InputError("ExecutionConfig", expected="tries of at least 1", got=f"{self.tries}")


def execute(
    program: TaskProgram,
    bench: Workbench,
    *,
    rng: np.random.Generator,
    detect: Detect | None = None,
    locate: Locate | None = None,
    config: ExecutionConfig | None = None,
) -> ExecutionResult:
    """Do a program at a bench whose things may lie elsewhere, and be named otherwise, than where it was shown.

    Args:
        program: what to do.
        bench: with the things on it.
        rng: for errors of sight and the motion planner.
        detect: the grasp detector (see `GraspSight`); None: grasps are planned from the things' shapes alone.
        locate: tells where everything is; None: the true poses with `SightConfig`'s errors.
        config: how stubborn.
    """
    binding = bind(program.objects, list(bench.things.values()))
    if binding.missing:
        skipped = tuple(StepOutcome(step=step, status="skipped", why="things are missing") for step in program.steps)
        return ExecutionResult(steps=skipped, events=(), notes=binding.notes)
    robot = BenchRobot(bench, locate or NoisySight(bench, rng), rng)
    try:
        return _Execution(program, binding, robot, detect, config or ExecutionConfig()).run()
    finally:
        robot.shutdown()


@dataclass
class _Progress:
    """What is known of one step while a program is done."""

    tries: int = 0
    done: bool = False
    why: str = ""
    start_s: float = 0.0
    end_s: float = 0.0

    def outcome(self, step: Step) -> StepOutcome:
        status: StepStatus = "skipped" if not self.tries else "failed" if not self.done else "done"
        if self.done and self.tries > 1:
            status = "retried"
        return StepOutcome(
            step=step, status=status, why=self.why, start_s=self.start_s, end_s=self.end_s, tries=self.tries
        )


@dataclass
class _Course:
    """What one try with one thing hands from step to step."""

    ready: ReadyToGrasp | None = None
    grasp: FloatArray | None = None
    carry_failed: int = 0
    goal: FloatArray | None = None
    place_m: FloatArray | None = None
    postures: FloatArray | None = None
    failed: list[FloatArray] = field(default_factory=list)


class _Execution:
    """One program at one bench."""

    def __init__(
        self, program: TaskProgram, binding: Binding, robot: BenchRobot, detect: Detect | None, config: ExecutionConfig
    ) -> None:
        self.program, self.binding, self.robot, self.detect, self.config = program, binding, robot, detect, config
        self.progress = [_Progress() for _ in program.steps]

    def run(self) -> ExecutionResult:
        """All bouts in order; one that fails for good ends the program."""
        world = self.robot.bench.world
        begin_s = world.time_s
        for bout in bouts(self.program.steps):
            if not self._bout(bout):
                placing.put_away(self.robot)
                break
        self.robot.look_posture()
        return ExecutionResult(
            steps=tuple(p.outcome(step) for p, step in zip(self.progress, self.program.steps, strict=True)),
            events=tuple(self.robot.events),
            notes=self.binding.notes,
            robot_s=world.time_s - begin_s,
        )

    def _bout(self, bout: range) -> bool:
        """Do what is done with one thing, from the beginning again where it goes wrong."""
        course = _Course()
        for _ in range(self.config.tries):
            course.ready = course.goal = course.place_m = course.postures = None
            if self._try(bout, course):
                return True
            if course.carry_failed == 2:
                placing.put_away(self.robot)
                course.carry_failed = 0
            if course.grasp is not None and self.robot.held is None:
                course.failed.append(course.grasp)
                course.grasp = None
        return False

    def _try(self, bout: range, course: _Course) -> bool:
        """One try; what lasts (what was poured) is not done again, nor is a grasp that holds."""
        in_hand = self.robot.held is not None
        for index in bout:
            step, progress = self.program.steps[index], self.progress[index]
            if progress.done and (isinstance(step, Pour) or in_hand and isinstance(step, Reach | Grasp)):
                continue
            now_s = self.robot.bench.world.time_s
            progress.start_s = progress.start_s if progress.tries else now_s
            progress.tries += 1
            tried = self._do(index, bout, course)
            progress.done, progress.why, progress.end_s = tried.done, tried.why, self.robot.bench.world.time_s
            words = f"{type(step).__name__} {step.object}: {'done' if tried.done else 'failed'}"
            self.robot.note(words + (f", {tried.why}" if tried.why else ""))
            if not tried.done:
                return False
        return True

    def _do(self, index: int, bout: range, course: _Course) -> Tried:
        """One step."""
        step, robot, names = self.program.steps[index], self.robot, self.binding.names
        rest = [self.program.steps[i] for i in bout if i > index]
        match step:
            case Reach():
                return self._reach(rest, course)
            case Grasp():
                return self._grasp(step, rest, course)
            case Lift():
                return picking.lift(robot, step)
            case Carry():
                carried = self._carry(rest, course)
                course.carry_failed += not carried.done
                return carried
            case Place():
                if course.goal is None and (carried := self._carry([step, *rest], course)) and not carried.done:
                    return carried
                assert course.goal is not None
                return placing.place(robot, step, course.goal)
            case Release():
                return self._release(index, bout, course)
            case Pour():
                if course.postures is None and (carried := self._carry([step, *rest], course)) and not carried.done:
                    return carried
                assert course.postures is not None
                return pouring.pour(robot, step, course.postures, names, robot.bench.balls_in)
            case Push():
                return pushing.push(robot, step, names)
            case HandOver():
                if course.goal is None and (carried := self._carry([step, *rest], course)) and not carried.done:
                    return carried
                assert course.goal is not None
                return handing.hand_over(robot, course.goal)
        return Tried(False, f"the robot cannot do {type(step).__name__}")

    def _reach(self, rest: Sequence[Step], course: _Course) -> Tried:
        """Behind the grasp that comes next; before a push the hand finds its own place."""
        grasp = next((step for step in rest if isinstance(step, Grasp)), None)
        if grasp is None:
            return Tried(True, "")
        ahead = [step for step in rest if not isinstance(step, Grasp)]
        course.ready, why = picking.reach(
            self.robot, grasp, self._left(ahead), self.binding.names, self.detect, course.failed
        )
        course.grasp = None if course.ready is None else course.ready.T_thing_grasp
        return Tried(course.ready is not None, why)

    def _left(self, steps: Sequence[Step]) -> list[Step]:
        """Those that are still to be done."""
        done = {id(step) for step, p in zip(self.program.steps, self.progress, strict=True) if p.done}
        return [step for step in steps if not (isinstance(step, Pour) and id(step) in done)]

    def _grasp(self, step: Grasp, rest: Sequence[Step], course: _Course) -> Tried:
        if course.ready is None:
            reached = self._reach([step, *rest], course)
            if course.ready is None:
                return reached
        return picking.grasp_it(self.robot, course.ready)

    def _carry(self, rest: Sequence[Step], course: _Course) -> Tried:
        """To where the next step needs what is held."""
        robot, names = self.robot, self.binding.names
        step = next((each for each in self._left(rest) if isinstance(each, Place | Pour | HandOver)), None)
        if isinstance(step, Place):
            course.goal, why = placing.carry_to_place(robot, step, names)
            if course.goal is not None and robot.held is not None:
                course.place_m = (course.goal @ robot.held.T_grasp_thing)[:3, 3]
            return Tried(course.goal is not None, why)
        if isinstance(step, Pour):
            course.postures, why = pouring.carry_to_pour(robot, step, names)
            return Tried(course.postures is not None, why)
        if isinstance(step, HandOver):
            course.goal, why = handing.carry_to_person(robot, step, names)
            return Tried(course.goal is not None, why)
        return Tried(True, "")

    def _release(self, index: int, bout: range, course: _Course) -> Tried:
        """Let go, and look whether what was put down is where it should be."""
        released = placing.release(self.robot)
        place = next((self.program.steps[i] for i in reversed(bout) if i < index), None)
        if not released.done or not isinstance(place, Place) or course.place_m is None:
            return released
        return placing.stands(self.robot, place, self.binding.names, course.place_m)


def bouts(steps: Sequence[Step]) -> list[range]:
    """The steps that are done with one thing at a time: each bout begins where the hand is empty.

    A bout ends with Release, HandOver or Push.
    """
    ends = [i + 1 for i, step in enumerate(steps) if isinstance(step, Release | HandOver | Push)]
    if not ends or ends[-1] < len(steps):
        ends.append(len(steps))
    begins = [0, *ends[:-1]]
    return [range(begin, end) for begin, end in zip(begins, ends, strict=True)]
