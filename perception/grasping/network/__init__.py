"""The learned detector: canonical view, network, evaluator, detector.

What needs PyTorch is imported when it is first asked for, so that everything else starts fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from perception.grasping.network.canonical_view import CANVAS, PIXEL_M, canonical_camera, resample, view_rotation
from perception.grasping.network.orientations import DEPTHS_M, ORIENTATIONS

if TYPE_CHECKING:
    from perception.grasping.network.detector import GraspDetector
    from perception.grasping.network.model import GraspNetwork
    from perception.grasping.network.preparation import prepare
    from perception.grasping.network.search import Search, View, find_grasps
    from perception.grasping.network.targets import ApproachCone
    from perception.grasping.network.weights import fill_module, load_weights, save_weights

__all__ = [
    "CANVAS",
    "DEPTHS_M",
    "ORIENTATIONS",
    "PIXEL_M",
    "ApproachCone",
    "GraspDetector",
    "GraspNetwork",
    "Search",
    "View",
    "canonical_camera",
    "fill_module",
    "find_grasps",
    "load_weights",
    "prepare",
    "resample",
    "save_weights",
    "view_rotation",
]

_ROOMS = {
    "ApproachCone": "targets",
    "GraspDetector": "detector",
    "GraspNetwork": "model",
    "Search": "search",
    "View": "search",
    "fill_module": "weights",
    "find_grasps": "search",
    "load_weights": "weights",
    "prepare": "preparation",
    "save_weights": "weights",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
