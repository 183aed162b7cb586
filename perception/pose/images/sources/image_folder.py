"""Images of a folder in order of their names, or a single photograph."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from geometry import InputError, PinholeCamera
from perception.pose.images.sources.image_source import ImageFrame

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm")
"""File names that are taken for images."""


class ImageFolder:
    """The images of a folder, 2 before 10, or one image file.

    Args:
        path: a folder, or an image.
        rate_hz: images a second where they are a film; None: photographs that have nothing to do with each other,
            one a second.
        camera: intrinsics of the camera that took them, where they are known.

    Raises:
        InputError: if there is no image, or the rate is not above 0.
    """

    def __init__(self, path: str | Path, *, rate_hz: float | None = None, camera: PinholeCamera | None = None) -> None:
        if rate_hz is not None and not 0.0 < rate_hz < 1e5:
            raise InputError("ImageFolder", expected="rate_hz above 0, or none", got=f"{rate_hz}")
        self.files, self.rate_hz, self.camera = image_files(path), rate_hz, camera

    @property
    def continuous(self) -> bool:
        """Whether the images are a film."""
        return self.rate_hz is not None

    def __iter__(self) -> Iterator[ImageFrame]:
        """Images from the first on."""
        from perception.frames import read_color  # here, for its package brings in point clouds

        for number, file in enumerate(self.files):
            yield ImageFrame(time_s=number / (self.rate_hz or 1.0), rgb=read_color(file))

    def close(self) -> None:
        """Nothing is held."""


def image_files(path: str | Path, suffixes: tuple[str, ...] = IMAGE_SUFFIXES) -> tuple[Path, ...]:
    """The image itself, or the images of a folder with numbers in their names in order.

    Raises:
        InputError: if there is none.
    """
    path = Path(path)
    if path.is_file():
        return (path,)
    if not path.is_dir():
        raise InputError(str(path), expected="an image or a folder of images", got="no such file")
    files = [file for file in path.iterdir() if file.suffix.lower() in suffixes and not file.name.startswith(".")]
    if not files:
        raise InputError(str(path), expected=f"images ({' '.join(suffixes)})", got="a folder without any")
    return tuple(sorted(files, key=_natural))


def _natural(file: Path) -> tuple[tuple[int, int, str], ...]:
    """Sorts frame_2 before frame_10."""
    parts = re.split(r"(\d+)", file.name)
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)
