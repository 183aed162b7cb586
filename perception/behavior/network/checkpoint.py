"""The state of a training run in one safetensors file, so that a run goes on whenever it was stopped.

What tells the run from others stands in the file's own header, not beside it: one file is replaced at one stroke.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from geometry import InputError
from perception.figures import output_file

FORMAT = "graspmimic-behavior-training-2"
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


class Checkpoint:
    """Keeps and restores a run.

    Args:
        path: NAME.safetensors; None keeps nothing.
        network: its weights.
        optimizer: AdamW over the network's parameters.
        average: the network that holds the moving average.
        run: settings and data in JSON's types; a file of another run is refused.
    """

    def __init__(
        self,
        path: Path | None,
        network: nn.Module,
        optimizer: torch.optim.AdamW,
        average: nn.Module,
        run: dict[str, Any],
    ) -> None:
        self.path, self.network, self.optimizer, self.average = path, network, optimizer, average
        self._run: dict[str, Any] = json.loads(json.dumps(run))

    def save(self, epochs: int, steps: int) -> None:
        """Write everything, whole or not at all.

        Raises:
            InputError: if the training diverged, or the file cannot be written.
        """
        if self.path is None:
            return
        tensors = {f"weights.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        for name, parameter in self.network.named_parameters():
            state = self.optimizer.state.get(parameter, {})
            tensors |= {f"{key}.{name}": state[key] for key in _MOMENTS if key in state}
        if not all(bool(torch.isfinite(value).all()) for value in tensors.values()):
            raise InputError("train", expected="finite weights", got="NaN or infinity", remedy="a lower learning rate")
        record = {"format": FORMAT, "epochs": epochs, "steps": steps, "run": self._run}
        with output_file(self.path) as draft:
            kept = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
            save_file(kept, draft, metadata={"record": json.dumps(record)})

    def restore(self) -> tuple[int, int]:
        """Read everything back; the numbers of epochs and of steps done, 0 where there is no file.

        Raises:
            InputError: if the file is damaged or of another run.
        """
        if self.path is None or not self.path.exists():
            return 0, 0
        tensors, record = self._read(self.path)
        if record.get("run") != self._run:
            old, new = record.get("run") or {}, self._run
            changed = ", ".join(sorted(key for key in {*old, *new} if old.get(key) != new.get(key)))
            self._refuse(f"one with another {changed}")
        try:
            for prefix, network in (("weights", self.network), ("average", self.average)):
                network.load_state_dict({name: tensors[f"{prefix}.{name}"] for name in network.state_dict()})
            for name, parameter in self.network.named_parameters():
                if f"exp_avg.{name}" in tensors:
                    self.optimizer.state[parameter] = {key: tensors[f"{key}.{name}"] for key in _MOMENTS}
            return int(record["epochs"]), int(record["steps"])
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            self._refuse(" ".join(str(error).split()))

    def _read(self, path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
        try:
            with safe_open(path, framework="pt") as file:
                record = json.loads((file.metadata() or {})["record"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            if record["format"] != FORMAT:
                raise ValueError(f"format {record['format']!r}")
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            self._refuse(" ".join(f"{type(error).__name__}: {error}".split()))
        return tensors, record

    def _refuse(self, got: str) -> NoReturn:
        raise InputError(
            str(self.path), expected="a checkpoint of this run", got=got, remedy="train into another folder"
        )
