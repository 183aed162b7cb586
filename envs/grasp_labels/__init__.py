"""What is true of a grasp: dense labels against the true geometry of a scene, by ray casting."""

from envs.grasp_labels.exit_depth import exit_depth
from envs.grasp_labels.rating import FAILURES, Ratings, rate_grasps
from envs.grasp_labels.scene_geometry import PlacedObject, SceneGeometry

__all__ = ["FAILURES", "PlacedObject", "Ratings", "SceneGeometry", "exit_depth", "rate_grasps"]
