"""Doing a program at a bench: step by step, with a look after each, and another try where one fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from envs.workbench import Workbench
from geometry import FloatArray, InputError
from policies.execution import placing
from policies.execution.binding import Binding, bind
from policies.execution.course import Course
from policies.execution.grasp_choice import Detect
from policies.execution.picking import Tried
from policies.execution.pouring import Contents
from policies.execution.result import ExecutionResult, StepOutcome, StepStatus
from policies.execution.robot import BenchRobot
from policies.execution.sight import Locate, NoisySight
from policies.programs import Grasp, HandOver, Pour, Push, Reach, Release, Step, TaskProgram

_IN_VAIN = 2
"""After so many tries with the thing in the hand it is put down, and grasped anew."""


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
    contents: Contents | None = None,
    config: ExecutionConfig | None = None,
) -> ExecutionResult:
    """Do a program at a bench whose things may lie elsewhere, and be named otherwise, than where it was shown.

    Args:
        program: what to do.
        bench: with the things on it.
        rng: for errors of sight and the motion planner.
        detect: the grasp detector (see `detect_with`); None: grasps are planned from the things' shapes alone.
        locate: tells where everything is; None: the true poses with `SightConfig`'s errors.
        contents: tells how much is in an open thing, such as `bench.balls_in`; None: nobody does, and what was poured
            is held to be poured.
        config: how stubborn.
    """
    robot = BenchRobot(bench, locate or NoisySight(bench, rng), rng)
    try:
        binding = bind(program.objects, list(bench.things.values()), robot.layout)
        if binding.missing:
            skipped = tuple(
                StepOutcome(step=step, status="skipped", why="things are missing") for step in program.steps
            )
            return ExecutionResult(steps=skipped, events=(), notes=binding.notes)
        return _Execution(program, binding, robot, detect, contents, config or ExecutionConfig()).run()
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

    def begin(self, time_s: float) -> None:
        self.start_s = self.start_s if self.tries else time_s
        self.tries += 1

    def end(self, tried: Tried, time_s: float) -> None:
        self.done, self.why, self.end_s = tried.done, tried.why, time_s

    def outcome(self, step: Step) -> StepOutcome:
        status: StepStatus = "skipped" if not self.tries else "failed" if not self.done else "done"
        if self.done and self.tries > 1:
            status = "retried"
        return StepOutcome(
            step=step, status=status, why=self.why, start_s=self.start_s, end_s=self.end_s, tries=self.tries
        )


class _Execution:
    """One program at one bench."""

    def __init__(
        self,
        program: TaskProgram,
        binding: Binding,
        robot: BenchRobot,
        detect: Detect | None,
        contents: Contents | None,
        config: ExecutionConfig,
    ) -> None:
        self.program, self.notes, self.robot, self.config = program, binding.notes, robot, config
        self.detect, self.contents = detect, contents
        self.steps = [binding.step(step) for step in program.steps]
        self.progress = [_Progress() for _ in program.steps]

    def run(self) -> ExecutionResult:
        """All bouts in order; one that fails for good ends the program."""
        world = self.robot.bench.world
        begin_s = world.time_s
        for bout in bouts(self.steps):
            if not self._bout(bout):
                placing.put_away(self.robot)
                break
        self.robot.look_posture()
        return ExecutionResult(
            steps=tuple(p.outcome(step) for p, step in zip(self.progress, self.program.steps, strict=True)),
            events=tuple(self.robot.events),
            notes=self.notes,
            robot_s=world.time_s - begin_s,
        )

    def _bout(self, bout: range) -> bool:
        """Do what is done with one thing, from the beginning again where it goes wrong."""
        robot, failed = self.robot, list[FloatArray]()
        begun, in_vain = dict(robot.layout), 0
        for number in range(self.config.tries):
            if number:
                robot.look()
            course = Course(robot, self.detect, failed, begun, self.contents)
            if self._try(bout, course):
                return True
            in_vain += robot.held is not None
            if in_vain == _IN_VAIN:
                placing.put_away(robot)
                in_vain = 0
            if course.T_thing_grasp is not None and robot.held is None:
                failed.append(course.T_thing_grasp)
        return False

    def _try(self, bout: range, course: Course) -> bool:
        """One try; what lasts (what was poured) is not done again, nor is a grasp that holds."""
        lasting = (Pour, Reach, Grasp) if self.robot.held is not None else (Pour,)
        todo = [i for i in bout if not (self.progress[i].done and isinstance(self.steps[i], lasting))]
        for place, index in enumerate(todo):
            step, progress = self.steps[index], self.progress[index]
            progress.begin(self.robot.bench.world.time_s)
            tried = course.do(step, [self.steps[i] for i in todo[:place]], [self.steps[i] for i in todo[place + 1 :]])
            progress.end(tried, self.robot.bench.world.time_s)
            words = f"{type(step).__name__} {step.object}: {'done' if tried.done else 'failed'}"
            self.robot.note(words + (f", {tried.why}" if tried.why else ""))
            if not tried.done:
                return False
        return True


def bouts(steps: Sequence[Step]) -> list[range]:
    """The steps that are done with one thing at a time: each bout begins where the hand is empty.

    A bout ends with Release, HandOver or Push.
    """
    ends = [i + 1 for i, step in enumerate(steps) if isinstance(step, Release | HandOver | Push)]
    if not ends or ends[-1] < len(steps):
        ends.append(len(steps))
    begins = [0, *ends[:-1]]
    return [range(begin, end) for begin, end in zip(begins, ends, strict=True)]
