"""Pictures of a task for people: rgb_array and a window. Images for policies are observations instead."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.cameras import Lighting, RaycastCamera
from envs.manipulation.tabletop import Tabletop
from envs.manipulation.task import Task
from geometry import PinholeCamera, look_at

_CAMERA = PinholeCamera(width=480, height=360, fx=480.0, fy=480.0, cx=240.0, cy=180.0)
_T_WORLD_CAMERA = look_at((1.0, 0.75, 0.75), (-0.08, 0.0, 0.12))


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
        """(360, 480, 3) the scene as it stands."""
        camera = self._cameras.get(id(scene))
        if camera is None:
            camera = RaycastCamera(scene.world, _CAMERA, far_m=10.0, lighting=Lighting(shadow_rays=2), threads=0)
            self._cameras = {id(scene): camera}
        rgb = camera.render(_T_WORLD_CAMERA, color=True, normals=False).rgb
        assert rgb is not None
        return rgb

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
