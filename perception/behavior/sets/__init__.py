"""Labelled recordings: the set, its file, splits by subject, a user's own tracks, and readers of public sets."""

from perception.behavior.sets.assembly import set_of_sequences
from perception.behavior.sets.behavior_set import BehaviorSequence, BehaviorSet
from perception.behavior.sets.gesture_phases import read_gesture_phases
from perception.behavior.sets.reach_to_grasp import ReachRecordings, read_reach_to_grasp
from perception.behavior.sets.set_file import load_behavior_set, save_behavior_set
from perception.behavior.sets.splits import Split, grouped_folds, held_out, held_out_fraction, leave_one_out
from perception.behavior.sets.tracks import LabelledTrack, set_of_tracks

__all__ = [
    "BehaviorSequence",
    "BehaviorSet",
    "LabelledTrack",
    "ReachRecordings",
    "Split",
    "grouped_folds",
    "held_out",
    "held_out_fraction",
    "leave_one_out",
    "load_behavior_set",
    "read_gesture_phases",
    "read_reach_to_grasp",
    "save_behavior_set",
    "set_of_sequences",
    "set_of_tracks",
]
