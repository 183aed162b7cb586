"""Clearing a table: a cube goes to the bin, a miss is tried otherwise, and every end has its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from envs.cell import RobotCell
from envs.clutter import DIALECT_A, Proposals
from envs.objects import ObjectSet
from envs.panda import PANDA_LIMITS
from geometry import InputError, transform
from policies import ClearConfig, ClearResult, PickConfig, PickResult, Watcher, clear_table, untried_first

DOWN = np.diag([-1.0, 1.0, -1.0])
NOTHING = Proposals(np.empty((0, 4, 4)), np.empty(0), np.empty(0))
FAR = transform(DOWN, (1.5, 0.15, 0.08))
IN_THE_AIR = transform(DOWN, (0.15, 0.15, 0.20))


@pytest.fixture(scope="module")
def cubes(box_model: Callable) -> ObjectSet:
    return ObjectSet("cubes", (box_model((0.045, 0.045, 0.06)),))


@pytest.fixture
def make_cell(cubes: ObjectSet):
    cells = []

    def make(count: int = 1) -> RobotCell:
        rules = replace(DIALECT_A, objects_per_round=count)
        cells.append(RobotCell(rules, cubes, "packed", np.random.default_rng(0)))
        return cells[-1]

    yield make
    for cell in cells:
        cell.close()


def on_the_first(cell: RobotCell) -> np.ndarray:
    """Straight down about an object's middle, closing across its faces."""
    T = next(iter(cell.scene.objects.values())).body.pose()
    return transform(T[:3, :3] @ DOWN, T[:3, 3] + (0, 0, 0.005))


def proposals(*poses: np.ndarray) -> Proposals:
    return Proposals(np.array(poses), np.full(len(poses), 0.05), np.linspace(1.0, 0.5, len(poses)))


class Notes(Watcher):
    def __init__(self) -> None:
        self.looks: list[int] = []
        self.picks: list[tuple[PickResult, int]] = []

    def looked(self, observation, grasps) -> None:
        self.looks.append(len(grasps.poses))

    def picked(self, result: PickResult, delivered: int) -> None:
        self.picks.append((result, delivered))


def clear(cell: RobotCell, planner, **config) -> tuple[ClearResult, Notes]:
    notes = Notes()
    result = clear_table(cell, planner, ClearConfig(**config), rng=np.random.default_rng(0), watcher=notes)
    return result, notes


def test_a_cube_goes_to_the_bin_within_the_arms_limits(make_cell) -> None:
    """Positions and, by finite differences at every step, speeds of all joints over a whole pick."""
    cell = make_cell()
    name = next(iter(cell.scene.objects.values())).model.name
    arm, qs = cell.arm, [cell.arm.q]
    cell.world.on_step = lambda: qs.append(arm.q)
    result, notes = clear(cell, lambda look: proposals(on_the_first(cell)))
    assert (result.presented, result.cleared, result.lost, result.attempts, result.successes) == (1, 1, 0, 1, 1)
    assert result.stop == "cleared" and cell.placed == [name] and not cell.scene.objects
    assert [p.outcome for p, _ in notes.picks] == ["placed"] and notes.picks[0][1] == 1
    q = np.array(qs)
    assert np.ptp(q, axis=0).max() > 0.5
    assert PANDA_LIMITS.margin(q).min() > 0.0
    speed = np.abs(np.diff(q, axis=0)) / cell.world.timestep_s
    assert (speed / PANDA_LIMITS.velocity).max() < 1.03
    assert result.robot_s == pytest.approx(len(speed) * cell.world.timestep_s)
    assert 2.0 < result.robot_s < 15.0 and result.computing_s > 0.0
    assert result.picks_per_hour == pytest.approx(3600.0 / (result.robot_s + result.computing_s))
    assert np.abs(arm.q - cell.q_drop).max() < 0.02


def test_after_a_miss_the_next_grasp_is_tried(make_cell) -> None:
    """The planner insists on its wrong favourite; at the second look the skill takes the other."""
    cell = make_cell()
    result, notes = clear(cell, lambda look: proposals(IN_THE_AIR, on_the_first(cell)))
    assert [(p.outcome, d) for p, d in notes.picks] == [("missed", 0), ("placed", 1)]
    assert np.allclose(np.abs(notes.picks[0][0].T_world_grasp[:3, 3]), IN_THE_AIR[:3, 3])
    assert [p.grasp_index for p, _ in notes.picks] == [0, 0]  # the failed one went to the end
    assert (result.attempts, result.successes, result.cleared, result.stop) == (2, 1, 1, "cleared")


def test_two_misses_in_a_row_end_it(make_cell) -> None:
    cell = make_cell()
    result, notes = clear(cell, lambda look: proposals(IN_THE_AIR))
    assert (result.stop, result.attempts, result.successes, result.cleared) == ("failures", 2, 0, 0)
    assert len(notes.looks) == 2 and len(cell.scene.objects) == 1


def test_a_success_between_misses_starts_the_count_again(make_cell) -> None:
    cell = make_cell(2)
    script = iter("mhmh")

    def planner(look):
        return proposals(IN_THE_AIR if next(script) == "m" else on_the_first(cell))

    result, notes = clear(cell, planner)
    assert [d for _, d in notes.picks] == [0, 1, 0, 1]
    assert (result.presented, result.stop, result.attempts, result.cleared) == (2, "cleared", 4, 2)


def test_the_number_of_attempts_is_limited(make_cell) -> None:
    result, _ = clear(make_cell(), lambda look: proposals(IN_THE_AIR), max_attempts=1)
    assert (result.stop, result.attempts) == ("attempts", 1)


@pytest.mark.parametrize(("answer", "stop", "picks"), [(NOTHING, "no grasp", 0), (proposals(FAR), "out of reach", 3)])
def test_it_looks_again_and_then_says_why_it_stops(make_cell, answer: Proposals, stop: str, picks: int) -> None:
    cell = make_cell()
    q = cell.arm.q
    result, notes = clear(cell, lambda look: answer, max_looks_without_grasp=3)
    assert (result.stop, result.attempts, len(notes.looks), len(notes.picks)) == (stop, 0, 3, picks)
    assert all(p.outcome == "unreachable" and p.refused == {"out of reach": 1} for p, _ in notes.picks)
    assert np.abs(cell.arm.q - q).max() < 1e-3


def test_grasps_like_failed_ones_go_to_the_end() -> None:
    """Within 2 cm and 30 degrees, the twin turned by 180 degrees about the approach included."""

    def at(x: float, yaw_deg: float) -> np.ndarray:
        c, s = np.cos(np.deg2rad(yaw_deg)), np.sin(np.deg2rad(yaw_deg))
        return transform(np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]), (x, 0, 0))

    poses = [at(0.019, 0), at(0.021, 0), at(0.0, 29), at(0.0, 31), at(0.0, 180), at(0.0, 90), at(0.0, -151)]
    ordered = untried_first(proposals(*poses), [at(0.0, 0)])
    expected = [1, 3, 5, 0, 2, 4, 6]
    np.testing.assert_array_equal(ordered.poses, np.array(poses)[expected])
    np.testing.assert_array_equal(ordered.scores, np.linspace(1.0, 0.5, 7)[expected])
    assert untried_first(NOTHING, [at(0, 0)]) is NOTHING


@pytest.mark.parametrize("field", ["max_consecutive_failures", "max_attempts", "max_looks_without_grasp"])
def test_bad_limits_are_refused(field: str) -> None:
    with pytest.raises(InputError, match="limits of at least 1"):
        ClearConfig(**{field: 0})
    assert ClearConfig(**{field: 1}, pick=PickConfig()).max_attempts >= 1
