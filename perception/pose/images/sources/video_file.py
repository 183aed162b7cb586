"""Images of a video file, by imageio's own ffmpeg."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imageio
import numpy as np

from geometry import InputError, PinholeCamera
from perception.pose.images.sources.image_source import ImageFrame

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".gif")
"""File names that are taken for videos."""


class VideoFile:
    """A video, image by image.

    Image n is at n / rate_hz seconds: a video of changing rate plays at its mean one. A file that was cut off plays
    as far as it can be read.

    Args:
        path: anything that ffmpeg reads.
        camera: intrinsics of the camera that took it, where they are known.

    Raises:
        InputError: if the file is missing or holds no image that can be read.
    """

    continuous = True

    def __init__(self, path: str | Path, *, camera: PinholeCamera | None = None) -> None:
        self.path, self.camera = Path(path), camera
        with _opened(self.path) as reader:
            rate = float(reader.get_meta_data().get("fps") or 0.0)
            if not 0.0 < rate < 1e5 or next(_images(reader), None) is None:
                raise InputError(str(path), expected="a video of at least one image", got="none that can be read")
        self.rate_hz = rate

    def __iter__(self) -> Iterator[ImageFrame]:
        """Images from the first on."""
        with _opened(self.path) as reader:
            for number, rgb in enumerate(_images(reader)):
                yield ImageFrame(time_s=number / self.rate_hz, rgb=rgb)

    def close(self) -> None:
        """Nothing is held between two passes."""


def _opened(path: Path) -> Any:
    if not path.is_file():
        raise InputError(str(path), expected="a video file", got="a folder" if path.is_dir() else "no such file")
    try:
        return imageio.get_reader(path, format="FFMPEG", mode="I")
    except (OSError, RuntimeError, ValueError, IndexError) as error:
        raise InputError(
            str(path), expected="a video that ffmpeg can read", got=(str(error).strip().splitlines() or ["nothing"])[-1]
        ) from None


def _images(reader: Any) -> Iterator[np.ndarray[Any, np.dtype[np.uint8]]]:
    """(H, W, 3) images until the end, or until the first that is damaged."""
    while True:
        try:
            rgb = np.asarray(reader.get_next_data(), dtype=np.uint8)
        except (IndexError, StopIteration, OSError, RuntimeError):
            return
        yield np.ascontiguousarray(rgb[..., :3])
