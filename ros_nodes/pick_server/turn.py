"""One task at a time, watched while it runs, with an ending whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Callable

from geometry import InputError
from policies import Phase, PickAndPlace, RobotStopped
from ros_nodes.action_call import Watch
from ros_nodes.health import Health
from ros_nodes.pick_server.ending import Ending, ending_of_stop
from ros_nodes.waiting import wait_until

Tell = Callable[[Phase], None]
Ready = Callable[[Watch, Tell], PickAndPlace]
Work = Callable[[PickAndPlace, Tell, Watch], Ending]


class Turn:
    """Lets one task have the robot.

    Args:
        ready: makes the skill on the robot as it is, see `Workplace.ready`.
        check: raises `RobotStopped` where the robot's state is not known; asked all the time.
        health: is told what is being done, as the component "task".
    """

    def __init__(self, ready: Ready, check: Watch, health: Health) -> None:
        self._ready, self._check, self._health = ready, check, health
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.doing = ""
        """The task and its phase; empty while nothing is done."""

    @property
    def taken(self) -> bool:
        """Whether a task has the robot."""
        return self._lock.locked()

    def take(self) -> bool:
        """Take the turn, or say that somebody has it; whoever takes it gives it back."""
        return not self._closing.is_set() and self._lock.acquire(blocking=False)

    def give_back(self) -> None:
        """End of a task."""
        self._lock.release()

    def do(
        self,
        name: str,
        work: Work,
        *,
        canceled: Callable[[], bool] = lambda: False,
        told: Callable[[str], None] = lambda phase: None,
    ) -> Ending:
        """Do a task; the caller has the turn.

        Args:
            name: for messages.
            work: does it, with the skill, and with what to tell and to ask on the way.
            canceled: whether the task shall stop.
            told: called with each phase as it begins.
        """

        def watch() -> None:
            if canceled():
                raise RobotStopped("canceled", "canceled by the client")
            if self._closing.is_set():
                raise RobotStopped("canceled", "the node shuts down")
            self._check()

        def tell(phase: Phase) -> None:
            watch()
            self.doing = f"{name}: {phase}"
            self._health.report("task", "ok", self.doing)
            told(phase)

        self.doing = name
        try:
            ending = work(self._ready(watch, tell), tell, watch)
        except RobotStopped as stop:
            ending = ending_of_stop(stop)
        except InputError as error:
            ending = Ending("INVALID_ROBOT_STATE", str(error))
        well = ending.succeeded or ending.code == "PREEMPTED"
        self._health.report("task", "ok" if well else "error", f"{name}: {ending.message}", code=ending.code)
        self.doing = ""
        return ending

    def close(self, timeout_s: float) -> bool:
        """Let nothing begin any more, stop what runs, and wait for its end the first time; whether it has ended."""
        again = self._closing.is_set()
        self._closing.set()
        return wait_until(lambda: not self.taken, timeout_s=0.0 if again else timeout_s)
