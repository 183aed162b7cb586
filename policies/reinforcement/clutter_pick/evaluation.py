"""Evaluating ClutterPick: policy against detector on the same rounds, as flat figures, and round by round."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from envs.clutter_pick import ClutterPickEnv, Proposer
from envs.objects import ObjectSet
from policies.reinforcement.clutter_pick.hindsight import look_back
from policies.reinforcement.clutter_pick.paired_rounds import PairedResult, play_paired, summarise_pairs
from policies.reinforcement.clutter_pick.policy import ClutterPickPolicy


def evaluate_clutter_pick(
    policy: ClutterPickPolicy,
    objects: ObjectSet,
    propose: Proposer,
    *,
    scene: Literal["pile", "packed"] = "pile",
    dialect: Literal["A", "B"] = "A",
    rounds: int = 200,
    first_seed: int = 0,
    processes: int = 1,
    hindsight_rounds: int = 0,
    table: Path | None = None,
    on_round: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Play the same rounds with the policy and with the detector's first choice.

    Args:
        policy: trained.
        objects: what the scenes are made from.
        propose: the detector.
        scene: "pile" or "packed".
        dialect: "A" or "B".
        rounds: how many, with seeds from `first_seed` up.
        first_seed: of the first round.
        processes: worker processes; the figures do not depend on their number.
        hindsight_rounds: in so many of the detector's rounds, try every proposal of the looks in which its first
            fails: what a perfect choice would gain.
        table: CSV file for the rounds.
        on_round: told how many are done.
    Returns:
        flat figures as fractions; `low` and `high` are 95 % intervals.
    """
    env = ClutterPickEnv(propose, objects, scene=scene, dialect=dialect)
    played = []
    for pair in play_paired(env, policy, rounds, first_seed, processes=processes):
        played.append(pair)
        if on_round is not None:
            on_round(len(played))
    result = summarise_pairs(played)
    if table is not None:
        write_rounds(result, table)
    figures = {"scene": scene, "dialect": dialect, "rounds": rounds, "first_seed": first_seed, **flat(result)}
    if hindsight_rounds:
        looks = list(look_back(env, hindsight_rounds, first_seed, processes=processes))
        total = sum(look.looks for look in looks)
        figures["hindsight_looks"] = total
        figures["hindsight_first"] = sum(look.first_held for look in looks) / total
        figures["hindsight_any"] = sum(look.any_held for look in looks) / total
        figures["proposals_per_look"] = sum(look.proposals for look in looks) / total
    return figures


def flat(result: PairedResult) -> dict[str, Any]:
    """A result's figures by name."""
    figures: dict[str, Any] = {}
    for who in ("policy", "detector"):
        for what in ("per_attempt", "per_object"):
            value = getattr(result, f"{who}_{what}")
            figures |= {f"{who}_{what}": value.mean, f"{who}_{what}_low": value.low, f"{who}_{what}_high": value.high}
        tallies = [getattr(pair, who) for pair in result.rounds]
        figures[f"{who}_attempts"] = sum(tally.attempts for tally in tallies)
        figures[f"{who}_tables_emptied"] = sum(tally.won for tally in tallies) / len(tallies)
    for what in ("per_attempt", "per_object"):
        figures |= {f"gain_{what}_{key}": value for key, value in getattr(result, what)._asdict().items()}
    figures["differing_choices"] = sum(pair.differed for pair in result.rounds) / max(1, figures["policy_attempts"])
    return figures


def write_rounds(result: PairedResult, path: Path) -> None:
    """One line a round."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        names = [f"{who}_{what}" for who in ("policy", "detector") for what in ("cleared", "attempts", "won")]
        writer.writerow(["seed", "presented", *names, "differed"])
        for pair in result.rounds:
            writer.writerow([pair.seed, pair.presented, *pair.policy, *pair.detector, pair.differed])
