"""Policies that see clouds: the order of points and repeated ones do not matter, and the true place is never used."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

import envs  # noqa: F401 - registers the ids
from geometry import InputError
from policies.demonstrations import Episode
from policies.imitation.data_layout import DataLayout
from policies.imitation.flow import FlowConfig
from policies.imitation.point_encoder import CloudEncoder, PointEncoder, make_encoder, seen_keys
from policies.imitation.training import train_policy
from policies.imitation.training_config import TrainingConfig
from policies.imitation.windows import Windows

POINTS = 12
SHAPES = {"observation": (7,), "pointcloud": (3 * POINTS,), "achieved_goal": (3,), "desired_goal": (3,)}
LAYOUT = DataLayout(observations=SHAPES, action_low=(-1.0, -1.0), action_high=(1.0, 1.0))
KEYS = ("observation", "desired_goal", "pointcloud")


def tables(rng: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    """Observations with clouds that lie inside the crop."""
    cloud = rng.uniform((-0.2, -0.2, 0.02), (0.2, 0.2, 0.3), size=(rows, POINTS, 3))
    return {
        "observation": rng.uniform(-0.2, 0.2, (rows, 7)).astype(np.float32),
        "pointcloud": cloud.reshape(rows, -1).astype(np.float32),
        "achieved_goal": rng.uniform(-0.2, 0.2, (rows, 3)).astype(np.float32),
        "desired_goal": rng.uniform(-0.2, 0.2, (rows, 3)).astype(np.float32),
    }


def tensors(rng: np.random.Generator, rows: int = 4) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(table)[:, None] for name, table in tables(rng, rows).items()}


@pytest.fixture
def encoder(rng: np.random.Generator) -> CloudEncoder:
    torch.manual_seed(0)
    made = CloudEncoder(LAYOUT, KEYS, points=POINTS)
    seen = tables(rng, 50)
    episode = Episode(
        observations=seen, actions=np.zeros((50, 2), np.float32), rewards=np.zeros(50, np.float32), success=True
    )
    made.fit(Windows([episode], keys=KEYS, history=1, chunk=1))
    return made


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def with_cloud(observations: dict[str, torch.Tensor], cloud: torch.Tensor) -> dict[str, torch.Tensor]:
    return observations | {"pointcloud": cloud.flatten(-2)}


def test_the_order_of_points_does_not_matter(encoder: CloudEncoder, rng: np.random.Generator) -> None:
    seen = tensors(rng)
    cloud = seen["pointcloud"].reshape(4, 1, POINTS, 3)
    shuffled = cloud[:, :, torch.from_numpy(rng.permutation(POINTS))]
    assert not torch.equal(cloud, shuffled)
    torch.testing.assert_close(encoder(with_cloud(seen, shuffled)), encoder(seen))


def test_repeated_points_do_not_matter_but_moved_ones_do(encoder: CloudEncoder, rng: np.random.Generator) -> None:
    seen = tensors(rng)
    cloud = seen["pointcloud"].reshape(4, 1, POINTS, 3).clone()
    cloud[:, :, 6:] = cloud[:, :, :6]
    half = with_cloud(seen, cloud)
    cloud = cloud.clone()
    cloud[:, :, 6:] = cloud[:, :, :1]
    torch.testing.assert_close(encoder(with_cloud(seen, cloud)), encoder(half))
    moved = cloud.clone()
    moved[:, :, 0] += 0.05
    moved[:, :, 6:] += 0.05
    assert (encoder(with_cloud(seen, moved)) - encoder(half)).abs().max() > 1e-2


def test_points_outside_the_crop_and_empty_clouds_take_no_part(encoder: CloudEncoder, rng: np.random.Generator) -> None:
    seen = tensors(rng)
    cloud = seen["pointcloud"].reshape(4, 1, POINTS, 3).clone()
    cloud[:, :, 6:] = cloud[:, :, :6]
    inside = encoder(with_cloud(seen, cloud))
    cloud[:, :, 6:] = torch.tensor([0.1, 0.1, -0.2])  # under the table
    torch.testing.assert_close(encoder(with_cloud(seen, cloud)), inside)
    nothing = encoder.parts(with_cloud(seen, torch.zeros_like(cloud)))["pointcloud"]
    assert torch.isfinite(nothing).all() and torch.equal(nothing, nothing[:1].expand_as(nothing))


def test_the_maximum_over_points_by_hand() -> None:
    """A perceptron of one layer whose output is known: the encoder is its maximum over the points that count."""
    torch.manual_seed(1)
    encoder = PointEncoder(features=5, widths=(7,))
    points, there = torch.randn(6, 3), torch.tensor([True, True, False, True, False, True])
    linear, norm = encoder.each[0], encoder.each[1]
    best = np.zeros(7)
    for point, counts in zip(points.numpy(), there.numpy(), strict=True):
        hidden = linear.weight.detach().numpy() @ point + linear.bias.detach().numpy()
        hidden = (hidden - hidden.mean()) / np.sqrt(hidden.var() + norm.eps)
        if counts:
            best = np.maximum(best, np.maximum(hidden, 0.0))
    expected = encoder.out(torch.from_numpy(best).float())
    torch.testing.assert_close(encoder(points, there), expected, rtol=1e-4, atol=1e-5)


def test_points_are_seen_from_the_hand(rng: np.random.Generator) -> None:
    """Hand, cube and goal moved together look the same to the cloud's part; without `from_hand` they do not."""
    torch.manual_seed(0)
    seen, shift = tensors(rng), torch.tensor([0.05, -0.03, 0.02])
    moved = {name: table.clone() for name, table in seen.items()}
    moved["observation"][..., :3] += shift
    moved["pointcloud"] = (seen["pointcloud"].reshape(4, 1, POINTS, 3) + shift).flatten(-2)
    moved["desired_goal"] += shift
    for from_hand in (True, False):
        encoder = CloudEncoder(LAYOUT, KEYS, points=POINTS, from_hand=from_hand)
        one, other = encoder.parts(seen), encoder.parts(moved)
        gap = (one["pointcloud"] - other["pointcloud"]).abs().max()
        assert gap < 1e-4 if from_hand else gap > 1e-2
        torch.testing.assert_close(one["goal_from_hand"], other["goal_from_hand"])


