"""The network as one ONNX graph: a canonical depth image in, grasps with their probabilities out.

The graph holds what `search.find_grasps` does up to and with the evaluator's first word, for any
runtime of ONNX and without Python. What depends on the robot's surroundings stays outside: the
canonical image before it (`preparation.prepare`), clearance of the table, workspace and target after it.
"""

from __future__ import annotations

import copy
import logging
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from geometry import InputError
from perception.grasping.network.backbone import SEED_STRIDE
from perception.grasping.network.canonical_view import CANVAS, PIXEL_M
from perception.grasping.network.decode import depth_at, grasp_poses, seed_points
from perception.grasping.network.model import GraspNetwork

OPSET = 18
CANVAS_STEP = 16
"""Height and width of the canonical image are multiples of this; the network halves them four times."""
_REMEDY = "pip install '.[onnx]'"
INPUTS = ("depth_m", "focal", "T_table_camera")


class RatedGrasps(NamedTuple):
    """N grasps, best first, in the table frame; the names of the graph's outputs."""

    poses: Tensor
    """(N, 4, 4) `T_table_grasp`."""
    probability: Tensor
    """(N,) calibrated probability of success."""
    width_m: Tensor
    """(N,) opening at the contacts."""
    com_m: Tensor
    """(N,) distance of the held object's centre of mass from the fingers' plane."""


