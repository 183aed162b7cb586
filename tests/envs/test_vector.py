"""Vector environments against Gymnasium's own serial one, and what happens when workers fail or are let go."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit

from envs.vector import SharedMemoryVectorEnv, WorkerError, vector_entry_point
from geometry import InputError


def wanderer(*, limit: int | None = 7, flat: bool = False, **options: Any) -> Callable[[], gymnasium.Env[Any, Any]]:
    """Makes a walk that draws random numbers and ends by itself (terminated) or by its limit (truncated).

    The class stands inside so that it travels to the workers by value: tests are no importable package.
    """

    class Wanderer(gymnasium.Env[Any, Any]):
        metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012
        spread = 0.5

        def __init__(self, fail_at: int | None = None, render_mode: str | None = None) -> None:
            vector = spaces.Box(-np.inf, np.inf, (3,), np.float32)
            whole = {"place": vector, "image": spaces.Box(0, 255, (4, 5), np.uint8), "steps": spaces.Discrete(1000)}
            self.observation_space = vector if flat else spaces.Dict({"inner": spaces.Dict(whole), "goal": vector})
            self.action_space = spaces.Box(-1.0, 1.0, (3,), np.float32)
            self.render_mode = render_mode
            self.fail_at = fail_at
            self.steps = 0
            self.place = np.zeros(3)
            self.actions: list[Any] = []

        def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
            super().reset(seed=seed)
            self.place = self.np_random.normal(size=3) + (options or {}).get("shift", 0.0)
            self.steps = 0
            return self._observation(), {"began": float(self.place[0]), "is_success": False}

        def step(self, action: Any) -> Any:
            self.steps += 1
            self.actions.append(action)
            if self.fail_at == self.steps:
                raise ZeroDivisionError("the wanderer fell")
            self.place = self.place + action + self.np_random.normal(0.0, self.spread, 3)
            far = bool(np.abs(self.place).max() > 4.0)
            info = {"is_success": far, "success_once": far, "distance": float(np.abs(self.place).max()), "word": "on"}
            return self._observation(), float(self.place.sum()), far, False, info

        def render(self) -> Any:
            return np.full((2, 2, 3), self.steps, dtype=np.uint8)

        def compute(self, factor: float, *, plus: float) -> float:
            return float(self.place[0]) * factor + plus

        def _observation(self) -> Any:
            place = self.place.astype(np.float32)
            image = np.full((4, 5), self.steps, dtype=np.uint8)
            whole = {"place": place, "image": image, "steps": np.int64(self.steps)}
            return place if flat else {"inner": whole, "goal": -place}

    def make() -> gymnasium.Env[Any, Any]:
        env = Wanderer(**options)
        return env if limit is None else TimeLimit(env, limit)

    return make


ALL_KEYS = ("is_success", "success_once", "distance")


@pytest.fixture
def vector() -> Any:
    """`vector(count, workers, **options of the wanderer)`; what it made is closed."""
    made = []

    def make(count: int = 4, workers: int = 2, **options: Any) -> SharedMemoryVectorEnv:
        made.append(SharedMemoryVectorEnv([wanderer(**options)] * count, workers=workers, info_keys=ALL_KEYS))
        return made[-1]

    yield make
    for each in made:
        each.close()


def same(one: Any, other: Any, where: str = "") -> None:
    """Equal bit for bit, types of arrays included; of infos the entry `word`, which is no number, is left out."""
    if isinstance(other, dict):
        assert isinstance(one, dict), where
        names = set(other) - {"word", "_word"} if where == "infos" else set(other)
        assert set(one) == names, where
        for key in names:
            same(one[key], other[key], f"{where}.{key}" if where != "infos" else f"info {key}")
    elif isinstance(other, tuple) or (isinstance(other, np.ndarray) and other.dtype == object):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same(a, b, where)
    elif other is None:
        assert one is None, where
    else:
        assert np.asarray(one).dtype == np.asarray(other).dtype, where
        np.testing.assert_array_equal(one, other, err_msg=where)


@pytest.mark.parametrize(("workers", "flat"), [(0, False), (0, True), (3, False)])
def test_it_equals_gymnasiums_serial_one_bit_for_bit(vector: Any, workers: int, flat: bool) -> None:
    ours = vector(5, workers, flat=flat)
    theirs = SyncVectorEnv([wanderer(flat=flat)] * 5, autoreset_mode=AutoresetMode.SAME_STEP)
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    assert ours.metadata == theirs.metadata
    same(ours.reset(seed=11), theirs.reset(seed=11))
    rng, kinds = np.random.default_rng(0), set()
    for _ in range(60):
        actions = rng.uniform(-1.0, 1.0, (5, 3)).astype(np.float32)
        mine, wanted = ours.step(actions), theirs.step(actions)
        for name, one, other in zip(("obs", "reward", "term", "trunc", "infos"), mine, wanted, strict=True):
            same(one, other, name)
        kinds |= {"terminated"} if mine[2].any() else set()
        kinds |= {"truncated"} if mine[3].any() else set()
    assert kinds == {"terminated", "truncated"}, "both ends of episodes must have been seen"
    same(ours.reset(), theirs.reset())
    again: Any = {"seed": [3, None, 5, 6, 7], "options": {"shift": 2.0}}
    same(ours.reset(**again), theirs.reset(**again))


def test_what_it_gives_away_is_never_written_to_again(vector: Any) -> None:
    env = vector(1, 0)
    first, _ = env.reset(seed=0)
    kept = first["inner"]["place"].copy()
    sent, ends = np.arange(60, dtype=np.float32).reshape(20, 1, 3) / 60.0, []
    for actions in sent:
        infos = env.step(actions)[4]
        if "final_obs" in infos:
            ends.append((infos["final_obs"][0]["goal"], infos["final_obs"][0]["goal"].copy()))
    np.testing.assert_array_equal(first["inner"]["place"], kept)
    assert len(ends) > 1
    np.testing.assert_array_equal([goal for goal, _ in ends], [copy for _, copy in ends])
    np.testing.assert_array_equal(env.get_attr("actions")[0], sent[:, 0])


def test_a_mask_resets_only_its_own(vector: Any) -> None:
    env = vector(3, 0)
    before, _ = env.reset(seed=0)
    mask = np.array([False, True, False])
    options = {"reset_mask": mask, "shift": 100.0}
    after, infos = env.reset(options=options)
    changed = np.abs(after["goal"] - before["goal"]).max(axis=1) > 50.0
    np.testing.assert_array_equal(changed, mask)
    np.testing.assert_array_equal(infos["_began"], mask)
    assert options.keys() == {"reset_mask", "shift"}, "the caller's dict is left alone"


def test_only_the_asked_numbers_of_info_come_with_every_step() -> None:
    env = SharedMemoryVectorEnv([wanderer()] * 2, workers=0)
    env.reset(seed=0)
    infos = env.step(np.zeros((2, 3), np.float32))[4]
    assert infos.keys() == {"is_success", "_is_success", "success_once", "_success_once"}
    assert infos["is_success"].dtype == np.bool_
    env.close()


@pytest.mark.parametrize("workers", [0, 2])
def test_attributes_and_methods_reach_every_environment(vector: Any, workers: int) -> None:
    env = vector(3, workers, render_mode="rgb_array")
    env.reset(seed=4)
    places = [each[0] for each in env.get_attr("place")]
    np.testing.assert_allclose(env.call("compute", 2.0, plus=1.0), [2.0 * x + 1.0 for x in places])
    assert env.call("compute", 0.0, plus=3.0, indices=[2]) == (3.0,)
    env.set_attr("spread", 0.0)
    env.set_attr("fail_at", [1, None, 1], indices=None)
    assert env.get_attr("spread") == (0.0, 0.0, 0.0)
    assert env.get_attr("fail_at") == (1, None, 1)
    env.set_attr("fail_at", None)
    env.step(np.zeros((3, 3), np.float32))
    assert [picture.max() for picture in env.render()] == [1, 1, 1]
    with pytest.raises(InputError, match="3 values"):
        env.set_attr("spread", [0.0])


def test_wrong_use_is_said_at_once(vector: Any) -> None:
    env = vector(3, 0)
    env.reset()
    with pytest.raises(InputError, match=r"shape \(3, 3\), got \(3,\)"):
        env.step(np.zeros(3, np.float32))
    with pytest.raises(InputError, match="step_async"):
        env.step_wait()
    env.step_async(np.zeros((3, 3), np.float32))
    with pytest.raises(InputError, match="step_wait"):
        env.reset()
    env.step_wait()
    with pytest.raises(InputError, match="3 seeds"):
        env.reset(seed=[1, 2])
    env.close()
    with pytest.raises(InputError, match="closed"):
        env.reset()
    with pytest.raises(InputError, match="at least one environment"):
        SharedMemoryVectorEnv([])
    text = type("Words", (gymnasium.Env,), {"observation_space": spaces.Text(5), "action_space": spaces.Discrete(2)})
    with pytest.raises(InputError, match="arrays, numbers"):
        SharedMemoryVectorEnv([text])


@pytest.mark.parametrize("workers", [0, 1])
def test_environments_of_different_kinds_are_refused(workers: int) -> None:
    error: type[Exception] = WorkerError if workers else InputError
    with pytest.raises(error, match="environment 1: expected the spaces of the first"):
        SharedMemoryVectorEnv([wanderer(), wanderer(flat=True)], workers=workers)


def test_an_error_comes_with_the_workers_traceback_and_the_rest_goes_on(vector: Any) -> None:
    env = SharedMemoryVectorEnv([wanderer(), wanderer(), wanderer(fail_at=2), wanderer()], workers=2)
    env.reset(seed=0)
    actions = np.zeros((4, 3), np.float32)
    env.step(actions)
    with pytest.raises(WorkerError, match=r"environment 2 failed in its worker:\n(.|\n)*ZeroDivisionError: the wan"):
        env.step(actions)
    with pytest.raises(WorkerError, match="AttributeError"):
        env.call("no_such_thing")
    with pytest.raises(WorkerError, match="pickle"):
        env.call("get_wrapper_attr", "step")
    env.reset(seed=0)
    env.step(actions)
    env.close()


def test_an_environment_that_cannot_be_made_leaves_nothing_behind(children: Callable[[], list[int]]) -> None:
    here = os.getpid()

    def make() -> gymnasium.Env[Any, Any]:
        if os.getpid() != here:
            raise OSError("no such robot")
        return wanderer()()

    with pytest.raises(WorkerError, match="no such robot"):
        SharedMemoryVectorEnv([make] * 2, workers=1)
    assert children() == []


def test_a_dead_worker_is_named(children: Callable[[], list[int]], vector: Any) -> None:
    env = vector(4, 2)
    env.reset()
    assert list(env.worker_pids) == children()
    os.kill(env.worker_pids[1], signal.SIGKILL)
    with pytest.raises(WorkerError, match="environments 2 to 3 ended with signal 9"):
        for _ in range(2):
            env.step(np.zeros((4, 3), np.float32))
    with pytest.raises(InputError, match="closed"):
        env.reset()
    env.close()
    assert children() == []


def all_children() -> list[int]:
    """Processes that this one has started and not yet buried, in the order of their start."""
    return [int(word) for word in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()]


@pytest.fixture
def children() -> Callable[[], list[int]]:
    """Tells the processes that were started since the test began: others' remain of tests before it."""
    before = set(all_children())
    return lambda: [pid for pid in all_children() if pid not in before]


