"""Checkpoints of a training run: weights, their average and the optimiser's state, without pickle."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from geometry import InputError
from perception.grasping.network.model import GraspNetwork
from perception.grasping.network.weights import load_weights, save_weights

FORMAT = "graspmimic-grasp-training-1"
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


class Checkpoint:
    """Keeps a run's state in one safetensors file.

    Args:
        path: the file; None keeps nothing.
        network: its weights.
        optimizer: AdamW over the network's parameters.
        average: the moving average of the weights, changed in place.
    """

    def __init__(
        self, path: Path | None, network: GraspNetwork, optimizer: torch.optim.AdamW, average: dict[str, Tensor]
    ) -> None:
        self.path, self.network, self.optimizer, self.average = path, network, optimizer, average

    def save(self, step: int) -> None:
        """Write everything, whole or not at all."""
        if self.path is None:
            return
        tensors = {f"weights.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.items()}
        for name, parameter in self.network.named_parameters():
            state = self.optimizer.state.get(parameter, {})
            tensors |= {f"{key}.{name}": state[key] for key in _MOMENTS if key in state}
        save_weights(self.path, tensors, {"format": FORMAT, "step": step})

    def restore(self) -> int:
        """Read everything back; the number of steps done, 0 where there is no file.

        Raises:
            InputError: if the file is damaged or of another network.
        """
        if self.path is None or not self.path.exists():
            return 0
        tensors, record = load_weights(self.path, FORMAT)
        device = next(self.network.parameters()).device
        try:
            self.network.load_state_dict({name: tensors[f"weights.{name}"] for name in self.network.state_dict()})
            for name, value in self.average.items():
                value.copy_(tensors[f"average.{name}"])
            for name, parameter in self.network.named_parameters():
                if f"exp_avg.{name}" in tensors:
                    state = {key: tensors[f"{key}.{name}"] for key in _MOMENTS}
                    self.optimizer.state[parameter] = {
                        key: value if key == "step" else value.to(device) for key, value in state.items()
                    }
        except (KeyError, RuntimeError) as error:
            raise InputError(
                str(self.path),
                expected="a checkpoint of this network",
                got=str(error).splitlines()[0],
                remedy="train into another folder, or with the sizes of the first run",
            ) from error
        return int(record["step"])
