"""What `bench latency` says: flat results, a table, and every turn in a CSV file."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from geometry import FloatArray
from graspmimic.latency_run import Measured, Sample
from perception.figures import output_file

_OTHERS = {"antipodal": "geometric planner", "vgn": "VGN's forward pass"}


def flat_results(planner: str, measured: Sequence[Measured]) -> dict[str, Any]:
    """The numbers of all settings by name, each with the setting's suffix: `_1`, `_4`, `_gpu`.

    Those of the last setting on the CPU stand without a suffix too. Times are medians in milliseconds,
    `_p95` the 95th percentile; a ratio is the median of the planner's time over the other's, turn by turn,
    and `cpu_ratio` the same of CPU time, which other work on the machine hardly touches.
    """
    results: dict[str, Any] = {"planner": planner, "cores": os.cpu_count()}
    timed = [each for each in measured if not each.setting.alone]
    on_cpu = [each for each in timed if not each.setting.gpu]
    results |= setting_results(on_cpu[-1].samples)
    results["memory_mb"] = max(each.memory_mb for each in measured if each.setting.alone)
    for each in timed:
        results |= {f"{key}_{each.setting.suffix}": value for key, value in setting_results(each.samples).items()}
    return results


def setting_results(samples: Sequence[Sample]) -> dict[str, float]:
    """The numbers of one setting by name."""
    wall, cpu = (_columns([getattr(sample, which) for sample in samples]) for which in ("wall_ms", "cpu_ms"))
    results = {
        "total_ms_p50": float(np.median(wall["total"])),
        "total_ms_p95": float(np.percentile(wall["total"], 95)),
        "cpu_ms_p50": float(np.median(cpu["total"])),
    }
    for stage in dict.fromkeys(stage for sample in samples for stage in sample.stages_ms):
        name = re.sub(r"[^a-z0-9]+", "_", stage.lower())
        results[f"{name}_ms"] = float(np.median([sample.stages_ms.get(stage, 0.0) for sample in samples]))
    for other in _OTHERS:
        results[f"{other}_ms_p50"] = float(np.median(wall[other]))
        results[f"ratio_{other}"] = float(np.median(wall["total"] / wall[other]))
        results[f"cpu_ratio_{other}"] = float(np.median(cpu["total"] / np.maximum(cpu[other], 1e-3)))
    results["grasps_p50"] = float(np.median([sample.grasps for sample in samples]))
    results["turns"] = len(samples)
    return results


def _columns(rows: list[dict[str, float]]) -> dict[str, FloatArray]:
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def latency_table(results: dict[str, Any], labels: Mapping[str, str]) -> Table:
    """The settings side by side; `labels` holds the head of each one's column, by its suffix."""
    title = f"{results['planner']}: depth image to ranked grasps; peak memory {results['memory_mb']:.0f} MB"
    table = Table(title=title)
    table.add_column("median")
    for label in labels.values():
        table.add_column(label, justify="right")

    def row(label: str, key: str, form: str) -> None:
        table.add_row(label, *[form.format(results.get(f"{key}_{suffix}", float("nan"))) for suffix in labels])

    row("whole", "total_ms_p50", "{:.1f} ms")
    row("whole, 95th percentile", "total_ms_p95", "{:.1f} ms")
    row("its CPU time, all threads", "cpu_ms_p50", "{:.1f} ms")
    for stage in [key for key in results if key.endswith("_ms")]:
        row("  " + stage.removesuffix("_ms").replace("_", " "), stage, "{:.1f} ms")
    for other, label in _OTHERS.items():
        row(label, f"{other}_ms_p50", "{:.1f} ms")
        row("  ratio to it", f"ratio_{other}", "{:.2f}")
        row("  ratio of CPU time", f"cpu_ratio_{other}", "{:.2f}")
    row("grasps found", "grasps_p50", "{:.0f}")
    return table


def write_samples(measured: Sequence[Measured], path: Path) -> None:
    """Every turn that was timed, one a row; stages that a turn had not are empty.

    Raises:
        InputError: if the file cannot be written.
    """
    timed = [(each.setting, sample) for each in measured if not each.setting.alone for sample in each.samples]
    stages = list(dict.fromkeys(stage for _, sample in timed for stage in sample.stages_ms))
    with output_file(path) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["setting", "scene", "total_ms", "cpu_ms", *stages, *_OTHERS, "grasps"])
        for setting, sample in timed:
            times = [
                sample.wall_ms["total"],
                sample.cpu_ms["total"],
                *[sample.stages_ms.get(stage, "") for stage in stages],
            ]
            others = [sample.wall_ms[other] for other in _OTHERS]
            writer.writerow([setting.suffix, sample.scene, *times, *others, sample.grasps])