def test_closing_twice_or_forgetting_to_ends_the_workers(children: Callable[[], list[int]], vector: Any) -> None:
    env = vector(2, 1)
    assert len(children()) == 1
    env.close()
    env.close()
    assert children() == []
    forgotten = SharedMemoryVectorEnv([wanderer()] * 2, workers=1)
    assert len(children()) == 1
    del forgotten
    gc.collect()
    assert children() == []


SCRIPT = """
import gymnasium, numpy as np, os, signal, sys, time
from gymnasium import spaces
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
from envs.vector import SharedMemoryVectorEnv

class Still(gymnasium.Env):
    observation_space = action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
    def reset(self, *, seed=None, options=None): return np.zeros(2, np.float32), {}
    def step(self, action): return action, float(os.getppid()), False, False, {}

env = SharedMemoryVectorEnv([Still] * 2, workers=2)
env.reset()
assert (env.step(np.zeros((2, 2), np.float32))[1] == os.getpid()).all()
print(*env.worker_pids, flush=True)
"""
"""No `if __name__ == "__main__":`, and the environment's class is the script's own."""


def run_script(tmp_path: Path, end: str) -> tuple[subprocess.Popen[str], list[int]]:
    (tmp_path / "script.py").write_text(SCRIPT + end)
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "script.py")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(root)}, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        pytest.fail(process.communicate()[1])
    return process, [int(word) for word in line.split()]


