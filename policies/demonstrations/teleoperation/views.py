"""What a person who drives sees of a task: from the front, from the side and from above, fast enough to drive by.

`env.render()` has shadows and smooth shapes and takes a tenth of a second; these take some milliseconds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from threadpoolctl import threadpool_limits

from envs.cameras import PolicyCamera
from envs.manipulation import ManipulationEnv
from geometry import FloatArray, PinholeCamera, invert, look_at, transform_points

FRONT, SIDE, ABOVE = "front", "side", "above"
_GOAL, _HAND, _INK = (40, 150, 60), (70, 80, 95), (38, 44, 54)
_GOAL_RADIUS_M = 0.02
_FAR_M = 6.0


class _View(NamedTuple):
    camera: PinholeCamera
    T_world_camera: FloatArray


def _camera(width: int, height: int, focal: float) -> PinholeCamera:
    return PinholeCamera(width=width, height=height, fx=focal, fy=focal, cx=width / 2, cy=height / 2)


_VIEWS = {
    FRONT: _View(_camera(640, 480, 640.0), look_at((0.95, 0.0, 0.62), (-0.05, 0.0, 0.10))),
    SIDE: _View(_camera(320, 240, 290.0), look_at((-0.05, -1.05, 0.30), (-0.05, 0.0, 0.13))),
    ABOVE: _View(_camera(320, 240, 250.0), look_at((-0.04, 0.0, 1.05), (-0.04, 0.0, 0.0), up=(-1.0, 0.0, 0.0))),
}
"""From the front world +y is right and -x is away; from above -x is upwards, too."""


class TaskViews:
    """Pictures of an environment's scene, with rings where the goal is, and a plumb line from the fingertips.

    Args:
        env: unwrapped.
    """

    def __init__(self, env: ManipulationEnv) -> None:
        self._env = env
        self._cameras: dict[str, PolicyCamera] = {}
        self._world: object = None

    def draw(self) -> dict[str, NDArray[np.uint8]]:
        """(H, W, 3) by view: 480 x 640 from the front, 240 x 320 from the side and from above."""
        world = self._env.scene.world
        if world is not self._world:  # another world than before
            self._cameras = {name: PolicyCamera(world, view.camera, far_m=_FAR_M) for name, view in _VIEWS.items()}
            self._world = world
        with threadpool_limits(1):  # the products are small: threads cost ten times what they bring
            frames = {
                name: self._cameras[name].render(view.T_world_camera, color=True) for name, view in _VIEWS.items()
            }
        return {name: self._marked(name, frame.rgb) for name, frame in frames.items() if frame.rgb is not None}

    def _marked(self, name: str, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        image = Image.fromarray(rgb)
        pen, view = ImageDraw.Draw(image), _VIEWS[name]
        hand = np.array(self._env.scene.arm.state.position)
        pen.line([*_pixels(view, np.array([hand, [*hand[:2], 0.0]]))], fill=_HAND, width=1)
        for goal in np.asarray(self._env.task.goal, dtype=np.float64).reshape(-1, 3):
            middle, edge = _pixels(view, np.array([goal, goal + _GOAL_RADIUS_M * view.T_world_camera[:3, 0]]))
            radius = max(abs(edge[0] - middle[0]), 3.0)
            pen.circle(middle, radius, outline=_GOAL, width=2)
            pen.line([middle, _pixels(view, np.array([[*goal[:2], 0.0]]))[0]], fill=_GOAL, width=1)
        pen.text((8, 6), name, fill=_INK)
        return np.asarray(image)


def _pixels(view: _View, points_world: FloatArray) -> list[tuple[float, float]]:
    pixels = view.camera.project(transform_points(invert(view.T_world_camera), points_world))
    return [(float(u), float(v)) for u, v in pixels]
