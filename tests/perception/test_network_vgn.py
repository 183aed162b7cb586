"""The yardstick has the shape and the size that were published."""

from __future__ import annotations

import pytest
import torch

from perception.grasping.network.vgn import CELLS, Vgn, VgnMaps


@pytest.fixture(scope="module")
def maps() -> VgnMaps:
    torch.manual_seed(0)
    with torch.inference_mode():
        return Vgn()(torch.rand(2, 1, CELLS, CELLS, CELLS))


def test_every_cell_gets_a_grasp(maps: VgnMaps) -> None:
    assert maps.quality.shape == maps.width.shape == (2, 1, 40, 40, 40)
    assert maps.quat_xyzw.shape == (2, 4, 40, 40, 40)


def test_quality_is_a_probability_and_the_rotation_a_unit_quaternion(maps: VgnMaps) -> None:
    assert 0.0 < maps.quality.min() and maps.quality.max() < 1.0
    assert torch.allclose(maps.quat_xyzw.norm(dim=1), torch.ones(2, 40, 40, 40), atol=1e-5)


def test_it_has_the_parameters_of_the_paper() -> None:
    """Counted by hand: kernel volume x inputs x outputs + outputs, layer by layer; 0.31 million."""
    layers = ((125, 1, 16), (27, 16, 32), (27, 32, 64), (27, 64, 64), (27, 64, 32), (125, 32, 16))
    heads = ((125, 16, 1), (125, 16, 4), (125, 16, 1))
    by_hand = sum(cells * inputs * outputs + outputs for cells, inputs, outputs in layers + heads)
    assert by_hand == 313_238
    assert sum(p.numel() for p in Vgn().parameters()) == by_hand


def test_the_middle_of_the_network_is_an_eighth_of_the_volume() -> None:
    network, sizes = Vgn(), []
    for layer in network.trunk:
        layer.register_forward_hook(lambda _module, _inputs, output: sizes.append(tuple(output.shape[1:3])))
    network(torch.zeros(1, 1, 40, 40, 40))
    assert sizes == [(16, 20), (32, 10), (64, 5), (64, 10), (32, 20), (16, 40)]
