"""Tables, figure and numbers of `graspmimic bench retargeting`."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import binomtest

from perception.figures import output_file

if TYPE_CHECKING:
    from policies.retargeting.replay_trial import ReplayOutcome

Outcomes = Mapping[tuple[float, str], Sequence["ReplayOutcome"]]
"""Trials by mean error of the keypoints in metres, and by what tells the grasp."""
_Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""Columns and lines."""
_REPLAYED = ("synthetic keypoints", "contact by", "success", "held", "cube to goal, median")
_ERRORS = ("synthetic keypoints", "place", "turn", "width", "jerk, m/s^3", "true jerk")
_LEARNED = ("shown moves", "yield", "replayed", "policy from 200 episodes of them", "by seed", "CPU s")
_NAMES = {"thing": "the thing's motion", "fingers": "the fingers' opening"}


def show(outcomes: Outcomes, rows: Sequence[dict[str, Any]], console: Console) -> None:
    """Print all tables."""
    for columns, lines in _tables(outcomes, rows):
        table = Table(*columns)
        for line in lines:
            table.add_row(*line)
        console.print(table)


def write_tables(outcomes: Outcomes, rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Write all tables as Markdown."""
    parts = []
    for columns, lines in _tables(outcomes, rows):
        head = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
        parts.append("\n".join([*head, *(f"| {' | '.join(line)} |" for line in lines)]))
    with output_file(path) as draft:
        draft.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def write_trials(outcomes: Outcomes, path: Path) -> None:
    """Every trial as a line of CSV, in the order of the seeds."""
    with output_file(path) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        names = ("shown", "success", "held", "distance_m", "place_m", "turn_rad", "width_m", "jerk", "true_jerk")
        writer.writerow(("noise_m", "contact", "number", *names))
        for (noise_m, contact), trials in outcomes.items():
            for number, trial in enumerate(trials):
                flags = (int(trial.shown), int(trial.success), int(trial.held))
                writer.writerow((noise_m, contact, number, *flags, trial.distance_m, *trial.errors))


def write_figure(outcomes: Outcomes, path: Path) -> None:
    """Success and errors of the motion against the keypoints' error."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for contact, color in (("thing", "C0"), ("fingers", "C1")):
        noises = [noise for noise, own in outcomes if own == contact]
        shares = np.array([_share([trial.success for trial in outcomes[noise, contact]]) for noise in noises])
        x = 100.0 * np.array(noises)
        left.plot(x, shares[:, 0], marker="o", color=color, label=f"contact by {_NAMES[contact]}")
        left.fill_between(x, shares[:, 1], shares[:, 2], color=color, alpha=0.15)
    means = _errors(outcomes)
    x = 100.0 * np.array(list(means))
    right.plot(x, [1e3 * each[0] for each in means.values()], marker="o", color="C2", label="place, mm")
    right.plot(x, [np.degrees(each[1]) for each in means.values()], marker="o", color="C3", label="turn, degrees")
    right.plot(x, [1e3 * each[2] for each in means.values()], marker="o", color="C4", label="width, mm")
    left.set(title="one shown move, done in a new scene", ylabel="success", ylim=(0.0, 1.03))
    right.set(title="retargeted hand against the true grasp frame", ylabel="mean error")
    for panel in (left, right):
        panel.set(xlabel="mean error of synthetic keypoints, cm")
        panel.grid(alpha=0.3)
        panel.legend(fontsize=8)
    with output_file(path) as draft:
        figure.savefig(draft, dpi=150, format="png")


def numbers(outcomes: Outcomes, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Everything in the tables, flat."""
    flat: dict[str, Any] = {}
    for (noise_m, contact), trials in outcomes.items():
        share, low, high = _share([trial.success for trial in trials])
        name = f"{100.0 * noise_m:g}cm_{contact}"
        flat |= {f"{name}_success": share, f"{name}_low": low, f"{name}_high": high}
        flat[f"{name}_held"] = float(np.mean([trial.held for trial in trials]))
        flat[f"{name}_distance_m"] = float(np.median([trial.distance_m for trial in trials]))
    for noise_m, errors in _errors(outcomes).items():
        names = ("place_m", "turn_rad", "width_m", "jerk", "true_jerk")
        flat |= {f"{100.0 * noise_m:g}cm_{name}": float(value) for name, value in zip(names, errors, strict=True)}
    for shown, group in _by_shown(rows).items():
        name = f"shown_{shown}" if shown else "expert"
        for what in ("replay", "policy"):
            if ends := [end for row in group for end in row[f"{what}_ends"]]:
                share, low, high = _share(ends)
                flat |= {f"{name}_{what}": share, f"{name}_{what}_low": low, f"{name}_{what}_high": high}
        flat[f"{name}_yield"] = float(np.mean([row["yield"] for row in group]))
    return flat


def _tables(outcomes: Outcomes, rows: Sequence[dict[str, Any]]) -> list[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    replayed: list[tuple[str, ...]] = [
        (
            f"{100.0 * noise_m:g} cm",
            _NAMES[contact],
            _told([trial.success for trial in trials]),
            f"{np.mean([trial.held for trial in trials]):.2f}",
            f"{1e3 * np.median([trial.distance_m for trial in trials]):.1f} mm",
        )
        for (noise_m, contact), trials in outcomes.items()
    ]
    errors: list[tuple[str, ...]] = [
        (
            f"{100.0 * noise_m:g} cm",
            f"{1e3 * place:.1f} mm",
            f"{np.degrees(turn):.1f} degrees",
            f"{1e3 * width:.1f} mm",
            f"{jerk:.1f}",
            f"{true:.1f}",
        )
        for noise_m, (place, turn, width, jerk, true) in _errors(outcomes).items()
    ]
    tables: list[_Table] = [(_REPLAYED, replayed), (_ERRORS, errors)]
    return [*tables, (_LEARNED, _learned(rows))] if rows else tables


def _learned(rows: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = []
    for shown, group in _by_shown(rows).items():
        replays = [end for row in group for end in row["replay_ends"]]
        lines.append(
            (
                str(shown) if shown else "none: the scripted expert's episodes",
                f"{np.mean([row['yield'] for row in group]):.2f}",
                _told(replays) if replays else "-",
                _told([end for row in group for end in row["policy_ends"]]),
                " ".join(f"{np.mean(row['policy_ends']):.2f}" for row in group),
                f"{max(row['train_cpu_s'] for row in group):.0f}",
            )
        )
    return lines


def _by_shown(rows: Sequence[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    groups: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["cell"]["shown"], []).append(row)
    return groups


def _errors(outcomes: Outcomes) -> dict[float, np.ndarray]:
    """Mean errors of the motion at each error of the keypoints; they do not depend on what tells the grasp."""
    firsts: dict[float, Sequence[ReplayOutcome]] = {}
    for (noise_m, _), trials in outcomes.items():
        firsts.setdefault(noise_m, trials)
    return {noise_m: np.mean([trial.errors for trial in trials], axis=0) for noise_m, trials in firsts.items()}


def _share(flags: Sequence[Any]) -> tuple[float, float, float]:
    """Mean with Wilson's 95 % interval."""
    low, high = binomtest(int(sum(flags)), len(flags)).proportion_ci(method="wilson")
    return sum(flags) / len(flags), float(low), float(high)


def _told(flags: Sequence[Any]) -> str:
    share, low, high = _share(flags)
    return f"{share:.2f} ({low:.2f} to {high:.2f})"
