"""A film of the robot at a workbench."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from envs.cameras import Lighting, RaycastCamera
from envs.workbench import Workbench
from geometry import PinholeCamera, look_at
from perception.figures import VideoWriter

_CAMERA = PinholeCamera(width=640, height=400, fx=640.0, fy=640.0, cx=320.0, cy=200.0)
_T_WORLD_CAMERA = look_at((1.35, -0.75, 0.75), (0.38, 0.02, 0.12))
_HOLD_FRAMES = 12


class BenchFilm:
    """Films a bench while its world is stepped, and writes an MP4 when the block ends well.

        with BenchFilm(bench, "execution.mp4"):
            execute(program, bench, rng=rng)

    Args:
        bench: what to film; its `on_step` is taken for the time of the block.
        path: `.mp4`.
        interval_s: simulated time between frames.
        rate_hz: frames a second in the film; with `interval_s` this sets how much faster than life it runs.
    """

    def __init__(self, bench: Workbench, path: Path, *, interval_s: float = 0.2, rate_hz: float = 15.0) -> None:
        self._bench = bench
        self._video = VideoWriter(path, rate_hz=rate_hz)
        self._every = max(1, round(interval_s / bench.world.timestep_s))
        self._camera = RaycastCamera(bench.world, _CAMERA, far_m=10.0, lighting=Lighting(shadow_rays=2), threads=0)
        self._still: NDArray[np.uint8] | None = None

    def __enter__(self) -> BenchFilm:
        self._video.__enter__()
        self._bench.on_step = self._on_step
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bench.on_step = None
        if kind is None:
            last = self.picture()
            for _ in range(_HOLD_FRAMES):
                self._video.add(last)
        self._video.__exit__(kind, value, trace)

    def picture(self) -> NDArray[np.uint8]:
        """(400, 640, 3) the bench as it stands."""
        rgb = self._camera.render(_T_WORLD_CAMERA, color=True, normals=False).rgb
        assert rgb is not None
        return rgb

    def _on_step(self) -> None:
        if self._bench.world.steps % self._every == 0:
            self._video.add(self.picture())
