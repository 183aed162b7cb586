"""Grasp detection: grasps as a batch, their exchange format, collision, suppression, planners.

`GraspDetector`, the learned one, brings PyTorch with it and is imported when it is first asked for.
"""

from typing import TYPE_CHECKING, Any

from perception.grasping.antipodal import AntipodalPlanner
from perception.grasping.candidates import Sampling
from perception.grasping.graspnet_format import from_graspnet, load_graspnet, save_graspnet, to_graspnet
from perception.grasping.grasps import Grasps
from perception.grasping.gripper_collision import CollisionCounts, count_collisions
from perception.grasping.nms import suppress_duplicates
from perception.grasping.scene_view import DepthView, SceneView, view_of_cloud
from perception.grasping.table_scene import TableScene, read_scene
from perception.grasping.topdown import TopDownPlanner

if TYPE_CHECKING:
    from perception.grasping.network import ApproachCone, GraspDetector

__all__ = [
    "AntipodalPlanner",
    "ApproachCone",
    "CollisionCounts",
    "DepthView",
    "GraspDetector",
    "Grasps",
    "Sampling",
    "SceneView",
    "TableScene",
    "TopDownPlanner",
    "count_collisions",
    "from_graspnet",
    "load_graspnet",
    "read_scene",
    "save_graspnet",
    "suppress_duplicates",
    "to_graspnet",
    "view_of_cloud",
]


def __getattr__(name: str) -> Any:
    if name not in ("ApproachCone", "GraspDetector"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from perception.grasping import network

    return getattr(network, name)
