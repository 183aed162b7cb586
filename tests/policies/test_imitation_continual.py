"""Continual learning: Fisher information in closed form, springs, forgetting by hand, the space that tasks share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from geometry import InputError
from policies.demonstrations import Episode
from policies.demonstrations.set_info import SetInfo
from policies.imitation.behavior_cloning import BCConfig
from policies.imitation.continual.ewc import Springs, fisher_diagonal
from policies.imitation.continual.forgetting import SuccessHistory, seed_interval
from policies.imitation.continual.learner import ContinualConfig, Method
from policies.imitation.continual.replay import ReplaySettings, episode_weights, remembered, replay_shares
from policies.imitation.continual.sequence import (
    Judge,
    Looks,
    Rates,
    TaskData,
    learn_sequence,
)
from policies.imitation.continual.shared_space import SharedSpace
from policies.imitation.continual.task_policy import TaskPolicy
from policies.imitation.policy import Batch, Observation, Policy
from policies.imitation.policy_file import load_policy_file
from policies.imitation.training_config import TrainingConfig
from policies.imitation.windows import Windows


class Linear(Policy):
    """One action from n numbers: a Gaussian of unit variance about w x, or a Bernoulli of chance sigmoid(w x)."""

    keys, history, chunk = ("observation",), 1, 1

    def __init__(self, weights: list[float], kind: str) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weights, dtype=torch.float64))
        self.kind = kind

    def loss(self, batch: Batch) -> Tensor:
        outputs = batch.observations["observation"][:, -1] @ self.weight
        wanted = batch.actions[:, 0, 0]
        if self.kind == "gaussian":
            return (0.5 * (outputs - wanted).square()).mean()
        return functional.binary_cross_entropy_with_logits(outputs, wanted)

    def fit(self, windows: Windows) -> None: ...

    def reset(self) -> None: ...

    def select_action(self, observation: Observation) -> NDArray[np.float32]:
        raise NotImplementedError


def window(x: Tensor, a: Tensor) -> Batch:
    return batch(x.reshape(1, 1, -1), a.reshape(1, 1, 1))


def batch(seen: Tensor, actions: Tensor) -> Batch:
    whole, none = torch.ones(len(actions), 1, dtype=torch.bool), torch.zeros(len(actions), 0, dtype=torch.bool)
    return Batch({"observation": seen}, actions, whole, actions[:, :0], none)


def windows(x: Tensor, a: Tensor) -> Iterator[Batch]:
    return (window(row, one) for row, one in zip(x, a, strict=True))


def drawn(n: int) -> Tensor:
    scales = torch.tensor([1.0, 0.5, 0.1], dtype=torch.float64)
    return torch.randn(n, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * scales


def test_fisher_of_a_linear_gaussian_model_is_the_mean_square_of_its_inputs() -> None:
    x = drawn(4_000)
    policy = Linear([0.3, -1.0, 2.0], "gaussian")
    noise = torch.randn(len(x), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    actions = (x @ policy.weight).detach() + noise
    fisher = fisher_diagonal(policy, windows(x, actions))["weight"]
    torch.testing.assert_close(fisher, (noise[:, None] * x).square().mean(0))
    torch.testing.assert_close(fisher, x.square().mean(0), rtol=0.15, atol=0.0)


def test_fisher_of_a_logistic_model_is_p_times_one_minus_p_times_the_square_of_its_inputs() -> None:
    x = drawn(4_000)
    policy = Linear([1.0, -2.0, 0.5], "bernoulli")
    chance = torch.sigmoid(x @ policy.weight).detach()
    actions = torch.bernoulli(chance, generator=torch.Generator().manual_seed(2))
    fisher = fisher_diagonal(policy, windows(x, actions))["weight"]
    expected = (chance * (1.0 - chance))[:, None] * x.square()
    torch.testing.assert_close(fisher, expected.mean(0), rtol=0.15, atol=0.0)


def test_fisher_agrees_with_finite_differences_and_leaves_the_policy_as_it_was() -> None:
    x, actions = drawn(5), torch.tensor([0.3, -0.2, 1.0, 0.0, 2.0], dtype=torch.float64)
    policy = Linear([0.3, -1.0, 2.0], "gaussian").train()
    fisher = fisher_diagonal(policy, windows(x, actions))["weight"]
    step, expected = 1e-5, torch.zeros(3, dtype=torch.float64)
    for row, action in zip(x, actions, strict=True):
        for i in range(3):
            losses = []
            for sign in (1.0, -1.0):
                moved = policy.weight.detach().clone()
                moved[i] += sign * step
                losses.append(0.5 * (moved @ row - action) ** 2)
            expected[i] += ((losses[0] - losses[1]) / (2.0 * step)) ** 2 / len(x)
    torch.testing.assert_close(fisher, expected, rtol=1e-6, atol=1e-9)
    assert policy.training and policy.weight.grad is None


def test_fisher_refuses_several_windows_at_once_and_none() -> None:
    policy = Linear([1.0], "gaussian")
    two = batch(torch.zeros(2, 1, 1), torch.zeros(2, 1, 1))
    for wrong in ([two], []):
        with pytest.raises(InputError, match="window"):
            fisher_diagonal(policy, wrong)


TASKS = (([1.0, 0.0, -1.0], 11), ([0.0, 2.0, 0.5], 12), ([0.7, -0.4, 3.0], 13))


def learned(springs: Springs, policy: Linear) -> list[tuple[Tensor, Tensor]]:
    """Put the weights at three tasks' optima in turn; each one's Fisher information and weights."""
    told = []
    for weights, seed in TASKS:
        with torch.no_grad():
            policy.weight.copy_(torch.tensor(weights, dtype=torch.float64))
        noise = torch.randn(40, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        actions = (drawn(40) @ policy.weight).detach() + noise
        told.append((fisher_diagonal(policy, windows(drawn(40), actions))["weight"], policy.weight.detach().clone()))
        springs.add_task(policy, windows(drawn(40), actions))
    return told


def test_springs_pull_like_one_penalty_for_each_task() -> None:
    springs, policy = Springs(7.0), Linear([0.0, 0.0, 0.0], "gaussian")
    assert springs.penalty(policy) == 0.0
    told = learned(springs, policy)

    def written_out(at: Tensor) -> Tensor:
        return sum((3.5 * fisher * (at - rest).square() for fisher, rest in told), torch.zeros(3)).sum()

    places = [torch.tensor([0.2, 0.1, -3.0], dtype=torch.float64), torch.tensor([4.0, 0.0, 1.0], dtype=torch.float64)]
    got, gradients = [], []
    for place in places:
        with torch.no_grad():
            policy.weight.copy_(place)
        penalty = springs.penalty(policy)
        gradients.append(torch.autograd.grad(penalty, policy.weight)[0])
        got.append(penalty.detach())
    torch.testing.assert_close(got[0] - got[1], written_out(places[0]) - written_out(places[1]))
    for place, gradient in zip(places, gradients, strict=True):
        for i in range(3):
            step = torch.zeros(3, dtype=torch.float64)
            step[i] = 1e-5
            slope = (written_out(place + step) - written_out(place - step)) / 2e-5
            torch.testing.assert_close(gradient[i], slope, rtol=1e-6, atol=1e-8)


def test_online_springs_hold_the_last_weights_and_let_the_past_fade() -> None:
    springs, policy = Springs(1.0, fading=0.5), Linear([0.0, 0.0, 0.0], "gaussian")
    (f0, _), (f1, _), (f2, last) = learned(springs, policy)
    torch.testing.assert_close(springs.stiffness["weight"], 0.25 * f0 + 0.5 * f1 + f2)
    torch.testing.assert_close(springs.rest["weight"], last)


def test_springs_go_on_from_what_was_kept() -> None:
    springs, policy = Springs(3.0), Linear([0.0, 0.0, 0.0], "gaussian")
    learned(springs, policy)
    again = Springs(3.0)
    again.restore(springs.tensors())
    with torch.no_grad():
        policy.weight.add_(1.0)
    assert again.penalty(policy) == springs.penalty(policy) > 0.0
    with pytest.raises(InputError, match=r"Springs\.tensors"):
        again.restore({"weight": torch.zeros(3)})


NAN = float("nan")


def test_sums_of_the_forgetting_matrix_as_worked_out_by_hand() -> None:
    history = SuccessHistory(
        matrix=np.array([[1.0, NAN, NAN], [0.5, 0.8, NAN], [0.1, 0.6, 0.9]]),
        learning=np.array([[0.0, 0.6, 1.0], [0.2, 0.7, 0.8], [0.0, 0.3, 0.9]]),
        untrained=np.array([0.0, 0.1, 0.05]),
    )
    told = history.summary()
    assert told["average_success"] == pytest.approx((0.1 + 0.6 + 0.9) / 3)
    assert told["nbt"] == pytest.approx((((1.0 - 0.5) + (1.0 - 0.1)) / 2 + (0.8 - 0.6)) / 2)
    assert told["backward_transfer"] == pytest.approx(((0.1 - 1.0) + (0.6 - 0.8)) / 2)
    assert told["fwt"] == pytest.approx((1.6 / 3 + 1.7 / 3 + 1.2 / 3) / 3)
    assert told["zero_shot_transfer"] == pytest.approx(((0.2 - 0.1) + (0.0 - 0.05)) / 2)
    areas = [(1.6 / 3 + 0.5 + 0.1) / 3, (1.7 / 3 + 0.6) / 2, 1.2 / 3]
    assert told["auc"] == pytest.approx(sum(areas) / 3)


def test_one_task_is_not_forgotten() -> None:
    alone = SuccessHistory(np.array([[0.7]]), np.array([[0.0, 0.7]]), np.array([0.0]))
    assert (alone.nbt, alone.backward_transfer, alone.zero_shot_transfer, alone.average_success) == (0, 0, 0, 0.7)


@pytest.mark.parametrize("hole", [(1, 0), (1, 1)])
def test_a_matrix_with_a_hole_is_refused(hole: tuple[int, int]) -> None:
    matrix = np.array([[1.0, NAN], [0.5, 0.8]])
    matrix[hole] = NAN
    with pytest.raises(InputError):
        SuccessHistory(matrix, np.zeros((2, 2)), np.zeros(2))


def test_interval_over_three_seeds_is_that_of_students_table() -> None:
    mean, low, high = seed_interval([0.2, 0.5, 0.8])
    half = 4.3027 * 0.3 / 3**0.5
    assert (mean, low, high) == pytest.approx((0.5, 0.5 - half, 0.5 + half), abs=1e-4)
    assert np.isnan(seed_interval([0.4])[1:]).all()


def episode(width: int, acts: int, seed: int, steps: int = 30) -> Episode:
    rng = np.random.default_rng(seed)
    tables = {"observation": rng.normal(size=(steps + 1, width)).astype(np.float32)}
    tables |= {key: rng.normal(size=(steps + 1, 1)).astype(np.float32) for key in ("achieved_goal", "desired_goal")}
    actions = rng.uniform(-1, 1, size=(steps, acts)).astype(np.float32)
    return Episode(observations=tables, actions=actions, rewards=np.zeros(steps, np.float32), success=True)


def test_earlier_tasks_have_their_share_of_the_windows_whatever_their_length() -> None:
    groups = [
        [episode(2, 1, 0, steps=30), episode(2, 1, 1, steps=10)],
        [episode(2, 1, 2, steps=5)],
        [episode(2, 1, 3, steps=7), episode(2, 1, 4, steps=8)],
    ]
    shares = replay_shares(2, 0.4)
    assert shares == pytest.approx([0.6, 0.2, 0.2]) and replay_shares(0, 0.4) == [1.0]
    weights = episode_weights(groups, shares)
    lengths = [30, 10, 5, 7, 8]
    windows = [weight * length for weight, length in zip(weights, lengths, strict=True)]
    assert [sum(windows[:2]), windows[2], sum(windows[3:])] == pytest.approx([0.6, 0.2, 0.2])
    assert weights[0] == weights[1] and weights[3] == weights[4]
    with pytest.raises(InputError):
        ReplaySettings(share=1.0)


def info(names: tuple[str, ...], goal: str, actions: tuple[str, ...]) -> SetInfo:
    keys = {"observation": names, "achieved_goal": (goal,), "desired_goal": (goal,)}
    return SetInfo(
        rate_hz=25.0, action_names=actions, observation_names=keys,
        observation_shapes={key: (len(value),) for key, value in keys.items()},
        observation_dtypes=dict.fromkeys(keys, "float32"),
        action_low=(-1.0,) * len(actions), action_high=(1.0,) * len(actions),
    )  # fmt: skip


def two_tasks() -> SharedSpace:
    first, second = info(("hand", "speed"), "hand", ("x",)), info(("cube", "hand"), "cube", ("grip", "x"))
    return SharedSpace.of({"reach": first, "pick": second})


def test_memory_keeps_so_many_different_episodes() -> None:
    shelf = [episode(2, 1, seed) for seed in range(20)]
    kept = remembered(shelf, 5, np.random.default_rng(3))
    assert len({id(one) for one in kept}) == 5 and all(any(one is other for other in shelf) for one in kept)
    assert len(remembered(shelf[:2], 5, np.random.default_rng(3))) == 2


def test_numbers_of_the_same_name_share_a_place_and_flags_tell_the_task() -> None:
    space = two_tasks()
    assert space.seen_names == ("hand", "speed", "hand to goal", "goal hand", "cube", "cube to goal", "goal cube")
    assert space.action_names == ("x", "grip") and space.width == 7 + 2
    reach, pick = episode(2, 1, 0), episode(2, 2, 1)
    space = space.with_scales_of("reach", [reach])
    hand = reach.observations["observation"][:, 0].astype(float)
    assert space.scales[0] == pytest.approx((hand.mean(), hand.std()))
    later = space.with_scales_of("pick", [pick])
    assert {place: later.scales[place] for place in space.scales} == space.scales, "a later task moves nothing"
    shared = later.episode("pick", pick)
    row, own = shared.observations["observation"][4], pick.observations["observation"][4]
    assert row[0] == pytest.approx((own[1] - later.scales[0][0]) / later.scales[0][1], abs=1e-5)
    assert row[4] == pytest.approx((own[0] - later.scales[4][0]) / later.scales[4][1], abs=1e-5)
    to_goal = pick.observations["desired_goal"][4, 0] - pick.observations["achieved_goal"][4, 0]
    assert row[5] == pytest.approx((to_goal - later.scales[5][0]) / later.scales[5][1], abs=1e-5)
    np.testing.assert_array_equal(row[[1, 2, 3, 7, 8]], [0, 0, 0, 0, 1])
    np.testing.assert_array_equal(shared.actions[:, [1, 0]], pick.actions)
    np.testing.assert_array_equal(later.action("pick", shared.actions), pick.actions)
    one = {key: table[4] for key, table in pick.observations.items()}
    np.testing.assert_array_equal(later.observation("pick", one)["observation"], row)
    assert SharedSpace.of_record(json.loads(json.dumps(later.record()))) == later
    with pytest.raises(InputError, match="record"):
        SharedSpace.of_record({"tasks": ["reach"]})


def test_what_hardly_varies_is_not_blown_up() -> None:
    flat = episode(2, 1, 0)
    flat.observations["observation"][:, 1] = 0.25
    space = two_tasks().with_scales_of("reach", [flat])
    assert space.scales[1][1] == 0.05, "of a width of 1, for bounds are not known"


def test_unknown_tasks_and_missing_numbers_are_named() -> None:
    space = two_tasks().with_scales_of("reach", [episode(2, 1, 0)])
    with pytest.raises(InputError, match="one of reach, pick"):
        space.observation("stack", {})
    with pytest.raises(InputError, match="no achieved_goal"):
        space.observation("reach", {"observation": np.zeros(2, np.float32)})


class Interrupted(Exception):
    pass


def seen_by_judge(stop_at: int | None, told: list[tuple[str, int]]) -> Judge:
    """Judges by what the policy does on a fixed observation, and breaks off once."""

    def judge(player: TaskPolicy, episodes: int) -> float:
        if len(told) == stop_at:
            raise Interrupted
        told.append((player.task, episodes))
        row = {"observation": [0.3, -0.2], "achieved_goal": [0.1], "desired_goal": [0.5]}
        player.reset()
        action = player.select_action({key: np.array(value, dtype=np.float32) for key, value in row.items()})
        assert action.shape == ((1,) if player.task == "reach" else (2,))
        return float(abs(action[0]))

    return judge


def toy_tasks() -> list[TaskData]:
    first, second = info(("hand", "speed"), "hand", ("x",)), info(("cube", "hand"), "cube", ("grip", "x"))
    third = info(("hand", "speed"), "speed", ("x", "grip"))
    return [
        TaskData("reach", first, [episode(2, 1, seed) for seed in range(3)]),
        TaskData("pick", second, [episode(2, 2, seed) for seed in range(3, 6)]),
        TaskData("stop", third, [episode(2, 2, seed) for seed in range(6, 9)]),
    ]


def play(folder: Path, config: ContinualConfig, stop_at: int | None = None) -> tuple[Rates, list[tuple[str, int]]]:
    told: list[tuple[str, int]] = []
    rates = learn_sequence(
        toy_tasks(), BCConfig(keys=("observation",), widths=(8,)), config, seen_by_judge(stop_at, told), folder,
        seed=4, looks=Looks(moments=2, learning=3, cell=5, last=7),
    )  # fmt: skip
    return rates, told


def config_of(method: Method) -> ContinualConfig:
    return ContinualConfig(
        method=method, training=TrainingConfig(steps=6, batch_size=4, warmup_steps=0), strength=50.0,
        fisher_windows=5, replay=ReplaySettings(episodes=1),
    )  # fmt: skip


@pytest.mark.parametrize("method", ["naive", "ewc", "replay"])
def test_a_sequence_that_was_cut_off_ends_as_if_it_had_not_been(tmp_path: Path, method: Method) -> None:
    whole, told = play(tmp_path / "whole", config_of(method))
    assert told[:4] == [("reach", 3), ("reach", 3), ("reach", 3), ("reach", 5)]
    assert told[-3:] == [("reach", 7), ("pick", 7), ("stop", 7)]
    assert [len(row) for row in whole.matrix] == [1, 2, 3] and [len(row) for row in whole.learning] == [3, 3, 3]
    with pytest.raises(Interrupted):
        play(tmp_path / "cut", config_of(method), stop_at=7)
    resumed, told = play(tmp_path / "cut", config_of(method))
    assert len(told) == 13 and told[0][0] == "pick", "the first task is not learned again"
    assert resumed == whole and resumed.history().matrix.shape == (3, 3)
    ends = [load_policy_file(tmp_path / name / "pick").policy.state_dict() for name in ("whole", "cut")]
    for name, weight in ends[0].items():
        torch.testing.assert_close(ends[1][name], weight, rtol=0.0, atol=0.0)
    again, told = play(tmp_path / "cut", config_of(method), stop_at=0)
    assert again == whole and not told, "nothing is left to do"


def test_methods_differ_from_the_second_task_on(tmp_path: Path) -> None:
    rates = {method: play(tmp_path / method, config_of(method))[0] for method in ("naive", "ewc", "replay")}
    firsts = {each.matrix[0][0] for each in rates.values()}
    lasts = {each.matrix[1][0] for each in rates.values()}
    assert len(firsts) == 1 and len(lasts) == 3


def test_joint_training_has_one_row_and_its_policy_does_each_task(tmp_path: Path) -> None:
    rates, told = play(tmp_path, config_of("joint"))
    assert told == [("reach", 7), ("pick", 7), ("stop", 7)] and len(rates.matrix) == 1
    judge = seen_by_judge(None, [])
    for task, rate in zip(("reach", "pick", "stop"), rates.matrix[0], strict=True):
        player = load_policy_file(tmp_path / task).policy
        assert isinstance(player, TaskPolicy) and player.task == task and judge(player, 1) == rate


def test_a_task_policy_loses_what_the_shared_policy_loses_and_refuses_what_it_cannot_see(tmp_path: Path) -> None:
    play(tmp_path, config_of("naive"))
    player = load_policy_file(tmp_path / "pick").policy
    assert isinstance(player, TaskPolicy)
    shown = toy_tasks()[1].episodes[0]
    rows = torch.arange(len(shown))
    own = Windows([shown], keys=player.keys, history=player.history, chunk=player.chunk).batch(rows)
    shared = player.space.episode("pick", shown)
    told = Windows([shared], keys=player.shared.keys, history=player.history, chunk=player.chunk).batch(rows)
    torch.testing.assert_close(player.loss(own), player.shared.loss(told), rtol=0.0, atol=0.0)
    row = {key: table[0] for key, table in shown.observations.items()}
    player.select_action(row)
    for wrong in (np.zeros(3, np.float32), np.full(2, np.nan, np.float32)):
        with pytest.raises(InputError, match="observation"):
            player.select_action({**row, "observation": wrong})
    with pytest.raises(InputError, match="one of reach, pick, stop"):
        TaskPolicy(player.shared, player.space, "lift", player.layout)


def test_tasks_with_other_bounds_of_actions_are_refused() -> None:
    wide = replace(info(("hand",), "hand", ("x",)), action_high=(2.0,))
    with pytest.raises(InputError, match="within -1 and 1 in reach"):
        SharedSpace.of({"reach": wide})


def test_another_runs_progress_is_not_gone_on_with(tmp_path: Path) -> None:
    play(tmp_path, config_of("naive"))
    with pytest.raises(InputError, match="choose another --output"):
        play(tmp_path, config_of("replay"))
