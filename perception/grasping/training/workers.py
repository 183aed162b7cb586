"""One process, or one for each GPU under torchrun."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from geometry import InputError


@dataclass(frozen=True)
class Workers:
    """This process among those that train together."""

    device: torch.device
    """What this one computes on."""
    rank: int
    """Its number."""
    count: int
    """How many there are."""

    @staticmethod
    def join(device: str) -> Workers:
        """Take this process's place; torchrun's environment says which.

        Args:
            device: "auto", "cpu" or "cuda".
        """
        if device not in ("auto", "cpu", "cuda"):
            raise InputError("--device", expected="auto, cpu or cuda", got=repr(device))
        if device == "cuda" and not torch.cuda.is_available():
            raise InputError("--device", expected="a GPU", got="none that PyTorch can use", remedy="--device cpu")
        kind = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        rank, count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        if count > 1:
            torch.distributed.init_process_group("nccl" if kind == "cuda" else "gloo")
        name = f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if kind == "cuda" else "cpu"
        return Workers(torch.device(name), rank, count)

    @property
    def first(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0

    def share(self, numbers: Sequence[int]) -> Sequence[int]:
        """This process's part of a list; all parts have the same length."""
        return numbers[: len(numbers) - len(numbers) % self.count][self.rank :: self.count]

    def wrap(self, module: nn.Module) -> nn.Module:
        """A module whose gradients are the mean over all processes."""
        if self.count == 1:
            return module
        return nn.parallel.DistributedDataParallel(module, find_unused_parameters=True)
