"""ClutterPick in `train rl` and `eval rl`: its tables, its progress, its figures."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scipy.stats import binomtest

from graspmimic.object_sets import load_with_progress, read_names

_FIGURES = ("per_attempt", "per_object")


def train_clutter_policy(
    folder: Path, objects: str, *, seed: int, steps: int | None, console: Console
) -> dict[str, Any]:
    """Collect attempts at tables with failures to learn from, fit the correction, go on with MaskablePPO.

    Args:
        folder: of the run; what is there is not made again.
        objects: what the detector does not know, and is to be corrected on.
        seed: of everything.
        steps: attempts of MaskablePPO; None is the usual number.
        console: for the progress bars.
    """
    from policies.reinforcement.clutter_pick import (
        ClutterPickTraining,
        NetworkProposer,
        hard_tables,
        part_of,
        train_clutter_pick,
    )

    unknown = load_with_progress(console, objects, 1.0)
    known = load_with_progress(console, "procedural", 1.0)
    config = ClutterPickTraining(seed=seed, processes=os.cpu_count() or 1)
    config = config if steps is None else replace(config, ppo_steps=steps)
    train, validation = (
        hard_tables((part_of(known, part),), (part_of(unknown, part),)) for part in ("train", "validation")
    )
    with Progress(console=console) as bars:
        known_bars: dict[str, Any] = {}

        def on_progress(stage: str, done: int, total: int) -> None:
            if stage not in known_bars:
                known_bars[stage] = bars.add_task(stage, total=total)
            bars.update(known_bars[stage], completed=done)

        return train_clutter_pick(
            config, folder, train=train, validation=validation, propose=NetworkProposer(), on_progress=on_progress
        )


def evaluate_clutter_policy(
    policy: Path | None, objects: str, only: Path | None, *, rounds: int, seed: int, output: Path, console: Console
) -> dict[str, Any]:
    """The policy and the detector's highest score on the same rounds, with 95 % intervals.

    Args:
        policy: its file; None is the shipped one.
        objects: "procedural", "random_urdfs", or a folder.
        only: list of names to keep.
        rounds: how many.
        seed: of the first round.
        output: folder for rounds.csv.
        console: for the bar and the table.
    """
    from policies.reinforcement.clutter_pick import NetworkProposer, evaluate_clutter_pick, load_policy

    with Progress(console=console) as bars:
        bar = bars.add_task(f"ClutterPick, {rounds} rounds twice", total=rounds)
        figures = evaluate_clutter_pick(
            load_policy(policy),
            load_with_progress(console, objects, 1.0, only=read_names(only)),
            NetworkProposer(),
            rounds=rounds,
            first_seed=seed,
            processes=os.cpu_count() or 1,
            table=output / "rounds.csv",
            on_round=lambda done: bars.update(bar, completed=done),
        )
    table = Table("", "policy", "detector's highest score", "gain", "95 %")
    for name in _FIGURES:
        table.add_row(
            name.replace("_", " "), f"{figures[f'policy_{name}']:.3f}", f"{figures[f'detector_{name}']:.3f}",
            f"{figures[f'gain_{name}_mean']:+.3f}",
            f"{figures[f'gain_{name}_low']:+.3f} to {figures[f'gain_{name}_high']:+.3f}",
        )  # fmt: skip
    console.print(table)
    emptied = float(figures["policy_tables_emptied"])
    low, high = binomtest(round(emptied * rounds), rounds).proportion_ci(method="wilson")
    return {
        "episodes": rounds,
        "success_at_end": emptied,
        "success_once": emptied,
        "low": float(low),
        "high": float(high),
        **figures,
    }
