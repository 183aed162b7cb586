"""The learned detector: canonical view, network, evaluator, detector."""

from perception.grasping.network.canonical_view import CANVAS, PIXEL_M, canonical_camera, resample, view_rotation
from perception.grasping.network.orientations import DEPTHS_M, ORIENTATIONS

__all__ = ["CANVAS", "DEPTHS_M", "ORIENTATIONS", "PIXEL_M", "canonical_camera", "resample", "view_rotation"]
