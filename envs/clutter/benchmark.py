"""Many rounds of clutter removal in parallel processes, with the same numbers whatever their count."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial

from envs.clutter.observation import Planner
from envs.clutter.protocol import Dialect
from envs.clutter.rounds import FailureRecorder, Round, run_round
from envs.clutter.statistics import ClutterResult, summarise
from envs.objects import ObjectSet
from envs.scenes import Arrangement
from geometry import InputError

_play_round: Callable[..., Round] | None = None  # what a worker process plays; set once when it starts


def run_clutter_removal(
    planner: Planner,
    objects: ObjectSet,
    *,
    dialect: Dialect,
    arrangement: Arrangement = "pile",
    rounds: int = 100,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    processes: int = 1,
    record_failure: FailureRecorder | None = None,
    on_round: Callable[[Round], None] | None = None,
) -> ClutterResult:
    """Run the clutter-removal benchmark.

    Args:
        planner: a callable from an `Observation` to ranked grasps, best first. It must not carry
            anything from one call to the next, and must draw from `observation.rng` only; with
            more than one process it must pickle.
        objects: the object set.
        dialect: the rules, `DIALECT_A` or `DIALECT_B`.
        arrangement: "pile" or "packed".
        rounds: rounds for each seed.
        seeds: one run of `rounds` for each.
        processes: worker processes; 1 runs in this process.
        record_failure: see `run_round`; must pickle with more than one process.
        on_round: called in this process as rounds finish, for a progress bar.
    Returns:
        Rates with intervals and every attempt. The numbers do not depend on `processes`; only the
        measured planning times do.
    """
    if rounds < 1 or processes < 1 or not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise InputError(
            "run_clutter_removal",
            expected="rounds and processes of at least 1, and different seeds from 0 up",
            got=f"rounds={rounds}, processes={processes}, seeds={list(seeds)}",
        )
    play = partial(run_round, planner, dialect, objects, arrangement, record_failure=record_failure)
    tasks = [(seed, index) for seed in seeds for index in range(rounds)]
    finished: list[Round] = []
    for done in _play_all(play, tasks, min(processes, len(tasks))):
        finished.append(done)
        if on_round is not None:
            on_round(done)
    return summarise(finished)


def _play_all(play: Callable[..., Round], tasks: list[tuple[int, int]], processes: int) -> Iterator[Round]:
    if processes == 1:
        for seed, index in tasks:
            yield play(seed=seed, round_index=index)
        return
    # Spawned, not forked: Open3D's and BLAS's thread pools do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_start_worker, initargs=(play,)) as pool:
        futures = [pool.submit(_run_task, seed, index) for seed, index in tasks]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _start_worker(play: Callable[..., Round]) -> None:
    global _play_round
    _play_round = play


def _run_task(seed: int, index: int) -> Round:
    assert _play_round is not None
    return _play_round(seed=seed, round_index=index)
