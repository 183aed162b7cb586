"""What came of a program: every step, how often it was tried, and what happened on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from policies.programs import Step

StepStatus = Literal["done", "retried", "failed", "skipped"]


@dataclass(frozen=True, kw_only=True)
class StepOutcome:
    """How one step of the program went."""

    step: Step
    """The step."""
    status: StepStatus
    """"done" at the first try, "retried" where it took more, "failed", "skipped" where it was never come to."""
    why: str = ""
    """How it was done, or why it failed."""
    start_s: float = 0.0
    """Simulated time at which it was first begun."""
    end_s: float = 0.0
    """Simulated time at which it was last left."""
    tries: int = 0
    """How often it was begun."""


@dataclass(frozen=True, kw_only=True)
class ExecutionResult:
    """How a program went, as the robot itself can tell."""

    steps: tuple[StepOutcome, ...]
    """One for each step of the program, in its order."""
    events: tuple[str, ...]
    """What happened, one line each, with the simulated time."""
    notes: tuple[str, ...] = ()
    """What the binding of the program's things to those on the bench left in doubt."""
    robot_s: float = 0.0
    """Simulated time in all."""

    @property
    def completed(self) -> bool:
        """Whether every step was done, as far as the robot could see."""
        return all(outcome.status in ("done", "retried") for outcome in self.steps)

    def text(self) -> str:
        """The steps and the events, for a person."""
        lines = [
            f"{_words(o.step):40} {o.status:8} {o.start_s:6.1f} s to {o.end_s:6.1f} s  {o.why}" for o in self.steps
        ]
        return "\n".join([*self.notes, *lines, "", *self.events])


def _words(step: Step) -> str:
    """A step in a few words."""
    to, relation = getattr(step, "to", None), getattr(step, "relation", None)
    return " ".join(str(word) for word in (type(step).__name__, step.object, relation, to) if word is not None)
