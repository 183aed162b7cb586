"""Images of a camera at this computer, by imageio's own ffmpeg."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import imageio
import numpy as np

from geometry import InputError, PinholeCamera
from perception.pose.images.sources.image_source import ImageFrame

_REMEDY = "plug a camera in, try another number, or name a video file"


class Webcam:
    """A camera, newest image first: images that come while the last is worked on are dropped.

    Times are seconds since the first image, by this computer's clock.

    Args:
        number: of the camera; 0 is the first.
        size_px: columns and rows to ask it for; None: its own choice.
        camera: its intrinsics, where they are known.

    Raises:
        InputError: if there is no such camera.
    """

    continuous = True

    def __init__(
        self, number: int = 0, *, size_px: tuple[int, int] | None = None, camera: PinholeCamera | None = None
    ) -> None:
        if number < 0:
            raise InputError("Webcam", expected="a camera number of 0 or more", got=f"{number}")
        self.camera = camera
        self._start: float | None = None
        self._where = f"camera {number}"
        options: dict[str, Any] = {} if size_px is None else {"size": size_px}
        try:
            self._reader: Any = imageio.get_reader(f"<video{number}>", format="FFMPEG", mode="I", **options)
        except (OSError, RuntimeError, ValueError, IndexError) as error:
            said = (str(error).strip().splitlines() or ["nothing"])[-1]
            raise InputError(self._where, expected="a camera that gives images", got=said, remedy=_REMEDY) from None
        self.rate_hz = float(self._reader.get_meta_data().get("fps") or 0.0) or None

    def __iter__(self) -> Iterator[ImageFrame]:
        """Images as they come, until the camera is closed or taken away."""
        while self._reader is not None:
            try:
                rgb = np.asarray(self._reader.get_next_data(), dtype=np.uint8)
            except (IndexError, StopIteration, OSError, RuntimeError):
                return
            now = time.monotonic()
            self._start = now if self._start is None else self._start
            yield ImageFrame(time_s=now - self._start, rgb=np.ascontiguousarray(rgb[..., :3]))

    def close(self) -> None:
        """Give the camera back."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
