"""Policies on disk: the same actions as the model's, and no word from a damaged file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from safetensors.torch import load_file, save_file
from sb3_contrib import TQC
from stable_baselines3 import DDPG, PPO, SAC, TD3
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from geometry import InputError
from policies.reinforcement.features import GoalFeatures
from policies.reinforcement.lean_sac import LeanSAC
from policies.reinforcement.lean_td3 import LeanDDPG
from policies.reinforcement.lean_tqc import LeanTQC
from policies.reinforcement.policy_file import load_policy, save_policy

VECTOR = spaces.Box(np.float32([-1, 0, -5]), np.float32([1, 2, 5]))
GOAL = spaces.Box(-0.5, 0.5, (3,), np.float32)
STATE = spaces.Dict(observation=VECTOR, achieved_goal=GOAL, desired_goal=GOAL)
SCENE = spaces.Dict(
    observation=VECTOR,
    pointcloud=spaces.Box(-1, 1, (40 * 3,), np.float32),
    rgb=spaces.Box(0, 255, (3, 40, 48), np.uint8),
    depth=spaces.Box(0, 255, (1, 40, 48), np.uint8),
)
ACTION = spaces.Box(np.float32([-1, 0]), np.float32([1, 4]))


class Noise(gymnasium.Env):  # type: ignore[type-arg]
    """Anything as an observation."""

    def __init__(self, space: Any, action: Any = ACTION) -> None:
        self.observation_space, self.action_space = space, action

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> Any:
        return self.observation_space.sample(), 0.0, False, False, {}


def model_for(kind: Any, space: Any, **options: Any) -> Any:
    policy = "MultiInputPolicy" if isinstance(space, spaces.Dict) else "MlpPolicy"
    network = {"net_arch": [32, 16], "features_extractor_class": GoalFeatures} | options.pop("policy_kwargs", {})
    options |= {} if kind is PPO else {"buffer_size": 10}
    model = kind(policy, Noise(space), policy_kwargs=network, device="cpu", seed=1, **options)
    with torch.no_grad():
        for parameter in model.policy.parameters():
            parameter.mul_(2.0).add_(0.05 * torch.randn(parameter.shape))
    return model


@pytest.mark.parametrize("kind", [SAC, TQC, TD3, DDPG, PPO, LeanSAC, LeanTQC, LeanDDPG])
@pytest.mark.parametrize("space", [VECTOR, STATE, SCENE], ids=["vector", "state", "scene"])
def test_the_loaded_policy_acts_as_the_model(kind: Any, space: Any, tmp_path: Path) -> None:
    model = model_for(kind, space)
    path = save_policy(model, tmp_path / "policy", {"task": "noise"})
    policy = load_policy(tmp_path / "policy")
    assert path.name == "policy.safetensors" and policy.metadata == {"task": "noise"}
    space.seed(0)
    for _ in range(20):
        seen = space.sample()
        np.testing.assert_array_equal(policy.act(seen), model.predict(seen, deterministic=True)[0])
    seen = [space.sample() for _ in range(7)]
    batch = {key: np.stack([each[key] for each in seen]) for key in space} if space is not VECTOR else np.stack(seen)
    np.testing.assert_array_equal(policy.act(batch), model.predict(batch, deterministic=True)[0])
    assert policy.act(batch).shape == (7, 2)


@pytest.mark.parametrize("space", [VECTOR, STATE], ids=["vector", "state"])
def test_plain_extractors_are_kept_too(space: Any, tmp_path: Path) -> None:
    model = SAC("MlpPolicy" if space is VECTOR else "MultiInputPolicy", Noise(space), buffer_size=10, device="cpu")
    policy = load_policy(save_policy(model, tmp_path / "plain", {}))
    for _ in range(10):
        seen = space.sample()
        np.testing.assert_array_equal(policy.act(seen), model.predict(seen, deterministic=True)[0])


def test_features_are_scaled_by_the_bounds_and_say_the_way_to_the_goal() -> None:
    extractor = GoalFeatures(STATE, goal_reach_m=0.1)
    seen = {"observation": [[0.5, 0.0, 5.0]], "achieved_goal": [[0.1, 0, 0]], "desired_goal": [[0.25, 0, -0.1]]}
    features = extractor({key: torch.tensor(value) for key, value in seen.items()})
    by_name = {"achieved_goal": [0.2, 0, 0], "desired_goal": [0.5, 0, -0.2], "observation": [0.5, -1, 1]}
    expected = [number for name in STATE for number in by_name[name]] + [1.5, 0, -1]
    np.testing.assert_allclose(features[0], expected, atol=1e-6)
    assert extractor.features_dim == 12 and not list(extractor.parameters())


def test_the_order_of_points_does_not_matter() -> None:
    extractor = GoalFeatures(SCENE)
    seen = {key: torch.as_tensor(SCENE[key].sample()[None]).float() for key in SCENE}
    mixed = seen["pointcloud"].reshape(1, 40, 3)[:, torch.randperm(40)].reshape(1, 120)
    torch.testing.assert_close(extractor({**seen, "pointcloud": mixed}), extractor(seen))


@pytest.mark.parametrize(
    "space",
    [
        spaces.Box(-np.inf, np.inf, (3,), np.float32),
        spaces.Dict(a=spaces.Discrete(3)),
        spaces.Dict(a=spaces.Box(0, 1, (4, 4), np.float32)),
        spaces.Dict(a=spaces.Box(0, 1, (1, 40, 40), np.float32), b=spaces.Box(0, 1, (1, 50, 50), np.float32)),
    ],
)
def test_a_space_without_scale_or_sense_is_refused(space: Any) -> None:
    with pytest.raises(InputError):
        GoalFeatures(space)


def test_stable_baselines_is_not_needed_to_act(tmp_path: Path) -> None:
    model = model_for(LeanSAC, STATE)
    save_policy(model, tmp_path / "policy", {})
    seen = STATE.sample()
    code = f"""
