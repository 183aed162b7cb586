"""What `bench envs` says: flat results, two tables, and every window in a CSV file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from graspmimic.envs_race import Race
from graspmimic.panda_gym_side import VERSION
from perception.figures import output_file


def flat_results(races: dict[str, Race]) -> dict[str, float]:
    """The numbers of all races by name; "workers" by wall time and by CPU time, "depth" as cost of a step."""
    results: dict[str, float] = {}
    for name, found in races.items():
        if name == "workers":
            results |= found.results(name, what="per_wall_s") | found.results("workers_cpu")
        elif name == "depth":
            results["depth_cost_ratio"] = float(np.median(found.ratios()))
            results["steps_per_cpu_s_depth"] = float(np.median([pace.per_cpu_s for pace in found.theirs]))
        else:
            results |= found.results(name)
    return results


def write_windows(races: dict[str, Race], path: Path) -> None:
    """Every window of every race, one a row."""
    with output_file(path) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("race", "window", "side", "steps", "cpu_s", "wall_s"))
        for name, found in races.items():
            sides = {"state": found.ours, "depth": found.theirs} if name == "depth" else found._asdict()
            for side, paces in sides.items():
                writer.writerows((name, number, side, *pace) for number, pace in enumerate(paces))


def envs_tables(results: dict[str, Any], tasks: dict[str, str], workers: int) -> tuple[Table, Table]:
    """Speed beside panda-gym, and what the speed costs; `tasks` holds the label of each race of single environments."""
    return _speed_table(results, tasks, workers), _grasp_table(results)


def _speed_table(results: dict[str, Any], tasks: dict[str, str], workers: int) -> Table:
    table = Table(title=f"Steps per second beside panda-gym {VERSION}, median (best) window")
    for column in ("", "ours", "panda-gym", "ratio"):
        table.add_column(column, justify="left" if not column else "right")
    rows = {name: (f"{label}, CPU", "cpu_s") for name, label in tasks.items()}
    rows["workers"] = (f"{workers} workers, wall", "wall_s")
    rows["workers_cpu"] = (f"{workers} workers, CPU", "cpu_s")
    for name, (label, unit) in rows.items():
        cells = []
        for side in ("", "_panda_gym"):
            median, best = (results[f"steps_per_{unit}_{name}{side}{end}"] for end in ("", "_best"))
            cells.append(f"{median:,.0f} ({best:,.0f})")
        table.add_row(label, *cells, f"{results[f'ratio_{name}']:.2f} ({results[f'ratio_{name}_best']:.2f})")
    return table


def _grasp_table(results: dict[str, Any]) -> Table:
    table = Table(title="What it costs and what it keeps")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_row("step with a 64 x 64 depth image over step with state", f"{results['depth_cost_ratio']:.2f}")
    low, high = results["scripted_success_low"], results["scripted_success_high"]
    table.add_row(
        f"scripted grasps, success at the end of {results['scripted_episodes']}",
        f"{results['scripted_success']:.2f} [{low:.2f}, {high:.2f}]",
    )
    table.add_row("the same under the fine physics", f"{results['scripted_success_reference']:.2f}")
    for key, label in (("ee", "scripted by itself"), ("ee_replay", "with the reference's actions")):
        mean, largest = results[f"{key}_deviation_mm_mean"], results[f"{key}_deviation_mm_max"]
        table.add_row(f"hand off the fine reference, {label}, mean (max)", f"{mean:.1f} ({largest:.1f}) mm")
    return table