class GraspGraph(nn.Module):
    """One canonical image to `RatedGrasps`, without a step whose size depends on the data.

    Args:
        network: trained; kept by reference.
        seeds: places whose grid is read.
        per_seed: best entries kept of each.
        candidates: grasps that come out.
    """

    def __init__(self, network: GraspNetwork, *, seeds: int = 192, per_seed: int = 4, candidates: int = 128) -> None:
        super().__init__()
        if not 1 <= candidates <= seeds * per_seed or min(seeds, per_seed) < 1:
            raise InputError(
                "GraspGraph",
                expected="1 <= candidates <= seeds x per_seed",
                got=f"seeds={seeds}, per_seed={per_seed}, candidates={candidates}",
            )
        self.network, self.seeds, self.per_seed, self.candidates = network, seeds, per_seed, candidates

    def forward(self, depth_m: Tensor, focal: Tensor, T_table_camera: Tensor) -> RatedGrasps:
        """Find grasps in one canonical image.

        Args:
            depth_m: (1, H, W) metres, 0 where there is no return; H and W multiples of 16.
            focal: (1,) pixels.
            T_table_camera: (1, 4, 4).
        """
        backbone, evaluator = self.network.backbone, self.network.evaluator
        maps = backbone(depth_m, focal, T_table_camera)
        on_object = max_pool2d(maps.object_logit[:, None], SEED_STRIDE // 2)[:, 0].sigmoid()
        promise = (maps.graspness_logit.sigmoid() * on_object).flatten(1)
        cell = promise.topk(self.seeds, dim=1).indices
        columns = maps.graspness_logit.shape[2]
        pixels = torch.stack([cell // columns, cell % columns], dim=-1).float() * SEED_STRIDE + 0.5 * (SEED_STRIDE - 1)
        points = seed_points(
            pixels, depth_at(maps.front_m, pixels), focal, T_table_camera, (depth_m.shape[1], depth_m.shape[2])
        )[0]
        grid = backbone.rate(maps.features, pixels)
        quality, entry = grid.quality_logit[0].flatten(1).topk(self.per_seed, dim=1)
        chosen = quality.flatten().topk(self.candidates).indices
        seed, entry = chosen // self.per_seed, entry.flatten()[chosen]
        depths = grid.quality_logit.shape[-1]
        orientation, depth = entry // depths, entry % depths
        cameras = T_table_camera.expand(self.candidates, -1, -1)
        poses = grasp_poses(points[seed], cameras, orientation, depth, grid.offset_m[0][seed, orientation])
        image = torch.zeros(self.candidates, dtype=torch.int64, device=poses.device)
        ratings = evaluator(*evaluator.volumes(poses, image, maps, depth_m, focal, T_table_camera))
        probability, order = self.network.probability(ratings.success_logit).sort(descending=True)
        return RatedGrasps(poses[order], probability, ratings.width_m[order], ratings.com_m[order])


def export_grasp_network(
    network: GraspNetwork, path: Path, *, canvas: tuple[int, int] = CANVAS, candidates: int = 128
) -> None:
    """Write `GraspGraph` as ONNX, for canonical images of one size.

    Args:
        network: trained; stays as it is.
        path: NAME.onnx; appears whole or not at all.
        canvas: height and width of the canonical image, multiples of 16.
        candidates: grasps that come out.
    Raises:
        InputError: if the canvas has no such size, the ONNX packages are missing, or the file cannot be written.
    """
    if min(canvas) < 4 * CANVAS_STEP or any(size % CANVAS_STEP for size in canvas):
        raise InputError(
            "ONNX export",
            expected=f"a canvas of multiples of {CANVAS_STEP}, at least 64",
            got=f"{canvas[0]} x {canvas[1]}",
        )
    graph = GraspGraph(copy.deepcopy(network).use_bf16(False).cpu().eval(), candidates=candidates)
    export_onnx(graph, example_inputs(canvas), path, INPUTS, RatedGrasps._fields)


def example_inputs(
    canvas: tuple[int, int] = CANVAS, rng: np.random.Generator | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """A table seen straight from 60 cm above, as `INPUTS`; with `rng`, blocks on it and a tenth of the returns lost."""
    distance_m = 0.6
    depth_m = np.full((1, *canvas), distance_m, dtype=np.float32)
    if rng is not None:
        for row, column in rng.integers(20, np.array(canvas) - 40, (10, 2)):
            depth_m[0, row : row + 20, column : column + 20] -= rng.uniform(0.02, 0.08)
        depth_m[rng.random(depth_m.shape) < 0.1] = 0.0
    T_table_camera = torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0]))
    T_table_camera[2, 3] = distance_m
    return torch.from_numpy(depth_m), torch.tensor([distance_m / PIXEL_M]), T_table_camera[None]


def run_onnx(path: Path, inputs: Sequence[Tensor]) -> list[NDArray[np.float32]]:
    """What ONNX Runtime makes of a file, on one thread of the CPU.

    Raises:
        InputError: if the package onnxruntime is missing.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError("ONNX", expected="the package onnxruntime", got=str(error), remedy=_REMEDY) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    return list(session.run(None, {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True)}))


def export_onnx(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    path: Path,
    input_names: tuple[str, ...],
    output_names: tuple[str, ...],
    dynamic: tuple[dict[int, Any] | None, ...] | None = None,
) -> None:
    """Write any module as ONNX, its weights inside the file.

    Args:
        module: in the mode in which it shall run.
        inputs: an example of what it takes.
        path: NAME.onnx; appears whole or not at all.
        input_names: one for each input.
        output_names: one for each output.
        dynamic: for each input, a `torch.export.Dim` for each axis whose size may differ from the example's;
            None: no size may.
    Raises:
        InputError: if the ONNX packages are missing, or the file cannot be written.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise InputError(
            "ONNX export", expected="the packages onnx and onnxscript", got=str(error), remedy=_REMEDY
        ) from None
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch's own insides
        program = torch.onnx.export(
            module,
            inputs,
            input_names=list(input_names),
            output_names=list(output_names),
            dynamic_shapes=dynamic,
            opset_version=OPSET,
            dynamo=True,
            optimize=False,  # it takes the 1e-18 that keeps 0 / 0 away for nothing; runtimes optimise by themselves
            verbose=False,
        )
    assert program is not None
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        program.save(str(draft))
        draft.replace(path)
    except OSError as error:
        said = error.strerror or str(error)
        raise InputError(str(path), expected="a file that can be written", got=said, remedy="name another") from None
    finally:
        draft.unlink(missing_ok=True)
