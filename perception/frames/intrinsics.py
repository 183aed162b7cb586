"""Camera intrinsics from a JSON file or a ROS CameraInfo in YAML.

ROS writes CameraInfo in two layouts: `camera_calibration` saves `image_width`, `camera_matrix: {data: [...]}`,
and `ros2 topic echo` prints `width`, `k: [...]` followed by `---`. Both are read, and so are the plain fields
fx, fy, cx, cy under any of the usual names for width and height.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from geometry import InputError, PinholeCamera

_WIDTH = ("width", "image_width", "xres", "w")
_HEIGHT = ("height", "image_height", "yres", "h")
_DEPTH_SCALE = ("depth_scale", "factor_depth", "scale")
_REMEDY = "write width, height, fx, fy, cx, cy as JSON or YAML, or save the topic camera_info"


class Intrinsics(NamedTuple):
    """What an intrinsics file says."""

    camera: PinholeCamera
    depth_scale: float | None
    """Depth units per metre, where the file names it (`depth_scale`, `factor_depth` or `scale`)."""


def read_intrinsics(path: str | Path) -> Intrinsics:
    """Read a pinhole camera from JSON (`.json`) or YAML (any other suffix).

    Raises:
        InputError: if the file is missing, cannot be parsed, or lacks a field.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        fields = json.loads(text) if path.suffix.lower() == ".json" else next(yaml.safe_load_all(text), None)
    except OSError as error:
        raise InputError(str(path), expected="a readable intrinsics file", got=error.strerror or str(error)) from None
    except (ValueError, yaml.YAMLError) as error:
        first_line = str(error).splitlines()[0]
        raise InputError(str(path), expected="JSON or YAML text", got=first_line, remedy=_REMEDY) from None
    if not isinstance(fields, Mapping):
        raise InputError(
            str(path),
            expected="a mapping of intrinsics",
            got=type(fields).__name__ if fields else "an empty file",
            remedy=_REMEDY,
        )
    fields = {str(key).lower(): value for key, value in fields.items()}
    camera = PinholeCamera.from_mapping(_with_size(fields), where=str(path))
    return Intrinsics(camera, _depth_scale(fields, path))


def _with_size(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with the image size under the names that `PinholeCamera.from_mapping` knows."""
    size = {
        name: next((fields[key] for key in keys if key in fields), None)
        for name, keys in (("width", _WIDTH), ("height", _HEIGHT))
    }
    return {**fields, **{name: value for name, value in size.items() if value is not None}}


def _depth_scale(fields: Mapping[str, Any], path: Path) -> float | None:
    value = next((fields[key] for key in _DEPTH_SCALE if key in fields), None)
    if value is None:
        return None
    if isinstance(value, (int, float)) and 0.0 < value < 1e9:
        return float(value)
    raise InputError(str(path), expected="a depth scale above 0, in units per metre", got=f"{value}")
