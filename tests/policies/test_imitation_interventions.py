"""Interventions: who drove which step, what is kept, and when the expert takes over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

from geometry import InputError
from policies.demonstrations import DemonstrationSet, Episode, ExpertDemonstrator, VariedExpert, expert_plan
from policies.demonstrations import collect as collect_demonstrations
from policies.experts import make_expert
from policies.imitation.behavior_cloning import BCConfig
from policies.imitation.intervention_rounds import Round, RoundsConfig, improve_by_interventions
from policies.imitation.interventions import Collected, Interventions, Learner, collect_interventions
from policies.imitation.policy import Observation
from policies.imitation.policy_file import load_policy_file
from policies.imitation.take_over import RandomMoment, Stalled
from policies.imitation.training_config import TrainingConfig
from policies.reinforcement import make_task_env

SEED = 1_000_000


class Constant:
    """Does the same whatever it sees."""

    def __init__(self, *action: float) -> None:
        self.action = np.array(action, dtype=np.float32)

    def reset(self) -> None: ...

    def select_action(self, observation: Observation) -> NDArray[np.float32]:
        assert set(observation) == {"observation", "achieved_goal", "desired_goal"}
        return self.action


class Playing:
    """The scripted expert as a learner that needs nobody."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        self.env, self.expert = env.unwrapped, make_expert("PickPlace")

    def reset(self) -> None: ...

    def select_action(self, observation: Observation) -> NDArray[np.float32]:
        return self.expert.act(self.env)  # type: ignore[arg-type]


@pytest.fixture
def env() -> Any:
    made = make_task_env("PickPlace")
    yield made
    made.close()


def collect(env: Any, learner: Learner, take_over: Any, **settings: Any) -> Collected:
    chosen = Interventions(**{"count": 3, "task": "bring the cube", **settings})
    return collect_interventions(
        learner, env, ExpertDemonstrator(make_expert("PickPlace")), take_over, settings=chosen, seed=SEED
    )  # fmt: skip


def test_only_what_the_expert_did_is_kept_and_it_goes_on_from_where_the_learner_brought_the_arm(env: Any) -> None:
    away = (0.3, -1.0, 0.5, -1.0)
    result = collect(env, Constant(*away), RandomMoment(earliest=4, latest=20))
    assert len(result.episodes) == 3 and result.begun >= 3
    for episode in result.episodes:
        step, seed = episode.provenance["took_over_at"], episode.provenance["seed"]
        assert 4 <= step <= 20 and episode.provenance["source"] == "intervention"
        assert episode.task == "bring the cube" and episode.success and episode.complete
        replayed, _ = env.unwrapped.reset(seed=seed)
        for _ in range(step):
            replayed, *_ = env.unwrapped.step(np.array(away, dtype=np.float32))
        for number, action in enumerate(episode.actions):
            for key, table in episode.observations.items():
                np.testing.assert_array_equal(table[number], replayed[key])
            replayed, _, _, _, info = env.unwrapped.step(action)
        assert info["is_success"]
    assert result.frames == sum(len(episode.actions) for episode in result.episodes)


def test_the_same_seed_gives_the_same_interventions(env: Any) -> None:
    first, second = (collect(env, Constant(0.0, 1.0, 0.0, 1.0), RandomMoment(), count=2) for _ in range(2))
    for one, two in zip(first.episodes, second.episodes, strict=True):
        assert one.provenance == two.provenance
        np.testing.assert_array_equal(one.actions, two.actions)


def test_success_is_held_as_long_as_was_asked(env: Any) -> None:
    short, long = (collect(env, Constant(0, 0, 0, 1), RandomMoment(), count=1, hold_steps=n) for n in (0, 9))
    assert len(long.episodes[0]) == len(short.episodes[0]) + 9


def test_an_expert_that_cannot_finish_is_told_not_recorded(env: Any) -> None:
    with pytest.raises(InputError, match="0; 0 needed none, 4 were lost"):
        collect(env, Constant(0, 0, 0, 1), RandomMoment(), count=2, tries=2, finish_steps=2)


def test_random_moments_cover_their_range_and_nothing_else() -> None:
    moment, rng, seen = RandomMoment(earliest=3, latest=6), np.random.default_rng(0), set()
    for _ in range(200):
        moment.reset(None, rng)
        seen.add(next(step for step in range(99) if moment.verdict(None, step, success=False) == "take"))
    assert seen == {3, 4, 5, 6}


def test_a_hand_that_stands_still_is_stalled_and_one_that_moves_is_not(env: Any) -> None:
    still = collect(env, Constant(0, 0, 0, 1), Stalled(window=5, latest=40), count=1)
    assert still.episodes[0].provenance["took_over_at"] == 5
    moving = collect(env, Constant(0, 0.6, 0, 1), Stalled(window=5, latest=8), count=1)
    assert moving.episodes[0].provenance["took_over_at"] == 8


def test_a_learner_that_succeeds_is_left_alone(env: Any) -> None:
    with pytest.raises(InputError, match="0; 3 needed none, 0 were lost"):
        collect(env, Playing(env), Stalled(), count=3, tries=1)


@pytest.mark.parametrize(
    "wrong", [{"count": 0}, {"finish_steps": 0}, {"hold_steps": -1}, {"tries": 0}]
)  # fmt: skip
def test_settings_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Interventions(**wrong)
    with pytest.raises(InputError):
        RandomMoment(earliest=5, latest=4)


class Interrupted(Exception):
    pass


def improve(demonstrations: DemonstrationSet, env: Any, output: Path, stop_after: int | None = None) -> list[Round]:
    rounds: list[Round] = []
    kept: list[Episode] = []

    def on_kept(episode: Episode) -> None:
        kept.append(episode)
        if len(kept) == stop_after:
            raise Interrupted

    config = RoundsConfig(
        policy=BCConfig(widths=(8,)),
        training=TrainingConfig(steps=4, batch_size=8, warmup_steps=0),
        interventions=Interventions(count=3),
        take_over=RandomMoment(latest=10),
    )
    expert = VariedExpert(make_expert("PickPlace"))
    improve_by_interventions(
        demonstrations, env, expert, output, config=config, seed=1, on_round=rounds.append, on_kept=on_kept
    )
    return rounds


def test_rounds_that_were_cut_off_end_as_if_they_had_not_been(env: Any, tmp_path: Path) -> None:
    collect_demonstrations(expert_plan("PickPlace"), tmp_path / "demos", episodes=2)
    demonstrations = DemonstrationSet.open(tmp_path / "demos")
    whole = improve(demonstrations, env, tmp_path / "whole")
    assert [(each.number, each.demonstrations, each.interventions) for each in whole] == [
        (0, 2, 0),
        (1, 5, 3),
        (2, 8, 6),
    ]
    assert whole[0].labelled_frames == demonstrations.steps < whole[1].labelled_frames < whole[2].labelled_frames
    with pytest.raises(Interrupted):
        improve(demonstrations, env, tmp_path / "cut", stop_after=5)
    improve(demonstrations, env, tmp_path / "cut")
    for number in (1, 2):
        sets = [DemonstrationSet.open(tmp_path / name / f"interventions-{number}") for name in ("whole", "cut")]
        assert len(sets[0]) == len(sets[1]) == 3
        for one, two in zip(*sets, strict=True):
            assert one.provenance == two.provenance
            np.testing.assert_array_equal(one.actions, two.actions)
    ends = [load_policy_file(tmp_path / name / "round-2").policy.state_dict() for name in ("whole", "cut")]
    assert all(np.array_equal(weight, ends[1][name]) for name, weight in ends[0].items())
