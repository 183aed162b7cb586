"""The network frame by frame in NumPy is PyTorch's network on the whole recording."""

from __future__ import annotations

import numpy as np
import torch

from perception.behavior.network.frame_by_frame import FrameByFrame
from perception.behavior.network.model import BehaviorNetwork, NetworkSpec


def test_a_network_with_no_weight_left_at_its_start_says_the_same_frame_by_frame() -> None:
    torch.manual_seed(0)
    network = BehaviorNetwork(NetworkSpec(groups=(7, 3, 11), labels=5, width=24, branch=10, layers=4)).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
        network.frame_temperature.fill_(1.7)
        network.clip_temperature.fill_(0.6)
        channels = torch.randn(1, 90, 21)
        beliefs, _ = network(channels)
        frame = torch.softmax(beliefs.frame_logits[0] / 1.7, dim=-1).numpy()
        clip = torch.softmax(beliefs.clip_logits[0] / 0.6, dim=-1).numpy()
    steps = FrameByFrame(network)
    told = [steps.step(row) for row in channels[0].numpy()]
    np.testing.assert_allclose([each for each, _ in told], frame, atol=1e-5)
    np.testing.assert_allclose([each for _, each in told], clip, atol=1e-5)
    assert frame.max() > 0.5 and np.ptp(frame, axis=0).max() > 0.2
