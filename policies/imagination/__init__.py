"""Imagination: hidden sides are guessed, and grasps tried in a private physics world before one is chosen."""

from policies.imagination.completion import CompletedObject, Completion, DepthSpans, complete
from policies.imagination.convex_pieces import cut_into_convex
from policies.imagination.imagination import Imagination, ImaginingPlanner, imagine
from policies.imagination.object_segments import split_objects
from policies.imagination.private_trials import PrivateRules, try_grasps
from policies.imagination.private_world import ImaginedBody, PrivateWorld, imagined_body
from policies.imagination.sight import Sight

__all__ = [
    "CompletedObject",
    "Completion",
    "DepthSpans",
    "ImaginedBody",
    "Imagination",
    "ImaginingPlanner",
    "PrivateRules",
    "PrivateWorld",
    "Sight",
    "complete",
    "cut_into_convex",
    "imagine",
    "imagined_body",
    "split_objects",
    "try_grasps",
]