def test_the_true_place_is_not_looked_at(rng: np.random.Generator) -> None:
    assert set(seen_keys(LAYOUT)) == set(KEYS)
    with pytest.raises(InputError, match="achieved_goal"):
        make_encoder(LAYOUT, (*KEYS, "achieved_goal"))
    seen = tables(rng, 3)
    policy = FlowConfig(width=16, heads=2, chunk=4, execute=1).make(LAYOUT)

    def acted(**other: Any) -> list[float]:
        policy.reset()
        return [policy.select_action({k: t[0] for k, t in {**seen, **other}.items()}).tolist() for _ in range(3)]

    usual = acted()
    assert acted(achieved_goal=seen["achieved_goal"] + 0.5) == usual
    assert acted(achieved_goal=np.full_like(seen["achieved_goal"], np.nan)) == usual
    assert acted(pointcloud=seen["pointcloud"] + 0.05) != usual
    del seen["achieved_goal"]
    assert acted() == usual


def test_a_policy_learns_where_the_things_are_from_the_cloud_alone(rng: np.random.Generator) -> None:
    """The action tells where the middle of the cloud is; new clouds are read with an error far below their spread."""
    seen = tables(rng, 600)
    middles = rng.uniform(-0.15, 0.15, (600, 1, 2))
    cloud = seen["pointcloud"].reshape(600, POINTS, 3) * 0.1 + np.array([0.0, 0.0, 0.05])
    cloud[..., :2] += middles
    seen["pointcloud"] = cloud.reshape(600, -1).astype(np.float32)
    seen["observation"][:, :3] = 0.0
    actions = (middles[:, 0] / 0.2).astype(np.float32)
    torch.manual_seed(0)
    policy = FlowConfig(width=32, heads=2, chunk=1, execute=1, decoder_layers=1).make(LAYOUT)
    rows = range(500)
    episodes = [
        Episode(
            observations={name: table[[row]] for name, table in seen.items()},
            actions=actions[[row]],
            rewards=np.zeros(1, np.float32),
            success=True,
        )
        for row in rows
    ]
    train_policy(policy, episodes, TrainingConfig(steps=250, batch_size=64, learning_rate=3e-3), seed=0)
    with torch.inference_mode():
        told = policy.predict({name: torch.from_numpy(table[500:])[:, None] for name, table in seen.items()})[:, 0]
    error = np.abs(told.numpy() - actions[500:]).mean()
    assert error < 0.3 * np.abs(actions[500:]).mean()


def test_the_environments_clouds_fit() -> None:
    env = gymnasium.make("graspmimic/PickPlace-v0", observation="pointcloud")
    policy = FlowConfig(points=64).make(DataLayout.of_env(env))
    observation, _ = env.reset(seed=1_000_000)
    policy.reset()
    for _ in range(3):
        action = policy.select_action(observation)
        assert env.action_space.contains(action)
        observation, *_ = env.step(action)
    env.close()


@pytest.mark.parametrize(
    ("shapes", "keys"),
    [(SHAPES, ("observation", "desired_goal")), (SHAPES | {"pointcloud": (35,)}, KEYS), (SHAPES, ("pointcloud",))],
)
def test_a_cloud_that_does_not_fit_is_named(shapes: dict[str, tuple[int, ...]], keys: tuple[str, ...]) -> None:
    layout = DataLayout(observations=shapes, action_low=(-1.0,), action_high=(1.0,))
    with pytest.raises(InputError, match="pointcloud"):
        CloudEncoder(layout, keys)
