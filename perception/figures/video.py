"""Videos that play everywhere: H.264 in yuv420p, by imageio and its own ffmpeg."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import imageio
import numpy as np
from numpy.typing import NDArray

from geometry import InputError
from perception.figures.output_file import output_file


class VideoWriter:
    """Write frames to an `.mp4` that appears when the block ends well, and not at all otherwise.

    Odd sizes are made even by repeating the last row or column, since yuv420p asks for it.

        with VideoWriter("run.mp4", rate_hz=30) as video:
            video.add(rgb)

    Args:
        path: `.mp4`.
        rate_hz: frames a second.
        quality: 0 (smallest) to 10 (best).
    """

    def __init__(self, path: str | Path, *, rate_hz: float = 30.0, quality: float = 7.0) -> None:
        if Path(path).suffix.lower() != ".mp4":
            raise InputError("VideoWriter: path", expected="a file name that ends in .mp4", got=str(path))
        if not 0.0 < rate_hz <= 1000.0:
            raise InputError("VideoWriter: rate_hz", expected="0 < rate_hz <= 1000", got=f"{rate_hz}")
        self.path = Path(path)
        self.frames = 0
        self._settings: dict[str, Any] = {"fps": rate_hz, "quality": quality}
        self._shape: tuple[int, ...] = ()
        self._open = ExitStack()

    def __enter__(self) -> VideoWriter:
        draft = self._open.enter_context(output_file(self.path))
        self._sink: Any = imageio.get_writer(
            draft,
            format="FFMPEG",
            codec="libx264",
            pixelformat="yuv420p",
            macro_block_size=2,
            ffmpeg_log_level="error",
            **self._settings,
        )
        return self

    def add(self, rgb: NDArray[np.uint8]) -> None:
        """Append one frame of (H, W, 3) uint8; every frame has the size of the first."""
        image = np.asarray(rgb)
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise InputError(
                "VideoWriter.add: rgb", expected="an (H, W, 3) uint8 image", got=f"{image.shape} {image.dtype}"
            )
        if self._shape not in ((), image.shape):
            raise InputError(
                "VideoWriter.add: rgb", expected=f"the first frame's shape {self._shape}", got=f"{image.shape}"
            )
        self._shape = image.shape
        height, width = image.shape[:2]
        self._sink.append_data(np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge"))
        self.frames += 1

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sink.close()
        if kind is None and self.frames == 0:
            kind = InputError
            value = InputError(str(self.path), expected="at least one frame before the video ends", got="none")
            self._open.__exit__(kind, value, None)
            raise value
        self._open.__exit__(kind, value, trace)
