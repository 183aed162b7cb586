"""Training runs: they learn, they go on after a stop, they keep the best policy, they refuse what does not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from geometry import InputError
from policies.reinforcement import TUNED, Progress, Report, evaluate, load_policy, make_task_env, settings_for, train
from policies.reinforcement.checkpoint import load_checkpoint
from policies.reinforcement.learners import make_model, make_vec_env
from policies.reinforcement.settings import TrainSettings

SHORT = replace(settings_for("Reach"), steps=600, learning_starts=200, eval_every=300, eval_episodes=2)


class Countdown(gymnasium.Env[Any, Any]):
    """Done at steps 2 and 3 of 4 where the seed is even, at step 4 too where it divides by 4; rewards 1, 2, 3, 4."""

    observation_space = spaces.Box(0.0, 1.0, (1,))
    action_space = spaces.Box(-1.0, 1.0, (1,))

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        assert seed is not None
        self.seed, self.count, self.once = seed, 0, False
        return np.zeros(1, np.float32), {"is_success": False, "success_once": False}

    def step(self, action: Any) -> Any:
        self.count += 1
        done = (self.count in (2, 3) and self.seed % 2 == 0) or (self.count == 4 and self.seed % 4 == 0)
        self.once = self.once or done
        info = {"is_success": done, "success_once": self.once}
        return np.zeros(1, np.float32), float(self.count), False, self.count == 4, info


def test_an_evaluation_counts_by_hand() -> None:
    result = evaluate(lambda seen: np.zeros(1, np.float32), Countdown(), episodes=8, seed=4)
    np.testing.assert_array_equal(result.success_at_end, [True, False, False, False] * 2)
    np.testing.assert_array_equal(result.success_once, [True, False, True, False] * 2)
    np.testing.assert_array_equal(result.returns, 10.0)
    assert (result.at_end, result.once) == (0.25, 0.5)
    low, high = result.interval()  # Wilson's formula with z = 1.96, by hand: (0.0715, 0.5907)
    np.testing.assert_allclose([low, high], [0.0715, 0.5907], atol=2e-4)


def test_no_episode_is_no_evaluation() -> None:
    with pytest.raises(InputError, match="at least one episode"):
        evaluate(lambda seen: seen, Countdown(), episodes=0, seed=0)


def test_reach_is_learned_in_a_thousand_steps(tmp_path: Path) -> None:
    settings = replace(settings_for("Reach"), steps=1500, eval_every=1500, eval_episodes=1)
    train(settings, tmp_path, seed=3)
    policy, env = load_policy(tmp_path / "policy.safetensors"), make_task_env("Reach")
    assert evaluate(policy.act, env, episodes=20, seed=0).at_end >= 0.9
    env.close()


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first: list[Report] = []
    train(replace(SHORT, steps=300), tmp_path, seed=1, on_report=first.append)
    reports: list[Report] = []
    progress = train(SHORT, tmp_path, seed=1, on_report=reports.append)
    assert [report.progress.steps for report in reports] == [600]
    assert progress.curve[0] == first[0].progress.curve[0]
    assert progress.cpu_s > first[0].progress.cpu_s
    assert train(SHORT, tmp_path, seed=1, on_report=reports.append) == progress  # nothing is left to do


def test_replay_and_weights_survive_a_stop(tmp_path: Path) -> None:
    train(SHORT, tmp_path, seed=1)
    env = make_vec_env(SHORT, 0)
    model, progress = load_checkpoint(tmp_path, make_model(SHORT, env, seed=1), SHORT, 1)
    assert progress.steps == 600 == model.num_timesteps
    assert model.replay_buffer.size() == 600  # type: ignore[attr-defined]
    policy = load_policy(tmp_path / "policy.safetensors")
    if progress.best_steps == 600:
        seen, _ = make_task_env("Reach").reset(seed=0)
        np.testing.assert_allclose(policy.act(seen), model.predict(seen, deterministic=True)[0], atol=1e-6)
    env.close()


def test_a_checkpoint_keeps_what_is_in_the_replay_and_not_its_free_room(tmp_path: Path) -> None:
    train(replace(SHORT, steps=300), tmp_path, seed=1)
    assert (tmp_path / "checkpoint" / "replay.pkl").stat().st_size < 100_000  # 300 of 500,000 rows of 130 bytes
    env = make_vec_env(SHORT, 0)
    model, _ = load_checkpoint(tmp_path, make_model(SHORT, env, seed=1), SHORT, 1)
    buffer: Any = model.replay_buffer  # type: ignore[attr-defined]
    for table in (*buffer.observations.values(), *buffer.next_observations.values(), buffer.actions, buffer.ep_length):
        assert len(table) == SHORT.buffer_size == buffer.buffer_size and table[:300].any() and not table[300:].any()
    np.testing.assert_array_equal(buffer.ep_length[:300], 50)
    env.close()


def test_a_checkpoint_with_a_damaged_file_is_refused(tmp_path: Path) -> None:
    train(replace(SHORT, steps=300), tmp_path, seed=1)
    env = make_vec_env(SHORT, 0)
    model = make_model(SHORT, env, seed=1)
    for name in ("model.zip", "replay.pkl"):
        file = tmp_path / "checkpoint" / name
        whole = file.read_bytes()
        for cut in (0, 500, None):
            file.unlink() if cut is None else file.write_bytes(whole[:cut])
            with pytest.raises(InputError, match="expected a checkpoint, got"):
                load_checkpoint(tmp_path, model, SHORT, 1)
        file.write_bytes(whole)
    assert load_checkpoint(tmp_path, model, SHORT, 1)[1].steps == 300
    env.close()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"seed": 2}, "got seed 1 instead of 2"),
        ({"settings": replace(SHORT, gamma=0.9)}, "got gamma 0.95 instead of 0.9"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path, other: dict[str, Any], said: str) -> None:
    train(replace(SHORT, steps=300), tmp_path, seed=1)
    with pytest.raises(InputError, match=f"a checkpoint of this run.*{said}"):
        train(**{"settings": SHORT, "output": tmp_path, "seed": 1, **other})


@pytest.mark.parametrize("text", ["", "{", "{}", '{"seed": 1, "settings": {}, "progress": {"steps": 1}}'])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "state.json").write_text(text)
    with pytest.raises(InputError, match="expected a checkpoint"):
        train(SHORT, tmp_path, seed=1)


def test_a_stop_between_two_renames_loses_nothing(tmp_path: Path) -> None:
    train(replace(SHORT, steps=300), tmp_path, seed=1)
    (tmp_path / "checkpoint").rename(tmp_path / "checkpoint.old")
    assert len(train(SHORT, tmp_path, seed=1).curve) == 2


def test_the_best_policy_is_kept_and_of_equals_the_latest() -> None:
    def result(at_end: int) -> Any:
        return type(evaluate(lambda seen: np.zeros(1, np.float32), Countdown(), episodes=1, seed=0))(
            np.arange(4) < at_end, np.ones(4, bool), np.zeros(4)
        )

    progress, kept = Progress(), []
    for steps, successes in ((1, 0), (2, 3), (3, 2), (4, 3), (5, 1)):
        progress, best = progress.after(steps, 1.0, 1.0).judged(result(successes))
        kept.append(best)
    assert kept == [True, True, False, True, False]
    assert (progress.best_success, progress.best_steps, progress.cpu_s) == (0.75, 4, 5.0)


def test_the_policy_file_tells_how_it_came_about(tmp_path: Path) -> None:
    train(replace(SHORT, steps=300), tmp_path, seed=1, about={"command": "train it"})
    about = load_policy(tmp_path / "policy.safetensors").metadata
    assert about["env"] == "graspmimic/Reach-v0" and about["seed"] == 1 and about["command"] == "train it"
    assert TrainSettings(**{**about["settings"], "net": tuple(about["settings"]["net"])}).task == "Reach"
    json.dumps(about)


@pytest.mark.parametrize("algo", ["sac", "tqc", "ddpg", "ppo"])
def test_every_algorithm_runs_on_a_task_with_a_goal(tmp_path: Path, algo: Any) -> None:
    settings = replace(
        settings_for("Push", algo), steps=512, learning_starts=200, eval_every=512, eval_episodes=1, envs=2
    )
    assert train(settings, tmp_path, seed=0).steps >= 512


def test_hindsight_is_given_the_scenes_part_of_dense_rewards(tmp_path: Path) -> None:
    settings = replace(settings_for("Push"), reward="dense", her_goals=4, envs=2, learning_starts=120)
    env = make_vec_env(settings, 0)
    env.seed(0)
    model: Any = make_model(settings, env, seed=0)
    model.learn(160)
    buffer = model.replay_buffer
    achieved, desired = (
        buffer.next_observations[name][: buffer.pos].reshape(-1, 3) for name in ("achieved_goal", "desired_goal")
    )
    (rewards,) = env.env_method("compute_reward", achieved, desired, buffer.infos[: buffer.pos].ravel(), indices=[0])
    np.testing.assert_allclose(rewards, buffer.rewards[: buffer.pos].ravel(), atol=1e-6)
    with pytest.raises(InputError, match="hindsight with dense rewards"):
        train(replace(settings, steps=160, demonstrations=1), tmp_path, seed=0)
    env.close()


@pytest.mark.parametrize("algo", ["sac", "tqc"])
def test_demonstrations_reach_the_learner(tmp_path: Path, algo: Any) -> None:
    settings = replace(
        settings_for("PickPlace", algo), steps=400, envs=2, learning_starts=200, eval_every=400, eval_episodes=1,
        demonstrations=2, pretrain_steps=20,
    )  # fmt: skip
    assert train(settings, tmp_path, seed=0).steps >= 400
    with pytest.raises(InputError, match="sac, tqc or ddpg"):
        train(replace(settings, algo="ppo"), tmp_path / "ppo", seed=0)


def test_the_rate_falls_in_the_second_half_only() -> None:
    settings = replace(SHORT, steps=1000, learning_rate=1e-3, final_rate=0.1)
    rates = [settings.rate_at(steps) for steps in (0, 500, 750, 1000, 1200)]
    np.testing.assert_allclose(rates, [1e-3, 1e-3, 5.5e-4, 1e-4, 1e-4])


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"gamma": 1.0}, {"demo_fraction": 1.0}, {"updates_per_step": 0.0}])
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="TrainSettings"):
        replace(SHORT, **wrong)


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(InputError, match=", ".join(TUNED)):
        settings_for("Juggle")
