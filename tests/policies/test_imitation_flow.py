"""The flow policy: Euler steps against a closed form, both modes of a known mixture, and noise that repeats."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch

import envs  # noqa: F401 - registers the ids
from geometry import InputError
from policies.demonstrations import Episode
from policies.imitation.data_layout import DataLayout
from policies.imitation.flow import FlowConfig, FlowPolicy
from policies.imitation.flow_integration import integrate, on_the_way
from policies.imitation.mode_coverage import FAILED, ModeCoverage, Share, mode_coverage
from policies.imitation.training import train_policy
from policies.imitation.training_config import TrainingConfig
from policies.imitation.windows import Windows

LAYOUT = DataLayout(observations={"observation": (2,)}, action_low=(-1.0,), action_high=(1.0,))
LEFT_SHARE, LEFT, RIGHT = 0.3, -0.8, 0.6


def test_euler_steps_follow_a_linear_field_as_the_closed_form_says() -> None:
    noise = torch.tensor([[1.0], [-2.0]], dtype=torch.float64)
    for steps in (1, 3, 10):
        end = integrate(lambda points, time: -1.5 * points, noise, steps)
        torch.testing.assert_close(end, noise * (1.0 - 1.5 / steps) ** steps)
    fine = integrate(lambda points, time: -1.5 * points, noise, 4000)
    torch.testing.assert_close(fine, noise * np.exp(-1.5), rtol=1e-3, atol=0.0)


def test_euler_steps_see_the_time_at_which_each_begins() -> None:
    asked: list[float] = []

    def field(points: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        asked.extend(time.tolist())
        return torch.ones_like(points) * time[:, None]

    end = integrate(field, torch.zeros(1, 1), 4)
    assert asked == [0.0, 0.25, 0.5, 0.75]
    assert end.item() == pytest.approx((0.0 + 0.25 + 0.5 + 0.75) / 4)


def test_the_way_leads_straight_from_noise_to_data_at_constant_speed() -> None:
    noise, data = torch.tensor([[0.0, 4.0]] * 3), torch.tensor([[1.0, 0.0]] * 3)
    points, velocity = on_the_way(noise, data, torch.tensor([0.0, 0.25, 1.0]))
    torch.testing.assert_close(points, torch.tensor([[0.0, 4.0], [0.25, 3.0], [1.0, 0.0]]))
    torch.testing.assert_close(velocity, torch.tensor([[1.0, -4.0]] * 3))
    torch.testing.assert_close(integrate(lambda _, time: velocity, noise, 5), data)


def test_the_true_field_of_a_mixture_carries_noise_to_it_with_the_right_shares() -> None:
    """The field is the conditional mean of data less noise, in closed form: no network, only the integrator."""
    modes, weights = torch.tensor([LEFT, RIGHT], dtype=torch.float64), torch.tensor([LEFT_SHARE, 1.0 - LEFT_SHARE])

    def field(points: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        left = 1.0 - time[:, None]
        likely = torch.softmax(-0.5 * ((points - time[:, None] * modes) / left) ** 2 + weights.log(), dim=1)
        return (likely * (modes - (points - time[:, None] * modes) / left)).sum(1, keepdim=True)

    noise = torch.randn(4000, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    end = integrate(field, noise, 100)
    assert (torch.minimum((end - LEFT).abs(), (end - RIGHT).abs()) < 0.02).double().mean() > 0.99
    assert (end < 0.0).double().mean().item() == pytest.approx(LEFT_SHARE, abs=0.025)


@pytest.fixture(scope="module")
def learned() -> FlowPolicy:
    """Trained on a mixture of two actions, both of which are done after the same observation."""
    rng = np.random.default_rng(0)
    episodes = []
    for _ in range(100):
        mode = np.where(rng.random() < LEFT_SHARE, LEFT, RIGHT)
        actions = np.full((8, 1), mode, dtype=np.float32)
        seen = np.zeros((8, 2), dtype=np.float32)
        episodes.append(
            Episode(observations={"observation": seen}, actions=actions, rewards=np.zeros(8, np.float32), success=True)
        )
    torch.manual_seed(0)
    policy = FlowConfig(chunk=4, execute=2, width=32, decoder_layers=1, euler_steps=8).make(LAYOUT)
    train_policy(policy, episodes, TrainingConfig(steps=500, batch_size=128, learning_rate=3e-3), seed=0)
    return policy


def drawn(policy: FlowPolicy, count: int, seed: int) -> torch.Tensor:
    policy.noise_seed = seed
    policy.reset()
    with torch.inference_mode():
        return policy.predict({"observation": torch.zeros(count, 1, 2)})


def test_it_draws_both_ways_in_their_shares_and_nothing_between(learned: FlowPolicy) -> None:
    first = drawn(learned, 2000, seed=1)[:, 0, 0]
    near = torch.minimum((first - LEFT).abs(), (first - RIGHT).abs())
    assert (near < 0.25).float().mean() > 0.9
    demonstrated = 0.3  # the expected share; the sample of 100 episodes strays from it by about 0.05
    assert (first < -0.1).float().mean().item() == pytest.approx(demonstrated, abs=0.15)
    assert (first.abs() < 0.25).float().mean() < 0.07


def test_all_actions_of_a_chunk_go_the_same_way(learned: FlowPolicy) -> None:
    chunks = drawn(learned, 500, seed=2)[..., 0]
    assert ((chunks > 0).all(1) | (chunks < 0).all(1)).float().mean() > 0.9


def test_its_noise_follows_from_the_seed_and_the_first_observation(learned: FlowPolicy) -> None:
    def played(seed: int, start: float) -> list[float]:
        learned.noise_seed = seed
        learned.reset()
        return [learned.select_action({"observation": np.full(2, start, np.float32)}).item() for _ in range(6)]

    first = played(3, 0.0)
    assert played(4, 0.0) != first and played(3, 0.01) != first
    assert played(3, 0.0) == first
    ways = {played(seed, 0.0)[0] > 0.0 for seed in range(30)}
    assert ways == {True, False}


def test_actions_stay_within_the_bounds_of_the_action_space(learned: FlowPolicy) -> None:
    with torch.inference_mode():
        actions = learned.predict({"observation": torch.full((200, 1, 2), 50.0)})
    assert actions.abs().max() <= 1.0 and torch.isfinite(actions).all()


def test_what_was_filled_in_after_the_end_is_not_asked_of_it() -> None:
    tables = {"observations": {"observation": np.zeros((1, 2), np.float32)}, "actions": np.ones((1, 1), np.float32)}
    episode = Episode(**tables, rewards=np.zeros(1, np.float32), success=True)
    policy = FlowConfig(chunk=4, execute=1, width=16, heads=2).make(LAYOUT)
    windows = Windows([episode], keys=policy.keys, history=1, chunk=4)
    policy.fit(windows)
    policy.network.forward = lambda memory, points, time: torch.zeros_like(points)  # type: ignore[method-assign]
    batch = windows.batch(torch.zeros(8, dtype=torch.int64))
    assert batch.valid.sum(1).tolist() == [1] * 8

    def loss(first: float, filled: float) -> float:
        actions = torch.full((8, 4, 1), filled)
        actions[:, 0] = first
        torch.manual_seed(0)
        return policy.loss(batch._replace(actions=actions)).item()

    assert loss(1.0, 1.0) == loss(1.0, -1.0) != loss(0.5, 1.0)


@pytest.mark.parametrize(
    "given", [{"euler_steps": 0}, {"width": 30}, {"chunk": 4, "execute": 8}, {"history": 0}, {"points": 0}]
)
def test_a_wrong_setting_is_named(given: dict[str, int]) -> None:
    with pytest.raises(InputError, match="expected"):
        FlowConfig(**given).make(LAYOUT)


def test_shares_and_entropy_of_counted_ways() -> None:
    coverage = ModeCoverage(np.array([[1, 1, -1, -1], [1, 1, 1, 1], [1, -1, -1, -1], [FAILED] * 4]))
    assert coverage.left.value == 7 / 16 and coverage.right.value == 5 / 16 and coverage.failed.value == 4 / 16
    quarter = 0.25 * 2.0 + 0.75 * np.log2(4.0 / 3.0)
    np.testing.assert_allclose(coverage.entropy_bits, [1.0, 0.0, quarter, 0.0])
    assert coverage.both_ways.value == 0.5
    mean = coverage.mean_entropy_bits(np.random.default_rng(0))
    assert mean.value == pytest.approx((1.0 + quarter) / 4) and mean.low < mean.value < mean.high
    # Wilson's interval of 5 in 16 by hand: (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)
    p, n, z = 5 / 16, 16, 1.959964
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low, high = ((p + z**2 / (2 * n) + sign * half) / (1 + z**2 / n) for sign in (-1, 1))
    assert coverage.right == Share(p, pytest.approx(low), pytest.approx(high))


class Swerving(FlowPolicy):
    """Goes round the pillar by the side that its noise seed names, and runs into it for every third."""

    def select_action(self, observation: object) -> np.ndarray:
        assert isinstance(observation, dict)
        (x, y, _), side = observation["observation"][:3], (1.0, -1.0, 0.0)[self.noise_seed % 3]
        if x < -0.11 and abs(y) < 0.13 and side:
            return np.array([0.0, 0.4 * side, 0.0], np.float32)
        if x < 0.13:
            return np.array([0.5, 0.0, 0.0], np.float32)
        return np.clip((observation["desired_goal"][:3] - observation["observation"][:3]) / 0.08, -1, 1)


def test_coverage_counts_what_a_known_policy_does() -> None:
    env = gymnasium.make("graspmimic/Detour-v0")
    policy = Swerving(DataLayout.of_env(env), FlowConfig(width=8, heads=1))
    told: list[int] = []
    coverage = mode_coverage(policy, env, starts=2, tries=6, seed=1_000_000, on_episode=told.append)
    assert coverage.outcomes.tolist() == [[1, -1, FAILED] * 2] * 2
    assert told == list(range(1, 13)) and policy.noise_seed == 0
    reach = gymnasium.make("graspmimic/Reach-v0")
    with pytest.raises(InputError, match="side"):
        mode_coverage(FlowConfig(width=8, heads=1).make(DataLayout.of_env(reach)), reach, starts=1, seed=0)
