"""Two-stream network with semi-coupled gradients: what was learned on one object is to carry to another."""

from perception.behavior.semi_coupled.gradient_gate import gate_gradient
from perception.behavior.semi_coupled.two_streams import TwoStreamConfig, TwoStreams

__all__ = ["TwoStreamConfig", "TwoStreams", "gate_gradient"]
