"""Collecting: which try is in the set, going on after a stop, and processes that make no difference."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from geometry import InputError
from policies.demonstrations import (
    DEMONSTRATION_SEED,
    CollectingStopped,
    CollectPlan,
    DemonstrationSet,
    EpisodeDropped,
    collect,
    expert_plan,
    play_episode,
)


class Homing:
    """Steps straight to the goal, but not in the tries that it is to fail, drop or stop at."""

    def __init__(self, fails: Iterable[int] = (), drops: Iterable[int] = (), stops: Iterable[int] = ()) -> None:
        self.fails, self.drops, self.stops = set(fails), set(drops), set(stops)
        self.tries: list[int] = []
        self.starts: list[bytes] = []

    def reset(self, env: Any, rng: np.random.Generator) -> None:
        self.starts.append(env.at.tobytes())
        self.now = next(n for n in range(10_000) if np.array_equal(start_of(n), env.at))
        self.tries.append(self.now)
        self.shake = rng.normal(0, 0.01, 2)

    def act(self, env: Any, observation: Any) -> np.ndarray:
        if self.now in self.drops:
            raise EpisodeDropped
        if self.now in self.stops:
            raise CollectingStopped
        way = np.clip((env.goal - env.at) / 0.1 + self.shake, -1, 1)
        return np.zeros(2) if self.now in self.fails else way


def start_of(number: int) -> np.ndarray:
    """Where the point mass begins in a try, by the seeds' definition."""
    rng, _ = gymnasium.utils.seeding.np_random(20_000_000 + number)
    at: np.ndarray = rng.uniform(-0.9, 0.9, (2, 2))[0]
    return at


@pytest.fixture
def plan_of(point_mass: Any) -> Any:
    def make(demonstrator: Any = None, **how: Any) -> CollectPlan:
        player = demonstrator or Homing()
        return CollectPlan(make_env=point_mass, make_demonstrator=lambda: player, **how)

    return make


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "episodes").iterdir())}


def test_the_set_is_the_first_successes_by_number(plan_of: Any, tmp_path: Path) -> None:
    player = Homing(fails=(0, 3), drops=(1,))
    told: list[Any] = []
    done = collect(plan_of(player), tmp_path, episodes=4, on_outcome=lambda *said: told.append(said))
    read = DemonstrationSet.open(tmp_path)
    assert read.numbers == (2, 4, 5, 6) and read.success == 1.0
    assert [episode.provenance["seed"] for episode in read] == [DEMONSTRATION_SEED + n for n in read.numbers]
    assert (done.kept, done.dropped, done.played, done.successes) == (4, 3, 7, 4)
    assert [outcome.number for outcome, _ in told] == list(range(7)) and told[-1][1] == done


def test_tries_that_failed_are_not_repeated(plan_of: Any, tmp_path: Path) -> None:
    player = Homing(fails=(0, 3))
    collect(plan_of(player), tmp_path / "a", episodes=2)
    assert player.tries == [0, 1, 2]
    collect(plan_of(player), tmp_path / "a", episodes=2)
    done = collect(plan_of(player), tmp_path / "a", episodes=4)
    assert player.tries == [0, 1, 2, 3, 4, 5] and (done.kept, done.dropped, done.played) == (4, 2, 3)
    collect(plan_of(Homing(fails=(0, 3))), tmp_path / "b", episodes=4)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_gap_is_filled_first(plan_of: Any, tmp_path: Path) -> None:
    collect(plan_of(), tmp_path, episodes=4)
    whole = contents(tmp_path)
    (tmp_path / "episodes" / "episode_000001.npz").unlink()
    player = Homing()
    collect(plan_of(player), tmp_path, episodes=4)
    assert player.tries == [1] and contents(tmp_path) == whole


def test_failures_are_kept_where_they_are_wanted(plan_of: Any, tmp_path: Path) -> None:
    done = collect(plan_of(Homing(fails=(0, 2)), keep_failures=True), tmp_path, episodes=4)
    read = DemonstrationSet.open(tmp_path)
    assert read.numbers == (0, 1, 2, 3) and read.success == 0.5 and done.successes == 2


def test_too_many_failures_end_it(plan_of: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="1 of 8 tries"):
        collect(plan_of(Homing(fails=range(1, 100))), tmp_path, episodes=2)
    assert DemonstrationSet.open(tmp_path).numbers == (0,)


