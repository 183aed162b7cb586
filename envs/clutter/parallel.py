"""Rounds played in worker processes, each by its seed and number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from envs.worker_processes import WorkerPool
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
    with WorkerPool(processes, _set_play, play) as pool:
        for _, played in pool.as_done(partial(_run_task, seed, index) for seed, index in tasks):
            yield cast(RoundT, played)


def _set_play(play: Callable[..., Any]) -> None:
    global _play
    _play = play


def _run_task(seed: int, index: int) -> Any:
    assert _play is not None
    return _play(seed=seed, round_index=index)
