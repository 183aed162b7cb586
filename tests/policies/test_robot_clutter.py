"""Whole rounds with the arm: the same outcomes and robot time in every run, and hand-computed sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.clutter import DIALECT_A
from envs.objects import ObjectSet, load_objects
from perception.grasping import TopDownPlanner
from policies import ClearResult, Pick, PickResult, RobotClutterResult, RobotRound, run_robot_clutter
from policies.robot_clutter import _summarise

TWO_OBJECTS = replace(DIALECT_A, objects_per_round=2)


@pytest.fixture(scope="module")
def objects() -> ObjectSet:
    return load_objects("procedural", limit=10)


def run(objects: ObjectSet, **options) -> RobotClutterResult:
    return run_robot_clutter(TopDownPlanner(), objects, dialect=TWO_OBJECTS, **options)


def facts(result: RobotClutterResult) -> list:
    """All but computing times; robot time, poses and scores to the bit."""
    return [
        (r.seed, r.round, r.result.presented, r.result.cleared, r.result.lost, r.result.stop, r.result.robot_s.hex())
        + tuple(
            (p.result.outcome, p.result.T_world_grasp.tobytes(), p.width_m.hex(), p.score.hex(), p.delivered)
            for p in r.result.picks
        )
        for r in result.rounds
    ]


def test_one_process_or_two(objects: ObjectSet) -> None:
    heard: list[RobotRound] = []
    found = [run(objects, rounds=2, seeds=(0,), processes=processes, on_round=heard.append) for processes in (1, 2)]
    assert [(r.seed, r.round) for r in heard[:2]] == [(0, 0), (0, 1)] and len(heard) == 4
    assert facts(found[0]) == facts(found[1])
    assert sum(r.result.attempts for r in found[0].rounds) >= 2
    assert found[0].stops == found[1].stops and found[0].cleared == found[1].cleared or np.isnan(found[0].cleared.std)


@pytest.mark.slow
def test_one_two_or_four_processes(objects: ObjectSet) -> None:
    found = [
        run_robot_clutter(
            TopDownPlanner(), objects, dialect=DIALECT_A, arrangement="packed", rounds=2, seeds=(0, 1), processes=p
        )
        for p in (1, 2, 4)
    ]
    assert facts(found[0]) == facts(found[1]) == facts(found[2])
    assert sum(r.result.cleared for r in found[0].rounds) >= 6


def made_round(seed: int, presented: int, cleared: int, attempts: int, successes: int, stop: str) -> RobotRound:
    tried = PickResult("missed", 0, np.eye(4), {})
    result = ClearResult(
        presented=presented,
        cleared=cleared,
        lost=0,
        picks=tuple(
            Pick(result=tried, width_m=0.05, score=0.5, plan_s=0.1 * (i + 1), delivered=int(i < successes))
            for i in range(attempts)
        ),
        stop=stop,
        robot_s=50.0,
        computing_s=10.0,
    )
    return RobotRound(seed=seed, round=0, result=result)


def test_sums_by_hand() -> None:
    """4 + 2 objects in 2 minutes are 180 an hour; two objects in one pick count as one success."""
    found = _summarise([made_round(0, 5, 4, 4, 3, "failures"), made_round(1, 2, 2, 2, 2, "cleared")])
    assert found.picks_per_hour == pytest.approx(180.0)
    assert found.success.mean == pytest.approx((3 / 4 + 1.0) / 2)
    assert found.plan_ms_p50 == pytest.approx(200.0)  # 100, 200, 300, 400 and 100, 200
    assert found.cleared.mean == pytest.approx((4 / 5 + 1.0) / 2)
    assert found.stops == {"failures": 1, "cleared": 1}
    assert found.rounds[0].result.picks_per_hour == pytest.approx(240.0)
