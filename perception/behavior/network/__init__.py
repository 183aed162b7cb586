"""The temporal network: training on any skeleton set, and beliefs from keypoints, frame by frame or at once."""

from perception.behavior.network.augment import NO_AUGMENTATION, STRONG_AUGMENTATION, Augmentation
from perception.behavior.network.behavior_model import BehaviorModel, ModelSpec
from perception.behavior.network.cross_validation import HeldOut, cross_validate, join_held_out, predict
from perception.behavior.network.judgement import Judgement, judge, judge_together
from perception.behavior.network.loop import EpochReport
from perception.behavior.network.losses import LossWeights
from perception.behavior.network.pretraining import Masking, pretrain
from perception.behavior.network.reading import joints_of_person, joints_of_track
from perception.behavior.network.stream import BehaviorStream, FrameBelief
from perception.behavior.network.training import labelled_heads, train
from perception.behavior.network.training_config import TrainingConfig

__all__ = [
    "NO_AUGMENTATION",
    "STRONG_AUGMENTATION",
    "Augmentation",
    "BehaviorModel",
    "BehaviorStream",
    "EpochReport",
    "FrameBelief",
    "HeldOut",
    "Judgement",
    "LossWeights",
    "Masking",
    "ModelSpec",
    "TrainingConfig",
    "cross_validate",
    "join_held_out",
    "joints_of_person",
    "joints_of_track",
    "judge",
    "judge_together",
    "labelled_heads",
    "predict",
    "pretrain",
    "train",
]
