"""Values pass between the streams, gradients only as far as the gate is open."""

from __future__ import annotations

import pytest
import torch

from geometry import InputError
from perception.behavior.semi_coupled import TwoStreamConfig, TwoStreams, gate_gradient


def test_the_gate_passes_values_and_the_asked_share_of_gradients() -> None:
    values = torch.randn(40, 50, 3, requires_grad=True)
    generator = torch.Generator().manual_seed(0)
    for openness in (0.0, 0.3, 1.0):
        values.grad = None
        passed = gate_gradient(values, openness, generator)
        assert torch.equal(passed, values)
        (passed.sum() + 0.0 * values.sum()).backward()
        assert values.grad is not None
        assert set(values.grad.unique().tolist()) <= {0.0, 1.0}
        assert values.grad.mean().item() == pytest.approx(openness, abs=0.04)  # 2,000 moments: 4 standard deviations
        assert torch.equal(values.grad[..., 0], values.grad[..., 2])


def network(openness: float) -> TwoStreams:
    torch.manual_seed(0)
    config = TwoStreamConfig(object_features=4, motion_features=6, behaviors=3, objects=2, openness=openness)
    return TwoStreams(config)


@pytest.mark.parametrize(("openness", "reached"), [(0.0, False), (0.5, True), (1.0, True)])
def test_the_behaviour_loss_reaches_the_object_stream_only_through_an_open_gate(openness: float, reached: bool) -> None:
    streams = network(openness).train()
    behaviors, _ = streams(torch.randn(2, 20, 4), torch.randn(2, 20, 6))
    behaviors.square().sum().backward()
    gradients = [weight.grad for weight in streams.object_stream.parameters()]
    assert any(gradient is not None and bool(gradient.abs().sum() > 0) for gradient in gradients) == reached
    assert streams.motion_in.weight.grad is not None


@pytest.mark.parametrize("openness", [0.0, 0.5])
def test_the_object_loss_always_shapes_the_object_stream_and_never_the_dynamics(openness: float) -> None:
    streams = network(openness).train()
    _, objects = streams(torch.randn(2, 20, 4), torch.randn(2, 20, 6))
    objects.square().sum().backward()
    assert all(weight.grad is not None for weight in streams.object_stream.parameters())
    assert streams.motion_in.weight.grad is None


def test_what_comes_later_changes_nothing_before() -> None:
    streams = network(0.0).eval()
    objects, motion = torch.randn(1, 30, 4), torch.randn(1, 30, 6)
    first, seen = streams(objects, motion)
    objects[:, 20:], motion[:, 20:] = 9.0, -9.0
    second, seen_again = streams(objects, motion)
    assert torch.equal(first[:, :20], second[:, :20])
    assert torch.equal(seen[:, :20], seen_again[:, :20])
    assert not torch.equal(first[:, 20:], second[:, 20:])


def test_wrong_sizes_are_named() -> None:
    with pytest.raises(InputError, match=r"openness in \[0, 1\]"):
        TwoStreamConfig(object_features=1, motion_features=1, behaviors=2, objects=2, openness=1.5)
