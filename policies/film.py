"""A film of a robot cell at work: the room, what the depth camera saw, and what is being done."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from envs.cameras import Lighting, RaycastCamera
from envs.cell import RobotCell
from geometry import PinholeCamera, look_at
from perception.figures import GraspPicture, VideoWriter, draw_on_image, score_range

_SIZE = (960, 540)
_CAMERA = PinholeCamera(width=_SIZE[0], height=_SIZE[1], fx=920.0, fy=920.0, cx=_SIZE[0] / 2, cy=_SIZE[1] / 2)
_T_WORLD_CAMERA = look_at((1.60, -0.30, 0.85), (-0.02, 0.16, 0.36))
_INSET = (300, 225)
_EDGE = 14
_INK, _PAPER = (38, 44, 54), (255, 255, 255)
_HOLD_FRAMES = 10

Rgb = NDArray[np.uint8]


class Film:
    """Films a cell while its world is stepped, and writes an MP4 when the block ends well.

        with Film(cell, "demo.mp4") as film:
            clear_table(cell, planner)

    Args:
        cell: what to film.
        path: `.mp4`.
        interval_s: simulated time between frames.
        rate_hz: frames a second in the film; with `interval_s` this sets how much faster than life it runs.
    """

    def __init__(self, cell: RobotCell, path: Path, *, interval_s: float = 0.25, rate_hz: float = 16.0) -> None:
        self.cell = cell
        self.caption = ""
        """One line about what is being done, drawn into the frames to come."""
        self._video = VideoWriter(path, rate_hz=rate_hz)
        self._every = max(1, round(interval_s / cell.world.timestep_s))
        self._speed = interval_s * rate_hz
        lighting = Lighting(shadow_rays=2)
        self._camera = RaycastCamera(cell.world, _CAMERA, far_m=10.0, lighting=lighting, threads=0)
        self._inset: Rgb | None = None
        self._still: Rgb | None = None  # the last frame, without caption

    def __enter__(self) -> Film:
        self._video.__enter__()
        self.cell.world.on_step = self._on_step
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cell.world.on_step = None
        if kind is None:
            self._hold()
        self._video.__exit__(kind, value, trace)

    def show_look(self, picture: GraspPicture) -> None:
        """Show in the corner what the camera saw and the grasps in it, and rest on it for a moment."""
        self._inset = render_look(picture, _INSET)
        self._hold()

    def _on_step(self) -> None:
        if self.cell.world.steps % self._every == 0:
            self._shoot()
            self._video.add(self._composed())

    def _shoot(self) -> None:
        self._still = self._camera.render(_T_WORLD_CAMERA, color=True, normals=False).rgb

    def _hold(self) -> None:
        self._shoot()
        frame = self._composed()
        for _ in range(_HOLD_FRAMES):
            self._video.add(frame)

    def _composed(self) -> Rgb:
        assert self._still is not None
        image = Image.fromarray(self._still)
        draw = ImageDraw.Draw(image)
        if self._inset is not None:
            x, y = _EDGE, _SIZE[1] - _INSET[1] - _EDGE
            draw.rectangle((x - 3, y - 3, x + _INSET[0] + 2, y + _INSET[1] + 2), fill=_PAPER)
            image.paste(Image.fromarray(self._inset), (x, y))
            draw.text((x, y - 24), "depth camera, best grasps", fill=_INK, font=ImageFont.load_default(15))
        draw.text((_EDGE, _EDGE), self.caption, fill=_INK, font=ImageFont.load_default(22))
        note = f"{self.cell.world.time_s:5.1f} s   {self._speed:.0f}x"
        draw.text((_SIZE[0] - 130, _EDGE + 4), note, fill=_INK, font=ImageFont.load_default(15))
        return np.asarray(image)


def render_look(picture: GraspPicture, size: tuple[int, int]) -> Rgb:
    """(height, width, 3) picture of what the camera saw, with its grasps, in the given size."""
    figure = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    draw_on_image(axes, picture, score_range(picture.scores))
    axes.set_axis_off()
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]
