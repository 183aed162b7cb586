"""The doctor: every fault that is planted is found and named, and a healthy set is left in peace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geometry import InputError
from policies.demonstrations import (
    DemonstrationSet,
    Episode,
    Finding,
    SetInfo,
    collect,
    examine,
    examine_times,
    expert_plan,
)

VECTORS = ("observation", "desired_goal")


class Patient:
    """A set in memory."""

    def __init__(self, episodes: list[Episode], info: SetInfo) -> None:
        self.episodes, self.info = episodes, info

    def __len__(self) -> int:
        return len(self.episodes)

    def __getitem__(self, index: int) -> Episode:
        return self.episodes[index]


def reach(seed: int, steps: int = 40, *, places: bool = False, lag: int = 0) -> Episode:
    """A hand that goes to a goal in smooth steps and stays; the third action is a gripper that shuts half-way.

    Args:
        seed: of goal, pace and tremor.
        steps: how many.
        places: commands are places of the hand and not its steps.
        lag: steps by which the hand follows late.
    """
    rng = np.random.default_rng(seed)
    goal, speed = rng.uniform(-1, 1, 2), rng.uniform(0.1, 0.2)
    hand, aim, hands, aims, moves = np.zeros(2), np.zeros(2), [np.zeros(2)], [], [np.zeros(2)] * lag
    for _ in range(steps):
        move = speed * (goal - aim) + 0.01 * rng.standard_normal(2)
        aim = aim + move
        aims.append(aim if places else 4 * move)
        moves.append(move)
        hand = hand + moves[len(moves) - 1 - lag]
        hands.append(hand)
    gripper = np.where(np.arange(steps) < steps // 2, 1.0, -1.0)
    seen = {
        "observation": np.stack(hands).astype(np.float32),
        "desired_goal": np.tile(goal, (steps + 1, 1)).astype(np.float32),
        "pointcloud": rng.standard_normal((steps + 1, 30)).astype(np.float32),
        "rgb": rng.integers(0, 256, (steps + 1, 3, 4, 4), dtype=np.uint8),
    }
    actions = np.concatenate([np.stack(aims), gripper[:, None]], axis=1).astype(np.float32)
    return Episode(observations=seen, actions=actions, rewards=np.zeros(steps, np.float32), success=True)


def patient_of(episodes: list[Episode], **known: Any) -> Patient:
    bounds = {"observation_low": {"observation": (-2.0, -2.0)}, "observation_high": {"observation": (2.0, 2.0)}}
    known = {"action_low": (-1.0,) * 3, "action_high": (1.0,) * 3, "action_names": ("x", "y", "grip")} | bounds | known
    return Patient(episodes, SetInfo.of_episode(episodes[0], rate_hz=20.0, **known))


def healthy(count: int = 30, **how: Any) -> list[Episode]:
    return [reach(seed, 32 + seed % 9, **how) for seed in range(count)]


def diagnose(episodes: list[Episode], **known: Any) -> list[Finding]:
    return examine(patient_of(episodes, **known))


def with_seen(episode: Episode, **changes: np.ndarray) -> Episode:
    return replace(episode, observations={**episode.observations, **changes})


def with_actions(episode: Episode, change: Callable[[np.ndarray], np.ndarray]) -> Episode:
    return replace(episode, actions=change(episode.actions.copy()).astype(np.float32))


@pytest.mark.parametrize("how", [{}, {"places": True}, {"lag": 1}, {"lag": 3}, {"places": True, "lag": 2}])
@pytest.mark.parametrize("bounds", [True, False])
def test_a_healthy_set_has_no_findings(how: dict[str, Any], bounds: bool) -> None:
    known = {} if bounds else {"action_low": (), "action_high": (), "observation_low": {}, "observation_high": {}}
    assert diagnose(healthy(**how), **known) == []


@pytest.mark.parametrize(
    ("task", "observation"),
    [
        ("PickPlace", "state"),
        ("Push", "state"),
        pytest.param("PickPlace", "state+pointcloud", marks=pytest.mark.slow),
        pytest.param("Stack", "state", marks=pytest.mark.slow),
    ],
)
def test_what_is_collected_here_is_healthy(task: str, observation: str, tmp_path: Path) -> None:
    collect(expert_plan(task, env_options={"observation": observation}), tmp_path, episodes=10)
    assert examine(DemonstrationSet.open(tmp_path)) == []


def only(findings: list[Finding], check: str, *words: str, severity: str | None = None) -> None:
    """Nothing but this was found, and it says these words."""
    assert [finding.check for finding in findings] == [check], findings
    (finding,) = findings
    assert all(word in f"{finding.what} {finding.where}" for word in words), finding
    assert severity in (None, finding.severity) and finding.remedy


def test_a_constant_action() -> None:
    def hold(actions: np.ndarray) -> np.ndarray:
        actions[:, 2] = 0.25
        return actions

    only(diagnose([with_actions(e, hold) for e in healthy()]), "constant action", "always 0.25", "action 2 (grip)")


def test_a_tiny_action() -> None:
    def shrink(actions: np.ndarray) -> np.ndarray:
        return actions * [1.0, 1.0, 1e-4]

    only(diagnose([with_actions(e, shrink) for e in healthy()]), "tiny action", "grip")


def test_clipped_actions() -> None:
    def clip(actions: np.ndarray) -> np.ndarray:
        return np.clip(actions * [20.0, 1.0, 1.0], -1, 1)

    (found,) = [f for f in diagnose([with_actions(e, clip) for e in healthy()]) if f.check == "clipped action"]
    assert "action 0 (x)" in found.where
    share = np.mean(np.concatenate([np.abs(20 * e.actions[:, 0]) >= 1 for e in healthy()]))
    assert found.what.startswith(f"{share:.0%}")


def test_an_action_far_out() -> None:
    episodes = healthy()
    episodes[4] = with_actions(episodes[4], lambda a: np.where(np.arange(len(a))[:, None] == 9, a + [40, 0, 0], a))
    findings = [f for f in diagnose(episodes, action_low=(), action_high=()) if f.check == "action far out"]
    only(findings, "action far out", "action 0 (x)", "episodes 4 (1 of 30)", severity="error")


def prefix(episode: Episode, steps: int) -> Episode:
    """Nothing happens at first."""
    seen = {k: np.concatenate([t[:1].repeat(steps, 0), t]) for k, t in episode.observations.items() if k in VECTORS}
    still = np.tile(np.float32([0, 0, 1]), (steps, 1))
    actions = np.concatenate([still, episode.actions])
    return replace(episode, observations=seen, actions=actions, rewards=np.zeros(len(actions), np.float32))


def suffix(episode: Episode, steps: int) -> Episode:
    seen = {k: np.concatenate([t, t[-1:].repeat(steps, 0)]) for k, t in episode.observations.items() if k in VECTORS}
    still = np.tile(np.float32([0, 0, -1]), (steps, 1))
    actions = np.concatenate([episode.actions, still])
    return replace(episode, observations=seen, actions=actions, rewards=np.zeros(len(actions), np.float32))


def pause(episode: Episode, steps: int, at: int = 8) -> Episode:
    tables = {k: t for k, t in episode.observations.items() if k in VECTORS}
    seen = {k: np.concatenate([t[:at], t[at : at + 1].repeat(steps, 0), t[at:]]) for k, t in tables.items()}
    still = np.tile(np.float32([0, 0, 1]), (steps, 1))
    actions = np.concatenate([episode.actions[:at], still, episode.actions[at:]])
    return replace(episode, observations=seen, actions=actions, rewards=np.zeros(len(actions), np.float32))


@pytest.mark.parametrize(
    ("make", "steps", "said"),
    [
        (prefix, 12, "0.6 s of leading"),
        (suffix, 60, "3.0 s of trailing"),
        (pause, 12, "between first and last"),
    ],
)
def test_idle_frames(make: Callable[[Episode, int], Episode], steps: int, said: str) -> None:
    only(diagnose([make(e, steps) for e in healthy()]), "idle frames", said, severity="warning")
    assert diagnose([make(e, 3) for e in healthy()]) == []


def shift(episode: Episode, steps: int) -> Episode:
    """Record every action so many steps too late, or, below 0, too early."""
    return with_actions(episode, lambda actions: np.roll(actions, steps, axis=0))


@pytest.mark.parametrize("places", [False, True])
@pytest.mark.parametrize(("steps", "said"), [(1, "-1"), (2, "-2"), (4, "-4"), (-5, "+5")])
def test_misaligned_frames(steps: int, said: str, places: bool) -> None:
    findings = diagnose([shift(e, steps) for e in healthy(places=places)])
    only(findings, "misaligned frames", f"motion of {said} steps", severity="error")


def test_misaligned_frames_of_a_real_task(tmp_path: Path) -> None:
    collect(expert_plan("PickPlace"), tmp_path, episodes=20)
    read = DemonstrationSet.open(tmp_path)
    for steps in (1, 2, 3):
        findings = examine(Patient([shift(episode, steps) for episode in read], read.info))
        assert f"motion of -{steps} steps" in next(f.what for f in findings if f.check == "misaligned frames")


def test_a_few_misaligned_episodes() -> None:
    episodes = healthy()
    for number in (3, 11):
        episodes[number] = shift(episodes[number], 4)
    only(diagnose(episodes), "misaligned frames", "episodes 3, 11 (2 of 30)")


def test_copies() -> None:
    episodes = healthy()
    only(diagnose([*episodes, episodes[2], episodes[7]]), "duplicates", "episodes 30, 31 (2 of 32)", severity="error")


def test_odd_lengths() -> None:
    episodes = [*healthy(), reach(77, 10), reach(78, 130)]
    assert "episodes 30, 31 (2 of 32)" in next(f.where for f in diagnose(episodes) if f.check == "lengths")


def test_failures() -> None:
    episodes = [replace(e, success=n % 3 > 0) for n, e in enumerate(healthy())]
    only(diagnose(episodes), "failures", "success 67%", "(10 of 30)", severity="warning")
    only(diagnose([replace(e, success=False) for e in healthy()]), "failures", "success 0%", severity="error")


def test_observations_beyond_their_bounds() -> None:
    episodes = healthy()
    beyond = episodes[5].observations["observation"] + np.float32([0, 2.5])
    episodes[5] = with_seen(episodes[5], observation=beyond)
    only(diagnose(episodes), "out of bounds", "observation 1 (observation 1)", "episodes 5 (1 of 30)")


@pytest.mark.parametrize("key", ["rgb", "pointcloud"])
def test_a_frozen_view(key: str) -> None:
    episodes = healthy()
    table = episodes[6].observations[key].copy()
    table[10:25] = table[10]
    episodes[6] = with_seen(episodes[6], **{key: table})
    only(diagnose(episodes), "frozen view", f"{14 / (len(table) - 1):.0%}", key, "episodes 6 (1 of 30)")


@pytest.mark.parametrize("key", ["rgb", "pointcloud"])
def test_an_empty_view(key: str) -> None:
    episodes = healthy()
    for number in (1, 2):
        table = episodes[number].observations[key].copy()
        table[5:8] = 0
        episodes[number] = with_seen(episodes[number], **{key: table})
    only(diagnose(episodes), "empty view", key, "episodes 1, 2 (2 of 30)", severity="error")


def test_a_cloud_whose_points_are_all_one_is_empty() -> None:
    episodes = healthy()
    table = episodes[1].observations["pointcloud"].copy()
    table[5:8] = np.tile([0.1, 0.2, 0.3], 10)
    episodes[1] = with_seen(episodes[1], pointcloud=table)
    only(diagnose(episodes), "empty view", "pointcloud")


def test_what_cannot_be_read_is_named_and_the_rest_examined() -> None:
    class Broken(Patient):
        def __getitem__(self, index: int) -> Episode:
            if index in (2, 5):
                raise InputError("file.npz", expected="finite numbers", got="NaN or infinity in actions, row 3")
            return super().__getitem__(index)

    whole = patient_of([replace(e, success=n > 0) for n, e in enumerate(healthy())])
    findings = examine(Broken(whole.episodes, whole.info))
    assert [finding.check for finding in findings] == ["unreadable", "failures"]
    assert "NaN" in findings[0].what and findings[0].where == "episodes 2, 5 (2 of 30)"
    assert [f.check for f in examine(Broken(whole.episodes[2:3] * 6, whole.info), names=list("abcdef"))]


def test_a_set_of_clouds_alone_is_examined() -> None:
    def alone(episode: Episode) -> Episode:
        return replace(episode, observations={"pointcloud": episode.observations["pointcloud"]})

    known: dict[str, Any] = {"observation_low": {}, "observation_high": {}}
    assert diagnose([alone(episode) for episode in healthy()], **known) == []


def test_times() -> None:
    grid = [np.arange(40) / 20.0, (np.arange(40_000) / 20.0).astype(np.float32)]
    assert examine_times(grid, 20.0) == []
    clock = np.cumsum(np.random.default_rng(0).normal(0.05, 0.002, 40))
    late, lost = grid[0] + 0.001, np.where(np.arange(40) == 7, np.nan, grid[0])
    for bad in (clock, late, lost):
        only(examine_times([*grid, bad], 20.0), "timestamps", "20 Hz", "episodes 2 (1 of 3)", severity="error")
    assert "1.0 ms" in examine_times([late], 20.0)[0].what
