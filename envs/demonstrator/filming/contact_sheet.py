"""A picture of demonstrations: one row for each, with a few moments from its beginning to its end."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from envs.cameras import Lighting
from envs.demonstrator.demonstration import Demonstration, ShownSegment
from envs.demonstrator.filming.film import FILM_CAMERA, DemonstrationFilm

_HEAD_PX, _GAP_PX, _INK, _PAPER = 22, 4, (40, 40, 40), 255
_FONT_PX = 14
_TELLING = ("grasp", "place", "push", "pour", "hand_over")


def contact_sheet(
    demonstrations: Mapping[str, Demonstration], *, columns: int = 6, width_px: int = 240
) -> NDArray[np.uint8]:
    """Draw demonstrations.

    Args:
        demonstrations: by their titles.
        columns: moments of each: its beginning, the middles of its steps or some of them, its end.
        width_px: columns of pixels of one image.

    Returns:
        (H, W, 3) the picture.
    """
    rows = [_row(title, shown, columns, width_px) for title, shown in demonstrations.items()]
    return np.concatenate(rows)


def moments(demonstration: Demonstration, columns: int) -> list[tuple[int, str]]:
    """Frames that tell the most, and what happens in them: ends of grasps and the middles of motions."""
    last = len(demonstration.time_s) - 1
    telling = [step for step in demonstration.segments if step.kind in _TELLING]
    carries = [step for step in demonstration.segments if step.kind == "carry"]
    steps = sorted([*telling, *carries[: max(columns - 2 - len(telling), 0)]], key=lambda step: step.start_s)
    found = [(int(np.searchsorted(demonstration.time_s, _moment_s(step))), step.kind) for step in steps]
    if not found:
        found = [(last // 2, "")]
    picked = np.unique(np.round(np.linspace(0, len(found) - 1, columns - 2)).astype(int))
    return [(0, "start"), *(found[number] for number in picked), (last, "end")]


def _moment_s(step: ShownSegment) -> float:
    """When a step is best seen: what ends with a touch at its end, what is a motion in its middle."""
    return step.end_s if step.kind in ("grasp", "place") else 0.5 * (step.start_s + step.end_s)


def _row(title: str, demonstration: Demonstration, columns: int, width_px: int) -> NDArray[np.uint8]:
    camera = FILM_CAMERA.scaled(width_px / FILM_CAMERA.width)
    lighting = Lighting(supersample=2, shadow_rays=2)
    film = DemonstrationFilm(demonstration, np.random.default_rng(0), camera=camera, lighting=lighting)
    chosen = moments(demonstration, columns)
    height, pitch = camera.height, camera.width + _GAP_PX
    sheet = Image.new("RGB", (columns * pitch - _GAP_PX, _HEAD_PX + height + _GAP_PX), (_PAPER,) * 3)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT_PX)
    pen.text((2, 2), title, fill=_INK, font=font)
    for column, (shot, (row, kind)) in enumerate(zip(film.shots([row for row, _ in chosen]), chosen, strict=True)):
        assert shot.rgb is not None
        sheet.paste(Image.fromarray(shot.rgb), (column * pitch, _HEAD_PX))
        at = (column * pitch + 6, _HEAD_PX + height - _FONT_PX - 8)
        pen.text(at, f"{demonstration.time_s[row]:.1f} s  {kind.replace('_', ' ')}", fill=_INK, font=font)
    return np.asarray(sheet)
