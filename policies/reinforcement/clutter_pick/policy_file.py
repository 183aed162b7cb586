"""A trained ClutterPick policy on disk: NAME.safetensors, and NAME.json with its size and what made it.

Nothing in either can run code. Both are written whole or not at all, the record last, so that one that was
torn apart does not fit its sum.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from geometry import InputError
from policies.reinforcement.clutter_pick.policy import ClutterPickPolicy, PolicySpec

FORMAT = "graspmimic-clutter-pick-1"
PACKAGED = Path(__file__).with_name("clutter_pick.safetensors")
"""The policy that comes with the package."""

_REMEDY = "restore both files from where they came, or train again"


def save_policy(policy: ClutterPickPolicy, path: Path, made: Mapping[str, Any]) -> None:
    """Write a policy to NAME.safetensors and NAME.json.

    Args:
        policy: trained.
        path: NAME.safetensors; its folder is made where it is missing.
        made: what made it, as JSON can hold it.
    """
    if path.suffix != ".safetensors":
        raise InputError("save_policy", expected="a name that ends in .safetensors", got=path.name)
    data = save({name: tensor.detach().cpu().contiguous() for name, tensor in policy.state_dict().items()})
    record = {"format": FORMAT, "policy": policy.record(), **made, "sha256": hashlib.sha256(data).hexdigest()}
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, data)
    _write(path.with_suffix(".json"), (json.dumps(record, indent=2, allow_nan=False) + "\n").encode())


def load_policy(path: Path | None = None) -> ClutterPickPolicy:
    """Read what `save_policy` wrote; None is the policy of the package.

    Raises:
        InputError: if either file is missing, damaged, or not the other's.
    """
    path = PACKAGED if path is None else Path(path)
    try:
        data = path.read_bytes()
        record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        if record["format"] != FORMAT:
            raise ValueError(f"format {record['format']!r}, not {FORMAT!r}")
        if record["sha256"] != hashlib.sha256(data).hexdigest():
            raise ValueError("weights that do not fit the sum in their record")
        sizes = record["policy"]
        policy = ClutterPickPolicy(PolicySpec(**{**sizes, "feature_names": tuple(sizes["feature_names"])}))
        tensors = load(data)
        if not all(torch.isfinite(tensor).all() for tensor in tensors.values()):
            raise ValueError("numbers that are not finite")
        policy.load_state_dict(tensors)
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        got = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(str(path), expected="a ClutterPick policy with its record", got=got, remedy=_REMEDY) from None
    return policy.eval()


def _write(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(data)
    draft.replace(path)
