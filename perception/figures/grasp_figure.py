"""The grasp figure: what the camera saw and the cloud from the side, with the best grasps as grippers."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from geometry import PANDA_HAND, FloatArray, GripperSpec, PinholeCamera, invert, look_at, transform_points
from perception.figures.gripper_shape import fork_tubes, gripper_fork
from perception.figures.point_render import render_points

_WIDTH_IN, _HEADER_IN, _SIDE_WIDTH = 15.0, 0.8, 1400
_ORBIT_RAD, _ELEVATION_RAD, _SURROUNDINGS_M = 0.6, 0.6, 0.12
_LEAST_SPAN = 0.2
_BACKDROP = (233, 237, 242)
_LIGHT = np.array([0.3, -0.4, 0.87])


@dataclass(frozen=True)
class GraspPicture:
    """What a grasp figure shows. Everything stands in one world frame whose z points up."""

    image: NDArray[np.uint8]
    """(H, W, 3) colour image, or a rendering of the depth, as the camera saw it."""
    camera: PinholeCamera
    """Intrinsics of the image."""
    T_world_camera: FloatArray
    """(4, 4) pose of the camera."""
    points: FloatArray
    """(N, 3) cloud, metres."""
    point_colors: NDArray[np.uint8]
    """(N, 3) RGB of the cloud."""
    point_sizes_m: FloatArray
    """(N,) distance to the neighbouring points, about: the size to draw points with."""
    poses: FloatArray
    """(K, 4, 4) grasps, best first."""
    widths_m: FloatArray
    """(K,) opening between the fingers."""
    scores: FloatArray
    """(K,) quality, higher is better."""
    focus: FloatArray
    """(M, 3) points that the picture is about: the objects."""


def grasp_colormap() -> Colormap:
    """Violet for the worst to lime for the best: lightness rises all the way, so that it prints in grey."""
    return LinearSegmentedColormap.from_list("grasp", matplotlib.colormaps["viridis"](np.linspace(0.08, 0.93, 256)))


def grasp_figure(picture: GraspPicture, *, title: str, gripper: GripperSpec = PANDA_HAND) -> Figure:
    """Draw the image with projected grippers beside the cloud seen from another side.

    Args:
        picture: scene and grasps; no grasps is fine and is said in the figure.
        title: one line above both.
        gripper: for the length of the fingers.
    """
    norm = score_range(picture.scores)
    centre = picture.poses[:, :3, 3] if len(picture.poses) else picture.focus
    shape = float(np.clip(picture.camera.height / picture.camera.width, 0.55, 0.9))
    side, T_world_side = side_view(centre, picture.T_world_camera, (_SIDE_WIDTH, round(_SIDE_WIDTH * shape)))
    figure = Figure(figsize=(_WIDTH_IN, _HEADER_IN + 0.455 * _WIDTH_IN * shape), dpi=110, facecolor="white")
    left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.0))
    draw_on_image(left, picture, norm, gripper)
    right.imshow(render_scene(picture, side, T_world_side, norm, gripper), interpolation="lanczos")
    left.set_title("from the camera", fontsize=11, color="0.35")
    right.set_title("the cloud, from the side", fontsize=11, color="0.35")
    for axes in (left, right):
        axes.set_axis_off()
        axes.set_anchor("N")
    height_in = float(figure.get_figheight())
    figure.suptitle(title, fontsize=14, fontweight="bold", y=1.0 - 0.12 / height_in, va="top")
    figure.subplots_adjust(left=0.01, right=0.925, top=1.0 - (_HEADER_IN - 0.1) / height_in, bottom=0.1 / height_in)
    figure.subplots_adjust(wspace=0.02)
    if len(picture.scores):
        bar = figure.colorbar(ScalarMappable(norm, grasp_colormap()), cax=figure.add_axes((0.94, 0.12, 0.012, 0.68)))
        bar.set_label("score", fontsize=11)
    return figure


def score_range(scores: FloatArray) -> Normalize:
    """Colour range of the scores, at least 0.2 wide, lest equally good grasps look different."""
    if not len(scores):
        return Normalize(0.0, 1.0)
    low, high = float(scores.min()), float(scores.max())
    return Normalize(min(low, high - _LEAST_SPAN), high)


def draw_on_image(axes: Axes, picture: GraspPicture, norm: Normalize, gripper: GripperSpec = PANDA_HAND) -> Axes:
    """The image, zoomed to its objects, with the grippers projected into it, the best on top."""
    axes.imshow(picture.image, interpolation="lanczos")
    T_camera_world = invert(picture.T_world_camera)
    forks = transform_points(T_camera_world, gripper_fork(picture.poses, picture.widths_m, gripper))
    pixels = picture.camera.project(forks)
    for i in reversed(range(len(pixels))):
        best = i == 0
        lines = LineCollection(
            pixels[i].tolist(),
            colors=[grasp_colormap()(norm(picture.scores[i]))],
            linewidths=3.6 if best else 2.2,
            capstyle="round",
            path_effects=[patheffects.Stroke(linewidth=5.8 if best else 3.6, foreground="white" if best else "#222222")]
            + [patheffects.Normal()],
            zorder=3 + (len(pixels) - i) / max(1, len(pixels)),
        )
        axes.add_collection(lines)
    shown = picture.camera.project(transform_points(T_camera_world, picture.focus))
    shown = shown[np.isfinite(shown).all(axis=1)]
    spread = np.percentile(shown, [2, 98], axis=0) if len(shown) else np.zeros((0, 2))
    _zoom(axes, np.concatenate([spread, pixels.reshape(-1, 2)]), picture.camera)
    return axes


def render_scene(
    picture: GraspPicture, camera: PinholeCamera, T_world_camera: FloatArray, norm: Normalize, gripper: GripperSpec
) -> NDArray[np.uint8]:
    """(H, W, 3) the cloud and solid grippers from any camera; each hides what is behind it."""
    forks = gripper_fork(picture.poses, picture.widths_m, gripper)
    points, colors, sizes = [picture.points], [picture.point_colors], [picture.point_sizes_m]
    for fork, score in zip(forks, picture.scores, strict=True):
        tube, normals = fork_tubes(fork)
        light = 0.55 + 0.45 * np.clip(normals @ (_LIGHT / np.linalg.norm(_LIGHT)), 0.0, 1.0)
        rgb = 255.0 * np.array(grasp_colormap()(norm(score))[:3])
        points.append(tube.reshape(-1, 3))
        colors.append((light.reshape(-1, 1) * rgb).astype(np.uint8))
        sizes.append(np.full(tube.shape[0] * tube.shape[1], 0.0012))
    return render_points(
        np.concatenate(points),
        np.concatenate(colors),
        np.concatenate(sizes),
        camera,
        T_world_camera,
        background=_BACKDROP,
    )


def side_view(focus: FloatArray, T_world_camera: FloatArray, size: tuple[int, int]) -> tuple[PinholeCamera, FloatArray]:
    """A camera that looks at the focus from higher up and to the side of where it was seen from."""
    width, height = size
    camera = PinholeCamera(width=width, height=height, fx=1.6 * width, fy=1.6 * width, cx=width / 2, cy=height / 2)
    low, high = np.percentile(focus, [2, 98], axis=0) if len(focus) else (np.zeros(3), np.ones(3) * 0.2)
    target = 0.5 * (low + high)
    back = T_world_camera[:3, 3] - target
    azimuth = np.arctan2(back[1], back[0]) + _ORBIT_RAD
    elevation = max(_ELEVATION_RAD, 0.75 * np.arctan2(back[2], np.hypot(back[0], back[1])))
    direction = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    radius = 0.5 * float(np.linalg.norm(high - low)) + _SURROUNDINGS_M
    return camera, look_at(target + direction * radius * 1.6 * width / (0.5 * height), target)


def _zoom(axes: Axes, pixels: FloatArray, camera: PinholeCamera) -> None:
    """Show the part of the image that holds the pixels, with a margin, in the image's own proportions."""
    width, height = camera.width, camera.height
    inside = pixels[np.isfinite(pixels).all(axis=1)]
    if not len(inside):
        return
    low, high = (np.clip(bound(inside, axis=0), 0, (width, height)) for bound in (np.min, np.max))
    share = float(np.clip(1.1 * max((high - low) / (width, height)), 0.4, 1.0))
    centre = np.clip(
        0.5 * (low + high), 0.5 * share * np.array((width, height)), (1 - 0.5 * share) * np.array((width, height))
    )
    axes.set_xlim(centre[0] - 0.5 * share * width - 0.5, centre[0] + 0.5 * share * width - 0.5)
    axes.set_ylim(centre[1] + 0.5 * share * height - 0.5, centre[1] - 0.5 * share * height - 0.5)
