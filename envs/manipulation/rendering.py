"""Pictures of a task for people: rgb_array and a window. Images for policies are observations instead."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from envs.cameras import Lighting, RaycastCamera
from envs.manipulation.tabletop import Tabletop
from envs.manipulation.task import Task
from geometry import FloatArray, PinholeCamera, invert, look_at, transform_points

_CAMERA = PinholeCamera(width=480, height=360, fx=480.0, fy=480.0, cx=240.0, cy=180.0)
_T_WORLD_CAMERA = look_at((1.0, 0.75, 0.75), (-0.08, 0.0, 0.12))
_GOAL_RADIUS_M = 0.025
_GOAL_RGB = (60, 170, 75)
_FINER = 2
"""The marker is drawn this much finer, for smooth lines."""


class Renderer:
    """Draws one environment.

    Args:
        rate_hz: pictures a second in a window.
    """

    def __init__(self, rate_hz: float) -> None:
        self._period_s = 1.0 / rate_hz
        self._cameras: dict[int, RaycastCamera] = {}
        self._window: Any = None

    def picture(self, scene: Tabletop, task: Task) -> NDArray[np.uint8]:
        """(360, 480, 3) the scene as it stands, with a wire sphere at each place that the goal names."""
        camera = self._cameras.get(id(scene))
        if camera is None:
            camera = RaycastCamera(scene.world, _CAMERA, far_m=10.0, lighting=Lighting(shadow_rays=2), threads=0)
            self._cameras = {id(scene): camera}
        rgb = camera.render(_T_WORLD_CAMERA, color=True, normals=False).rgb
        assert rgb is not None
        return _with_goal(rgb, task)

    def show(self, picture: NDArray[np.uint8]) -> None:
        """Show a picture in Matplotlib's window; without a display nothing is seen, and the log says so once."""
        from matplotlib import pyplot

        if self._window is None:
            figure = pyplot.figure("graspmimic", figsize=(6.4, 4.8))
            self._window = figure.add_axes((0.0, 0.0, 1.0, 1.0)).imshow(picture)
            self._window.axes.set_axis_off()
            if pyplot.get_backend().lower() == "agg":
                logging.getLogger(__name__).warning("render_mode='human' finds no display; nothing will be seen")
        self._window.set_data(picture)
        if pyplot.get_backend().lower() != "agg":
            pyplot.pause(self._period_s)

    def close(self) -> None:
        """Close the window if there is one."""
        self._cameras.clear()
        if self._window is not None:
            from matplotlib import pyplot

            pyplot.close(self._window.figure)
            self._window = None


def _with_goal(rgb: NDArray[np.uint8], task: Task) -> NDArray[np.uint8]:
    """A picture with the goal's places; what stands in front does not hide them."""
    positions = task.goal[: len(task.goal) // 3 * 3]  # what is no position stands last
    places = positions.reshape(-1, 3).astype(np.float64)
    if not len(places):
        return rgb
    picture = Image.fromarray(rgb).convert("RGBA")
    sheet = Image.new("RGBA", (_FINER * picture.width, _FINER * picture.height))
    pen = ImageDraw.Draw(sheet)
    for i, place in enumerate(places):
        of_prop = task.props[i].rgba if len(places) == len(task.props) > 1 else None
        color = _GOAL_RGB if of_prop is None else tuple(round(255 * c) for c in of_prop[:3])
        pen.polygon(_outline(place), fill=(*color, 70))
        for ring in _rings(place):
            pen.line(_on_picture(ring), fill=(*color, 255), width=_FINER)
        pen.line(_on_picture(np.array([place, [place[0], place[1], 0.0]])), fill=(*color, 120), width=_FINER)
    picture.alpha_composite(sheet.resize(picture.size, Image.Resampling.BOX))
    return np.array(picture.convert("RGB"))


def _rings(place: FloatArray) -> list[FloatArray]:
    """Three great circles (n, 3) of the sphere at a place."""
    angle = np.linspace(0.0, 2.0 * np.pi, 33)
    c, s, o = np.cos(angle), np.sin(angle), np.zeros(33)
    return [place + _GOAL_RADIUS_M * np.stack(axes, axis=-1) for axes in ((c, s, o), (c, o, s), (o, c, s))]


def _outline(place: FloatArray) -> list[tuple[float, float]]:
    """The circle (n) that the sphere fills in the picture."""
    angle = np.linspace(0.0, 2.0 * np.pi, 33)
    right, down = _T_WORLD_CAMERA[:3, 0], _T_WORLD_CAMERA[:3, 1]
    return _on_picture(place + _GOAL_RADIUS_M * (np.outer(np.cos(angle), right) + np.outer(np.sin(angle), down)))


def _on_picture(points_world: FloatArray) -> list[tuple[float, float]]:
    """Pixels (n) of the finer sheet where world points (n, 3) stand."""
    pixels = _CAMERA.project(transform_points(invert(_T_WORLD_CAMERA), points_world))
    return [(_FINER * (float(u) + 0.5), _FINER * (float(v) + 0.5)) for u, v in pixels]
