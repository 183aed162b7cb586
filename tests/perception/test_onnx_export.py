"""The exported network says what ours says, and the graph finds what the search finds."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from geometry import InputError
from perception.grasping.network.model import GraspNetwork
from perception.grasping.network.onnx_export import (
    INPUTS,
    GraspGraph,
    RatedGrasps,
    example_inputs,
    export_grasp_network,
    export_onnx,
    run_onnx,
)
from perception.grasping.network.search import Search, View, find_grasps

CANVAS = (96, 112)


@pytest.fixture(scope="module")
def network() -> GraspNetwork:
    """Random weights; running statistics of some images, so that the batch norms do something."""
    torch.manual_seed(0)
    made = GraspNetwork().train()
    with torch.no_grad():
        for seed in range(3):
            GraspGraph(made, candidates=64)(*example_inputs(CANVAS, np.random.default_rng(seed)))
    return made.eval()


def test_any_module_of_any_size(tmp_path: Path) -> None:
    class Sums(nn.Module):
        def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
            return a.sum(dim=1) + b, a.amax(dim=1)

    rows = torch.export.Dim("rows", min=2, max=99)
    example = (torch.ones(3, 4), torch.ones(3))
    export_onnx(Sums(), example, tmp_path / "sums.onnx", ("a", "b"), ("sum", "top"), ({0: rows}, {0: rows}))
    given = torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.0, -1.0, 0.0, 0.5]] * 4)
    total, top = run_onnx(tmp_path / "sums.onnx", (given, torch.full((8,), 0.25)))
    assert total.tolist() == [10.25, -0.25] * 4 and top.tolist() == [4.0, 0.5] * 4
    assert [file.name for file in tmp_path.iterdir()] == ["sums.onnx"]


@pytest.mark.slow
def test_the_backbone_agrees(network: GraspNetwork, tmp_path: Path) -> None:
    path = tmp_path / "backbone.onnx"
    inputs = example_inputs(CANVAS, np.random.default_rng(7))
    with torch.inference_mode():
        ours = network.backbone(*inputs)
    export_onnx(network.backbone, example_inputs(CANVAS), path, INPUTS, ours._fields)
    for name, mine, theirs in zip(ours._fields, ours, run_onnx(path, inputs), strict=True):
        np.testing.assert_allclose(theirs, mine, atol=1e-4, err_msg=name)


def test_the_whole_network_agrees(network: GraspNetwork, tmp_path: Path) -> None:
    """A pixel between two may round otherwise; of what is looked up there a grasp hardly depends."""
    path = tmp_path / "network.onnx"
    export_grasp_network(network, path, canvas=CANVAS, candidates=64)
    inputs = example_inputs(CANVAS, np.random.default_rng(7))
    with torch.inference_mode():
        ours = GraspGraph(network, candidates=64)(*inputs)
    theirs = RatedGrasps(*map(torch.from_numpy, run_onnx(path, inputs)))
    assert theirs.poses.shape == (64, 4, 4)
    assert ours.probability.std() > 1e-3, "all grasps alike would agree in any order"
    torch.testing.assert_close(theirs.probability, ours.probability, atol=1e-4, rtol=0.0)
    apart = (theirs.poses[:, None] - ours.poses[None]).abs().amax(dim=(2, 3)).amin(dim=1)
    assert (apart < 1e-4).float().mean() > 0.95
    assert not network.backbone.bf16 and not network.training


def test_the_graph_finds_what_the_search_finds(network: GraspNetwork) -> None:
    view = View(*example_inputs(CANVAS, np.random.default_rng(7)))
    search = Search(seeds=192, per_seed=4, candidates=64, spread=0, mirrors=False, finalists=0)
    with torch.inference_mode():
        ours = GraspGraph(network, candidates=64)(*view)
        found = find_grasps(network, view, network.backbone(*view), search, has_table=False)
    torch.testing.assert_close(ours.probability, found.probability, atol=1e-5, rtol=0.0)
    torch.testing.assert_close(ours.poses, found.poses, atol=1e-5, rtol=0.0)


def test_what_cannot_be_exported_is_said(
    network: GraspNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="multiples of 16"):
        export_grasp_network(network, tmp_path / "a.onnx", canvas=(100, 112))
    with pytest.raises(InputError, match="candidates <= seeds"):
        GraspGraph(network, seeds=4, candidates=17)
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(InputError, match=r"pip install '\.\[onnx\]'"):
        export_grasp_network(network, tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())