def test_a_demonstrator_may_stop(plan_of: Any, tmp_path: Path) -> None:
    done = collect(plan_of(Homing(stops=(2,))), tmp_path, episodes=5)
    assert done.kept == 2 and DemonstrationSet.open(tmp_path).numbers == (0, 1)


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"hold_steps": 3}, {"task": "other"}, {"source": {"source": "policy"}}]
)
def test_another_plan_is_refused(plan_of: Any, tmp_path: Path, change: dict[str, Any]) -> None:
    (name,) = change
    collect(plan_of(), tmp_path, episodes=1)
    with pytest.raises(InputError, match=name):
        collect(plan_of(**change), tmp_path, episodes=2)


@pytest.mark.parametrize("text", ["", "[]", '{"plan": 1, "failed": []}', '{"plan": {}}'])
def test_a_damaged_ledger_is_named(plan_of: Any, tmp_path: Path, text: str) -> None:
    collect(plan_of(), tmp_path, episodes=1)
    (tmp_path / "collecting.json").write_text(text)
    with pytest.raises(InputError):
        collect(plan_of(), tmp_path, episodes=2)


def test_one_folder_has_one_collector(plan_of: Any, tmp_path: Path) -> None:
    def again(*_: Any) -> None:
        with pytest.raises(InputError, match="collected into"):
            collect(plan_of(), tmp_path, episodes=3)
        refused.append(True)

    refused: list[bool] = []
    collect(plan_of(), tmp_path, episodes=1, on_outcome=again)
    assert refused and collect(plan_of(), tmp_path, episodes=2).kept == 2


def test_drafts_of_the_killed_are_removed(plan_of: Any, tmp_path: Path) -> None:
    collect(plan_of(), tmp_path, episodes=1)
    draft = tmp_path / "episodes" / ".episode_000001.4242.tmp"
    draft.write_bytes(b"half")
    collect(plan_of(), tmp_path, episodes=1)
    assert not draft.exists() and DemonstrationSet.open(tmp_path).numbers == (0,)


def test_an_episode_goes_on_for_a_while_when_the_task_is_done(point_mass: Any) -> None:
    how = {"seed": 20_000_000, "rng": np.random.default_rng(0)}
    whole = play_episode(point_mass(), Homing(), **how)
    first = int(np.flatnonzero(whole.rewards == 0)[0])
    held = play_episode(point_mass(), Homing(), hold_steps=4, **(how | {"rng": np.random.default_rng(0)}))
    assert len(whole) == 25 and len(held) == first + 1 + 4 and held.success
    assert np.array_equal(held.actions, whole.actions[: len(held)]) and held.complete


def test_success_that_is_lost_again_does_not_count(point_mass: Any) -> None:
    class Passing(Homing):
        def act(self, env: Any, observation: Any) -> np.ndarray:
            """Go to the goal, leave it after two steps there, come back."""
            near = np.linalg.norm(env.goal - env.at) < 0.04
            self.stay = getattr(self, "stay", 0) + near
            return np.ones(2) if self.stay == 2 and near else np.clip((env.goal - env.at) / 0.1, -1, 1)

    episode = play_episode(point_mass(), Passing(), seed=20_000_000, rng=np.random.default_rng(0), hold_steps=4)
    done = episode.rewards == 0
    assert np.flatnonzero(done)[-5:].tolist() == list(range(len(episode) - 5, len(episode))) and done[:-5].any()
    assert not done[-6] and episode.success


