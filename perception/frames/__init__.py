"""Real frames from files: depth, colour, masks, intrinsics and clouds, and the table and objects in them."""

from perception.frames.cloud_file import Cloud, read_cloud
from perception.frames.depth_file import DepthFile, read_depth
from perception.frames.image_file import read_color, read_mask
from perception.frames.intrinsics import Intrinsics, read_intrinsics
from perception.frames.scene import RealScene, on_targets, scene_from_cloud, scene_from_depth, seen_near
from perception.frames.support import Support, find_support, object_clusters

__all__ = [
    "Cloud",
    "DepthFile",
    "Intrinsics",
    "RealScene",
    "Support",
    "find_support",
    "object_clusters",
    "on_targets",
    "read_cloud",
    "read_color",
    "read_depth",
    "read_intrinsics",
    "read_mask",
    "scene_from_cloud",
    "scene_from_depth",
    "seen_near",
]
