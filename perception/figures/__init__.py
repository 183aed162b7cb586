"""Pictures for people: grasp figures, videos, and the live view in Rerun. Files appear whole or not at all."""

from perception.figures.depth_shading import NO_RETURN_RGB, shade_depth
from perception.figures.grasp_figure import (
    GraspPicture,
    draw_on_image,
    grasp_colormap,
    grasp_figure,
    render_scene,
    score_range,
)
from perception.figures.output_file import output_file
from perception.figures.point_render import render_points
from perception.figures.pose_canvas import PERSON_COLORS, PoseCanvas
from perception.figures.timeline_figure import timeline_figure
from perception.figures.video import VideoWriter
from perception.figures.view import LiveView

__all__ = [
    "NO_RETURN_RGB",
    "GraspPicture",
    "LiveView",
    "PERSON_COLORS",
    "PoseCanvas",
    "VideoWriter",
    "draw_on_image",
    "grasp_colormap",
    "grasp_figure",
    "output_file",
    "render_points",
    "render_scene",
    "score_range",
    "shade_depth",
    "timeline_figure",
]
