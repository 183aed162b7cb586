"""Who plays the episodes of a plan: this process, or several others; which of them does not show in the set."""

from __future__ import annotations

import json
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Protocol

from envs.worker_processes import start_worker
from geometry import InputError
from policies.demonstrations.collect_plan import CollectPlan
from policies.demonstrations.player import Outcome, Player

_LEAVE_S = 10.0


class Crew(Protocol):
    """Plays tries, and writes those that are to be kept."""

    @property
    def idle(self) -> int:
        """How many tries it can take on."""

    def give(self, number: int) -> None:
        """Have a try played."""

    def wait(self) -> Sequence[Outcome]:
        """Those that have ended since, at least one; some try must have been given."""

    def close(self) -> None:
        """Let go of environments and processes."""


class OwnCrew:
    """Plays in this process.

    Args:
        plan: what to play.
        folder: of the set.
    """

    def __init__(self, plan: CollectPlan, folder: Path) -> None:
        self._player = Player(plan, folder)
        self._given: int | None = None

    @property
    def idle(self) -> int:
        """See `Crew.idle`."""
        return int(self._given is None)

    def give(self, number: int) -> None:
        """See `Crew.give`."""
        self._given = number

    def wait(self) -> Sequence[Outcome]:
        """See `Crew.wait`."""
        assert self._given is not None
        number, self._given = self._given, None
        return [self._player.play(number)]

    def close(self) -> None:
        """See `Crew.close`."""
        self._player.close()


class ProcessCrew:
    """Plays in processes of its own; each ends by itself when this one is gone.

    Args:
        plan: what to play; its makers must be such that a new process can import them.
        folder: of the set.
        workers: processes.
    """

    def __init__(self, plan: CollectPlan, folder: Path, workers: int) -> None:
        self._free: list[Connection] = []
        self._busy: list[Connection] = []
        self._processes: list[Any] = []
        for _ in range(workers):
            process, line = start_worker(_serve, plan, folder)
            self._free.append(line)
            self._processes.append(process)

    @property
    def idle(self) -> int:
        """See `Crew.idle`."""
        return len(self._free)

    def give(self, number: int) -> None:
        """See `Crew.give`."""
        line = self._free.pop()
        self._busy.append(line)
        line.send_bytes(json.dumps(number).encode())

    def wait(self) -> Sequence[Outcome]:
        """See `Crew.wait`.

        Raises:
            InputError: what a worker met.
            RuntimeError: if a worker failed or died; says why.
        """
        outcomes = []
        for line in wait(self._busy):
            assert isinstance(line, Connection)
            try:
                answer = json.loads(line.recv_bytes())
            except (EOFError, OSError):
                raise RuntimeError("a collecting process died; what was kept is kept, so collect again") from None
            if "input" in answer:
                raise InputError("collect", expected="tries that can be played", got=answer["input"])
            if "error" in answer:
                raise RuntimeError(f"a collecting process failed: {answer['error']}")
            self._busy.remove(line)
            self._free.append(line)
            outcomes.append(Outcome(**answer))
        return outcomes

    def close(self) -> None:
        """See `Crew.close`; running tries are played to their ends."""
        for line in (*self._free, *self._busy):
            line.close()
        for process in self._processes:
            process.join(_LEAVE_S)
            if process.is_alive():
                process.terminate()
                process.join()


def _serve(line: Connection, plan: CollectPlan, folder: Path) -> None:
    """What a collecting process does: play the numbers that come, until nobody is there to send any."""
    player: Player | None = None
    try:
        while True:
            number = json.loads(line.recv_bytes())
            player = player or Player(plan, folder)
            line.send_bytes(json.dumps(player.play(number)._asdict()).encode())
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except InputError as error:
        line.send_bytes(json.dumps({"input": str(error)}).encode())
    except Exception as error:  # noqa: BLE001 - it is told to the one who asked
        line.send_bytes(json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
