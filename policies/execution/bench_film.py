"""A film of the robot at the workbench, with a line about what it does."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from envs.cameras import Lighting, RaycastCamera
from envs.workbench import Workbench
from geometry import PinholeCamera, look_at
from perception.figures import VideoWriter

_SIZE = (960, 540)
_CAMERA = PinholeCamera(width=_SIZE[0], height=_SIZE[1], fx=820.0, fy=820.0, cx=480.0, cy=270.0)
_T_WORLD_CAMERA = look_at((1.35, -0.75, 0.80), (0.38, 0.0, 0.16))
_INK = (38, 44, 54)
_EDGE = 14


class BenchFilm:
    """Films a bench while time passes there, and writes an MP4 when the block ends well.

        with BenchFilm(bench, path) as film:
            execute(program, bench, rng=rng)

    Args:
        bench: what to film.
        path: `.mp4`.
        interval_s: simulated time between frames.
        rate_hz: frames a second in the film.
    """

    def __init__(self, bench: Workbench, path: Path, *, interval_s: float = 0.1, rate_hz: float = 20.0) -> None:
        self.bench, self.caption = bench, ""
        self.frames: list[NDArray[np.uint8]] = []
        """Every tenth picture, for a contact sheet."""
        self._video = VideoWriter(path, rate_hz=rate_hz)
        self._every = max(1, round(interval_s / bench.world.timestep_s))
        self._shots = 0
        lighting = Lighting(shadow_rays=2)
        self._camera = RaycastCamera(bench.world, _CAMERA, far_m=10.0, lighting=lighting, threads=0)

    def __enter__(self) -> BenchFilm:
        self._video.__enter__()
        self.bench.on_step = self._on_step
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bench.on_step = None
        self._video.__exit__(kind, value, trace)

    def _on_step(self) -> None:
        if self.bench.world.steps % self._every:
            return
        picture = self._shot()
        self._video.add(picture)
        if self._shots % 10 == 0:
            self.frames.append(picture)
        self._shots += 1

    def _shot(self) -> NDArray[np.uint8]:
        rgb = self._camera.render(_T_WORLD_CAMERA, color=True, normals=False).rgb
        assert rgb is not None
        image = Image.fromarray(rgb)
        draw = ImageDraw.Draw(image)
        draw.text((_EDGE, _EDGE), self.caption, fill=_INK, font=ImageFont.load_default(22))
        time = f"{self.bench.world.time_s:5.1f} s"
        draw.text((_SIZE[0] - 90, _EDGE), time, fill=_INK, font=ImageFont.load_default(18))
        return np.asarray(image)
