"""What `bench continual` tells: a table with intervals over seeds, flat results, a picture of what is forgotten."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

if TYPE_CHECKING:
    from policies.imitation.continual import Rates

Runs = Mapping[tuple[str, int], "Rates"]
"""By way of learning and seed."""
SUMS = ("average_success", "nbt", "fwt", "auc", "backward_transfer", "zero_shot_transfer")
"""What is told of each way of learning; see `SuccessHistory`."""
_HEADS = ("average success", "forgetting (NBT)", "FWT", "AUC", "backward transfer", "zero-shot")


def ways_of(runs: Runs) -> list[str]:
    """The ways of learning, in their order."""
    return list(dict.fromkeys(way for way, _ in runs))


def sums_of(runs: Runs, way: str) -> dict[str, list[float]]:
    """Each sum of each seed; joint training has an average success only."""
    rates = [rates for (own, _), rates in runs.items() if own == way]
    if way == "joint":
        return {"average_success": [float(np.mean(each.matrix[-1])) for each in rates]}
    summaries = [each.history().summary() for each in rates]
    return {name: [summary[name] for summary in summaries] for name in SUMS}


def continual_table(runs: Runs) -> Table:
    """Mean over seeds and 95 % interval by Student's t."""
    from policies.imitation.continual import seed_interval

    table = Table("learned", *_HEADS, title="mean over seeds, 95 % by Student's t")
    for way in ways_of(runs):
        sums = sums_of(runs, way)
        cells = []
        for name in SUMS:
            if name not in sums:
                cells.append("-")
                continue
            mean, low, high = seed_interval(sums[name])
            cells.append(f"{mean:.2f}" if np.isnan(low) else f"{mean:.2f} ({low:.2f} to {high:.2f})")
        table.add_row(way, *cells)
    return table


def continual_results(tasks: Sequence[str], runs: Runs, episodes: int) -> dict[str, Any]:
    """Flat: means, intervals, each seed's numbers, and each task's success at the end over all seeds, with Wilson's."""
    from scipy.stats import binomtest

    from policies.imitation.continual import seed_interval

    flat: dict[str, Any] = {"tasks": " ".join(tasks), "last_episodes": episodes}
    for way in ways_of(runs):
        for name, values in sums_of(runs, way).items():
            mean, low, high = seed_interval(values)
            flat |= {f"{way}_{name}": mean, f"{way}_{name}_low": low, f"{way}_{name}_high": high}
            flat |= {f"{way}_{name}_seeds": " ".join(f"{value:.4f}" for value in values)}
        ends = np.array([rates.matrix[-1] for (own, _), rates in runs.items() if own == way])
        for task, shares in zip(tasks, ends.T, strict=True):
            won, played = round(float(shares.sum()) * episodes), len(shares) * episodes
            interval = binomtest(won, played).proportion_ci(method="wilson")
            flat |= {
                f"{way}_{task}": won / played,
                f"{way}_{task}_low": interval.low,
                f"{way}_{task}_high": interval.high,
            }
    return flat


def write_rates(path: Path, tasks: Sequence[str], runs: Runs) -> None:
    """All rates as JSON, whole or not at all."""
    from perception.figures import output_file

    table = {f"{way}-{seed}": asdict(rates) for (way, seed), rates in runs.items()}
    with output_file(path) as draft:
        draft.write_text(json.dumps({"tasks": list(tasks), "runs": table}, indent=1) + "\n", encoding="utf-8")


def continual_picture(tasks: Sequence[str], runs: Runs, path: Path) -> None:
    """Forgetting matrices, mean over seeds: a row after each task, a column for each; joint training one row below."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    from perception.figures import output_file

    ways = [way for way in ways_of(runs) if way != "joint"]
    joint = _mean_matrix(tasks, runs, "joint")
    figure, axes = pyplot.subplots(1, len(ways), figsize=(3.1 * len(ways) + 0.9, 3.9), squeeze=False)
    for ax, way in zip(axes[0], ways, strict=True):
        matrix = _mean_matrix(tasks, runs, way)
        rows = [f"after {task}" for task in tasks]
        if len(joint):
            matrix, rows = np.vstack([matrix, np.full(len(tasks), np.nan), joint[-1]]), [*rows, "", "all at once"]
        draw_matrix(ax, matrix, rows if way == ways[0] else [""] * len(rows), tasks)
        ax.set_title(f"{way}: {np.mean(matrix[len(tasks) - 1]):.2f} at the end", fontsize=10)
    figure.suptitle("success on each task (column) after training on each (row), mean over seeds", fontsize=10)
    figure.tight_layout()
    with output_file(path) as draft:
        figure.savefig(draft, dpi=130)
    pyplot.close(figure)


def draw_matrix(ax: Any, matrix: np.ndarray, rows: Sequence[str], columns: Sequence[str]) -> Any:
    """A matrix of rates with its numbers; NaN stays empty."""
    ax.imshow(np.ma.masked_invalid(matrix), vmin=0.0, vmax=1.0, cmap="viridis", aspect="auto")
    for (row, column), value in np.ndenumerate(matrix):
        if np.isfinite(value):
            ink = "black" if value > 0.55 else "white"
            ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color=ink)
    ax.set_xticks(range(len(columns)), columns, rotation=40, ha="right", fontsize=8)
    ax.set_yticks(range(len(rows)), rows, fontsize=8)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    return ax


def _mean_matrix(tasks: Sequence[str], runs: Runs, way: str) -> np.ndarray:
    """(T, T) mean over seeds, NaN above the diagonal; (1, T) for joint training; (0, T) where it was not run."""
    found = [rates.matrix for (own, _), rates in runs.items() if own == way]
    if not found:
        return np.zeros((0, len(tasks)))
    padded = [[row + [np.nan] * (len(tasks) - len(row)) for row in matrix] for matrix in found]
    return np.array(padded).mean(axis=0)
