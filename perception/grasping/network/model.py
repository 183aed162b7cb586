"""`GraspNetwork`: backbone and evaluator, as they are trained, kept and run together."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from geometry import InputError
from perception.grasping.network.backbone import Backbone, BackboneSpec
from perception.grasping.network.evaluator import Evaluator, EvaluatorSpec
from perception.grasping.network.weights import fill_module, load_weights, save_weights

FORMAT = "graspmimic-grasp-network-1"


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """Sizes of both networks."""

    backbone: BackboneSpec = field(default_factory=BackboneSpec)
    """Of the one that reads the scene."""
    evaluator: EvaluatorSpec = field(default_factory=EvaluatorSpec)
    """Of the one that judges single grasps."""

    @staticmethod
    def of(sizes: dict[str, Any]) -> NetworkSpec:
        """From the plain lists and numbers of a weight file's record."""
        parts: dict[str, Any] = {
            name: {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
            for name, values in sizes.items()
        }
        return NetworkSpec(backbone=BackboneSpec(**parts["backbone"]), evaluator=EvaluatorSpec(**parts["evaluator"]))


class GraspNetwork(nn.Module):
    """Both networks, and the calibration of the evaluator's probability."""

    calibration: Tensor

    def __init__(self, spec: NetworkSpec | None = None) -> None:
        super().__init__()
        self.spec = spec or NetworkSpec()
        self.backbone = Backbone(self.spec.backbone)
        self.evaluator = Evaluator(self.spec.evaluator)
        self.register_buffer("calibration", torch.tensor([1.0, 0.0]))
        """Slope and offset on the success logit (Platt 1999), fitted on physics trials."""

    def use_bf16(self, on: bool) -> GraspNetwork:
        """Run the convolutions in mixed precision, or not; worth it where the processor has bf16 arithmetic."""
        self.backbone.bf16 = self.evaluator.bf16 = on
        return self

    def probability(self, success_logit: Tensor) -> Tensor:
        """(N,) calibrated probability that a grasp succeeds."""
        return (self.calibration[0] * success_logit + self.calibration[1]).sigmoid()

    def save(self, path: Path, record: dict[str, Any]) -> None:
        """Write the weights and, beside them, how they were made."""
        save_weights(path, self.state_dict(), {**record, "format": FORMAT, "architecture": asdict(self.spec)})

    @staticmethod
    def load(path: Path) -> GraspNetwork:
        """Read weights, ready to run.

        Raises:
            InputError: if the file is damaged or of another network.
        """
        tensors, record = load_weights(path, FORMAT)
        try:
            network = GraspNetwork(NetworkSpec.of(record["architecture"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(str(path), expected="a record of this architecture", got=repr(error)) from error
        fill_module(network, tensors, str(path))
        return network.eval()
