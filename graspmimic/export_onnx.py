"""`graspmimic export onnx`: the grasp network for other runtimes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from geometry import InputError
from graspmimic.options import OptionalFile


@dataclass(frozen=True, kw_only=True)
class ExportOnnx:
    """Write the grasp network as one ONNX file, and check with ONNX Runtime that it says the same.

    In goes a canonical depth image (perception.grasping.network.canonical_view says how to make one) with its
    focal length in pixels and the camera's pose in the table's frame; out come grasps, best first, with
    probabilities of success, openings, and distances of the centre of mass. Clearance of the table,
    workspace and targets are left to the program around it.
    """

    weights: OptionalFile = None
    """Weights, in place of the package's own."""
    canvas: tuple[int, int] = (208, 240)
    """Height and width of the canonical image, multiples of 16."""
    candidates: int = 128
    """Grasps that come out."""
    seed: int = 0
    """Seed of the image that the check is made on."""
    output: Path = Path("output/grasp_network.onnx")
    """The file."""
    json: OptionalFile = None
    """File for the result as JSON."""

    def __post_init__(self) -> None:
        if self.output.suffix != ".onnx" or self.seed < 0:
            raise InputError(
                "options", expected="--output NAME.onnx, --seed >= 0", got=f"{self.output}, seed={self.seed}"
            )

    def run(self, console: Console) -> dict[str, Any]:
        """Export, check, and return the flat results."""
        import torch

        from perception.grasping.network.detector import WEIGHTS
        from perception.grasping.network.model import GraspNetwork
        from perception.grasping.network.onnx_export import GraspGraph, example_inputs, export_grasp_network, run_onnx

        console.print(self)
        torch.set_num_threads(1)  # tracing gains nothing from more
        network = GraspNetwork.load(WEIGHTS if self.weights is None else self.weights)
        start_s = time.perf_counter()
        with console.status("exporting"):
            export_grasp_network(network, self.output, canvas=self.canvas, candidates=self.candidates)
        export_s = time.perf_counter() - start_s
        inputs = example_inputs(self.canvas, np.random.default_rng(self.seed))
        with torch.inference_mode():
            ours = GraspGraph(network, candidates=self.candidates)(*inputs)
        theirs = run_onnx(self.output, inputs)
        difference = float(np.abs(ours.probability.numpy() - theirs[1]).max())
        size_mb = self.output.stat().st_size / 1e6
        console.print(
            f"{self.output}: {size_mb:.1f} MB; probabilities differ from PyTorch's by {difference:.1e} at most"
        )
        return {"file": self.output, "size_mb": size_mb, "export_s": export_s, "probability_difference": difference}
