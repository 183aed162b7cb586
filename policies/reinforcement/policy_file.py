"""A trained policy on disk and in use, without the library that trained it.

`NAME.safetensors` holds the actor's weights and the scales of its features; `NAME.json` beside it tells how to
build the actor, what it observes, what it commands and how it came about. Neither can run code.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray
from torch import nn

from geometry import InputError
from perception.grasping.network import fill_module, load_weights, save_weights
from policies.reinforcement.scene_encoder import ONLY_KEY, SceneEncoder, describe, named_boxes

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

FORMAT = "graspmimic policy 1"
SUFFIX = ".safetensors"
_ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "elu": nn.ELU}
_WIDEST = 65536
_PACKAGES = ("torch", "stable-baselines3", "gymnasium", "numpy")


class Entry(NamedTuple):
    """One array of an observation, or the action."""

    shape: tuple[int, ...]
    """Its axes."""
    dtype: str
    """NumPy's name of its type."""
    low: Any
    """Lower bound, one number or one for each entry; None where there is none."""
    high: Any
    """Upper bound in the same way."""

    @classmethod
    def of(cls, box: spaces.Box) -> Entry:
        """Of a space."""
        return cls(tuple(box.shape), str(box.dtype), _bound(box.low), _bound(box.high))


class Actor(nn.Module):
    """The way from observations to what the last layer puts out.

    Args:
        features: layout of the `SceneEncoder`.
        widths: of the layers after it, the last of them the action's.
        activation: between these layers.
    """

    def __init__(self, features: Mapping[str, Any], widths: tuple[int, ...], activation: str) -> None:
        super().__init__()
        if not widths or not all(isinstance(width, int) and 0 < width <= _WIDEST for width in widths):
            raise ValueError(f"widths {widths}")
        self.encoder = SceneEncoder(features)
        layers: list[nn.Module] = []
        for inputs, outputs in zip((self.encoder.width, *widths), widths, strict=False):
            layers += [nn.Linear(inputs, outputs), _ACTIVATIONS[activation]()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, observations: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """(B, ...) by name to (B, A)."""
        outputs: torch.Tensor = self.layers(self.encoder(observations))
        return outputs


class TrainedPolicy:
    """Acts as the model it was saved from does when it is asked for its best action.

    Args:
        actor: from observations to outputs.
        record: as `NAME.json` holds it.
    """

    def __init__(self, actor: Actor, record: Mapping[str, Any]) -> None:
        self.actor = actor.eval()
        self.record = dict(record)
        self.observation = {name: _entry(table) for name, table in record["observation"].items()}
        self.action = _entry(record["action"])
        self._low, self._high = (
            np.broadcast_to(np.array(bound, np.float32), self.action.shape).copy()
            for bound in (self.action.low, self.action.high)
        )
        if not (self._low < self._high).all():
            raise ValueError(f"actions from {self.action.low} to {self.action.high}")
        self._squashed = {"tanh": True, "clip": False}[record["network"]["output"]]

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> TrainedPolicy:
        """A policy as a record describes it, its weights still to be filled in.

        Raises:
            KeyError, TypeError, ValueError: or the like, if the record does not describe one.
        """
        network = record["network"]
        policy = cls(Actor(record["features"], tuple(network["widths"]), network["activation"]), record)
        if network["widths"][-1] != int(np.prod(policy.action.shape)):
            raise ValueError(f"{network['widths'][-1]} outputs for actions {policy.action.shape}")
        return policy

    def weights(self) -> dict[str, NDArray[Any]]:
        """Copies of the actor's weights and scales."""
        return {name: tensor.numpy().copy() for name, tensor in self.actor.state_dict().items()}

    def fill(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Take weights as `weights` gives them.

        Raises:
            InputError: if they are of another architecture.
        """
        fill_module(self.actor, {name: torch.from_numpy(table) for name, table in weights.items()}, "weights")

    @property
    def metadata(self) -> dict[str, Any]:
        """What the one who saved it said of it: task, training, results."""
        return dict(self.record["metadata"])

    def act(self, observation: ArrayLike | Mapping[str, ArrayLike]) -> NDArray[np.float32]:
        """The best action.

        Args:
            observation: as the environment gives it, or a batch of such.
        Returns:
            (A,) or (B, A), within the bounds of the action space.
        Raises:
            InputError: if an entry is missing, of another shape, or not finite.
        """
        given = observation if isinstance(observation, Mapping) else {ONLY_KEY: observation}
        tensors, batched = {}, set()
        for name, entry in self.observation.items():
            array = np.asarray(given[name]) if name in given else np.empty(0)
            if array.shape[-len(entry.shape) :] != entry.shape or array.ndim > len(entry.shape) + 1:
                got = f"{array.shape}" if name in given else f"only {', '.join(given)}"
                raise InputError("TrainedPolicy.act", expected=f"{name} of shape {entry.shape}", got=got)
            batched.add(array.ndim > len(entry.shape))
            tensor = torch.from_numpy(np.ascontiguousarray(array.reshape(-1, *entry.shape))).float()
            tensors[name] = tensor / 255.0 if _is_image(entry) else tensor
        if len(batched) > 1:
            raise InputError("TrainedPolicy.act", expected="one observation or a batch", got="some of both")
        with torch.inference_mode():
            outputs = self.actor(tensors)
            outputs = (outputs.tanh() if self._squashed else outputs).numpy()
        if not np.isfinite(outputs).all():
            raise InputError("TrainedPolicy.act", expected="finite observations", got="NaN or infinity")
        actions = outputs.reshape(-1, *self.action.shape)
        if self._squashed:
            actions = self._low + 0.5 * (actions + 1.0) * (self._high - self._low)
        else:
            actions = np.clip(actions, self._low, self._high)
        return actions if True in batched else actions[0]


def policy_of(model: BaseAlgorithm, metadata: Mapping[str, Any]) -> TrainedPolicy:
    """The actor of a model of Stable-Baselines3 (SAC, TQC, TD3, DDPG, PPO and their lean forms), copied.

    Args:
        model: with `GoalFeatures`, or vectors without an extractor of its own, and actions in a Box.
        metadata: what JSON can hold: task and its options, command, seed, times, results.
    Raises:
        InputError: if the policy is of another kind.
    """
    where, policy, action = "policy_of", model.policy, model.action_space
    if model.get_vec_normalize_env() is not None:
        raise InputError(where, expected="features with fixed bounds", got="VecNormalize", remedy="take GoalFeatures")
    if not isinstance(action, spaces.Box) or not action.is_bounded():
        raise InputError(where, expected="actions in a bounded Box", got=str(action))
    modules, squashed = _actor_modules(policy)
    linear = [module for module in modules if isinstance(module, nn.Linear)]
    kinds = {type(module) for module in modules} - {nn.Linear}
    names = [name for name, kind in _ACTIVATIONS.items() if kind in kinds] or ["relu"]
    if len(kinds) > 1 or not kinds <= set(_ACTIVATIONS.values()):
        raise InputError(where, expected=f"activations of {', '.join(_ACTIVATIONS)}", got=str(kinds))
    encoder = _encoder(policy, model.observation_space)
    record = {
        "format": FORMAT,
        "algorithm": type(model).__name__,
        "features": encoder.layout,
        "network": {
            "widths": [layer.out_features for layer in linear],
            "activation": names[0],
            "output": "tanh" if squashed else "clip",
        },
        "observation": {name: Entry.of(box)._asdict() for name, box in named_boxes(model.observation_space).items()},
        "action": Entry.of(action)._asdict(),
        "metadata": dict(metadata),
    }
    copied = TrainedPolicy.of_record(record)
    copied.actor.encoder.load_state_dict(encoder.state_dict())
    for mine, theirs in zip([m for m in copied.actor.layers if isinstance(m, nn.Linear)], linear, strict=True):
        mine.load_state_dict(theirs.state_dict())
    return copied


def save_policy(model: BaseAlgorithm, path: Path, metadata: Mapping[str, Any]) -> Path:
    """Write the actor of a model of Stable-Baselines3.

    Args:
        model: see `policy_of`.
        path: NAME or NAME.safetensors.
        metadata: see `policy_of`.
    Returns:
        NAME.safetensors.
    """
    policy = policy_of(model, metadata)
    made = {
        "saved_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
    }
    file = path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)
    save_weights(file, policy.actor.state_dict(), {**policy.record, **made})
    return file


def load_policy(path: Path) -> TrainedPolicy:
    """Read what `save_policy` wrote.

    Args:
        path: NAME or NAME.safetensors.
    Raises:
        InputError: if a file is missing, damaged, of another kind or version, or does not fit the other.
    """
    file = path if path.suffix == SUFFIX or path.exists() else path.with_name(path.name + SUFFIX)
    tensors, record = load_weights(file, FORMAT)
    try:
        policy = TrainedPolicy.of_record({"metadata": {}, **record})
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError) as error:
        got = f"{type(error).__name__}: {error}"
        raise InputError(str(file.with_suffix(".json")), expected="the record of a policy", got=got) from None
    fill_module(policy.actor, tensors, str(file))
    return policy


def _actor_modules(policy: Any) -> tuple[list[nn.Module], bool]:
    """The layers from features to action, and whether tanh follows."""
    if hasattr(policy, "mlp_extractor"):
        modules, squashed = [*policy.mlp_extractor.policy_net, policy.action_net], False
    elif hasattr(policy.actor, "latent_pi"):
        modules, squashed = [*policy.actor.latent_pi, policy.actor.mu], True
    else:
        *modules, last = policy.actor.mu
        squashed = isinstance(last, nn.Tanh)
    if not modules or not isinstance(modules[-1], nn.Linear) or squashed != policy.squash_output:
        raise InputError("policy_of", expected="perceptrons without gSDE", got=type(policy).__name__)
    return modules, squashed


def _encoder(policy: Any, space: spaces.Space[Any]) -> SceneEncoder:
    """The encoder of a policy's features."""
    owner = policy if hasattr(policy, "mlp_extractor") else policy.actor
    extractor = getattr(owner, "pi_features_extractor", None) or owner.features_extractor
    encoder = getattr(extractor, "encoder", None)
    if isinstance(encoder, SceneEncoder):
        return encoder
    layout = describe(named_boxes(space), None)
    plain = type(extractor).__name__ in ("FlattenExtractor", "CombinedExtractor")
    if not plain or layout["images"] or layout["cloud"]:
        raise InputError("policy_of", expected="GoalFeatures", got=type(extractor).__name__)
    return SceneEncoder(layout)


def _entry(table: Mapping[str, Any]) -> Entry:
    return Entry(tuple(table["shape"]), table["dtype"], table["low"], table["high"])


def _bound(values: NDArray[Any]) -> Any:
    """A bound as JSON holds it: one number where all are the same, None where one is missing."""
    if not np.isfinite(values).all():
        return None
    return float(values.flat[0]) if (values == values.flat[0]).all() else values.astype(float).tolist()


def _is_image(entry: Entry) -> bool:
    """Whether Stable-Baselines3 divides these by 255."""
    return entry.dtype == "uint8" and len(entry.shape) == 3
