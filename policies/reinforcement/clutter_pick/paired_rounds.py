"""The policy and the detector's first choice on the same rounds, and the difference between them.

Both get the same scene and the same first look; from the first choice in which they differ each goes its own
way. Rounds, not attempts, are independent, so that intervals come from resampling rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from envs.clutter import Rate, play_rounds, rate
from envs.clutter_pick import ClutterPickEnv
from geometry import InputError
from policies.reinforcement.clutter_pick.policy import ClutterPickPolicy

_SAMPLES = 10_000


class Tally(NamedTuple):
    """How one player did in one round."""

    cleared: int
    attempts: int
    won: bool
    """Whether the table was empty in the end."""


class PairedRound(NamedTuple):
    """One round, played twice."""

    seed: int
    presented: int
    """Objects on the table at the start."""
    policy: Tally
    detector: Tally
    differed: int
    """Attempts of the policy that were not the detector's first choice."""


class Difference(NamedTuple):
    """Policy minus detector, with the 95 % interval of resampled rounds."""

    mean: float
    low: float
    high: float
    p_not_better: float
    """Share of resampled sets of rounds in which the policy is not better."""


class PairedResult(NamedTuple):
    """What many rounds say."""

    rounds: tuple[PairedRound, ...]
    policy_per_attempt: Rate
    """Objects cleared per attempt."""
    detector_per_attempt: Rate
    policy_per_object: Rate
    """Objects cleared per object presented."""
    detector_per_object: Rate
    per_attempt: Difference
    per_object: Difference


def play_paired(
    env: ClutterPickEnv, policy: ClutterPickPolicy, rounds: int, first_seed: int, *, processes: int = 1
) -> Iterator[PairedRound]:
    """Play rounds with seeds from `first_seed` up, each with the policy and with the detector's first choice.

    Args:
        env: says what is played; with more than one process it must pickle.
        policy: trained on the same features.
        rounds: how many.
        first_seed: of the first round.
        processes: worker processes; the results do not depend on their number.
    Yields:
        Rounds as they are done, in no certain order.
    """
    if policy.spec.feature_names != env.feature_names:
        missing = sorted(set(policy.spec.feature_names) ^ set(env.feature_names))
        raise InputError(
            "play_paired", expected="a policy for the features of the environment", got=f"differing: {missing}"
        )
    yield from play_rounds(partial(_play_pair, env, policy), rounds, [first_seed], processes)


def summarise_pairs(rounds: Sequence[PairedRound]) -> PairedResult:
    """Rates with intervals (see `envs.clutter.rate`), and the differences."""
    if not rounds:
        raise InputError("summarise_pairs", expected="at least one round", got="none")
    ordered = tuple(sorted(rounds))
    presented = [r.presented for r in ordered]
    cleared = {"policy": [r.policy.cleared for r in ordered], "detector": [r.detector.cleared for r in ordered]}
    attempts = {"policy": [r.policy.attempts for r in ordered], "detector": [r.detector.attempts for r in ordered]}
    one = [0] * len(ordered)
    return PairedResult(
        ordered,
        rate(one, cleared["policy"], attempts["policy"]),
        rate(one, cleared["detector"], attempts["detector"]),
        rate(one, cleared["policy"], presented),
        rate(one, cleared["detector"], presented),
        _difference(cleared["policy"], attempts["policy"], cleared["detector"], attempts["detector"]),
        _difference(cleared["policy"], presented, cleared["detector"], presented),
    )


def _difference(
    one: Sequence[int], one_total: Sequence[int], other: Sequence[int], other_total: Sequence[int]
) -> Difference:
    table = np.array([one, one_total, other, other_total], dtype=np.float64).T
    drawn = np.random.default_rng(0).integers(len(table), size=(_SAMPLES, len(table)))
    sums = np.concatenate([table.sum(axis=0)[None], table[drawn].sum(axis=1)])
    gain = sums[:, 0] / np.maximum(sums[:, 1], 1.0) - sums[:, 2] / np.maximum(sums[:, 3], 1.0)
    low, high = np.percentile(gain[1:], (2.5, 97.5))
    return Difference(float(gain[0]), float(low), float(high), float((gain[1:] <= 0.0).mean()))


def _play_pair(env: ClutterPickEnv, policy: ClutterPickPolicy, *, seed: int, round_index: int) -> PairedRound:
    chosen: list[int] = []

    def choose(observation: dict[str, np.ndarray]) -> int:
        chosen.append(policy.choose(observation))
        return chosen[-1]

    presented, by_policy = _play(env, choose, seed + round_index)
    if not any(chosen):  # the same choices in the same round: it would go the same way, bit for bit
        return PairedRound(seed + round_index, presented, by_policy, by_policy, 0)
    _, by_detector = _play(env, lambda observation: 0, seed + round_index)
    return PairedRound(seed + round_index, presented, by_policy, by_detector, sum(number != 0 for number in chosen))


def _play(env: ClutterPickEnv, choose: Callable[[dict[str, np.ndarray]], int], seed: int) -> tuple[int, Tally]:
    observation, info = env.reset(seed=seed)
    presented, ended = info["presented"], False
    while not ended:
        observation, _, ended, _, info = env.step(choose(observation))
    return presented, Tally(info["cleared"], info["attempts"], info["is_success"])
