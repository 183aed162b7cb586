"""What a training run needs to go on where it was stopped, in one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from geometry import InputError
from perception.figures import output_file
from policies.imitation.training_run import TrainingRun

FORMAT = "graspmimic imitation checkpoint 1"
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")
_ANEW = "remove the file to begin anew"


def save_checkpoint(path: Path, run: TrainingRun, identity: Mapping[str, Any], spent: Mapping[str, float]) -> None:
    """Write a run's state, whole or not at all.

    Args:
        path: `.safetensors`.
        run: after any number of steps.
        identity: what tells this run from others, as JSON holds it.
        spent: times so far, by name.
    """
    tensors = {f"policy.{name}": value for name, value in run.policy.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in run.average.tensors().items()}
    for name, parameter in run.policy.named_parameters():
        state = run.optimizer.state.get(parameter, {})
        tensors |= {f"{key}.{name}": state[key] for key in _MOMENTS if key in state}
    tensors["recent_loss"] = run.recent_loss
    tensors |= {f"random.{name}": value for name, value in _random_states(run).items()}
    state = {
        "format": FORMAT,
        "steps": run.steps_done,
        "updates": run.average.updates,
        "scaler": run.scaler.state_dict(),
        "identity": dict(identity),
        "spent": dict(spent),
    }
    kept = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    with output_file(path) as draft:
        save_file(kept, draft, metadata={"state": json.dumps(state)})


def load_checkpoint(path: Path, run: TrainingRun, identity: Mapping[str, Any]) -> dict[str, float]:
    """Put a run where `save_checkpoint` left it.

    Args:
        path: the file.
        run: made as it was then.
        identity: of this run.
    Returns:
        `spent`.
    Raises:
        InputError: if the file is damaged, or of another run.
    """
    try:
        with safe_open(path, framework="pt") as file:
            state = json.loads((file.metadata() or {})["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        if state["format"] != FORMAT:
            raise ValueError(f"format {state['format']}")
        _check_identity(path, state["identity"], identity)
        _restore(run, state, tensors)
        return {name: float(value) for name, value in state["spent"].items()}
    except InputError:
        raise
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        got = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(str(path), expected="a checkpoint of this run", got=got, remedy=_ANEW) from None


def _check_identity(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    now = json.loads(json.dumps(dict(now)))
    if other := sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name)):
        raise InputError(
            str(path),
            expected="a checkpoint of this run: the same policy, data, training and seed",
            got=", ".join(f"{name} {before.get(name)} instead of {now.get(name)}" for name in other),
            remedy="choose another --output, or remove the file to begin anew",
        )


def _restore(run: TrainingRun, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    device = run.processes.device
    run.policy.load_state_dict({name: tensors[f"policy.{name}"] for name in run.policy.state_dict()})
    for name, value in run.average.tensors().items():
        value.copy_(tensors[f"average.{name}"])
    for name, parameter in run.policy.named_parameters():
        if f"exp_avg.{name}" in tensors:
            run.optimizer.state[parameter] = {key: tensors[f"{key}.{name}"].to(device) for key in _MOMENTS}
    run.recent_loss.copy_(tensors["recent_loss"])
    run.steps_done, run.average.updates = int(state["steps"]), int(state["updates"])
    run.scaler.load_state_dict(state["scaler"])
    run.order.set_state(tensors["random.order"])
    torch.set_rng_state(tensors["random.torch"])
    if "random.device" in tensors and device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random.device"], device)


def _random_states(run: TrainingRun) -> dict[str, Tensor]:
    states = {"order": run.order.get_state(), "torch": torch.get_rng_state()}
    if run.processes.device.type == "cuda":
        states["device"] = torch.cuda.get_rng_state(run.processes.device)
    return states
