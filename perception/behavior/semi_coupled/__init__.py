"""Two-stream network with semi-coupled gradients: what was learned on one object is to carry to another."""

from perception.behavior.semi_coupled.figure import draw_transfer
from perception.behavior.semi_coupled.gradient_gate import gate_gradient
from perception.behavior.semi_coupled.pair_transfer import PairTransfer, measure_pair_transfer
from perception.behavior.semi_coupled.reach_streams import ReachStreams, reach_streams
from perception.behavior.semi_coupled.reach_transfer import ReachTransfer, measure_reach_transfer
from perception.behavior.semi_coupled.training import StreamData, StreamTraining, predict_behaviors, train_two_streams
from perception.behavior.semi_coupled.transfer import transfer_scores
from perception.behavior.semi_coupled.two_streams import TwoStreamConfig, TwoStreams

__all__ = [
    "PairTransfer",
    "ReachStreams",
    "ReachTransfer",
    "StreamData",
    "StreamTraining",
    "TwoStreamConfig",
    "TwoStreams",
    "draw_transfer",
    "gate_gradient",
    "measure_pair_transfer",
    "measure_reach_transfer",
    "predict_behaviors",
    "reach_streams",
    "train_two_streams",
    "transfer_scores",
]
