"""Simulated depth and colour cameras, and what a real sensor does to their images."""

from envs.cameras.frame import Frame
from envs.cameras.in_view import parts_in_view
from envs.cameras.policy_camera import PolicyCamera
from envs.cameras.raycast import RaycastCamera
from envs.cameras.sensor_noise import dex_noise, norm_noise, trans_noise
from envs.cameras.shading import Lighting
from envs.cameras.structured_light import StructuredLight
from envs.cameras.tinyrenderer import TinyRendererCamera
from envs.cameras.triangles import SceneTriangles, VisualPart, scene_triangles, visual_parts

__all__ = [
    "Frame",
    "Lighting",
    "PolicyCamera",
    "RaycastCamera",
    "SceneTriangles",
    "StructuredLight",
    "TinyRendererCamera",
    "VisualPart",
    "dex_noise",
    "norm_noise",
    "parts_in_view",
    "scene_triangles",
    "trans_noise",
    "visual_parts",
]
