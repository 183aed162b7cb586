"""The table and the figure of a comparison of imitation policies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table
from scipy.stats import binomtest

from perception.figures import output_file

_COLUMNS = ("task", "policy", "demos", "success at end", "95 %", "by seed", "stages", "ms per action", "CPU s")


class Row(NamedTuple):
    """Cells that differ in the seed only."""

    task: str
    """Task."""
    policy: str
    """Kind of the policy."""
    demos: int
    """Demonstrations."""
    by_seed: tuple[float, ...]
    """Success at the end of each seed."""
    success: float
    """Over all episodes of all seeds."""
    low: float
    """Lower end of Wilson's 95 % interval of all episodes."""
    high: float
    """Upper end."""
    stages: dict[str, float]
    """Shares of episodes that came to each stage; for a task with two ways, how it was done."""
    action_ms: float
    """Largest of the seeds' median times of an action."""
    cpu_s: float
    """Largest of the seeds' processor times of training."""


def pooled(cells: Sequence[dict[str, Any]]) -> list[Row]:
    """Rows in order of task, policy and demonstrations."""
    groups: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for row in cells:
        cell = row["cell"]
        groups.setdefault((cell["task"], cell["policy"], cell["demos"]), []).append(row)
    rows = []
    for (task, policy, demos), group in groups.items():
        ends = [end for row in group for end in row["ends"]]
        low, high = binomtest(sum(ends), len(ends)).proportion_ci(method="wilson")
        told = [row.get("ways", row["stages"]) for row in group]
        stages = {name: sum(each[name] for each in told) / len(group) for name in told[0]}
        rows.append(
            Row(
                task,
                policy,
                demos,
                tuple(row["success_at_end"] for row in group),
                sum(ends) / len(ends),
                float(low),
                float(high),
                stages,
                max(row["action_ms"] for row in group),
                max(row["train_cpu_s"] for row in group),
            )  # fmt: skip
        )
    tasks, policies = (list(dict.fromkeys(row["cell"][name] for row in cells)) for name in ("task", "policy"))
    return sorted(rows, key=lambda row: (tasks.index(row.task), policies.index(row.policy), row.demos))


def show_table(cells: Sequence[dict[str, Any]], console: Console) -> None:
    """Print the table."""
    table = Table(*_COLUMNS)
    for row in pooled(cells):
        table.add_row(*_texts(row))
    console.print(table)


def write_table(cells: Sequence[dict[str, Any]], path: Path) -> None:
    """Write the table as Markdown."""
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    lines += [f"| {' | '.join(_texts(row))} |" for row in pooled(cells)]
    with output_file(path) as draft:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_figure(cells: Sequence[dict[str, Any]], path: Path) -> None:
    """Success against demonstrations, one panel for each task, the expert as a dashed line."""
    from matplotlib.figure import Figure

    rows = pooled(cells)
    tasks = list(dict.fromkeys(row.task for row in rows))
    policies = list(dict.fromkeys(row.policy for row in rows if row.demos))
    figure = Figure(figsize=(3.4 * len(tasks) + 0.6, 3.4), layout="constrained")
    panels = figure.subplots(1, len(tasks), sharey=True, squeeze=False)[0]
    for panel, task in zip(panels, tasks, strict=True):
        for number, policy in enumerate(policies):
            line = [row for row in rows if row.task == task and row.policy == policy]
            x, color = [row.demos for row in line], f"C{number}"
            panel.plot(x, [row.success for row in line], marker="o", color=color, label=policy)
            panel.fill_between(x, [row.low for row in line], [row.high for row in line], color=color, alpha=0.15)
        for row in (row for row in rows if row.task == task and not row.demos):
            panel.axhline(row.success, color="0.4", linestyle="--", label="expert")
        panel.set_xscale("log")
        ticks = sorted({row.demos for row in rows if row.demos})
        panel.set_xticks(ticks, [str(tick) for tick in ticks])
        panel.minorticks_off()
        panel.set(title=task, xlabel="demonstrations", ylim=(0.0, 1.02))
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("success at the end")
    panels[-1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    with output_file(path) as draft:
        figure.savefig(draft, dpi=150, format="png", bbox_inches="tight")


def _texts(row: Row) -> tuple[str, ...]:
    stages = ", ".join(f"{name} {share:.2f}" for name, share in row.stages.items())
    return (
        row.task, row.policy, str(row.demos) if row.demos else "-", f"{row.success:.3f}",
        f"{row.low:.3f} to {row.high:.3f}", " ".join(f"{share:.2f}" for share in row.by_seed), stages or "-",
        f"{row.action_ms:.2f}", f"{row.cpu_s:.0f}" if row.demos else "-",
    )  # fmt: skip
