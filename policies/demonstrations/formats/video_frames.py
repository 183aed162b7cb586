"""Pictures of one episode out of a film that may hold many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imageio
import numpy as np
from numpy.typing import NDArray

from geometry import InputError


def video_frames(path: Path, from_s: float, count: int, rate_hz: float) -> NDArray[np.uint8]:
    """(count, H, W, 3) decoded frames.

    Args:
        path: MP4.
        from_s: time of the first within the film.
        count: how many.
        rate_hz: frames a second, which must be the film's own.

    Raises:
        InputError: if the film is missing, damaged, of another rate, or too short.
    """
    first = round(from_s * rate_hz)
    try:
        reader: Any = imageio.get_reader(path, format="FFMPEG")
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}", expected="a film", got=str(error).splitlines()[0]) from None
    frames: list[NDArray[np.uint8]] = []
    try:
        film_hz = float(reader.get_meta_data()["fps"])
        if abs(film_hz - rate_hz) > 0.01 * rate_hz:
            raise InputError(f"{path}", expected=f"{rate_hz:g} frames a second", got=f"{film_hz:g}")
        reader.set_image_index(first)
        for _ in range(count):
            frames.append(np.asarray(reader.get_next_data()))
    except (IndexError, OSError, RuntimeError, StopIteration):
        got = f"{len(frames)} of them"
        raise InputError(f"{path}", expected=f"{count} frames from number {first}", got=got) from None
    finally:
        reader.close()
    return np.stack(frames)
