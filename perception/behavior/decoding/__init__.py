"""Frames' scores to segments: durations, a transition grammar, abstention; and segments found without any labels.

model = SemiMarkov.from_grammar(
    {"idle": ["reach"], "reach": ["grasp", "idle"], "grasp": ["idle"]},
    {name: LogNormal(median_s=0.8) for name in ("idle", "reach", "grasp")},
    starts=["idle"],
)
emissions = emissions_from_chances(network_chances, priors=training_shares, weight=0.3)
for segment in decode(emissions, model, time_s, least_confidence=0.6).segments:
    ...
"""

from perception.behavior.decoding.decoder import Decoding, decode
from perception.behavior.decoding.discovery import Discovery, DiscoveryConfig, discover_segments
from perception.behavior.decoding.durations import (
    Duration,
    HistogramDuration,
    LogNormal,
    NegativeBinomial,
    fit_duration,
)
from perception.behavior.decoding.emissions import emissions_from_chances
from perception.behavior.decoding.frame_hamming import frame_hamming
from perception.behavior.decoding.mocap6 import evaluate_mocap6, load_mocap6
from perception.behavior.decoding.online import OnlineDecoder, OnlineStep
from perception.behavior.decoding.segment import Segment, mark_unsure, segments_of
from perception.behavior.decoding.semi_markov import SemiMarkov, learn_semi_markov

__all__ = [
    "Decoding",
    "Discovery",
    "DiscoveryConfig",
    "Duration",
    "HistogramDuration",
    "LogNormal",
    "NegativeBinomial",
    "OnlineDecoder",
    "OnlineStep",
    "Segment",
    "SemiMarkov",
    "decode",
    "discover_segments",
    "emissions_from_chances",
    "evaluate_mocap6",
    "fit_duration",
    "frame_hamming",
    "learn_semi_markov",
    "load_mocap6",
    "mark_unsure",
    "segments_of",
]
