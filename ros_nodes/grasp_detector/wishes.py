"""Grasps that somebody waits for: requests that a later frame answers, each from a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from geometry import FloatArray
from perception.grasping import Grasps
from ros_nodes.grasp_detector.problems import Problem, ProblemKind


@dataclass(frozen=True)
class TargetPoint:
    """What shall be grasped, as a point in some frame."""

    frame_id: str
    """The frame; empty: the world."""
    point_m: FloatArray
    """(3,) metres."""


@dataclass(frozen=True)
class Answer:
    """What came of a request."""

    grasps: Grasps
    """Best first; empty where there is a problem."""
    stamp_ns: int = 0
    """Time of the frame that they were found in."""
    problem: Problem | None = None
    """Why there are none."""
    sent: threading.Event = field(default_factory=threading.Event, compare=False)
    """Set by whoever asked once the answer is on its way, so that others' work can wait that long."""


class Wish:
    """One request that waits for its frame.

    Args:
        target: what shall be grasped; None for anything.
        after_ns: it asks for a frame later than this.
    """

    def __init__(self, target: TargetPoint | None, after_ns: int) -> None:
        self.target, self.after_ns = target, after_ns
        self.last_problem: Problem | None = None
        """Why the newest frame could not answer it."""
        self._answer: Answer | None = None
        self._answered = threading.Event()

    def answer(self, answer: Answer) -> None:
        """Answer it; only the first answer counts."""
        if self._answer is None:
            self._answer = answer
            self._answered.set()

    @property
    def is_answered(self) -> bool:
        """Whether it has its answer."""
        return self._answered.is_set()

    def wait(self, timeout_s: float) -> Answer | None:
        """The answer, or None when the time is over."""
        self._answered.wait(timeout_s)
        return self._answer


class Wishes:
    """All requests that wait; may be used from several threads."""

    def __init__(self) -> None:
        self._pending: list[Wish] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._pending)

    def ask(
        self,
        target: TargetPoint | None,
        after_ns: int,
        timeout_s: float,
        *,
        then: Callable[[], None] = lambda: None,
    ) -> Answer:
        """Ask, and wait for the answer.

        Args:
            target: what shall be grasped; None for anything.
            after_ns: a frame later than this is asked for.
            timeout_s: longest wait.
            then: called once the request stands, before the wait.
        Returns:
            The answer; after the timeout, what kept the newest frame from answering.
        """
        wish = self.add(target, after_ns)
        try:
            then()
            answer = wish.wait(timeout_s)
        finally:
            self.withdraw(wish)
        if answer is not None:
            return answer
        silent = Problem(ProblemKind.NO_FRAME, f"no frame newer than the request came within {timeout_s:g} s")
        return Answer(Grasps(note=str(silent)), problem=wish.last_problem or silent)

    def add(self, target: TargetPoint | None, after_ns: int) -> Wish:
        """Make a request without waiting for it."""
        wish = Wish(target, after_ns)
        with self._lock:
            self._pending.append(wish)
        return wish

    def withdraw(self, wish: Wish) -> None:
        """Forget a request."""
        with self._lock:
            self._pending = [other for other in self._pending if other is not wish]

    def for_frame(self, stamp_ns: int) -> tuple[Wish, ...]:
        """Requests without an answer that a frame of that time can give them."""
        with self._lock:
            return tuple(w for w in self._pending if w.after_ns < stamp_ns and not w.is_answered)

    def not_by_this_frame(self, stamp_ns: int, problem: Problem) -> None:
        """A frame cannot answer; those who wait for it wait for the next, and are told why if none comes."""
        for wish in self.for_frame(stamp_ns):
            wish.last_problem = problem

    def clock_jumped(self, now_ns: int) -> None:
        """The clock went back: whoever waits for a frame after a time that is far off now waits for one from now on."""
        with self._lock:
            for wish in self._pending:
                wish.after_ns = min(wish.after_ns, now_ns)

    def refuse_all(self, problem: Problem) -> None:
        """Answer everybody that there is nothing to be had."""
        with self._lock:
            pending, self._pending = self._pending, []
        for wish in pending:
            wish.answer(Answer(Grasps(note=str(problem)), problem=problem))