def wait_until_gone(pids: list[int]) -> None:
    until = time.monotonic() + 10.0
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < until, "a worker outlived its parent"
        time.sleep(0.02)


@pytest.mark.parametrize("how", ["end of script", "interrupt", "killed"])
def test_workers_end_with_their_parent(tmp_path: Path, how: str) -> None:
    end = "" if how == "end of script" else "while True: env.step(np.zeros((2, 2), np.float32))"
    process, workers = run_script(tmp_path, end)
    if how == "interrupt":
        time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does, to all that belong to the terminal's job
    if how == "killed":
        process.kill()
    try:
        errors = process.communicate(timeout=20)[1]
        wait_until_gone(workers)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == {"end of script": 0, "interrupt": -2, "killed": -9}[how]
    assert errors == "" or how == "interrupt"
    assert errors.count("Traceback") == (1 if how == "interrupt" else 0)


def test_make_vec_takes_it_without_a_warning() -> None:
    """A class that can be imported in the workers, registered as the tasks are."""
    name = "graspmimic-test/Pendulum-v0"
    sys.modules[__name__].make_pendulum = vector_entry_point(Pendulum)  # type: ignore[attr-defined]
    gymnasium.register(name, entry_point=PENDULUM, vector_entry_point=f"{__name__}:make_pendulum", max_episode_steps=9)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            env: Any = gymnasium.make_vec(name, num_envs=3, g=5.0, workers=0)
            assert env.spec.vector_entry_point == f"{__name__}:make_pendulum"
            assert gymnasium.make_vec(gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json())).num_envs == 3
            assert env.get_attr("g") == (5.0, 5.0, 5.0)
            env.reset(seed=0)
            ends = [env.step(np.zeros((3, 1), np.float32))[3].all() for _ in range(9)]
        assert ends == [False] * 8 + [True]
        plain = gymnasium.make_vec("Pendulum-v1", 3, "sync", g=5.0)
        assert env.observation_space == plain.observation_space
        same(env.reset(seed=5)[0], plain.reset(seed=5)[0])
        env.close()
    finally:
        del gymnasium.registry[name]


PENDULUM = "gymnasium.envs.classic_control.pendulum:PendulumEnv"
Pendulum = gymnasium.envs.registration.load_env_creator(PENDULUM)


def test_ids_work_in_workers() -> None:
    env = SharedMemoryVectorEnv.from_id("Pendulum-v1", 2, workers=1, g=3.0)
    plain = gymnasium.make_vec("Pendulum-v1", 2, "sync", g=3.0)
    same(env.reset(seed=1)[0], plain.reset(seed=1)[0])
    actions = np.array([[0.3], [-1.0]], np.float32)
    same(env.step(actions)[0], plain.step(actions)[0])
    assert env.get_attr("g") == (3.0, 3.0)
    env.close()
