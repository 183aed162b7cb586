"""Rounds played in worker processes, each by its seed and number."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, Protocol, TypeVar, cast

from geometry import InputError

RoundT = TypeVar("RoundT", covariant=True)

_play: Callable[..., Any] | None = None  # what a worker process plays; set once when it starts


class PlayRound(Protocol[RoundT]):
    """Plays one round; with more than one process it must pickle."""

    def __call__(self, *, seed: int, round_index: int) -> RoundT:
        """Play round `round_index` under `seed`."""


def play_rounds(play: PlayRound[RoundT], rounds: int, seeds: Sequence[int], processes: int) -> Iterator[RoundT]:
    """Play `rounds` rounds for each seed, and give each as it finishes, in no certain order.

    Args:
        play: plays one round; its result must depend on the seed and the number alone.
        rounds: rounds for each seed.
        seeds: the seeds.
        processes: worker processes; 1 plays in this process.
    """
    if rounds < 1 or processes < 1 or not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise InputError(
            "play_rounds",
            expected="rounds and processes of at least 1, and different seeds from 0 up",
            got=f"rounds={rounds}, processes={processes}, seeds={list(seeds)}",
        )
    tasks = [(seed, index) for seed in seeds for index in range(rounds)]
    if min(processes, len(tasks)) == 1:
        for seed, index in tasks:
            yield play(seed=seed, round_index=index)
        return
    # Spawned, not forked: Open3D's and BLAS's thread pools do not survive a fork.
    context = multiprocessing.get_context("spawn")
    workers = min(processes, len(tasks))
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(play,)) as pool:
        futures = [pool.submit(_run_task, seed, index) for seed, index in tasks]
        try:
            for future in as_completed(futures):
                yield cast(RoundT, future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _start_worker(play: Callable[..., Any]) -> None:
    global _play
    _play = play
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """End this worker when its parent is gone; the pool alone would leave it waiting for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run_task(seed: int, index: int) -> Any:
    assert _play is not None
    return _play(seed=seed, round_index=index)
