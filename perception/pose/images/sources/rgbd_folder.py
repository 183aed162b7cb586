"""Colour and depth images of a folder, with the camera's intrinsics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from geometry import InputError, PinholeCamera
from perception.pose.images.sources.image_folder import IMAGE_SUFFIXES, image_files
from perception.pose.images.sources.image_source import ImageFrame

COLOR_FOLDERS, DEPTH_FOLDERS = ("color", "colour", "rgb"), ("depth",)
INTRINSICS_FILES = ("intrinsics.json", "intrinsics.yaml", "camera_info.yaml", "camera_info.json", "camera.json")
_DEPTH_SUFFIXES = (".png", ".tif", ".tiff", ".npy", ".npz", ".exr")
_REMEDY = f"lay them out as {COLOR_FOLDERS[0]}/, {DEPTH_FOLDERS[0]}/ and {INTRINSICS_FILES[0]}"


class RGBDFolder:
    """A recording of a depth camera: `color/`, `depth/` and `intrinsics.json`.

    Colour and depth go together in the order of their names. Depth must be registered to colour: of the same size,
    seen through the colour camera, whose intrinsics the file holds.

    Args:
        path: folder with the two folders and the file.
        rate_hz: images a second.
        depth_scale: units per metre of integer depth; None: as the intrinsics file says, or millimetres.

    Raises:
        InputError: if something is missing, or there are more images of one kind than of the other.
    """

    continuous = True

    def __init__(self, path: str | Path, *, rate_hz: float = 30.0, depth_scale: float | None = None) -> None:
        from perception.frames import read_intrinsics  # here, for its package brings in point clouds

        if not 0.0 < rate_hz < 1e5:
            raise InputError("RGBDFolder", expected="rate_hz above 0", got=f"{rate_hz}")
        folder = Path(path)
        self.color_files = image_files(_first(folder, COLOR_FOLDERS), IMAGE_SUFFIXES)
        self.depth_files = image_files(_first(folder, DEPTH_FOLDERS), _DEPTH_SUFFIXES)
        if len(self.color_files) != len(self.depth_files):
            raise InputError(
                str(folder),
                expected="as many depth images as colour images",
                got=f"{len(self.depth_files)} and {len(self.color_files)}",
            )
        camera, file_scale = read_intrinsics(_first(folder, INTRINSICS_FILES))
        self.camera: PinholeCamera = camera
        self.rate_hz = rate_hz
        self._depth_scale = file_scale if depth_scale is None else depth_scale

    def __iter__(self) -> Iterator[ImageFrame]:
        """Images with their depth from the first on."""
        from perception.frames import read_color, read_depth

        for number, (color, depth) in enumerate(zip(self.color_files, self.depth_files, strict=True)):
            rgb, depth_m = read_color(color), read_depth(depth, depth_scale=self._depth_scale).depth_m
            self.camera.check_image(str(color), rgb[:, :, 0])
            yield ImageFrame(time_s=number / self.rate_hz, rgb=rgb, depth_m=depth_m)

    def close(self) -> None:
        """Nothing is held."""


def _first(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise InputError(str(folder), expected=f"{' or '.join(names)} in it", got="nothing of that name", remedy=_REMEDY)