def test_what_was_done_is_recorded(point_mass: Any) -> None:
    class Wild(Homing):
        def act(self, env: Any, observation: Any) -> np.ndarray:
            return np.array([3.0, -0.5])

    episode = play_episode(point_mass(), Wild(), seed=20_000_000, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(episode.actions, np.tile(np.float32([1, -0.5]), (25, 1)))
    for bad in (np.zeros(3), np.array([np.nan, 0.0])):
        Wild.act = lambda *_: bad  # type: ignore[method-assign]  # noqa: B023
        with pytest.raises(InputError, match="finite actions"):
            play_episode(point_mass(), Wild(), seed=20_000_000, rng=np.random.default_rng(0))


def test_an_episode_can_be_played_again_from_its_seed_and_actions(tmp_path: Path) -> None:
    options = {"observation": "state+pointcloud"}
    collect(expert_plan("PickPlace", env_options=options), tmp_path, episodes=2)
    read = DemonstrationSet.open(tmp_path)
    with gymnasium.make(f"envs:{read.info.env}", **read.info.env_options) as env:
        for episode in reversed(tuple(read)):
            seen, _ = env.reset(seed=episode.provenance["seed"])
            for step, action in enumerate(episode.actions):
                assert all(np.array_equal(seen[key], table[step]) for key, table in episode.observations.items())
                seen, reward, *_ = env.step(action)
                assert reward == episode.rewards[step]


def test_bad_orders_are_refused(plan_of: Any, tmp_path: Path) -> None:
    for order in ({"episodes": 0}, {"episodes": 30_000}, {"episodes": 1, "workers": -1}):
        with pytest.raises(InputError):
            collect(plan_of(), tmp_path, **order)
    with pytest.raises(InputError, match="an expert"):
        expert_plan("ClutterPick")


SCRIPT = """
import sys
from policies.demonstrations import collect, expert_plan
if __name__ == "__main__":
    try:
        collect(expert_plan("Push"), sys.argv[1], episodes=int(sys.argv[2]), workers=int(sys.argv[3]))
    except KeyboardInterrupt:
        sys.exit(130)
"""


def start(folder: Path, episodes: int, workers: int) -> subprocess.Popen[bytes]:
    script = folder.parent / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(folder), str(episodes), str(workers)]
    home = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": home, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, start_new_session=True)


def wait_for(folder: Path, episodes: int) -> None:
    begun = time.monotonic()
    while len(list(folder.glob("episodes/episode_*.npz"))) < episodes:
        assert time.monotonic() - begun < 120
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_kill_9_loses_the_running_episodes_only(tmp_path: Path, workers: int) -> None:
    for episodes in (4, 9):
        process = start(tmp_path / "killed", 14, workers)
        wait_for(tmp_path / "killed", episodes)
        process.kill()
        process.communicate()
        left = DemonstrationSet.open(tmp_path / "killed")
        assert len(left) >= episodes and sum(len(episode) for episode in left) == left.steps
    wait_until_alone(process.pid)
    collect(expert_plan("Push"), tmp_path / "killed", episodes=14)
    collect(expert_plan("Push"), tmp_path / "whole", episodes=14)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    ledgers = [json.loads((tmp_path / name / "collecting.json").read_text()) for name in ("killed", "whole")]
    assert ledgers[0] == ledgers[1]


def wait_until_alone(session: int) -> None:
    """Wait until no process of a session is left: workers must not outlive their master for long."""
    begun = time.monotonic()
    while members(session):
        assert time.monotonic() - begun < 60, members(session)
        time.sleep(0.05)


def wait_for_company(session: int) -> None:
    begun = time.monotonic()
    while len(members(session)) < 2:
        assert time.monotonic() - begun < 120
        time.sleep(0.005)


def members(session: int) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if fields[0] != "Z" and int(fields[3]) == session:
            found.append(entry.parent.name)
    return found


@pytest.mark.slow
def test_the_workers_make_no_difference(tmp_path: Path) -> None:
    plan = partial(expert_plan, "Push", env_options={"observation": "state+pointcloud"}, seed=3)
    collect(plan(), tmp_path / "alone", episodes=7)
    collect(plan(), tmp_path / "three", episodes=5, workers=3)
    collect(plan(), tmp_path / "three", episodes=7, workers=2)
    assert contents(tmp_path / "alone") == contents(tmp_path / "three")


@pytest.mark.slow
@pytest.mark.parametrize("moment_s", [*(0.25 * number for number in range(12)), None])
def test_control_c_ends_everyone_without_noise(tmp_path: Path, moment_s: float | None) -> None:
    """While the workers start, which is mostly importing; and, at None, when all play."""
    process = start(tmp_path / "set", 5000, 2)
    if moment_s is None:
        wait_for(tmp_path / "set", 3)
    else:
        wait_for_company(process.pid)
        time.sleep(moment_s)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and said == b""
    wait_until_alone(process.pid)
    assert not list((tmp_path / "set").rglob("*.tmp"))


def fail_to_make() -> Any:
    raise OSError("no such robot")


@pytest.mark.slow
def test_what_a_worker_meets_is_told(tmp_path: Path) -> None:
    plan = expert_plan("Push")
    broken = CollectPlan(make_env=plan.make_env, make_demonstrator=fail_to_make)
    with pytest.raises(RuntimeError, match="no such robot"):
        collect(broken, tmp_path, episodes=2, workers=1)
