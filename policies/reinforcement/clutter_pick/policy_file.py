"""A trained ClutterPick policy on disk: NAME.safetensors, and NAME.json with what made it. Neither can run code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geometry import InputError
from perception.grasping.network import fill_module, load_weights, save_weights
from policies.reinforcement.clutter_pick.policy import ClutterPickPolicy, PolicySpec

FORMAT = "graspmimic-clutter-pick-1"
PACKAGED = Path(__file__).parents[1] / "weights" / "clutterpick.safetensors"
"""The policy that comes with the package."""


def save_policy(policy: ClutterPickPolicy, path: Path, made: Mapping[str, Any]) -> None:
    """Write a policy to NAME.safetensors and NAME.json.

    Args:
        policy: trained.
        path: NAME.safetensors; its folder is made where it is missing.
        made: what made it, as JSON can hold it.
    """
    save_weights(path, policy.state_dict(), {**made, "format": FORMAT, "policy": policy.record()})


def load_policy(path: Path | None = None) -> ClutterPickPolicy:
    """Read what `save_policy` wrote; None is the policy of the package.

    Raises:
        InputError: if either file is missing, damaged, or not the other's.
    """
    path = PACKAGED if path is None else Path(path)
    tensors, record = load_weights(path, FORMAT)
    try:
        sizes = record["policy"]
        policy = ClutterPickPolicy(PolicySpec(**{**sizes, "feature_names": tuple(sizes["feature_names"])}))
    except (KeyError, TypeError, InputError) as error:
        raise InputError(str(path), expected="a record of a ClutterPick policy", got=repr(error)) from None
    fill_module(policy, tensors, str(path))
    return policy.eval()
