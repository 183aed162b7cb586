"""Who steps the environments: workers in processes of their own, or this process alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from mmap import mmap
from typing import Any

import numpy as np

from envs.vector.env_batch import EnvBatch, EnvFn, EpisodeEnd, Info
from envs.vector.step_arrays import Layout
from envs.vector.worker import Worker, WorkerError


class Alone:
    """All environments in this process; nothing happens before `end_step`."""

    def __init__(self, env_fns: Sequence[EnvFn], layout: Layout) -> None:
        self._batch = EnvBatch(env_fns, layout, mmap(-1, layout.size_bytes))
        self.arrays = self._batch.arrays
        self.closed = False

    @property
    def pids(self) -> tuple[int, ...]:
        """None."""
        return ()

    def reset(self, seeds: Mapping[int, int | None], options: dict[str, Any] | None) -> dict[int, Info]:
        """As EnvBatch's."""
        return self._batch.reset(seeds, options)

    def begin_step(self) -> None:
        """Nothing yet."""

    def end_step(self) -> dict[int, EpisodeEnd]:
        """As EnvBatch's `step`."""
        return self._batch.step()

    def each(self, method: str, args: Mapping[int, tuple[Any, ...]]) -> list[Any]:
        """As EnvBatch's, the answers in the order of `args`."""
        return list(self._batch.each(method, args).values())

    def close(self) -> None:
        """Close the environments."""
        if not self.closed:
            self.closed = True
            self._batch.close()


class Crew:
    """Worker processes, each with a run of neighbouring environments.

    Every worker is asked before any is listened to, and every answer is heard before an error is raised, so that
    question and answer never fall out of step; where that cannot be kept up, the crew closes.
    """

    def __init__(self, env_fns: Sequence[EnvFn], layout: Layout, count: int) -> None:
        self.closed = False
        self._workers: list[Worker] = []
        self._of: list[Worker] = []
        memory_fd = os.memfd_create("graspmimic-environments")
        try:
            os.ftruncate(memory_fd, layout.size_bytes)
            self.arrays = layout.over(mmap(memory_fd, layout.size_bytes))
            for numbers in np.array_split(np.arange(len(env_fns)), count):
                first, last = int(numbers[0]), int(numbers[-1])
                self._workers.append(Worker(env_fns[first : last + 1], layout, memory_fd, first))
                self._of += [self._workers[-1]] * len(numbers)
            self._hear()
        except BaseException:
            self.close()
            raise
        finally:
            os.close(memory_fd)

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the processes."""
        return tuple(worker.process.pid for worker in self._workers)

    def reset(self, seeds: Mapping[int, int | None], options: dict[str, Any] | None) -> dict[int, Info]:
        """As EnvBatch's, of all environments at once."""
        self._tell(lambda worker: worker.ask("reset", seeds, options))
        return _merged(self._hear())

    def begin_step(self) -> None:
        """Set all workers to work."""
        self._tell(lambda worker: worker.ask("step"))

    def end_step(self) -> dict[int, EpisodeEnd]:
        """Wait for them; as EnvBatch's `step`."""
        return _merged(self._hear())

    def each(self, method: str, args: Mapping[int, tuple[Any, ...]]) -> list[Any]:
        """As EnvBatch's, the answers in the order of `args`."""
        shares: dict[Worker, dict[int, tuple[Any, ...]]] = {worker: {} for worker in self._workers}
        for number, rest in args.items():
            shares[self._of[number]][number] = rest
        self._tell(lambda worker: worker.ask("each", method, shares[worker]))
        found = _merged(self._hear())
        return [found[number] for number in args]

    def close(self) -> None:
        """Let all workers go and wait for their ends."""
        self.closed = True
        for worker in self._workers:
            worker.hang_up()
        for worker in self._workers:
            worker.join()
        self._workers.clear()

    def _tell(self, ask: Callable[[Worker], None]) -> None:
        try:
            for worker in self._workers:
                ask(worker)
        except BaseException:
            self.close()
            raise

    def _hear(self) -> list[Any]:
        answers, errors = [], []
        try:
            for worker in self._workers:
                try:
                    answers.append(worker.answer())
                except WorkerError as error:
                    errors.append(error)
        except BaseException:  # an interrupt: what is still to be heard would be taken for the answer to something else
            self.close()
            raise
        if any(worker.process.returncode is not None for worker in self._workers):
            self.close()
        if errors:
            raise errors[0]
        return answers


def _merged(parts: list[dict[int, Any]]) -> dict[int, Any]:
    return {number: each for part in parts for number, each in part.items()}
