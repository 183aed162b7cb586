"""What `graspmimic bench clutter` writes and prints: attempts and rounds as CSV, tables, flat results."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from envs.clutter import ClutterResult, Rate
from geometry import FloatArray, to_pos_quat
from perception.figures import output_file
from policies import RobotClutterResult

_ATTEMPT = "seed,round,attempt,success,outcome,object,x,y,z,qx,qy,qz,qw,planned_width_m,width_m,score,plan_ms"
_ROUND = "seed,round,presented,grasped,attempts,ending"
_ROBOT_ATTEMPT = "seed,round,attempt,success,outcome,delivered,x,y,z,qx,qy,qz,qw,planned_width_m,score,plan_ms"
_ROBOT_ROUND = "seed,round,presented,cleared,lost,attempts,successes,stop,robot_s,computing_s"


class RoundsProgress(Progress):
    """A progress bar over rounds, with the rates so far."""

    def __init__(self, console: Console, total: int, names: tuple[str, str]) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        super().__init__(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console)
        self._names = names
        self._successes = self._attempts = self._cleared = self._presented = 0
        self._bar = self.add_task("rounds", total=total)

    def add(self, successes: int, attempts: int, cleared: int, presented: int) -> None:
        """Count a finished round."""
        self._successes += successes
        self._attempts += attempts
        self._cleared += cleared
        self._presented += presented
        shares = (self._successes / max(1, self._attempts), self._cleared / max(1, self._presented))
        said = "  ".join(f"{name} {share:.1%}" for name, share in zip(self._names, shares, strict=True))
        self.update(self._bar, advance=1, description=f"rounds  {said}")


def write_hand_csv(result: ClutterResult, folder: Path) -> None:
    """Write attempts.csv and rounds.csv; a grasp's pose is its position and its xyzw quaternion."""
    rows = []
    for a in (a for r in result.rounds for a in r.attempts):
        done = a.execution
        rows.append(
            [a.seed, a.round, a.attempt, int(done.success), done.outcome, done.object_name]
            + [*_pose(a.T_world_grasp), f"{a.planned_width_m:.6f}", f"{done.width_m:.6f}"]
            + [f"{a.score:.6f}", f"{1e3 * a.plan_s:.2f}"]
        )
    _write_csv(folder / "attempts.csv", _ATTEMPT, rows)
    rounds = [[r.seed, r.round, r.presented, r.grasped, len(r.attempts), r.ending] for r in result.rounds]
    _write_csv(folder / "rounds.csv", _ROUND, rounds)


def write_robot_csv(result: RobotClutterResult, folder: Path) -> None:
    """Write attempts.csv and rounds.csv of the robot setting; poses as in `write_hand_csv`."""
    attempts, rounds = [], []
    for r in result.rounds:
        done = r.result
        for number, pick in enumerate(done.picks):
            assert pick.result.T_world_grasp is not None
            attempts.append(
                [r.seed, r.round, number, int(pick.delivered > 0), pick.result.outcome, pick.delivered]
                + [*_pose(pick.result.T_world_grasp), f"{pick.width_m:.6f}"]
                + [f"{pick.score:.6f}", f"{1e3 * pick.plan_s:.2f}"]
            )
        counts = [done.presented, done.cleared, done.lost, done.attempts, done.successes, done.stop]
        rounds.append([r.seed, r.round, *counts, f"{done.robot_s:.3f}", f"{done.computing_s:.3f}"])
    _write_csv(folder / "attempts.csv", _ROBOT_ATTEMPT, attempts)
    _write_csv(folder / "rounds.csv", _ROBOT_ROUND, rounds)


def rate_table(title: str, rates: dict[str, Rate], facts: dict[str, str]) -> Table:
    """A table of rates with their spread, and of plain facts below them."""
    table = Table(title=title)
    for column in ("", "mean", "std over seeds", "95 % interval"):
        table.add_column(column, justify="left" if not column else "right")
    for name, rate in rates.items():
        std = "" if rate.std != rate.std else f"{rate.std:.1%}"
        table.add_row(name, f"{rate.mean:.1%}", std, f"{rate.low:.1%} to {rate.high:.1%}")
    for name, fact in facts.items():
        table.add_row(name, fact)
    return table


def rate_fields(name: str, rate: Rate) -> dict[str, Any]:
    """A rate as flat results: name, name_std, name_low, name_high."""
    return {name: rate.mean, f"{name}_std": rate.std, f"{name}_low": rate.low, f"{name}_high": rate.high}


def _pose(T_world_grasp: FloatArray) -> list[str]:
    position, quat_xyzw = to_pos_quat(T_world_grasp)
    return [f"{v:.6f}" for v in (*position, *quat_xyzw)]


def _write_csv(path: Path, header: str, rows: Sequence[Sequence[Any]]) -> None:
    with output_file(path) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header.split(","), *rows])
