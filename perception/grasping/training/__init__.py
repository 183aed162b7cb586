"""Training of the learned detector: the data set, sensor faults, losses, the loop.

What needs PyTorch is imported when it is first asked for, so that making data starts fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from perception.grasping.training.manifest import DATA_FORMAT, DATA_VERSION, MANIFEST, read_manifest

if TYPE_CHECKING:
    from perception.grasping.training.augment import SensorFaults, add_faults
    from perception.grasping.training.dataset import GraspDataset, scene_files
    from perception.grasping.training.loop import TrainingConfig, train

__all__ = [
    "DATA_FORMAT",
    "DATA_VERSION",
    "MANIFEST",
    "GraspDataset",
    "SensorFaults",
    "TrainingConfig",
    "add_faults",
    "read_manifest",
    "scene_files",
    "train",
]

_ROOMS = {
    "GraspDataset": "dataset",
    "SensorFaults": "augment",
    "TrainingConfig": "loop",
    "add_faults": "augment",
    "scene_files": "dataset",
    "train": "loop",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
