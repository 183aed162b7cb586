"""Evaluation of policies: starts, stages and successes, against experts whose doings are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from policies.imitation import DataLayout, Observation, Policy, PolicyEvaluation, evaluate_acts, evaluate_policy
from policies.imitation.evaluation import evaluate_in_processes
from policies.imitation.policy_file import make_config
from policies.reinforcement import expert_act, make_task_env


def of_expert(task: str, episodes: int = 2, **options: Any) -> PolicyEvaluation:
    env = make_task_env(task, **options)
    result = evaluate_acts(expert_act(task, env), lambda: None, env, episodes=episodes, seed=1_000_000)
    env.close()
    return result


class Still(Policy):
    """Does nothing, and counts its episodes."""

    keys, history, chunk, resets = ("observation",), 1, 1, 0

    def fit(self, windows: Any) -> None: ...

    def loss(self, batch: Any) -> torch.Tensor:
        return torch.zeros(())

    def reset(self) -> None:
        self.resets += 1

    def select_action(self, observation: Observation) -> NDArray[np.float32]:
        return np.zeros(4, np.float32)


@pytest.mark.parametrize(
    ("task", "stages"),
    [("PickPlace", ["reached", "grasped"]), ("Push", ["moved"]), ("Stack", ["grasped", "lifted", "first placed"])],
)
def test_an_expert_comes_through_all_stages(task: str, stages: list[str]) -> None:
    result = of_expert(task)
    assert list(result.stages) == stages
    assert all(reached.all() for reached in result.stages.values())
    assert result.at_end == 1.0 and result.evaluation.success_once.all()


def test_who_does_nothing_comes_nowhere() -> None:
    policy, env = Still(), make_task_env("PickPlace")
    result = evaluate_policy(policy, env, episodes=3, seed=1_000_000)
    env.close()
    assert policy.resets == 3 and not any(reached.any() for reached in result.stages.values())
    assert result.at_end < 1.0 and len(result.action_ms) == 3 and (result.decision_ms >= result.action_ms).all()


def test_a_task_without_stages_has_none() -> None:
    assert of_expert("Reach").stages == {}


def test_processes_play_the_same_episodes() -> None:
    env = make_task_env("PickPlace")
    torch.manual_seed(0)
    policy = make_config("act", width=16, heads=2, inner=16).make(DataLayout.of_env(env)).eval()
    alone = evaluate_policy(policy, env, episodes=3, seed=1_000_000)
    env.close()
    shared = evaluate_in_processes(policy, "graspmimic/PickPlace-v0", {}, episodes=3, seed=1_000_000, workers=2)
    np.testing.assert_array_equal(alone.evaluation.returns, shared.evaluation.returns)
    np.testing.assert_array_equal(alone.evaluation.success_at_end, shared.evaluation.success_at_end)
    assert alone.stages.keys() == shared.stages.keys()
