"""Grasp detection: grasps as a batch, their exchange format, collision, suppression, geometric planners."""

from perception.grasping.graspnet_format import from_graspnet, load_graspnet, save_graspnet, to_graspnet
from perception.grasping.grasps import Grasps
from perception.grasping.nms import suppress_duplicates

__all__ = ["Grasps", "from_graspnet", "load_graspnet", "save_graspnet", "suppress_duplicates", "to_graspnet"]
