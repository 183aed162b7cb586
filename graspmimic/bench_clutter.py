"""`graspmimic bench clutter`: the clutter-removal benchmark."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from envs.clutter import ClutterResult, Rate, Round, dialect, run_clutter_removal
from envs.objects import load_objects
from geometry import InputError, to_pos_quat
from graspmimic.planners import make_planner


@dataclass(frozen=True, kw_only=True)
class BenchClutter:
    """Clear tables of unknown objects, one grasp at a time, and count.

    The benchmark of Breyer et al. (CoRL 2020) with a free-flying Panda hand, in two dialects that
    must not be mixed: A is that of VGN, GIGA and EquiVG, B that of Edge Grasp and OrbitGrasp. GSR is
    grasps that succeeded over grasps attempted, DR is grasps that succeeded over objects presented.
    """

    dialect: Literal["A", "B"] = "A"
    """Rules: A (one side view, dex noise) or B (random side views, three skips)."""
    scene: Literal["pile", "packed"] = "pile"
    """How the objects lie."""
    objects: str = "procedural"
    """Object set: procedural, random_urdfs, or a folder of URDFs or meshes."""
    planner: str = "antipodal"
    """antipodal, topdown, oracle, or module:attribute for one of your own."""
    rounds: int = 100
    """Rounds for each seed."""
    seeds: tuple[int, ...] = ()
    """One run of the rounds for each; none given means five, from --seed up."""
    seed: int = 0
    """First of the five seeds where --seeds is not given."""
    processes: int = 0
    """Worker processes; 0 is one for each core. The numbers do not depend on it."""
    save_failures: bool = False
    """Save a picture of what the planner saw and chose for each failed grasp."""
    output: Path = Path("output/bench-clutter")
    """Folder for attempts.csv and rounds.csv."""
    json: Path | None = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if self.rounds < 1 or self.processes < 0 or any(s < 0 for s in (*self.seeds, self.seed)):
            raise InputError(
                "bench clutter",
                expected="--rounds of at least 1, --processes and seeds of at least 0",
                got=f"rounds={self.rounds}, processes={self.processes}, seeds={self.seeds}, seed={self.seed}",
            )

    def run(self, console: Console) -> dict[str, Any]:
        """Run the benchmark and return the flat results."""
        seeds = self.seeds or tuple(range(self.seed, self.seed + 5))
        processes = self.processes or os.cpu_count() or 1
        objects = load_objects(self.objects)
        planner = make_planner(self.planner)
        console.print(
            f"Clutter removal, dialect {self.dialect}, {self.scene}: {len(objects)} objects of {self.objects}, "
            f"planner {self.planner}, {self.rounds} rounds x seeds {list(seeds)}, {processes} processes"
        )
        recorder = None
        if self.save_failures:
            from graspmimic.failure_pictures import FailurePictures

            recorder = FailurePictures(self.output / "failures")
        with _ClutterProgress(console, self.rounds * len(seeds)) as progress:
            result = run_clutter_removal(
                planner,
                objects,
                dialect=dialect(self.dialect),
                arrangement=self.scene,
                rounds=self.rounds,
                seeds=seeds,
                processes=processes,
                record_failure=recorder,
                on_round=progress.add,
            )
        write_attempts(result, self.output)
        console.print(_table(self, result))
        console.print(f"Every attempt: {self.output / 'attempts.csv'}")
        return _results(self, result)


class _ClutterProgress(Progress):
    """A progress bar with the rates so far."""

    def __init__(self, console: Console, total: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        super().__init__(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console)
        self._grasped = self._attempted = self._presented = 0
        self._bar = self.add_task("rounds", total=total)

    def add(self, done: Round) -> None:
        """Count a finished round."""
        self._grasped += done.grasped
        self._attempted += len(done.attempts)
        self._presented += done.presented
        gsr, dr = self._grasped / max(1, self._attempted), self._grasped / max(1, self._presented)
        self.update(self._bar, advance=1, description=f"rounds  GSR {gsr:.1%}  DR {dr:.1%}")


def write_attempts(result: ClutterResult, folder: Path) -> None:
    """Write attempts.csv and rounds.csv; a grasp's pose is its position and its xyzw quaternion."""
    attempt_rows = []
    for attempt in (a for r in result.rounds for a in r.attempts):
        position, quat_xyzw = to_pos_quat(attempt.T_world_grasp)
        done = attempt.execution
        attempt_rows.append(
            [attempt.seed, attempt.round, attempt.attempt, int(done.success), done.outcome, done.object_name]
            + [f"{v:.6f}" for v in (*position, *quat_xyzw, attempt.planned_width_m, done.width_m, attempt.score)]
            + [f"{1e3 * attempt.plan_s:.2f}"]
        )
    header = "seed,round,attempt,success,outcome,object,x,y,z,qx,qy,qz,qw,planned_width_m,width_m,score,plan_ms"
    _write_csv(folder / "attempts.csv", header.split(","), attempt_rows)
    round_rows = [[r.seed, r.round, r.presented, r.grasped, len(r.attempts), r.ending] for r in result.rounds]
    _write_csv(folder / "rounds.csv", "seed,round,presented,grasped,attempts,ending".split(","), round_rows)


def _write_csv(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        with draft.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])
        draft.replace(path)
    except OSError as error:
        raise InputError("--output", expected="a folder that can be written", got=f"{path}: {error}") from None


def _table(command: BenchClutter, result: ClutterResult) -> Table:
    table = Table(title=f"Clutter removal, dialect {command.dialect}, {command.scene}, planner {command.planner}")
    for column in ("", "mean", "std over seeds", "95 % interval"):
        table.add_column(column, justify="left" if not column else "right")
    for name, rate in (("GSR", result.gsr), ("DR", result.dr)):
        std = "" if rate.std != rate.std else f"{rate.std:.1%}"
        table.add_row(name, f"{rate.mean:.1%}", std, f"{rate.low:.1%} to {rate.high:.1%}")
    for ending, count in result.endings.items():
        table.add_row(f"rounds ended: {ending}", str(count))
    table.add_row("planning time, median", f"{result.plan_ms_p50:.0f} ms")
    return table


def _results(command: BenchClutter, result: ClutterResult) -> dict[str, Any]:
    def rate(name: str, value: Rate) -> dict[str, float]:
        return {name: value.mean, f"{name}_std": value.std, f"{name}_low": value.low, f"{name}_high": value.high}

    return {
        "dialect": command.dialect,
        "scene": command.scene,
        "planner": command.planner,
        "rounds": len(result.rounds),
        **rate("gsr", result.gsr),
        **rate("dr", result.dr),
        "ended_cleared": result.endings["cleared"],
        "ended_no_grasp": result.endings["no grasp"],
        "ended_failures": result.endings["failures"],
        "plan_ms_p50": result.plan_ms_p50,
        "attempts": sum(len(r.attempts) for r in result.rounds),
        "objects_presented": sum(r.presented for r in result.rounds),
    }
