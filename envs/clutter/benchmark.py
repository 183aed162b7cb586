"""Many rounds of clutter removal in parallel processes, with the same numbers whatever their count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from envs.clutter.observation import Planner
from envs.clutter.parallel import play_rounds
from envs.clutter.protocol import DIALECT_A, Dialect
from envs.clutter.rounds import FailureRecorder, Round, run_round
from envs.clutter.statistics import ClutterResult, summarise
from envs.objects import ObjectSet
from envs.scenes import Arrangement


def run_clutter_removal(
    planner: Planner,
    objects: ObjectSet,
    *,
    dialect: Dialect = DIALECT_A,
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
    play = partial(run_round, planner, dialect, objects, arrangement, record_failure=record_failure)
    finished: list[Round] = []
    for done in play_rounds(play, rounds, seeds, processes):
        finished.append(done)
        if on_round is not None:
            on_round(done)
    return summarise(finished)
