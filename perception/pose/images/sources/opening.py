"""The image source that a name stands for: a video, a camera, a photograph, a folder."""

from __future__ import annotations

from pathlib import Path

from geometry import InputError, PinholeCamera
from perception.pose.images.sources.image_folder import IMAGE_SUFFIXES, ImageFolder
from perception.pose.images.sources.image_source import ImageSource
from perception.pose.images.sources.rgbd_folder import COLOR_FOLDERS, DEPTH_FOLDERS, RGBDFolder
from perception.pose.images.sources.video_file import VIDEO_SUFFIXES, VideoFile
from perception.pose.images.sources.webcam import Webcam


def open_images(name: str | Path, *, rate_hz: float | None = None, camera: PinholeCamera | None = None) -> ImageSource:
    """Open what `name` stands for.

    Args:
        name: "camera" or "camera:1", a video, an image, a folder of images, or a folder with `color/` and `depth/`.
        rate_hz: images a second of a folder that is a film.
        camera: intrinsics where they are known; an RGB-D folder brings its own.

    Raises:
        InputError: if it stands for nothing that can be opened.
    """
    kind, _, number = str(name).partition(":")
    if kind in ("camera", "webcam") and (not number or number.isdigit()):
        return Webcam(int(number or 0), camera=camera)
    path = Path(name)
    if path.is_dir() and all(any((path / n).is_dir() for n in names) for names in (COLOR_FOLDERS, DEPTH_FOLDERS)):
        return RGBDFolder(path, rate_hz=rate_hz or 30.0)
    if path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES:
        return ImageFolder(path, rate_hz=rate_hz, camera=camera)
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return VideoFile(path, camera=camera)
    raise InputError(
        str(name),
        expected=f"a camera (camera:0), a folder, a video ({' '.join(VIDEO_SUFFIXES)}) or an image",
        got=f"the suffix {path.suffix!r}" if path.exists() else "no such file",
    )
