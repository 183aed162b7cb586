"""`graspmimic bench clutter`: the clutter-removal benchmark."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console

from envs.clutter import dialect, run_clutter_removal
from envs.objects import ObjectSet
from geometry import InputError
from graspmimic.clutter_report import RoundsProgress, rate_fields, rate_table, write_hand_csv, write_robot_csv
from graspmimic.object_sets import load_with_progress, read_names
from graspmimic.options import OptionalFile
from graspmimic.planners import make_planner
from graspmimic.report import prepare_folder
from policies import run_robot_clutter
from policies.pictures import FailurePictures


@dataclass(frozen=True, kw_only=True)
class BenchClutter:
    """Clear tables of unknown objects, one grasp at a time, and count.

    The benchmark of Breyer et al. (CoRL 2020) with a free-flying Panda hand, in two dialects that
    must not be mixed: A is that of VGN, GIGA and EquiVG, B that of Edge Grasp and OrbitGrasp. GSR is
    grasps that succeeded over grasps attempted, DR is grasps that succeeded over objects presented.
    With --setting robot the whole arm clears the same scenes into a bin, within its real limits.
    """

    dialect: Literal["A", "B"] = "A"
    """Rules: A (one side view, dex noise) or B (random side views, three skips)."""
    scene: Literal["pile", "packed"] = "pile"
    """How the objects lie."""
    setting: Literal["hand", "robot"] = "hand"
    """The benchmark's free-flying hand, or the whole arm with planning, trajectories and a bin."""
    objects: str = "procedural"
    """Object set: procedural, random_urdfs, or a folder of URDFs or meshes."""
    object_scale: float = 1.0
    """Factor on all lengths of the objects; 0.001 for meshes in millimetres."""
    only: OptionalFile = None
    """Text file of names, one a line: of the set, only these objects, such as benchmarks/heldout_objects.txt."""
    planner: str = "antipodal"
    """network, antipodal, antipodal-uncorrected (trusts the depth's scale), topdown, oracle, or your own
    MODULE:NAME."""
    weights: OptionalFile = None
    """Weights of --planner network, in place of the package's own."""
    min_probability: float = 0.0
    """--planner network finds nothing where its best grasp is less likely to succeed; dialect B allows three skips."""
    give_up_below: float = 0.0
    """--planner network finds nothing below this probability even where that ends the round."""
    rounds: int = 100
    """Rounds for each seed."""
    seeds: Annotated[
        tuple[int, ...], tyro.conf.arg(metavar="INT [INT ...]", help_behavior_hint="(default: five, from --seed up)")
    ] = ()
    """One run of the rounds for each."""
    seed: int = 0
    """First of the five seeds where --seeds is not given."""
    processes: int = 0
    """Worker processes; 0 is one for each core. The numbers do not depend on it."""
    save_failures: bool = False
    """Save a picture of what the planner saw and chose for each failed grasp (hand setting)."""
    output: Path = Path("output/bench-clutter")
    """Folder for attempts.csv and rounds.csv."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if self.rounds < 1 or self.processes < 0 or any(s < 0 for s in (*self.seeds, self.seed)):
            raise InputError(
                "options",
                expected="--rounds of at least 1, --processes and seeds of at least 0",
                got=f"rounds={self.rounds}, processes={self.processes}, seeds={self.seeds}, seed={self.seed}",
            )
        if self.save_failures and self.setting == "robot":
            raise InputError("--save-failures", expected="--setting hand", got="--setting robot")

    def run(self, console: Console) -> dict[str, Any]:
        """Run the benchmark and return the flat results."""
        planner = make_planner(
            self.planner, weights=self.weights, min_probability=self.min_probability, give_up_below=self.give_up_below
        )
        prepare_folder(self.output)
        objects = load_with_progress(console, self.objects, self.object_scale, only=read_names(self.only))
        console.print(
            f"Clutter removal, dialect {self.dialect}, {self.scene}, {self.setting}: {len(objects)} objects of "
            f"{self.objects}, planner {self.planner}, {self.rounds} rounds x seeds {list(self.all_seeds)}, "
            f"{self.workers} processes"
        )
        run = self._run_robot if self.setting == "robot" else self._run_hand
        results = run(console, planner, objects)
        console.print(f"Round by round: {self.output}")
        common = {"dialect": self.dialect, "scene": self.scene, "setting": self.setting, "planner": self.planner}
        return {**common, "rounds": self.rounds * len(self.all_seeds), **results}

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seeds of the run."""
        return self.seeds or tuple(range(self.seed, self.seed + 5))

    @property
    def workers(self) -> int:
        """The number of processes."""
        return self.processes or os.cpu_count() or 1

    @property
    def title(self) -> str:
        """One line about the run."""
        return f"Clutter removal, dialect {self.dialect}, {self.scene}, planner {self.planner}, {self.setting}"

    @property
    def _rules(self) -> dict[str, Any]:
        """What both settings are run with."""
        return {
            "dialect": dialect(self.dialect),
            "arrangement": self.scene,
            "rounds": self.rounds,
            "seeds": self.all_seeds,
            "processes": self.workers,
        }

    def _run_hand(self, console: Console, planner: Any, objects: ObjectSet) -> dict[str, Any]:
        with RoundsProgress(console, self.rounds * len(self.all_seeds), ("GSR", "DR")) as progress:
            result = run_clutter_removal(
                planner,
                objects,
                **self._rules,
                record_failure=FailurePictures(self.output / "failures") if self.save_failures else None,
                on_round=lambda r: progress.add(r.grasped, len(r.attempts), r.grasped, r.presented),
            )
        write_hand_csv(result, self.output)
        facts = {f"rounds ended: {ending}": str(count) for ending, count in result.endings.items()}
        facts["planning time, median"] = f"{result.plan_ms_p50:.0f} ms"
        console.print(rate_table(self.title, {"GSR": result.gsr, "DR": result.dr}, facts))
        return {
            **rate_fields("gsr", result.gsr),
            **rate_fields("dr", result.dr),
            "ended_cleared": result.endings["cleared"],
            "ended_no_grasp": result.endings["no grasp"],
            "ended_failures": result.endings["failures"],
            "plan_ms_p50": result.plan_ms_p50,
            "attempts": sum(len(r.attempts) for r in result.rounds),
            "objects_presented": sum(r.presented for r in result.rounds),
        }

    def _run_robot(self, console: Console, planner: Any, objects: ObjectSet) -> dict[str, Any]:
        with RoundsProgress(console, self.rounds * len(self.all_seeds), ("success", "cleared")) as progress:
            result = run_robot_clutter(
                planner,
                objects,
                **self._rules,
                on_round=lambda r: progress.add(
                    r.result.successes, r.result.attempts, r.result.cleared, r.result.presented
                ),
            )
        write_robot_csv(result, self.output)
        facts = {f"rounds stopped: {reason}": str(count) for reason, count in sorted(result.stops.items())}
        facts["planning time, median"] = f"{result.plan_ms_p50:.0f} ms"
        facts["picks per hour"] = f"{result.picks_per_hour:.0f}"
        console.print(rate_table(self.title, {"success": result.success, "cleared": result.cleared}, facts))
        stops = result.stops
        return {
            **rate_fields("success", result.success),
            **rate_fields("gsr", result.success),
            **rate_fields("dr", result.cleared),
            "picks_per_hour": result.picks_per_hour,
            "ended_cleared": stops.get("cleared", 0),
            "ended_no_grasp": stops.get("no grasp", 0) + stops.get("out of reach", 0),
            "ended_failures": stops.get("failures", 0) + stops.get("attempts", 0),
            "plan_ms_p50": result.plan_ms_p50,
            "attempts": sum(r.result.attempts for r in result.rounds),
            "objects_presented": sum(r.result.presented for r in result.rounds),
        }
