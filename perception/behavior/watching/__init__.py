"""From keypoints to a timeline of behaviours with reasons."""

from perception.behavior.watching.layers import Layer, layers_of
from perception.behavior.watching.live import STAGES, Watcher, WatchStep
from perception.behavior.watching.network_opinion import NetworkOpinion
from perception.behavior.watching.recorded import WatchSettings, track_frames, watch_recording
from perception.behavior.watching.timeline import StateOfPhoto, Timeline, TimelineSegment
from perception.behavior.watching.watched_person import Doing

__all__ = [
    "STAGES",
    "Doing",
    "Layer",
    "NetworkOpinion",
    "StateOfPhoto",
    "Timeline",
    "TimelineSegment",
    "WatchSettings",
    "layers_of",
    "track_frames",
    "watch_recording",
    "WatchStep",
    "Watcher",
]