import json, sys
from pathlib import Path
from policies.reinforcement.policy_file import load_policy
seen = json.loads({json.dumps({key: value.tolist() for key, value in seen.items()})!r})
print(json.dumps([float(number) for number in load_policy(Path({str(tmp_path / "policy")!r})).act(seen)]))
print([name for name in ("stable_baselines3", "sb3_contrib") if name in sys.modules])
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    np.testing.assert_allclose(json.loads(told[0]), model.predict(seen, deterministic=True)[0], atol=1e-6)
    assert told[1] == "[]"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return save_policy(model_for(LeanSAC, STATE), tmp_path / "policy.safetensors", {"seed": 3})


def test_what_does_not_fit_is_said_when_acting(saved: Path) -> None:
    policy = load_policy(saved)
    seen = STATE.sample()
    with pytest.raises(InputError, match="only observation"):
        policy.act({"observation": seen["observation"]})
    with pytest.raises(InputError, match=r"\(2,\)"):
        policy.act({**seen, "desired_goal": seen["desired_goal"][:2]})
    with pytest.raises(InputError, match="NaN"):
        policy.act({**seen, "observation": np.full(3, np.nan)})
    with pytest.raises(InputError, match="both"):
        policy.act({**seen, "observation": seen["observation"][None]})


def of_record(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        record = json.loads(path.with_suffix(".json").read_text())
        change(record)
        path.with_suffix(".json").write_text(json.dumps(record))

    return damage


def with_tensors(path: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    """Other tensors, under a record with the right sum."""
    import hashlib

    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    data = path.read_bytes()
    of_record(lambda record: record.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest()))(path)


DAMAGES: dict[str, Callable[[Path], Any]] = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-40]),
    "pickle": lambda path: torch.save({"a": torch.zeros(2)}, path),
    "no weights": Path.unlink,
    "no record": lambda path: path.with_suffix(".json").unlink(),
    "no JSON": lambda path: path.with_suffix(".json").write_text("{"),
    "version": of_record(lambda record: record.update(format="graspmimic policy 2")),
    "grasp network": of_record(lambda record: record.update(format="graspmimic grasp network 1")),
    "no network": of_record(lambda record: record.pop("network")),
    "activation": of_record(lambda record: record["network"].update(activation="os.system")),
    "wider": of_record(lambda record: record["network"].update(widths=[33, 16, 2])),
    "immense": of_record(lambda record: record["network"].update(widths=[10**12, 2])),
    "other action": of_record(lambda record: record["action"].update(shape=[5], low=-1.0, high=1.0)),
    "unbounded action": of_record(lambda record: record["action"].update(low=None)),
    "features": of_record(lambda record: record["features"].update(vectors={"observation": 4})),
    "list": of_record(lambda record: record.update(features=[1, 2])),
    "NaN": lambda path: with_tensors(path, lambda tensors: tensors["layers.0.weight"].fill_(float("nan"))),
    "missing": lambda path: with_tensors(path, lambda tensors: tensors.pop("layers.0.bias")),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_file_is_refused(damage: Callable[[Path], Any], saved: Path) -> None:
    load_policy(saved)
    damage(saved)
    with pytest.raises(InputError):
        load_policy(saved)


def test_a_name_of_something_else_is_refused_for_what_it_is(saved: Path) -> None:
    with pytest.raises(InputError, match="got a folder; name the file in it"):
        load_policy(saved.parent)
    with pytest.raises(InputError, match="a name that ends in .safetensors"):
        load_policy(saved.with_suffix(".json"))


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    normalised = SAC("MultiInputPolicy", VecNormalize(DummyVecEnv([lambda: Noise(STATE)])), buffer_size=10)
    with pytest.raises(InputError, match="VecNormalize"):
        save_policy(normalised, tmp_path / "a", {})
    with pytest.raises(InputError, match="Box"):
        save_policy(PPO("MlpPolicy", Noise(VECTOR, spaces.Discrete(3)), device="cpu"), tmp_path / "a", {})
    with pytest.raises(InputError, match="activations"):
        save_policy(model_for(SAC, VECTOR, policy_kwargs={"activation_fn": torch.nn.Mish}), tmp_path / "a", {})
    with pytest.raises(InputError, match="gSDE"):
        save_policy(model_for(SAC, VECTOR, use_sde=True), tmp_path / "a", {})
    with pytest.raises(InputError, match="GoalFeatures"):
        save_policy(SAC("MultiInputPolicy", Noise(SCENE), buffer_size=2), tmp_path / "a", {})
    assert not list(tmp_path.iterdir())
