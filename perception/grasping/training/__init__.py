"""Training of the learned detector: the data set, sensor faults, losses, the loop."""

from perception.grasping.training.augment import SensorFaults, add_faults
from perception.grasping.training.dataset import GraspDataset, read_manifest, scene_files
from perception.grasping.training.loop import TrainingConfig, train

__all__ = [
    "GraspDataset",
    "SensorFaults",
    "TrainingConfig",
    "add_faults",
    "read_manifest",
    "scene_files",
    "train",
]
